"""Distributions of third parties, as pip leaves them."""

from pathlib import Path

from tailorsecrets.targets.plugins import GROUP


def install(folder: Path, name: str, text: str) -> None:
    """Put a distribution with one plugin module into *folder*."""
    (folder / f"{name}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}\n")
