"""Shell completion: the scripts, and the words that the TAB key offers."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.root import root
from tailorsecrets.cli.streams import Io
from tests.support.shell import PROGRAM, Shell


def offered(shell: Shell, *words: str, store: str = "vault://nowhere.invalid") -> list[str]:
    """Return the words that the TAB key offers for the last of *words*; the named store cannot be reached."""
    environ = {**shell.environ, "TAILORSECRETS_STORE": store}
    invocation = Invocation(Io(io.BytesIO(), io.StringIO(), io.StringIO(), environ, shell.folder))
    complete = ShellComplete(root, {"obj": invocation}, "tailorsecrets", "_TAILORSECRETS_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def declared(empty: Shell) -> Shell:
    """Return a command line with a config, and no store."""
    empty.declare(
        '{"api-keys": {"stripe-key": "x", "sendgrid-key": "x"}, "database": {"url": "x"}}'.replace("url", "db-url")
    )
    return empty


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("gen",), ["generate"]),
        (("secret", "vault", ""), ["create", "list", "delete", "release", "adopt"]),
        (("secret", "get", "-V", ""), ["api-keys", "database"]),
        (("secret", "get", "-V", "da"), ["database"]),
        (("secret", "list", "--vault-name", "api"), ["api-keys"]),
        (("secret", "get", "-V", "api-keys", "-n", ""), ["sendgrid-key", "stripe-key"]),
        (("secret", "get", "-V", "database", "-n", ""), ["db-url"]),
        (("secret", "get", "-V", "unknown", "-n", ""), []),
        (("secret", "get", "-n", "s"), ["sendgrid-key", "stripe-key"]),
        (("secret", "vault", "delete", ""), ["api-keys", "database"]),
        (("secret", "vault", "delete", "--name", "d"), ["database"]),
        (("policy", "--for", "read", "-V", "da"), ["database"]),
        (("where", "api-keys/st"), ["api-keys/stripe-key"]),
        (("apply", "--allow"), ["--allow-deletes"]),
    ],
)
def test_what_is_offered(declared: Shell, words: tuple[str, ...], names: list[str]) -> None:
    """Commands, options and the names in the config are offered, with no call to the store."""
    assert offered(declared, *words) == names


def test_a_config_that_is_named(declared: Shell) -> None:
    """The names come from the config that the line names."""
    (declared.folder / "tailor_config.py").rename(declared.folder / "other.py")
    assert offered(declared, "-c", "other.py", "secret", "get", "-V", "da") == ["database"]


@pytest.mark.parametrize("text", [None, "1 / 0", "raise SystemExit"])
def test_a_config_that_is_broken(empty: Shell, text: str | None) -> None:
    """Without a config, or with a broken one, nothing is offered and nothing is said."""
    if text:
        (empty.folder / "tailor_config.py").write_text(text)
    assert offered(empty, "secret", "get", "-V", "") == []


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_scripts(empty: Shell, kind: str) -> None:
    """Each shell's script asks our program."""
    done = empty("completion", kind)
    assert done.code == 0
    assert f"_TAILORSECRETS_COMPLETE={kind}_complete" in done.out


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes(declared: Shell) -> None:
    """In a bash that has loaded the script, the TAB key offers the names."""
    script = """
        eval "$(tailorsecrets completion bash)"
        COMP_WORDS=(tailorsecrets secret get -V da) COMP_CWORD=4
        _tailorsecrets_completion tailorsecrets da -V
        echo "${COMPREPLY[@]}"
    """
    environ = {**declared.environ, "PATH": f"{Path(PROGRAM).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=declared.folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("database\n", "")
