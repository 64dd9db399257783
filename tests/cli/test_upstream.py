"""What users of the design that this project follows expect: one test for each promise, through the command line."""

import pytest

from tailorsecrets.config.loading import load_config
from tests.support.shell import Shell

BOTH = '"api-keys": {"stripe-secret-key": env("STRIPE"), "sendgrid-api-key": env("SENDGRID")}'
ONE = '"api-keys": {"stripe-secret-key": env("STRIPE")}'
DATABASE = '"database": {"analytics-connection-string": env("DB_URL")}'
VALUES = {"STRIPE": "canary-stripe", "SENDGRID": "canary-sendgrid", "DB_URL": "canary-url"}


@pytest.fixture
def app(empty: Shell) -> Shell:
    """Return a command line whose config with two vaults has been applied."""
    shell = empty.having(VALUES)
    with shell.store() as store:
        store.setup()
    shell.declare(f"{{{BOTH}, {DATABASE}}}")
    assert shell("apply").code == 0
    return shell


def names(shell: Shell, *command: str) -> list[str]:
    """Return the names that a list command prints."""
    return [row["name"] for row in shell("secret", *command, "--json").data]


def test_values_are_deployed_on_apply(app: Shell) -> None:
    """Each key of the mapping is a vault, its values are the secrets, and apply brings them into the store."""
    assert names(app, "vault", "list") == ["api-keys", "database"]
    assert names(app, "list", "-V", "api-keys") == ["sendgrid-api-key", "stripe-secret-key"]
    assert app.value("database", "analytics-connection-string") == "canary-url"


def test_the_config_is_the_source_of_truth(app: Shell) -> None:
    """A secret of a declared vault that is not in the config is deleted on the next apply."""
    app.declare(f"{{{ONE}, {DATABASE}}}")
    assert app("apply", "--yes").code == 0
    assert names(app, "list", "-V", "api-keys") == ["stripe-secret-key"]


def test_vaults_are_managed_one_by_one(app: Shell) -> None:
    """A vault that the config never had is the command line's, and no apply touches it."""
    app("secret", "vault", "create", "--name", "by-hand")
    app("secret", "create", "-V", "by-hand", "-n", "token", "--value", "value")
    assert app("apply").code == 0
    app.declare(f"{{{ONE}}}")
    assert app("apply", "--yes").code == 0
    assert names(app, "vault", "list") == ["api-keys", "by-hand"]
    assert app.value("by-hand", "token") == "value"


def test_a_managed_vault_is_not_changed_without_a_word(app: Shell) -> None:
    """A change by hand of a vault that the config manages warns, naming the owner, and needs a confirmation."""
    done = app("secret", "update", "-V", "api-keys", "-n", "stripe-secret-key", "--value-stdin", stdin=b"mine")
    assert done.code == 1
    assert "my-app" in done.err
    assert "error[CONFIRMATION_REQUIRED]" in done.err
    assert app.value("api-keys", "stripe-secret-key") == "canary-stripe"
    assert app.owner("api-keys") == "my-app"


def test_a_confirmed_change_releases_the_vault(app: Shell) -> None:
    """Once confirmed, the change is made and the vault's owner label is gone; other vaults keep theirs."""
    update = ("secret", "update", "-V", "api-keys", "-n", "stripe-secret-key", "--value-stdin", "--yes")
    assert app(*update, stdin=b"mine").code == 0
    assert app.value("api-keys", "stripe-secret-key") == "mine"
    assert (app.owner("api-keys"), app.owner("database")) == ("", "my-app")


def test_the_next_apply_treats_a_released_vault_as_unmanaged(app: Shell) -> None:
    """After the release, apply asks before it takes any action on the vault."""
    assert app("secret", "vault", "release", "api-keys").code == 0
    refused = app("apply")
    assert (refused.code, "error[CONFIRMATION_REQUIRED]" in refused.err) == (1, True)
    plan = app("apply", "--dry-run", "--json").data
    assert plan["warnings"] == [{"type": "unmanaged", "resourceType": "vault", "name": "api-keys"}]
    assert app("apply", "--yes").code == 0
    assert app.owner("api-keys") == "my-app"


def test_only_an_empty_vault_is_deleted(app: Shell) -> None:
    """A vault with secrets in it cannot be deleted by hand."""
    app("secret", "vault", "create", "by-hand")
    app("secret", "create", "-V", "by-hand", "-n", "token", "--value", "value")
    assert "error[VAULT_NOT_EMPTY]" in app("secret", "vault", "delete", "--name", "by-hand", "--yes").err
    assert app("secret", "delete", "-V", "by-hand", "-n", "token", "--yes").code == 0
    assert app("secret", "vault", "delete", "--name", "by-hand", "--yes").code == 0
    assert names(app, "vault", "list") == ["api-keys", "database"]


def test_values_are_hidden_in_lists(app: Shell) -> None:
    """No list, plan or apply shows a value."""
    for command in (
        ("secret", "list", "-V", "api-keys"),
        ("secret", "list", "-V", "api-keys", "--json"),
        ("secret", "vault", "list"),
        ("apply", "--dry-run", "--verbose"),
        ("apply", "--json"),
    ):
        done = app(*command)
        assert "canary" not in done.out + done.err


def test_missing_is_none_and_order_is_kept(app: Shell) -> None:
    """A program reads None for what is missing, and get_all answers in the order asked."""
    app.declare(f'{{{BOTH}}}, external={{"partner": ["token"], "api-keys": ["absent"]}}')
    secrets = load_config(app.folder / "tailor_config.py").secrets
    assert secrets is not None
    with app.store() as store:
        secrets.connect(store=lambda: store)
        assert secrets.get("partner", "token") is None  # type: ignore[attr-defined]
        asked = ["sendgrid-api-key", "absent", "stripe-secret-key"]
        assert secrets.get_all("api-keys", asked) == [  # type: ignore[attr-defined]
            "canary-sendgrid",
            None,
            "canary-stripe",
        ]
