"""Draw docs/status.png, a page of tailorsecrets status --html: python docs/status_picture.py."""  # noqa: INP001

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from tailorsecrets.cli.status_page import page
from tailorsecrets.deploy.status import Column, Declared, Homes, table
from tailorsecrets.driver import Entry
from tailorsecrets.errors import Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, new_record
from tailorsecrets.store.survey import Seen
from tailorsecrets.store.workspace import VaultState
from tailorsecrets.targets.choice import Choice

PICTURE: Final = Path(__file__).with_name("status.png")
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP: Final = Owner("shop")
NAMES: Final = {
    "api-keys": ["sendgrid-api-key", "stripe-secret-key"],
    "database": ["analytics-url", "orders-url"],
    "sessions": ["signing-key"],
}
RECORD: Final = new_record({}, Secret("a key for the picture")).owned_by(SHOP)
TARGETS: Final = ("aws://eu-west-1", "gcp://acme-prod", "vault://vault.acme.com")
SIZE: Final = {"width": 1180, "height": 560}


def main() -> None:
    """Write the picture."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder, "status.html")
        file.write_text(html(), encoding="utf-8")
        opened = driver.chromium.launch(executable_path=browser)
        window = opened.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        window.goto(file.as_uri())
        window.screenshot(path=PICTURE)
        opened.close()


def html() -> str:
    """Return the page."""
    values = {Place("api-keys", "stripe-secret-key"): Secret("x"), Place("api-keys", "sendgrid-api-key"): Secret("x")}
    declared = Declared(SHOP, NAMES, {"partner": ["webhook-token"]}, values)
    primaries = {(vault, target): TARGETS[0] for vault in ("api-keys", "sessions") for target in TARGETS[:2]}
    homes = Homes(
        {**primaries, ("database", TARGETS[2]): TARGETS[2]},
        {(Place("partner", "webhook-token"), target) for target in TARGETS[:2]},
    )
    keys, sessions = {"stripe-secret-key": 1, "sendgrid-api-key": 40}, {"signing-key": 400}
    left = vault({"analytics-url": 210, "orders-url": 210})
    eu = {
        "api-keys": vault({**keys, "twilio-key": 130}),
        "database": left,
        "sessions": vault(sessions),
        "partner": vault({"webhook-token": 12}),
    }
    gcp = {"api-keys": vault(keys, by_hand="sendgrid-api-key"), "sessions": vault(sessions, value="old")}
    columns = {
        TARGETS[0]: column(TARGETS[0], eu),
        TARGETS[1]: column(TARGETS[1], gcp),
        TARGETS[2]: Column(Choice(TARGETS[2], "prod", "."), error=Unavailable(), profiles=("prod",)),
    }
    rows = table(declared, homes, columns)
    return page(rows, list(columns.values()), list(TARGETS), NOW, "Status of shop")


def column(url: str, vaults: Mapping[str, VaultState]) -> Column:
    """Return what was seen at a target of the profile."""
    return Column(Choice(url, "prod", "."), Seen(vaults), profiles=("prod",))


def vault(ages: Mapping[str, int], *, by_hand: str = "", value: str = "x") -> VaultState:
    """Return a vault with secrets of *ages*, in days; *by_hand* names one that another tool wrote."""
    secrets = {
        name: Entry(
            name=name,
            stamp="" if name == by_hand else RECORD.stamp(name, Secret(value)),
            updated=NOW - timedelta(days=days),
        )
        for name, days in ages.items()
    }
    return VaultState(RECORD, secrets)


if __name__ == "__main__":
    main()
