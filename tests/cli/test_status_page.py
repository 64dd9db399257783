"""The page of ``status --html``, opened and used in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.support.browser import browser
from tests.support.configs import OTHERS
from tests.support.shell import Shell

__all__ = ["browser"]

CANARY = "cAnArY-5e1"
PROFILES = """
[profiles.prod]
store = ["memory://one", "memory://two"]
workspace = "prod"
"""
HOSTILE = "<img src=http://127.0.0.1:9/x onerror=alert(1)><script>alert(2)</script>\\\"'"
ROWS = ["api-keys/maps-key", "api-keys/old-key", "api-keys/stripe-key", "partner/token", "theirs/their-key"]


@pytest.fixture
def file(memory: Shell) -> Path:
    """Return the page of a profile with two targets, the second of which is empty."""
    del memory.environ["TAILORSECRETS_STORE"]
    (memory.folder / "tailorsecrets.toml").write_text(PROFILES)
    to = ("apply", "--yes", "--store", "memory://one", "-w", "prod")
    memory.declare(f'{{"theirs": {{"their-key": "{CANARY}"}}}}', name=HOSTILE, identity=OTHERS)
    assert memory(*to).code == 0
    own = f'"maps-key": "{CANARY}", "stripe-key": env("STRIPE_KEY")'
    memory.declare(f'{{"api-keys": {{{own}, "old-key": "{CANARY}"}}}}')
    assert memory(*to, STRIPE_KEY=CANARY).code == 0
    memory.declare(f'{{"api-keys": {{{own}}}, "theirs": {{"their-key": "x"}}}}', ', external={"partner": ["token"]}')
    done = memory("status", "-p", "prod", "--html", "status.html")
    assert done.code == 0
    assert f"wrote {memory.folder / 'status.html'}\n" in done.err
    return memory.folder / "status.html"


@dataclass(frozen=True)
class Opened:
    """An open page, and what it asked for and complained about."""

    page: Page
    requests: list[str]
    messages: list[str]

    def rows(self) -> list[str]:
        """Return the names in the rows that are shown, from the top."""
        shown = self.page.locator("tbody tr:visible th").all_inner_texts()
        return [text.split()[0] for text in shown]

    def focused(self) -> str:
        """Return the text, or the id, of what has the focus."""
        found: str = self.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        return found


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    """Return the open page."""
    page = browser.new_page()
    opened = Opened(page, [], [])

    def note(request: Request) -> None:
        opened.requests.append(request.url)

    page.on("request", note)
    page.on("console", lambda message: opened.messages.append(message.text))
    page.on("pageerror", lambda error: opened.messages.append(str(error)))
    page.on("dialog", lambda dialog: opened.messages.append(dialog.message))
    page.goto(file.as_uri())
    yield opened
    page.close()


def test_nothing_from_elsewhere(opened: Opened, file: Path) -> None:
    """The page asks for nothing but itself, runs no foreign code, and holds no value; a hostile name is only text."""
    assert (opened.requests, opened.messages) == ([file.as_uri()], [])
    text = file.read_text(encoding="utf-8")
    assert CANARY not in text
    assert not re.search(r"(src|href|action)=", text.replace("src=http://127.0.0.1:9", ""))
    cell = opened.page.locator("tr", has_text="theirs/their-key").locator("td").first
    assert cell.inner_text().startswith("owner: <img src=http://127.0.0.1:9/x onerror=alert(1)><script>")
    opened.page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")  # whatever ran there could send nothing
    assert "Content Security Policy" in opened.messages[0]


def test_states_and_ages(opened: Opened) -> None:
    """Each cell has its state in words and its age as a shade with words; empty places say so."""
    cells = opened.page.locator("tr", has_text="api-keys/maps-key").locator("td")
    assert cells.all_inner_texts() == ["in sync just now", "missing"]
    assert cells.first.locator(".age").get_attribute("class") == "age age-0"
    assert opened.page.locator("tr", has_text="api-keys/old-key").locator("td").nth(1).inner_text() == "-"
    assert opened.page.locator("thead th").all_inner_texts()[1] == "memory://one\nprofile prod"
    assert opened.rows() == ROWS


def test_filter(opened: Opened) -> None:
    """The filter takes words of names and states; a state's button and the checkbox filter too; the count follows."""
    page = opened.page
    assert page.get_by_role("status").inner_text() == "5 of 5 rows"
    page.get_by_label("Filter").fill("API stripe")
    assert opened.rows() == ["api-keys/stripe-key"]
    assert page.get_by_role("status").inner_text() == "1 of 5 rows"
    page.get_by_label("Filter").fill("")
    page.get_by_role("button", name="extra 1").click()
    assert opened.rows() == ["api-keys/old-key"]
    page.get_by_role("button", name="extra 1").click()
    page.get_by_label("Filter").fill("there is none")
    assert (opened.rows(), page.get_by_role("status").inner_text()) == ([], "0 of 5 rows")
    page.get_by_label("Filter").fill("")
    page.get_by_label("Only what needs attention").check()
    assert opened.rows() == ROWS


def test_sort(opened: Opened) -> None:
    """A head sorts by its column: names, or states from the worst on; a second click turns the order round."""
    page = opened.page
    first = page.get_by_role("button", name="memory://one")
    first.click()
    assert opened.rows()[0] == "theirs/their-key"
    assert opened.rows()[-1] == "api-keys/stripe-key"
    assert page.locator("thead th").nth(1).get_attribute("aria-sort") == "ascending"
    first.click()
    assert opened.rows()[0] == "api-keys/stripe-key"
    assert page.locator("thead th").nth(1).get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="Secret").click()
    assert (opened.rows(), page.locator("thead th").nth(1).get_attribute("aria-sort")) == (ROWS, "none")


def test_keyboard(opened: Opened) -> None:
    """Everything can be reached and used with the keyboard, in the order of the page, and shows its focus."""
    keys, page = opened.page.keyboard, opened.page
    keys.press("/")
    assert opened.focused() == "filter"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.type("partner")
    assert opened.rows() == ["partner/token"]
    keys.press("Escape")
    assert (opened.rows(), page.get_by_label("Filter").input_value()) == (ROWS, "")
    keys.press("Tab")
    keys.press("Space")
    assert page.get_by_label("Only what needs attention").is_checked()
    keys.press("Space")
    keys.press("Tab")
    assert opened.focused() == "owner 1"
    keys.press("Enter")
    assert opened.rows() == ["theirs/their-key"]
    keys.press("Enter")
    while opened.focused() != "memory://two":
        keys.press("Tab")
        assert page.evaluate("document.activeElement !== document.body"), "the head was not reached"
    keys.press("Enter")
    assert page.locator("thead th").nth(2).get_attribute("aria-sort") == "ascending"
    assert opened.messages == []


CONTRAST = """() => {
  const light = (color) => {
    const [r, g, b] = color.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    const [r, g, b, a = 1] = parts(getComputedStyle(node).backgroundColor);
    if (a === 1) return [r, g, b];
    const under = node.parentElement ? behind(node.parentElement) : [255, 255, 255];
    return [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  };
  const shades = document.querySelector(".age").parentElement;
  for (let shade = 1; shade <= 5; shade++) shades.insertAdjacentHTML("beforeend", `<b class="age age-${shade}">x</b>`);
  const texts = document.querySelectorAll("h1, p, label, button, .word, .state, .age, .none, .below, th");
  const ratios = [...texts].map((node) => {
    const [one, two] = [light(parts(getComputedStyle(node).color).slice(0, 3)), light(behind(node))];
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  });
  return [Math.min(...ratios), light(behind(document.body))];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(opened: Opened, scheme: str) -> None:
    """The page follows the scheme of the system, and every text in it, on every shade, can be read (WCAG AA)."""
    opened.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    lowest, page = opened.page.evaluate(CONTRAST)
    assert lowest >= 4.5
    assert (page < 0.1) == (scheme == "dark")
