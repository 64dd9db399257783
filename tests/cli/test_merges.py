"""Two branches of a repository with a store file in it: after the merge it has the writes of both."""

import subprocess
from collections.abc import Callable

import pytest
from filelock import FileLock

from tests.support.shell import Shell

DECLARED = '{"api-keys": {"one": env("ONE"), "two": env("TWO")}}'
OTHER = "0192f0c1-2345-7abc-8def-000000000002"


def git(app: Shell, *words: str) -> None:
    """Run git in the folder of *app*."""
    name = ("-c", "user.name=n", "-c", "user.email=e")
    subprocess.run(["git", *name, *words], cwd=app.folder, capture_output=True, check=True)


@pytest.fixture
def app(empty: Shell) -> Shell:
    """Return a repository with an empty store file."""
    empty.environ |= {"ONE": "declared-1", "TWO": "declared-2"}
    git(empty, "init", "--initial-branch", "main")
    (empty.folder / ".gitattributes").write_text("secrets.jsonl merge=union\n")
    with empty.store() as store:
        store.setup()
    empty.declare(DECLARED)
    commit(empty)
    return empty


def commit(app: Shell) -> None:
    """Commit all."""
    git(app, "add", "--all")
    git(app, "commit", "--message", "x")


def on_both_branches(app: Shell, here: Callable[[], object], there: Callable[[], object]) -> None:
    """Do *there* on a branch and *here* on the main one, and merge."""
    git(app, "checkout", "-b", "other")
    there()
    commit(app)
    git(app, "checkout", "main")
    here()
    commit(app)
    git(app, "merge", "other")


def update(app: Shell, secret: str) -> Callable[[], object]:
    """Return a function that updates *secret* by hand."""
    key = ("-V", "api-keys", "-n", secret)
    return lambda: app("secret", "update", *key, "--value-stdin", "--yes", stdin=b"by-hand")


def declare_and_apply(app: Shell) -> None:
    """Apply the config of another app."""
    app.declare(DECLARED, name="other", identity=OTHER)
    app("apply", "--yes")


def test_a_vault_released_on_both_branches(app: Shell) -> None:
    """Both branches released the vault: no config manages it, so apply asks; the next apply has nothing to do."""
    assert app("apply", "--yes").code == 0
    commit(app)
    on_both_branches(app, update(app, "one"), update(app, "two"))
    assert "api-keys" in app("secret", "vault", "list").out
    assert app("apply").code == 1
    assert app("apply", "--yes").code == 0
    assert (app.value("api-keys", "one"), app.owner("api-keys")) == ("declared-1", "my-app")
    assert app("apply", "--dry-run", "--detailed-exitcode").code == 0


def test_a_vault_made_on_both_branches(app: Shell) -> None:
    """Both branches made the vault for the same app, each with its own key: the next apply asks nothing."""
    on_both_branches(
        app,
        lambda: app("apply", "--yes", ONE="here"),
        lambda: app("apply", "--yes", ONE="there"),
    )
    assert app.owner("api-keys") == "my-app"
    assert app("secret", "history", "-V", "api-keys", "-n", "one").out.count("conflict") == 2
    assert app("apply").code == 0
    assert [app.value("api-keys", name) for name in ("one", "two")] == ["declared-1", "declared-2"]
    assert app("apply", "--dry-run", "--detailed-exitcode").code == 0


def test_a_vault_made_by_two_apps(app: Shell) -> None:
    """If the branches name two owners, the vault has no owner, and other vaults are not affected."""
    on_both_branches(
        app,
        lambda: app("apply", "--yes"),
        lambda: declare_and_apply(app),
    )
    assert app.owner("api-keys") == ""
    assert app("secret", "vault", "create", "more").code == 0
    assert app("secret", "vault", "release", "api-keys").code == 0


def test_a_file_that_another_writer_holds(app: Shell) -> None:
    """An apply that cannot begin says why."""
    with FileLock(app.folder / ".tailorsecrets" / ".secrets.jsonl.lock"):
        done = app("apply", "--yes", "--json", "--store", "file:.tailorsecrets/secrets.jsonl?timeout=0.2")
    assert done.code == 1
    assert done.error["code"] == "UNAVAILABLE"
