"""The command ``diff``."""

import pytest

from tailorsecrets.errors import Denied
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Done, Shell


def messages(done: Done) -> str:
    """Return stderr without the notice that a loaded machine brings."""
    return "".join(line for line in done.err.splitlines(keepends=True) if not line.startswith("waiting for "))


@pytest.fixture
def pair(memory: Shell) -> Shell:
    """Return a command line with two stores: one secret is equal, one differs, and each store has one more."""
    del memory.environ["TAILORSECRETS_STORE"]
    for store, only, value in (("one", "left-key", "x"), ("two", "right-key", "y")):
        memory.declare(str({"api-keys": {"same-key": "x", "other-key": value, only: "x"}, "web": {}}))
        assert memory("apply", "--yes", "--store", f"memory://{store}").code == 0
    (memory.folder / "tailorsecrets.toml").write_text('[profiles.prod]\nstore = ["memory://two", "memory://three"]\n')
    return memory


def test_a_line_for_each_secret(pair: Shell) -> None:
    """The signs are those of rclone check; the targets are named, and a count of each sign is last."""
    done = pair("diff", "memory://one", "memory://two")
    assert done.code == 0
    assert done.out.splitlines() == [
        "  + api-keys/left-key",
        "  * api-keys/other-key",
        "  - api-keys/right-key",
        "  = api-keys/same-key",
        "Diff: 1 equal, 1 only in A, 1 only in B, 1 different, 0 not readable",
    ]
    assert messages(done) == "A: memory://one, workspace default\nB: memory://two, workspace default\n"


def test_a_profile_and_a_url(pair: Shell) -> None:
    """A profile is its primary; JSON has the signs, the counts and the full URLs of both."""
    done = pair("diff", "prod", "memory://one", "--json")
    assert done.data["targets"] == {
        "A": ["memory://two?workspace=default"],
        "B": ["memory://one?workspace=default"],
    }
    assert done.data["summary"] == {"equal": 1, "onlyInA": 1, "onlyInB": 1, "different": 1, "notReadable": 0}
    assert done.data["secrets"][0] == {"name": "api-keys/left-key", "sign": "-", "errors": {}}


def test_names_alone(pair: Shell) -> None:
    """--names calls only lists."""
    before = {name: len(DRIVERS[name].calls) for name in ("one", "two")}
    done = pair("diff", "memory://one", "memory://two", "--names")
    assert done.out.splitlines()[-1] == "Diff: 2 in both, 1 only in A, 1 only in B, 0 different, 0 not readable"
    assert [[call.op for call in DRIVERS[name].calls[before[name] :]] for name in before] == [["list"], ["list"]]


def test_a_value_that_is_not_readable(pair: Shell) -> None:
    """The line names the side and the reason."""
    DRIVERS["two"].fail("get", Denied, name="default/api-keys/same-key")
    done = pair("diff", "memory://one", "memory://two", "--detailed-exitcode")
    assert "  ! api-keys/same-key (B: PERMISSION_DENIED)" in done.out.splitlines()
    assert done.code == 2


def test_exit_codes(pair: Shell) -> None:
    """Differences are not an error; with --detailed-exitcode they are 2, and equality is 0."""
    assert pair("diff", "memory://one", "memory://two", "--detailed-exitcode").code == 2
    assert pair("diff", "memory://one", "memory://one", "--detailed-exitcode").code == 0


def test_workspaces(pair: Shell) -> None:
    """-w applies to both sides if the profile and the URL name no workspace."""
    assert pair("diff", "memory://one?workspace=default", "memory://one", "-w", "empty").out.splitlines()[-1] == (
        "Diff: 0 equal, 3 only in A, 0 only in B, 0 different, 0 not readable"
    )
    (pair.folder / "tailorsecrets.toml").write_text('[profiles.own]\nstore = "memory://one"\nworkspace = "own"\n')
    done = pair("diff", "own", "memory://one", "-w", "given", TAILORSECRETS_STORE="memory://nope")
    assert messages(done) == "A: memory://one, workspace own\nB: memory://one, workspace given\n"
    done = pair("diff", "own", "memory://one", TAILORSECRETS_WORKSPACE="from-env", TAILORSECRETS_PROFILE="nope")
    assert messages(done) == "A: memory://one, workspace own\nB: memory://one, workspace from-env\n"


def test_some_vaults_alone(pair: Shell) -> None:
    """A vault that is on no side is an error."""
    assert pair("diff", "memory://one", "memory://two", "-V", "api-keys").out.count("\n") == 5
    done = pair("diff", "memory://one", "memory://two", "-V", "nowhere", "--json")
    assert (done.code, done.error["code"]) == (1, "VAULT_NOT_FOUND")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("memory://one",), "USAGE", "Missing argument 'B'"),
        (("memory://one", "memory://two", "-p", "prod"), "USAGE", "not as options"),
        (("memory://one", "memory://two", "--store", "memory://two"), "USAGE", "not as options"),
        (("memory://one", "nope"), "PROFILE_NOT_FOUND", "'nope' is not a store URL and not a profile"),
        (("memory://one", "memory://user:pw@two"), "CONFIG_INVALID", "B: the store URL contains a credential"),
        (("memory://one", "file:none.jsonl"), "STORE_NOT_FOUND", "none.jsonl"),
    ],
)
def test_what_is_not_two_targets(pair: Shell, words: tuple[str, ...], code: str, message: str) -> None:
    """One error names the argument, and nothing is compared."""
    done = pair("diff", *words, "--json")
    assert (done.code, done.error["code"], done.out) == (1, code, "")
    assert message in done.error["message"]
    assert "pw" not in done.err
