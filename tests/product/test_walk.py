"""The walk of the example app through the real command line, on every store."""

import shutil

from tests.support.product.backend import Backend
from tests.support.servers import ROOT
from tests.support.shell import Done, Shell

SHOP = ROOT / "examples" / "shop" / "tailor_config.py"
VALUES = {
    "STRIPE_SECRET_KEY": "sk_live_from_the_environment",
    "SENDGRID_API_KEY": "SG.from_the_environment",
    "ANALYTICS_DB_URL": "postgres://shop@db/analytics",
}
STRIPE = ("-V", "api-keys", "-n", "stripe-secret-key")
NOTHING = {"create": 0, "update": 0, "delete": 0}


def run(shell: Shell, *argv: str) -> Done:
    """Run a command with the values in its environment."""
    return shell.having(VALUES)(*argv)


def listed(shell: Shell, *words: str) -> list[str]:
    """Return the names that a list command shows."""
    done = shell("secret", *words, "--json")
    assert done.code == 0, done.err
    return [row["name"] for row in done.data]


def applied(shell: Shell, *options: str) -> dict[str, int]:
    """Apply, and return the summary."""
    done = run(shell, "apply", "--json", *options)
    assert done.code == 0, done.err
    summary: dict[str, int] = done.data["summary"]
    return summary


def read(shell: Shell) -> str:
    """Return the payment key."""
    done = shell("secret", "get", *STRIPE)
    assert done.code == 0, done.err
    return done.out


def test_the_walk(backend: Backend, shell: Shell) -> None:
    """The shop is deployed, read, repaired, pruned, released, adopted and removed by the same commands."""
    shutil.copy(SHOP, shell.folder)
    assert shell("init").code == 0

    assert applied(shell) == {"create": 7, "update": 0, "delete": 0}
    assert listed(shell, "vault", "list") == ["api-keys", "database", "sessions"]
    assert listed(shell, "list", "-V", "api-keys") == ["sendgrid-api-key", "stripe-secret-key"]
    assert read(shell) == VALUES["STRIPE_SECRET_KEY"]
    made = shell("secret", "get", "-V", "sessions", "-n", "signing-key").out
    assert len(made) >= 48

    backend.backdoor.settle()
    assert applied(shell) == NOTHING
    assert run(shell, "apply", "--dry-run", "--detailed-exitcode").code == 0

    done = shell("secret", "update", *STRIPE, "--value-stdin", "--yes", stdin=b"sk_live_by_hand")
    assert done.code == 0, done.err
    assert "unmanaged" in done.err
    assert read(shell) == "sk_live_by_hand"

    refused = run(shell, "apply", "--json")
    assert (refused.code, refused.error["code"]) == (1, "CONFIRMATION_REQUIRED")
    assert applied(shell, "--yes") == {"create": 0, "update": 2, "delete": 0}
    assert read(shell) == VALUES["STRIPE_SECRET_KEY"]

    config = shell.folder / SHOP.name
    lines = [line for line in config.read_text().splitlines(keepends=True) if "sendgrid" not in line]
    config.write_text("".join(lines))
    backend.backdoor.settle()
    assert run(shell, "apply", "--json").error["code"] == "CONFIRMATION_REQUIRED"
    assert applied(shell, "--yes") == {"create": 0, "update": 0, "delete": 1}
    backend.backdoor.settle()
    assert listed(shell, "list", "-V", "api-keys") == ["stripe-secret-key"]

    assert shell("secret", "vault", "release", "database", "--json").data["changed"] is True
    planned = run(shell, "apply", "--dry-run", "--json").data
    assert [warning["name"] for warning in planned["warnings"]] == ["database"]
    assert shell("secret", "vault", "adopt", "database", "--json").data["changed"] is True
    assert applied(shell) == NOTHING
    assert shell("secret", "get", "-V", "sessions", "-n", "signing-key").out == made

    assert shell("remove", "--json").error["code"] == "CONFIRMATION_REQUIRED"
    done = shell("remove", "--yes", "--json")
    assert (done.code, done.data["summary"]) == (0, {"create": 0, "update": 0, "delete": 6})
    backend.backdoor.settle()
    assert listed(shell, "vault", "list") == []
