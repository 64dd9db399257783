"""A new distribution with a store plugin, from the template beside this module; its tests pass unchanged."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tailorsecrets import __version__
from tailorsecrets.errors import AlreadyExists, NameInvalid
from tailorsecrets.targets.plugins import OWN

TEMPLATE: Final = Path(__file__).parent / "template"
_SUFFIX: Final = ".in"  # so that no tool takes the template for a distribution
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_PREFIX: Final = "tailorsecrets-"


def new_plugin(name: str, folder: Path) -> list[Path]:
    """Write the distribution ``tailorsecrets-NAME`` into the new folder *name* in *folder*; return its files.

    Its URL scheme is *name*. Raise NameInvalid for a name that no scheme can have or that is a scheme of ours,
    AlreadyExists where the folder exists.
    """
    scheme = _scheme(name)
    root = folder / name
    try:
        root.mkdir()
    except FileExistsError:
        exists = True
    else:
        exists = False
    if exists:
        raise AlreadyExists(f"{root} exists already; nothing was changed")
    return [_write(path, root, _words(scheme)) for path in _files()]


def _scheme(name: str) -> str:
    scheme = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(scheme):
        hint = "a name has a-z, 0-9 and '-', and begins with a letter"
        raise NameInvalid(f"plugin name {name!r}: not allowed", hint=hint)
    if scheme in OWN:
        raise NameInvalid(f"plugin name {name!r}: tailorsecrets itself opens {scheme}: URLs")
    return scheme


def _words(scheme: str) -> dict[str, str]:
    return {
        "distribution": f"{_PREFIX}{scheme}",
        "module": f"{_PREFIX}{scheme}".replace("-", "_"),
        "scheme": scheme,
        "class": "".join(part.capitalize() for part in scheme.split("-")),
        "version": __version__,
    }


def _files() -> Iterator[Path]:
    return (path for path in sorted(TEMPLATE.rglob(f"*{_SUFFIX}")) if path.is_file())


def _write(path: Path, root: Path, words: dict[str, str]) -> Path:
    parts = path.relative_to(TEMPLATE).with_suffix("").parts
    made = root.joinpath(*(part.replace("dot-", ".").replace("__module__", words["module"]) for part in parts))
    made.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"{{{{{word}}}}}", value)
    made.write_text(text, encoding="utf-8")
    return made
