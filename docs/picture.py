"""Draw docs/plan.svg, a real plan in the colours of a terminal: python docs/picture.py."""  # noqa: INP001  # a script

import io
import os
import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from tailorsecrets.cli.process import run
from tailorsecrets.cli.streams import Io

PICTURE: Final = Path(__file__).with_name("plan.svg")
BEFORE: Final = '{"api-keys": {"stripe-key": "old", "sendgrid-key": "x", "twilio-key": "x"}}'
AFTER: Final = """{
    "api-keys": {"stripe-key": "new", "sendgrid-key": "x", "maps-key": env("MAPS_KEY")},
    "webhooks": {"signing-key": generate(length=32)},
}, ignore_nullish_values=True"""
CONFIG: Final = """
from tailorsecrets import define_config, define_secret_manager, env, generate

config = define_config("shop", id="0192f0c1-2345-7abc-8def-000000000001", secrets=define_secret_manager({}))
"""
STYLES: Final = {"1": 'font-weight="bold"', "31": 'fill="#ff7b72"', "32": 'fill="#7ee787"', "33": 'fill="#f2cc60"'}
LINE, COLUMN, MARGIN = 20, 8.45, 20  # pixels


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture(f"$ tailorsecrets apply --dry-run\n{plan()}"), encoding="utf-8")


def plan() -> str:
    """Return the output of a dry run in a folder where an older config was applied."""
    with tempfile.TemporaryDirectory() as folder:
        command(folder, BEFORE, "init")
        command(folder, BEFORE, "apply", "--yes")
        return command(folder, AFTER, "apply", "--dry-run")


def command(folder: str, vaults: str, *words: str) -> str:
    """Run *words* in *folder* with a config that declares *vaults*, and return all output as a terminal shows it."""
    Path(folder, "tailor_config.py").write_text(CONFIG.format(vaults), encoding="utf-8")
    screen = io.StringIO()
    environ = {"HOME": folder, "XDG_CONFIG_HOME": folder, "PATH": os.defpath, "FORCE_COLOR": "1"}
    code = run(words, Io(io.BytesIO(), screen, screen, environ, folder))
    if code:
        raise SystemExit(screen.getvalue())
    return screen.getvalue()


def picture(text: str) -> str:
    """Return *text*, which has the escape sequences of a terminal, as SVG."""
    lines = text.rstrip().split("\n")
    width = round(max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in lines) * COLUMN + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    rows = [
        f'<text x="{MARGIN}" y="{MARGIN + (number + 1) * LINE - 6}">{"".join(spans(line))}</text>'
        for number, line in enumerate(lines)
    ]
    font = 'font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">',
            "<title>The plan of tailorsecrets apply --dry-run</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>',
            f'<g {font} fill="#e6edf3" xml:space="preserve" style="white-space: pre">',
            *rows,
            "</g>",
            "</svg>\n",
        ]
    )


def spans(line: str) -> Iterator[str]:
    """Yield the parts of *line*, each in its style."""
    styles: list[str] = []
    for part in re.split(r"(\x1b\[\d+m)", line):
        if found := re.fullmatch(r"\x1b\[(\d+)m", part):
            styles = [*styles, STYLES[found[1]]] if found[1] != "0" else []
        elif part:
            yield f"<tspan {' '.join(styles)}>{escape(part)}</tspan>" if styles else escape(part)


if __name__ == "__main__":
    main()
