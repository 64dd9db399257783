"""The picture of a plan in the docs is a plan of this version."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_picture_is_up_to_date(tmp_path: Path) -> None:
    """docs/picture.py draws docs/plan.svg as it is, with a line of each colour."""
    (tmp_path / "picture.py").write_bytes((DOCS / "picture.py").read_bytes())
    subprocess.run([sys.executable, tmp_path / "picture.py"], check=True)
    drawn = (tmp_path / "plan.svg").read_text(encoding="utf-8")
    assert drawn == (DOCS / "plan.svg").read_text(encoding="utf-8"), "run: python docs/picture.py"
    spans = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}tspan")
    assert len({span.get("fill") for span in spans} - {None}) == 3
