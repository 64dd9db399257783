"""The pictures in the docs are those of this version."""

import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from playwright.sync_api import Browser

from tests.support.browser import browser

__all__ = ["browser"]

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_picture_is_up_to_date(tmp_path: Path) -> None:
    """docs/picture.py draws docs/plan.svg as it is, with a line of each colour."""
    (tmp_path / "picture.py").write_bytes((DOCS / "picture.py").read_bytes())
    subprocess.run([sys.executable, tmp_path / "picture.py"], check=True)
    drawn = (tmp_path / "plan.svg").read_text(encoding="utf-8")
    assert drawn == (DOCS / "plan.svg").read_text(encoding="utf-8"), "run: python docs/picture.py"
    spans = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}tspan")
    assert len({span.get("fill") for span in spans} - {None}) == 3


def test_the_page_of_status_can_be_drawn(tmp_path: Path, browser: Browser) -> None:
    """docs/status_picture.py draws a picture of the size of docs/status.png; pixels differ from machine to machine."""
    del browser  # it is there
    (tmp_path / "status_picture.py").write_bytes((DOCS / "status_picture.py").read_bytes())
    subprocess.run([sys.executable, tmp_path / "status_picture.py"], check=True)
    assert size(tmp_path / "status.png") == size(DOCS / "status.png") != (0, 0)


def size(picture: Path) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    octets = picture.read_bytes()
    assert octets.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", octets[16:24])
    return width, height
