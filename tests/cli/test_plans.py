"""Saved plans, reports, undo, rotate and copy, through the command line, over two targets."""

import stat
from dataclasses import replace
from datetime import timedelta

import pytest

from tailorsecrets import Unavailable, open_store
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.memory import Memory
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import IDENTITY, Shell

A, B, C = (f"memory://{name}?timeout=0.3" for name in "abc")
PROFILES = f"""
[profiles.prod]
store = ["{A}", "{B}"]
workspace = "prod"

[profiles.watch]
store = "{C}"
permission = "read"
"""
CONFIG = '{"sessions": {"signing-key": generate(), "pin": env("PIN"), "old": env("OLD", allow_empty=True)}}'
CHANGED = '{"sessions": {"signing-key": generate(), "pin": env("PIN")}, "made": {"code": env("CODE")}}'
VALUES = {"PIN": "canary-4821", "OLD": "canary-old", "CODE": "canary-code"}


@pytest.fixture
def several(memory: Shell) -> Shell:
    """Return a command line with a profile of two targets, which hold the secrets of a config."""
    del memory.environ["TAILORSECRETS_STORE"]
    memory.environ |= VALUES
    (memory.folder / "tailorsecrets.toml").write_text(PROFILES)
    memory.declare(CONFIG)
    assert memory("apply", "-p", "prod").code == 0
    return memory


def values(url: str, workspace: str = "prod") -> dict[str, str | None]:
    """Return all that a program can read at a target."""
    with open_store(url, workspace) as store:
        return {
            f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
            for vault in store.list_vaults()
            for entry in store.list_secrets(vault.name)
        }


def refused(shell: Shell, code: str, *argv: str) -> str:
    """Run *argv*, which fails with *code* and changes nothing; return the message."""
    before = values(A), values(B)
    done = shell(*argv)
    assert (done.code, f"error[{code}]" in done.err) == (1, True), done.err
    assert (values(A), values(B)) == before
    assert not [value for value in (*VALUES.values(), *values(A).values()) if value and value in done.out + done.err]
    return done.err


def test_a_saved_plan_is_shown_and_applied(several: Shell) -> None:
    """The file is private, holds no value, and is carried out on both targets without a question or an option."""
    several.declare(CHANGED)
    planned = several("plan", "-p", "prod", "--out", "plan.json")
    file = several.folder / "plan.json"
    assert planned.code == 0
    assert "run: tailorsecrets apply plan.json" in planned.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [value for value in (*VALUES.values(), *values(A).values()) if value and value in file.read_text()]
    shown = several("show", "plan.json")
    assert (shown.code, shown.out) == (0, planned.out)
    assert "plan of my-app, made with --profile prod" in shown.err
    assert several("show", "plan.json", "--json").data == several("plan", "-p", "prod", "--json").data
    done = several("apply", "plan.json", "--report", "report.jsonl")
    assert done.code == 0, done.err
    assert values(A) == values(B)
    assert set(values(A)) == {"sessions/signing-key", "sessions/pin", "made/code"}
    assert several("plan", "-p", "prod", "--detailed-exitcode").code == 0


def test_a_plan_as_markdown(several: Shell) -> None:
    """A row for each step at each target, and the summary; the saved plan gives the same."""
    several.declare(CHANGED)
    done = several("plan", "-p", "prod", "--out", "plan.json", "--markdown")
    lines = done.out.splitlines()
    assert lines[0] == "| target | change | name | note |"
    assert "| create | <code>made/code</code> |  |" in lines[3]
    assert lines[-1] == "**Plan: 2 targets, 4 to create, 0 to update, 2 to delete**"
    assert several("show", "plan.json", "--markdown").out == done.out
    assert several("plan", "--markdown", "--json", "-p", "prod").code == 1


def test_a_plan_that_changed_is_refused(several: Shell) -> None:
    """A value at the source, a secret in the store, a vault that another app claimed: each is named."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    several.environ["PIN"] = "canary-other"
    text = refused(several, "PLAN_STALE", "apply", "plan.json")
    assert "sessions/pin is not in the plan" in text
    several.environ["PIN"] = VALUES["PIN"]
    with open_store(B, "prod") as store:
        store.update_secret("sessions", "signing-key", "by another hand")
    assert "sessions/signing-key" in refused(several, "PLAN_STALE", "apply", "plan.json")


def test_a_plan_of_a_claimed_vault_is_refused(several: Shell) -> None:
    """The plan says which vault."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    with open_store(A, "prod") as store:
        workspace_of(store).release("sessions")
    assert "sessions" in refused(several, "PLAN_STALE", "apply", "plan.json")


def test_a_plan_of_another_config_a_damaged_one_and_a_newer_one_are_refused(several: Shell) -> None:
    """They are refused before any store is called."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    file = several.folder / "plan.json"
    several.declare(CHANGED, name="other-app", identity=IDENTITY[:-1] + "9")
    assert "my-app" in refused(several, "PLAN_INVALID", "apply", "plan.json")
    several.declare(CHANGED)
    text = file.read_text()
    for damaged in (text.replace("create", "delete", 1), text[:-20], ""):
        file.write_text(damaged)
        refused(several, "PLAN_INVALID", "apply", "plan.json")
        refused(several, "PLAN_INVALID", "show", "plan.json")
    file.write_text(text.replace('"version": 1', '"version": 2', 1))
    refused(several, "UNSUPPORTED", "apply", "plan.json")
    refused(several, "PLAN_INVALID", "apply", "no-such-file.json")


def test_a_target_that_is_down_refuses_the_plan(several: Shell) -> None:
    """A plan is not saved while one is down, and not applied either."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    DRIVERS["b"].fail("", Unavailable)
    done = several("apply", "plan.json")
    assert (done.code, "error[UNAVAILABLE]" in done.err) == (1, True)
    done = several("plan", "-p", "prod", "--out", "other.json")
    assert (done.code, (several.folder / "other.json").exists()) == (1, False)
    DRIVERS["b"].heal()
    assert several("apply", "plan.json").code == 0


@pytest.mark.parametrize(
    "options",
    [["-p", "prod"], ["-V", "sessions"], ["--no-prune"], ["--keep-going"], ["--dry-run"], ["--store", A], ["-w", "x"]],
)
def test_a_saved_plan_takes_no_options_of_planning(several: Shell, options: list[str]) -> None:
    """The options of planning are in the plan, so others are an error."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    done = several("apply", "plan.json", *options)
    assert (done.code, values(A) == values(B), "made/code" in values(A)) == (1, True, False)


@pytest.mark.parametrize("options", [["--no-prune"], ["-V", "made"], ["--trust-stamps"]])
def test_a_plan_is_applied_with_the_options_it_was_made_with(several: Shell, options: list[str]) -> None:
    """The apply leaves out what the options of the plan left out."""
    several.declare(CHANGED)
    assert several("plan", "-p", "prod", *options, "--out", "plan.json").code == 0
    assert several("apply", "plan.json").code == 0
    assert ("sessions/old" in values(B)) == (options != ["--trust-stamps"])
    assert values(A) == values(B)


def test_a_plan_has_its_target_and_its_moved_vaults(several: Shell) -> None:
    """The store and the workspace of its options, and --delete-moved, hold for its apply."""
    several.declare('{"made": {"code": env("CODE")}}')
    assert several("plan", "--store", C, "-w", "other", "--out", "other.json").code == 0
    assert several("apply", "other.json").code == 0
    assert values(C, "other") == {"made/code": VALUES["CODE"]}
    several.declare(CONFIG)
    moved = PROFILES.replace('workspace = "prod"\n', f'workspace = "prod"\nvaults.sessions = "{C}"\n')
    (several.folder / "tailorsecrets.toml").write_text(moved.replace("[profiles.watch]", "[profiles.watch]", 1))
    assert several("apply", "-p", "prod").code == 0
    assert several("plan", "-p", "prod", "--delete-moved", "--out", "moved.json").code == 0
    assert several("apply", "moved.json").code == 0
    assert values(A) == values(B) == {}


def test_the_guard_of_mass_deletions_holds(several: Shell) -> None:
    """A saved plan confirms what was reviewed; --allow-deletes confirms the number of deletions."""
    many = ", ".join(f'"key-{number}": "{number}"' for number in range(40))
    several.declare('{"sessions": {' + many + "}}")
    assert several("apply", "-p", "prod", "--yes").code == 0
    several.declare('{"sessions": {"key-0": "0"}}')
    assert several("plan", "-p", "prod", "--out", "plan.json").code == 0
    done = several("apply", "plan.json")
    assert "error[TOO_MANY_DELETIONS]" in done.err
    assert several("apply", "plan.json", "--allow-deletes", "39").code == 0


def test_a_report_is_undone(several: Shell) -> None:
    """Undo asks first; a second undo says that nothing is left, and exits 0. No config is needed."""
    before = values(A), values(B)
    several.declare(CHANGED)
    assert several("apply", "-p", "prod", "--yes", "--report", "report.jsonl").code == 0
    (several.folder / "tailor_config.py").unlink()
    several.environ["TAILORSECRETS_STORE"] = C
    refusal = several("undo", "report.jsonl")
    assert "error[CONFIRMATION_REQUIRED]" in refusal.err
    dry = several("undo", "report.jsonl", "--dry-run", "--json")
    assert dry.data["summary"] == {"create": 2, "update": 0, "delete": 4}
    done = several("undo", "report.jsonl", "--yes", "--report", "undone.jsonl")
    assert done.code == 0, done.err
    assert (values(A), values(B)) == before
    again = several("undo", "report.jsonl", "--yes")
    assert (again.code, "nothing is left to undo" in again.err) == (0, True)
    assert several("undo", "undone.jsonl", "--yes").code == 0
    assert "made/code" in values(B)


def test_an_import_is_undone_with_its_release(several: Shell) -> None:
    """The previous values come back, and the vault belongs to the config again."""
    before = values(A), values(B)
    (several.folder / "in.env").write_text("PIN=canary-imported\nMORE=canary-more\n")
    done = several("import", "in.env", "-V", "sessions", "-p", "prod", "--yes", "--report", "report.jsonl")
    assert done.code == 0, done.err
    assert "canary" not in (several.folder / "report.jsonl").read_text()
    assert several("undo", "report.jsonl", "--yes").code == 0
    assert (values(A), values(B)) == before
    assert several("plan", "-p", "prod", "--detailed-exitcode").code == 0


def test_an_undo_that_is_not_possible_lists_why(several: Shell) -> None:
    """Nothing is written, and both obstacles are named."""
    several.declare(CHANGED)
    assert several("apply", "-p", "prod", "--yes", "--report", "report.jsonl").code == 0
    with open_store(B, "prod") as store:
        store.update_secret("made", "code", "later")
        store.create_secret("sessions", "old", "later")
    text = refused(several, "UNDO_REFUSED", "undo", "report.jsonl", "--yes")
    assert "made/code" in text
    assert "sessions/old" in text


def test_a_profile_that_may_only_read_undoes_and_copies_nothing(several: Shell) -> None:
    """Undo, copy and rotate are refused under such a profile."""
    several.declare(CHANGED)
    assert several("apply", "-p", "prod", "--yes", "--report", "report.jsonl").code == 0
    refused(several, "PROFILE_READ_ONLY", "undo", "report.jsonl", "--yes", "-p", "watch")
    refused(several, "PROFILE_READ_ONLY", "copy", "prod", "watch", "--yes")
    refused(several, "PROFILE_READ_ONLY", "rotate", "sessions/signing-key", "--yes", "-p", "watch")


def test_a_report_that_exists_stops_before_the_first_write(several: Shell) -> None:
    """An existing report is not overwritten, since an undo may need it."""
    several.declare(CHANGED)
    (several.folder / "report.jsonl").write_text("")
    refused(several, "OUTPUT_FAILED", "apply", "-p", "prod", "--yes", "--report", "report.jsonl")


def test_rotate_by_name_by_vault_and_by_age(several: Shell) -> None:
    """The value changes on both targets, for those that are named; the report undoes it."""
    before = values(A)
    refused(several, "CONFIRMATION_REQUIRED", "rotate", "sessions/signing-key", "-p", "prod")
    done = several("rotate", "sessions/signing-key", "-p", "prod", "--yes", "--report", "report.jsonl")
    assert done.code == 0, done.err
    assert "  Rotations:\n    ~ sessions/signing-key (rotate: written just now)" in done.out
    after = values(A)
    assert after == values(B)
    assert {name for name in after if after[name] != before[name]} == {"sessions/signing-key"}
    assert several("undo", "report.jsonl", "--yes").code == 0
    assert values(A) == values(B) == before
    assert several("rotate", "-V", "sessions", "-p", "prod", "--yes").code == 0
    assert values(A) == values(B) != before
    none = several("rotate", "--older-than", "90d", "-p", "prod", "--yes")
    assert (none.code, "nothing to rotate" in none.err) == (0, True)


def test_rotate_refuses_what_it_cannot_do(several: Shell) -> None:
    """Another source, an undeclared name, no name, one target of several, and a bad age are errors."""
    assert "sessions/pin" in refused(several, "UNSUPPORTED", "rotate", "sessions/pin", "-p", "prod")
    assert "sessions/signing-key?" in refused(
        several, "UNDECLARED_SECRET", "rotate", "sessions/signing-ky", "-p", "prod"
    )
    refused(several, "USAGE", "rotate", "-p", "prod")
    refused(several, "USAGE", "rotate", "sessions", "-p", "prod")
    refused(several, "USAGE", "rotate", "sessions/signing-key", "-p", "prod", "--store", B)
    refused(several, "CONFIG_INVALID", "rotate", "--older-than", "3 months", "-p", "prod")


def test_apply_rotates_by_age(several: Shell) -> None:
    """Due rotations are in a separate block of the plan; others are not in it."""
    several.declare('{"sessions": {"signing-key": generate(rotate_after="1h"), "pin": env("PIN")}}')
    assert "Rotations" not in several("plan", "-p", "prod").out
    for name in "ab":
        memory = DRIVERS[name].inner
        assert isinstance(memory, Memory)
        key = "prod/sessions/signing-key"
        memory.server.change(
            key,
            lambda secret: replace(
                secret,
                versions=tuple(replace(each, updated=each.updated - timedelta(days=93)) for each in secret.versions),
            ),
        )
    before = values(A)
    done = several("apply", "-p", "prod", "--yes")
    assert "Rotations:\n    ~ sessions/signing-key (rotate: 93 days old)" in done.out
    assert values(A) == values(B)
    assert values(A)["sessions/signing-key"] != before["sessions/signing-key"]


def test_copy_makes_the_other_side_equal(several: Shell) -> None:
    """A profile to a store; the second copy writes nothing; the report undoes it."""
    other = f"{C}&workspace=copied"
    dry = several("copy", "prod", other, "--dry-run", "--json")
    assert dry.data["summary"] == {"create": 4, "update": 0, "delete": 0}
    done = several("copy", "prod", other, "--yes", "--report", "report.jsonl")
    assert done.code == 0, done.err
    assert values(C, "copied") == values(A)
    again = several("copy", "prod", other)
    assert (again.code, "nothing to copy" in again.err) == (0, True)
    assert several("undo", "report.jsonl", "--yes").code == 0
    assert values(C, "copied") == {}


def test_copy_asks_before_it_replaces(several: Shell) -> None:
    """Copy asks about other values, and vaults with a config or no owner; without a terminal, --yes is needed."""
    other = f"{C}&workspace=copied"
    assert several("copy", "prod", other).code == 0
    with open_store(C, "copied") as store:
        store.update_secret("sessions", "pin", "canary-other")
    refused(several, "CONFIRMATION_REQUIRED", "copy", "prod", other)
    done = several("copy", "prod", other, "--yes")
    assert "These secrets have other values, which will be replaced:\n  ~ sessions/pin" in done.err
    assert values(C, "copied") == values(A)
    refused(several, "VAULT_NOT_FOUND", "copy", "prod", other, "-V", "sesions")
    refused(several, "USAGE", "copy", "prod", other, "-p", "prod")
