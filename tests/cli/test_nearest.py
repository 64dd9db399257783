"""A misspelt command, option, vault or secret: the error names the nearest."""

import pytest

from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

GET = ("secret", "get", "-V", "api-keys", "-n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("aply",), "did you mean 'apply'?"),
        (("secret", "vault", "creat"), "did you mean 'create'?"),
        (("apply", "--dry-rum"), "--dry-run"),  # click's own hint; its words depend on the version
        ((*GET, "strip-key"), "hint: did you mean 'stripe-key'?"),
        (("secret", "history", "-V", "api-keys", "-n", "stripe-kye"), "hint: did you mean 'stripe-key'?"),
        (("secret", "list", "-V", "api-key"), "hint: did you mean 'api-keys'?"),
        (("secret", "get", "-V", "api-key", "-n", "stripe-key"), "hint: did you mean 'api-keys'?"),
        (("secret", "vault", "delete", "api-key", "--yes"), "hint: did you mean 'api-keys'?"),
        (("secret", "vault", "adopt", "api-key"), "did you mean 'api-keys'?"),
        (("run", "-V", "api-key", "--", "true"), "hint: did you mean 'api-keys'?"),
        (("run", "--map", "A=api-keys/strip-key", "--", "true"), "hint: did you mean 'api-keys/stripe-key'? create"),
        (("run", "--map", "A=api-key/stripe-key", "--", "true"), "hint: did you mean 'api-keys/stripe-key'? create"),
        (("export", "--map", "A=api-key/strip-key", "--format", "json"), "did you mean 'api-keys/stripe-key'? create"),
        (("run", "--map", "A=api-keys/other-token", "--", "true"), "hint: create them"),
        (("run", "--map", "A=other-vault/stripe-key", "--", "true"), "hint: create them"),
    ],
)
def test_the_nearest(managed: Shell, words: tuple[str, ...], expected: str) -> None:
    """The error names the command, the option, the declared vault or the declared secret that is nearest."""
    done = managed(*words)
    assert done.code == 1
    assert expected in done.err


def test_in_a_template(managed: Shell) -> None:
    """For a template the error names the nearest declared secret for each that is missing, once."""
    (managed.folder / "app.tmpl").write_text(
        "{{ ts://api-keys/strip-key }}{{ ts://api-key/stripe-key }}{{ ts://other-vault/token }}"
    )
    done = managed("inject", "app.tmpl")
    assert done.err.splitlines()[-1] == (
        "hint: did you mean 'api-keys/stripe-key'? create them, or correct their names in the template"
    )


def test_in_json(managed: Shell) -> None:
    """With --json it is the suggestion."""
    assert managed(*GET, "strip-key", "--json").error["suggestion"] == "did you mean 'stripe-key'?"


def test_nothing_near(managed: Shell) -> None:
    """Where no name is near, no name is suggested."""
    assert "did you mean" not in managed(*GET, "other-token").err


def test_a_name_that_is_right(managed: Shell) -> None:
    """A declared name that the store lacks is not suggested for itself."""
    managed("secret", "delete", "-V", "api-keys", "-n", "stripe-key", "--yes")
    assert "did you mean" not in managed(*GET, "stripe-key").err


def test_a_missing_version(managed: Shell) -> None:
    """For a missing version of an existing secret, no other secret is suggested."""
    managed.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY"), "stripe-key-2": "x"}}')
    done = managed(*GET, "stripe-key", "--version", "9", "--json")
    assert done.error["code"] == "VERSION_NOT_FOUND"
    assert "did you mean" not in done.error["suggestion"]


def test_without_a_config_that_loads(managed: Shell) -> None:
    """Without a config, or with one that raises, the error is the same without a suggestion."""
    (managed.folder / "tailor_config.py").write_text("raise ValueError('canary')")
    done = managed(*GET, "strip-key")
    assert done.err == "error[SECRET_NOT_FOUND]: secret api-keys/strip-key: the secret does not exist\n"


def test_no_call_to_the_store(memory: Shell) -> None:
    """The suggestion costs no call: the names are those of the config."""
    memory.declare('{"api-keys": {"stripe-key": "x"}}')
    assert memory("apply", "--yes").code == 0
    calls = DRIVERS["here"].calls
    before = len(calls)
    assert "did you mean 'api-keys'?" in memory("secret", "list", "-V", "api-key").err
    with_config = len(calls) - before
    (memory.folder / "tailor_config.py").unlink()
    before = len(calls)
    assert "did you mean" not in memory("secret", "list", "-V", "api-key").err
    assert len(calls) - before == with_config
