"""``status``: every secret at every target, as text, JSON and Markdown."""

import threading
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tailorsecrets.errors import Denied, Unauthenticated, Unavailable
from tests.support.configs import OTHERS
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Done, Shell

PROFILES = """
[profiles.prod]
store = ["memory://one", "memory://two"]
workspace = "prod"

[profiles.prod.vaults]
database = "memory://three"

[profiles.staging]
store = "memory://one"
workspace = "staging"
"""
VAULTS = '{"api-keys": {"stripe-key": env("STRIPE_KEY"), "maps-key": "x"}, "database": {"password": generate()}}'


def messages(done: Done) -> str:
    """Return stderr without the notice that a loaded machine brings."""
    return "".join(line for line in done.err.splitlines(keepends=True) if not line.startswith("waiting for "))


@pytest.fixture
def fleet(memory: Shell) -> Shell:
    """Return a command line with two profiles over three stores in memory, all of them empty."""
    del memory.environ["TAILORSECRETS_STORE"]
    (memory.folder / "tailorsecrets.toml").write_text(PROFILES)
    memory.declare(VAULTS)
    return memory


def deploy(shell: Shell, *stores: str, workspace: str = "prod") -> None:
    """Apply the config to each of *stores* alone."""
    for store in stores:
        done = shell("apply", "--yes", "--store", store, "-w", workspace, STRIPE_KEY="sk_live")
        assert done.code == 0, done.err


def cells(shell: Shell, *words: str) -> dict[str, dict[str, str]]:
    """Return the state of each secret at each target."""
    done = shell("status", "--json", *words)
    assert done.code == 0, done.err
    return {row["name"]: {cell["target"]: cell["state"] for cell in row["cells"]} for row in done.data["secrets"]}


def test_a_first_look(managed: Shell) -> None:
    """For one secret, the stamp proves that we wrote the value; with the source, that it is the declared one."""
    done = managed("status")
    assert (done.code, messages(done)) == (0, "")
    assert done.out.splitlines() == [
        "SECRET               file:.tailorsecrets/secrets.jsonl",
        "api-keys/stripe-key  ours (just now)",
    ]
    assert managed("status", STRIPE_KEY="sk_live").out.splitlines()[1] == "api-keys/stripe-key  in sync (just now)"


def test_before_the_first_apply(empty: Shell) -> None:
    """Where there is no store yet, everything is missing, and a note says why."""
    empty.declare('{"api-keys": {"stripe-key": "x"}}')
    done = empty("status", "--detailed-exitcode")
    assert (done.code, done.out.splitlines()[1:]) == (2, ["api-keys/stripe-key  missing"])
    assert messages(done).startswith("note: file:.tailorsecrets/secrets.jsonl, workspace default: STORE_NOT_FOUND: ")


def test_every_target_is_a_column(fleet: Shell) -> None:
    """A vault has cells only at its own targets; ages are beside the states."""
    deploy(fleet, "memory://one", "memory://two", "memory://three")
    done = fleet("status", "-p", "prod")
    assert done.out.splitlines()[0].split() == ["SECRET", "memory://one", "memory://two", "memory://three"]
    assert cells(fleet, "-p", "prod") == {
        "api-keys/maps-key": {
            "memory://one?workspace=prod": "in sync",
            "memory://two?workspace=prod": "in sync",
            "memory://three?workspace=prod": "moved",
        },
        "api-keys/stripe-key": {
            "memory://one?workspace=prod": "ours",
            "memory://two?workspace=prod": "differs",  # another stamp key, and no source here
            "memory://three?workspace=prod": "moved",
        },
        "database/password": {
            "memory://one?workspace=prod": "moved",
            "memory://two?workspace=prod": "moved",
            "memory://three?workspace=prod": "ours",
        },
    }


def test_json(fleet: Shell) -> None:
    """JSON has the targets with their profiles, and for each secret its cells, with the time and age of the version."""
    deploy(fleet, "memory://one", workspace="staging")
    data = fleet("status", "-p", "staging", "-V", "api-keys", "--json", STRIPE_KEY="other").data
    assert data["summary"] == {"in sync": 1, "ours": 1}
    assert data["targets"] == [
        {
            "target": "memory://one?workspace=staging",
            "store": "memory://one",
            "workspace": "staging",
            "profiles": ["staging"],
            "status": "read",
            "error": None,
        }
    ]
    row = data["secrets"][0]
    assert (row["name"], row["vault"], row["secret"], row["external"]) == (
        "api-keys/maps-key",
        "api-keys",
        "maps-key",
        False,
    )
    cell = row["cells"][0]
    assert (cell["state"], cell["target"]) == ("in sync", "memory://one?workspace=staging")
    assert cell["updatedAt"].endswith("Z")
    assert 0 <= cell["ageSeconds"] < 100


def test_several_profiles(fleet: Shell) -> None:
    """Each target of the named profiles is a column; where the stores are the same, their workspaces are shown."""
    deploy(fleet, "memory://one", workspace="staging")
    done = fleet("status", "-p", "staging", "-p", "prod", "--json")
    assert [(target["target"], target["profiles"]) for target in done.data["targets"]] == [
        ("memory://one?workspace=staging", ["staging"]),
        ("memory://one?workspace=prod", ["prod"]),
        ("memory://two?workspace=prod", ["prod"]),
        ("memory://three?workspace=prod", ["prod"]),
    ]
    assert fleet("status", "-p", "staging", "-p", "prod").out.splitlines()[0].split()[1:] == [
        target["target"] for target in done.data["targets"]
    ]
    (fleet.folder / "tailorsecrets.toml").write_text(
        "".join(f'[profiles.{name}]\nstore = "memory://one"\nworkspace = "{name}-1"\n' for name in "ab")
    )
    assert fleet("status", "-p", "a", "-p", "b").out.splitlines()[0].split() == ["SECRET", "a-1", "b-1"]


def test_one_store_beside_a_profile(fleet: Shell) -> None:
    """--store is the only column, with every vault in it; routes do not count."""
    deploy(fleet, "memory://two")
    found = cells(fleet, "-p", "prod", "--store", "memory://two")
    assert {state for row in found.values() for state in row.values()} == {"ours", "in sync"}
    assert {target for row in found.values() for target in row} == {"memory://two?workspace=prod"}


def test_a_target_that_does_not_answer(fleet: Shell) -> None:
    """Its column is "unreachable"; the others are shown, and stderr and JSON say why."""
    deploy(fleet, "memory://one", "memory://two", "memory://three")
    (fleet.folder / "tailorsecrets.toml").write_text(PROFILES.replace("memory://two", "memory://two?timeout=0.3"))
    DRIVERS["two"].fail("", Unavailable)
    done = fleet("status", "-p", "prod", "--json", "--detailed-exitcode")
    assert done.code == 2
    rows = {row["name"]: [cell["state"] for cell in row["cells"]] for row in done.data["secrets"]}
    assert rows["api-keys/maps-key"] == ["in sync", "unreachable", "moved"]
    assert rows["database/password"] == ["moved", "unreachable", "ours"]
    target = done.data["targets"][1]
    assert (target["status"], target["error"]["code"]) == ("unreachable", "UNAVAILABLE")
    assert messages(done).startswith("note: memory://two?timeout=0.3, workspace prod: UNAVAILABLE: memory://two")


@pytest.mark.parametrize("kind", [Denied, Unauthenticated])
def test_a_target_that_refuses(fleet: Shell, kind: type[Denied] | type[Unauthenticated]) -> None:
    """Its column is "denied": it answers, and refuses."""
    deploy(fleet, "memory://one", workspace="staging")
    DRIVERS["one"].fail("", kind)
    done = fleet("status", "-p", "staging")
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["denied"] * 3
    assert messages(done).startswith("note: memory://one, workspace staging: ")


def test_a_denied_list(fleet: Shell) -> None:
    """The metadata of the config's secrets is read one by one, and a note says that others are not shown."""
    deploy(fleet, "memory://one", workspace="staging")
    DRIVERS["one"].fail("list", Denied)
    done = fleet("status", "-p", "staging")
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["in", "ours", "ours"]
    assert messages(done) == (
        "note: memory://one, workspace staging: it cannot be listed, so only secrets of the config are shown\n"
    )


def test_targets_are_read_at_the_same_time(fleet: Shell) -> None:
    """Targets are read at the same time."""
    cells(fleet, "-p", "prod")
    together = threading.Barrier(3)

    def wait(_seconds: float) -> None:
        together.wait(30)

    for name in ("one", "two", "three"):
        DRIVERS[name].slow("list", 1, times=1)
        DRIVERS[name]._sleep = wait
    cells(fleet, "-p", "prod")
    assert not together.broken


def test_no_value_is_read_and_no_source_is_needed(fleet: Shell) -> None:
    """Only records are read; a source that is missing or broken is not an error."""
    deploy(fleet, "memory://one", workspace="staging")
    fleet.declare('{"api-keys": {"stripe-key": env("NOT_SET"), "maps-key": file(".")}, "database": {}}')
    before = len(DRIVERS["one"].calls)
    assert cells(fleet, "-p", "staging") == {
        "api-keys/maps-key": {"memory://one?workspace=staging": "ours"},
        "api-keys/stripe-key": {"memory://one?workspace=staging": "ours"},
        "database/password": {"memory://one?workspace=staging": "extra"},
    }
    calls = DRIVERS["one"].calls[before:]
    assert [call.op for call in calls] == ["list", "get_many"]
    assert len(calls) == 2


@pytest.fixture
def theirs(fleet: Shell) -> Shell:
    """Return a command line whose vault ``api-keys`` belongs to an app with a name that is hostile to tables."""
    fleet.declare('{"api-keys": {"maps-key": "x"}}', name="a|b`@team`<b>\n\x1b[31m#1", identity=OTHERS)
    assert fleet("apply", "--yes", "--store", "memory://one", "-w", "staging").code == 0
    fleet.declare(VAULTS)
    return fleet


def test_the_owner_of_a_foreign_vault(theirs: Shell) -> None:
    """The cell names the owner, and no character of the name controls the terminal or the table."""
    done = theirs("status", "-p", "staging", "-V", "api-keys")
    line = done.out.splitlines()[1]
    assert line.startswith("api-keys/maps-key    owner: a|b`@team`<b>")
    assert "\x1b" not in done.out
    row = theirs("status", "-p", "staging", "-V", "api-keys", "--json").data["secrets"][0]
    assert row["cells"][0]["owner"] == "a|b`@team`<b>\n\x1b[31m#1"


def test_markdown(theirs: Shell) -> None:
    """The table has one line for each row and one cell for each target, whatever is in a name."""
    done = theirs("status", "-p", "staging", "--markdown")
    lines = done.out.splitlines()
    assert lines[0] == "| secret | <code>memory&#58;//one</code> |"
    assert lines[1] == "| --- | --- |"
    assert [line.count("|") for line in lines] == [3] * 5
    assert "owner: <code>a&#124;b&#96;&#64;team&#96;&#60;b&#62;&#10;&#27;&#91;31m&#35;1</code> (just now)" in lines[2]
    assert lines[4] == "| <code>database/password</code> | missing |"


def test_markdown_is_a_table_to_a_parser(theirs: Shell) -> None:
    """A Markdown parser makes a table of it that shows the names as they are."""
    done = theirs("status", "-p", "staging", "--markdown")
    html = MarkdownIt().enable("table").render(done.out)
    assert (html.count("<tr>"), html.count("<td>")) == (4, 6)
    assert "a|b`@team`&lt;b&gt;" in html


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--json", "--markdown"), "--markdown and --json cannot be combined"),
        (("--html", ""), "--html needs the name of a file"),
    ],
)
def test_options_that_make_no_sense(managed: Shell, words: tuple[str, ...], message: str) -> None:
    """Options that make no sense are refused before anything is read."""
    done = managed("status", *words)
    assert done.code == 1
    assert message in done.err


def test_some_vaults_alone(fleet: Shell) -> None:
    """-V may be repeated; a vault that is in no config and at no target is an error with the nearest name."""
    deploy(fleet, "memory://one", workspace="staging")
    assert list(cells(fleet, "-p", "staging", "-V", "database")) == ["database/password"]
    assert len(cells(fleet, "-p", "staging", "-V", "database", "-V", "api-keys")) == 3
    done = fleet("status", "-p", "staging", "-V", "databse", "--json")
    assert (done.code, done.error["code"], done.error["suggestion"]) == (
        1,
        "VAULT_NOT_FOUND",
        "did you mean 'database'?",
    )


def test_exit_codes(managed: Shell) -> None:
    """Without --detailed-exitcode the exit code is 0; with it, 2 if a cell needs an action."""
    assert managed("status", "--detailed-exitcode").code == 0
    managed.declare('{"api-keys": {"stripe-key": "x", "new-key": "x"}}')
    assert (managed("status").code, managed("status", "--detailed-exitcode").code) == (0, 2)


def test_external_secrets_and_native_places(fleet: Shell) -> None:
    """An external secret is there or missing where it has its usual name, or in the store of its native place."""
    fleet.declare("{}", ', external={"partner": ["token", "cert", "other"]}')
    (fleet.folder / "tailorsecrets.toml").write_text(
        '[profiles.prod]\nstore = "memory://one"\n[profiles.prod.external]\n"partner/token" = "legacy/TOKEN#password"\n'
        '"partner/cert" = { store = "memory://two", name = "legacy/cert" }\n'
    )
    cells(fleet, "-p", "prod")
    DRIVERS["one"].inner.backdoor.write("legacy/TOKEN", "{}")  # type: ignore[attr-defined]
    assert fleet("secret", "vault", "create", "partner", "--store", "memory://one").code == 0
    done = fleet(
        "secret", "create", "-V", "partner", "-n", "other", "--value-stdin", "--store", "memory://one", stdin=b"x"
    )
    assert done.code == 0, done.err
    before = len(DRIVERS["two"].calls)
    assert cells(fleet, "-p", "prod") == {
        "partner/cert": {"memory://two?workspace=default": "missing"},
        "partner/other": {"memory://one?workspace=default": "there"},
        "partner/token": {"memory://one?workspace=default": "there"},
    }
    assert [call.op for call in DRIVERS["two"].calls[before:]] == ["stat"]
    DRIVERS["two"].fail("stat", Denied)
    assert cells(fleet, "-p", "prod")["partner/cert"] == {"memory://two?workspace=default": "denied"}


def test_a_profile_that_names_an_unknown_vault(fleet: Shell) -> None:
    """A name that the config does not declare is an error with the nearest name."""
    fleet.declare('{"databases": {"password": "x"}}')
    done = fleet("status", "-p", "prod", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
    assert "'database'" in done.error["message"]


def test_a_page_that_cannot_be_written(managed: Shell, tmp_path: Path) -> None:
    """The error names the file."""
    done = managed("status", "--json", "--html", str(tmp_path / "none" / "status.html"))
    assert (done.code, done.error["code"]) == (1, "OUTPUT_FAILED")
    assert "status.html cannot be written: No such file or directory" in done.error["message"]
