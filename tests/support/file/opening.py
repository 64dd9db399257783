"""Store files in a folder, and drivers for them."""

from collections.abc import Mapping
from pathlib import Path

from tailorsecrets.driver import Driver, StoreType, Target
from tailorsecrets_file import tailorsecrets_stores

NAME = "secrets.jsonl"


def store_type() -> StoreType:
    """Return the one store type of the plugin."""
    (only,) = tailorsecrets_stores()
    return only


def target_in(
    folder: Path,
    *,
    path: str = NAME,
    create: bool = True,
    timeout: float = 15.0,
    options: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Target:
    """Return the target of a store file in *folder*, whose user keeps their keys there too."""
    return Target(
        url=f"file:{path}",
        scheme="file",
        path=path,
        base=str(folder),
        create=create,
        timeout=timeout,
        options=options or {},
        environ={"XDG_CONFIG_HOME": str(folder / "config"), **(environ or {})},
    )


def opened(folder: Path) -> Driver:
    """Return a driver for a store file in *folder*."""
    return store_type().open(target_in(folder))


def text(driver: Driver, name: str, version: str = "") -> str:
    """Return the value of a secret."""
    return driver.get(name, version).value.reveal()
