"""Distributions of third parties, as pip leaves them."""

from pathlib import Path

from tailorsecrets.targets.installed import GROUP


def install(folder: Path, name: str, text: str, *points: str) -> None:
    """Put a distribution with one plugin module into *folder*; *points* name its entry points (default: *name*)."""
    (folder / f"{name}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{point} = {name}\n" for point in points or (name,))
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
