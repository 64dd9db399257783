"""The module that makes reads type-checked: one overload a vault, with its secrets as literals. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

MODULE: Final = "tailor_config_types.py"
_HEAD: Final = '''"""The declared secrets, for type checkers. Written by `tailorsecrets generate`; do not edit."""

from typing import TYPE_CHECKING

from tailorsecrets import SecretManager

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, Never, overload

    from tailorsecrets import ManagerBase

    class Secrets(ManagerBase):
'''
_OVERLOAD: Final = "        @overload"
_BODY: Final = "            raise NotImplementedError\n"
_TAIL: Final = """
else:
    Secrets = SecretManager
"""
_METHODS: Final = (
    ("def get", "secret: {}", "str | None"),
    ("def get_all", "secrets: Sequence[{}]", "list[str | None]"),
    ("async def aget", "secret: {}", "str | None"),
    ("async def aget_all", "secrets: Sequence[{}]", "list[str | None]"),
)


def types_module(names: Mapping[str, Sequence[str]]) -> str:
    """Return the text of the module for *names*, the declared secrets by vault."""
    return _HEAD + "\n".join(line for method in _METHODS for line in _overloads(names, *method)) + _TAIL


def _overloads(names: Mapping[str, Sequence[str]], define: str, parameter: str, result: str) -> list[str]:
    signatures = [
        f"        {define}(self, vault: {_literal([vault])}, {parameter.format(_literal(sorted(secrets)))}) -> {result}:"
        for vault, secrets in sorted(names.items())
    ] or [f"        {define}(self, vault: Never, {parameter.format('Never')}) -> {result}:"]
    if len(signatures) == 1:
        return [*signatures, _BODY]
    whole = f"        {define}(self, vault: str, {parameter.format('str')}) -> {result}:"
    return [line for signature in signatures for line in (_OVERLOAD, f"{signature} ...")] + [whole, _BODY]


def _literal(names: Sequence[str]) -> str:
    return f"Literal[{', '.join(json.dumps(name) for name in names)}]" if names else "Never"
