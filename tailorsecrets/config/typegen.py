"""The module that makes reads type-checked: one overload for each vault, with its secrets as literals. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from tailorsecrets.config.loading import TYPES

MODULE: Final = f"{TYPES}.py"
_HEAD: Final = '''"""The declared secrets, for type checkers. Written by `tailorsecrets generate`; do not edit."""

import typing

from tailorsecrets import SecretManager

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from tailorsecrets import ManagerBase, Reading

    class Secrets(ManagerBase):
'''
_OVERLOAD: Final = "        @typing.overload"
_BODY: Final = "            raise NotImplementedError\n"
_TAIL: Final = """
else:
    Secrets = SecretManager
"""
_SYNC: Final = (
    ("get", "secret: {}", "str | None"),
    ("get_all", "secrets: Sequence[{}]", "list[str | None]"),
    ("read", "secret: {}", "Reading"),
    ("recent", "secret: {}, n: int = 2", "list[str]"),
)
_METHODS: Final = tuple(
    (f"{define}{name}", f"{parameter}, *, max_age: float | None = None", result)
    for define in ("def ", "async def a")
    for name, parameter, result in _SYNC
)


def types_module(names: Mapping[str, Sequence[str]]) -> str:
    """Return the text of the module for *names*, the declared secrets by vault."""
    return _HEAD + "\n".join(line for method in _METHODS for line in _overloads(names, *method)) + _TAIL


def _overloads(names: Mapping[str, Sequence[str]], define: str, parameter: str, result: str) -> list[str]:
    def signature(vault: str, secret: str) -> str:
        return f"        {define}(self, vault: {vault}, {parameter.format(secret)}) -> {result}:"

    typed = [signature(_literal([vault]), _literal(sorted(secrets))) for vault, secrets in sorted(names.items())]
    if len(typed) < 2:  # noqa: PLR2004  # one signature is not an overload
        return [*(typed or [signature(_literal([]), _literal([]))]), _BODY]
    return [line for overload in typed for line in (_OVERLOAD, f"{overload} ...")] + [signature("str", "str"), _BODY]


def _literal(names: Sequence[str]) -> str:
    return f"typing.Literal[{', '.join(json.dumps(name) for name in names)}]" if names else "typing.Never"
