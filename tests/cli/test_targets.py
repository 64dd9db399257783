"""``plan``, ``apply`` and ``remove`` over several targets: blocks, JSON, prompts, failures, moves."""

import json
from pathlib import Path

import pytest

from tailorsecrets import Denied, Unavailable, open_store
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

A, B, C = (f"memory://{name}?timeout=0.3" for name in "abc")
PROFILES = f"""
[profiles.prod]
store = ["{A}", "{B}"]
workspace = "prod"
"""
CONFIG = '{"sessions": {"signing-key": generate(), "pin": env("PIN")}}'
PIN = {"PIN": "1234"}


@pytest.fixture
def several(memory: Shell) -> Shell:
    """Return a command line with a profile of two targets."""
    del memory.environ["TAILORSECRETS_STORE"]
    memory.environ["TAILORSECRETS_PROFILE"] = "prod"
    memory.environ |= PIN
    profiles(memory, PROFILES)
    memory.declare(CONFIG)
    return memory


def profiles(shell: Shell, text: str) -> None:
    """Write the profile file."""
    (shell.folder / "tailorsecrets.toml").write_text(text)


def values(url: str, workspace: str = "prod") -> dict[str, str | None]:
    """Return all that a program can read at a target."""
    with open_store(url, workspace) as store:
        return {
            f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
            for vault in store.list_vaults()
            for entry in store.list_secrets(vault.name)
        }


TEXT = f"""\
{A}, workspace prod:
  Vaults:
    + sessions

  Secrets:
    + sessions/pin
    + sessions/signing-key

{B}, workspace prod:
  Vaults:
    + sessions

  Secrets:
    + sessions/pin
    + sessions/signing-key (same value as at {A}, workspace prod)

Plan: 2 targets, 6 to create, 0 to update, 0 to delete
"""


def test_the_plan_has_a_block_for_each_target(several: Shell) -> None:
    """Each target is announced and has its block; plan is what apply --dry-run prints, and writes nothing."""
    done = several("plan")
    assert (done.code, done.out) == (0, TEXT)
    assert done.err.splitlines()[:2] == [f"apply my-app -> {url}, workspace prod" for url in (A, B)]
    assert several("apply", "--dry-run").out == TEXT
    assert several("plan", "--detailed-exitcode").code == 2
    assert values(A) == values(B) == {}


def test_apply_makes_all_targets_equal(several: Shell) -> None:
    """One apply writes both, with one generated value; a second one has nothing to do."""
    done = several("apply")
    assert (done.code, done.err.splitlines()[-1]) == (0, "applied: 6 created, 0 updated, 0 deleted")
    assert values(A) == values(B)
    assert several("plan", "--detailed-exitcode").code == 0
    assert "nothing to do" in several("apply").err


def test_the_json_of_several_targets(several: Shell) -> None:
    """Each item names its target, and there is an object for each target; with one target nothing of that is there."""
    plan = several("plan", "--json").data
    assert plan["summary"] == {"create": 6, "update": 0, "delete": 0}
    assert {item["target"] for item in plan["changes"]} == {f"{A}&workspace=prod", f"{B}&workspace=prod"}
    assert plan["targets"][1] == {
        "profile": "prod",
        "store": B,
        "workspace": "prod",
        "summary": {"create": 3, "update": 0, "delete": 0},
        "status": "planned",
        "error": None,
        "done": [],
        "notDone": [],
    }
    applied = several("apply", "--json").data
    assert (applied["status"], [target["status"] for target in applied["targets"]]) == ("applied", ["applied"] * 2)
    assert applied["targets"][0]["done"] == ["sessions", "sessions/pin", "sessions/signing-key"]
    profiles(several, f'[profiles.prod]\nstore = "{A}"\nworkspace = "prod"\n')
    assert list(several("plan", "--json").data) == ["summary", "changes", "warnings", "conflicts"]


def test_a_target_that_does_not_answer_stops_everything(several: Shell) -> None:
    """Nothing is written anywhere, and both commands exit 1, with the target and what to do."""
    several("plan")
    DRIVERS["b"].fail("", Unavailable)
    for command in ("plan", "apply"):
        done = several(command, "--json")
        assert done.code == 1
        assert done.error["code"] == "UNAVAILABLE"
        assert f"1 of 2 targets cannot be planned, nothing was changed: {B}, workspace prod" in done.error["message"]
        assert "--keep-going" in done.error["suggestion"]
    assert "! unreachable" in several("plan").out
    assert several("plan", "--json").data["targets"][1]["status"] == "unreachable"
    assert values(A) == {}


def test_keep_going_applies_the_others_and_exits_1(several: Shell) -> None:
    """The answering target gets what is declared; the generated value, which the other may hold, is not made."""
    several("plan")
    DRIVERS["a"].fail("", Unavailable)
    done = several("apply", "--keep-going")
    assert done.code == 1
    assert "not done:\n    create sessions/signing-key (NOT_MADE)" in done.err
    assert values(B) == {"sessions/pin": "1234"}
    failed = json.loads(several("apply", "--keep-going", "--json").err.splitlines()[-1])
    assert [target["status"] for target in failed["targets"]] == ["unreachable", "failed"]
    assert failed["targets"][1]["notDone"] == ["sessions/signing-key"]
    DRIVERS["a"].heal()
    assert several("apply").code == 0
    assert values(A) == values(B)
    assert len(values(A)) == 2


def test_a_failure_while_applying_is_reported_by_target(several: Shell) -> None:
    """The report says what was done where; a rerun does the rest."""
    several("plan")
    DRIVERS["b"].fail("put", Denied, name="prod/sessions/pin")
    done = several("apply")
    assert done.code == 1
    assert f"{A}, workspace prod:\n  done:\n    create sessions\n" in done.err
    assert "not done:\n    create sessions/pin (PERMISSION_DENIED)" in done.err
    assert "error[PERMISSION_DENIED]: 1 of 6 steps were not done" in done.err
    DRIVERS["b"].heal()
    assert several("apply").code == 0
    assert values(A) == values(B)


def test_the_guard_is_answered_for_each_target(several: Shell) -> None:
    """--allow-deletes and the quarter apply to each target separately; every deletion names its target."""
    many = ", ".join(f'"key-{number}": "x"' for number in range(20))
    several.declare(f'{{"sessions": {{{many}}}}}')
    assert several("apply").code == 0
    several.declare('{"sessions": {}}')
    done = several("apply", "--yes")
    assert (done.code, f"20 secrets would be deleted at {A}, workspace prod" in done.err) == (1, True)
    done = several("apply", "--yes", "--allow-deletes", "20")
    assert (done.code, f"  - sessions/key-0 at {B}, workspace prod" in done.err) == (0, True)
    assert values(A) == values(B) == {}


def test_the_guard_knows_a_config_that_declares_vaults_elsewhere(several: Shell) -> None:
    """--yes covers a few deletions also where the config declares none of the named vaults, or none at this target."""
    del several.environ["TAILORSECRETS_PROFILE"]
    several.declare('{"sessions": {"pin": env("PIN")}, "old": {"pin": env("PIN")}, "older": {"pin": env("PIN")}}')
    assert several("apply", "--store", A, "-w", "prod").code == 0
    several.declare('{"sessions": {"pin": env("PIN")}}')
    assert several("apply", "--store", A, "-w", "prod", "-V", "older", "--yes").code == 0
    profiles(several, f'[profiles.prod]\nstore = "{A}"\nworkspace = "prod"\nvaults = {{ sessions = "{B}" }}\n')
    assert several("apply", "-p", "prod", "--yes").code == 0
    assert list(values(A)) == ["sessions/pin"]
    several.declare("{}")
    done = several("apply", "--store", A, "-w", "prod", "--yes")
    assert (done.code, "error[TOO_MANY_DELETIONS]" in done.err) == (1, True)


def test_a_moved_vault_stays_until_it_is_deleted(several: Shell) -> None:
    """--yes does not delete the old copy, every plan lists it, and --delete-moved deletes it."""
    assert several("apply").code == 0
    before = values(A)
    profiles(several, f'{PROFILES}\n[profiles.prod.vaults]\nsessions = "{C}"\n')
    assert several("apply", "--yes", "--delete-moved").code == 0
    assert values(A) == values(B) == values(C) == before
    assert f"Moved to other targets, and still here:\n    sessions (now at {C}, workspace prod)" in several("plan").out
    assert several("apply", "--yes").code == 0
    assert values(A) == before
    assert several("apply", "--yes", "--delete-moved").code == 0
    assert (values(A), values(B), values(C)) == ({}, {}, before)
    assert several("plan", "--detailed-exitcode", "--delete-moved").code == 0


def test_one_target_alone(several: Shell) -> None:
    """With a profile of several targets, --store names one of them; another store is refused with their list."""
    done = several("apply", "--store", B)
    assert done.code == 1
    assert values(A) == {}
    assert values(B) == {"sessions/pin": "1234"}
    assert "1 generated values were not made" in done.err
    assert several("apply").code == 0
    assert values(A) == values(B)
    done = several("apply", "--store", C)
    assert (done.code, f"{C}, workspace prod is not a target of profile 'prod'" in done.err) == (1, True)


def test_several_profiles_in_one_command(several: Shell) -> None:
    """-p may be repeated; profiles that share nothing have their own values."""
    profiles(several, f'{PROFILES}\n[profiles.staging]\nstore = "{C}"\nworkspace = "staging"\n')
    done = several("apply", "-p", "prod", "-p", "staging")
    assert (done.code, "applied: 9 created" in done.err) == (0, True)
    assert values(A) == values(B)
    assert values(C, "staging")["sessions/signing-key"] != values(A)["sessions/signing-key"]


def test_remove_refuses_what_another_profile_reads(several: Shell) -> None:
    """If another profile reads a target, remove stops, unless that profile is named too."""
    other = PROFILES.replace("prod]", "prod-b]") + f'read_first = "{B}"\n'
    profiles(several, PROFILES + other)
    assert several("apply").code == 0
    done = several("remove", "--yes")
    assert (done.code, f"profile 'prod-b' reads {A}, workspace prod too" in done.err) == (1, True)
    assert several("remove", "--yes", "-p", "prod", "-p", "prod-b").code == 0
    assert values(A) == values(B) == {}


def test_remove_refuses_what_a_profile_reads_also_without_one(several: Shell) -> None:
    """A store that --store names is not emptied while a profile that is not named reads it."""
    profiles(several, PROFILES + f'[profiles.dev]\nstore = "{C}"\nworkspace = "dev"\n')
    assert several("apply").code == 0
    del several.environ["TAILORSECRETS_PROFILE"]
    for options in ((), ("-p", "dev")):
        done = several("remove", "--yes", "--store", B, "-w", "prod", *options)
        assert (done.code, f"profile 'prod' reads {B}, workspace prod too" in done.err) == (1, True)
    assert several("remove", "--yes", "-p", "prod", "--store", B).code == 0
    assert (len(values(A)), values(B)) == (2, {})
    assert several("remove", "--yes", "-p", "dev", "--store", C).code == 0


def test_a_workspace_option_cannot_make_profiles_disagree(several: Shell) -> None:
    """The targets of one vault are the same in all profiles, also where --workspace-id replaces that of a profile."""
    profiles(several, PROFILES + f'[profiles.dev]\nstore = "{B}"\nworkspace = "dev"\n')
    for command in (("apply",), ("secret", "create", "-V", "sessions", "-n", "pin", "--value", "1")):
        done = several(*command, "-p", "dev", "-w", "prod")
        assert done.code == 1
        assert f"profiles 'dev' and 'prod' share {B}, workspace prod for vaults without their own route" in done.err
    assert several("apply", "-p", "dev", "-w", "review").code == 0
    assert values(B) == {}


def test_only_the_named_vaults(several: Shell) -> None:
    """-V plans only these vaults; one that is not declared and does not exist is an error with the nearest name."""
    several.declare('{"sessions": {"pin": env("PIN")}, "api-keys": {"one": "1"}}')
    assert several("apply", "-V", "api-keys").code == 0
    assert values(A) == values(B) == {"api-keys/one": "1"}
    done = several("plan", "-V", "session", "--json")
    assert (done.code, done.error["code"]) == (1, "VAULT_NOT_FOUND")
    assert "sessions" in done.error["suggestion"]
    assert several("remove", "--yes", "-V", "api-keys").code == 0
    assert values(A) == {}


def test_a_typo_in_the_routes(several: Shell) -> None:
    """A vault in the profile that the config does not declare is an error before any call, with the nearest name."""
    profiles(several, f'{PROFILES}\n[profiles.prod.vaults]\nsession = "{C}"\n')
    done = several("apply", "--yes", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
    assert "'session'" in done.error["message"]
    assert "sessions" in done.error["suggestion"]
    assert DRIVERS == {}


def test_two_urls_of_one_store(several: Shell, tmp_path: Path) -> None:
    """Two names of one store are an error that names both; nothing is deleted."""
    (tmp_path / "link").symlink_to(tmp_path)
    profiles(several, f'[profiles.prod]\nstore = ["file:{tmp_path}/s.jsonl", "file:{tmp_path}/link/s.jsonl"]\n')
    several("apply", "--yes")
    done = several("apply", "--yes", "--json")
    assert (done.code, done.error["code"]) == (1, "SAME_STORE")
    profiles(
        several,
        f'[profiles.prod]\nstore = "file:{tmp_path}/s.jsonl"\n'
        f'[profiles.prod.vaults]\nsessions = "file:{tmp_path}/link/s.jsonl"\n',
    )
    done = several("apply", "--yes", "--delete-moved", "--json")
    assert (done.code, done.error["code"]) == (1, "SAME_STORE")


def test_on_a_terminal_the_old_copies_are_asked_about_and_each_target_has_a_line(
    several: Shell, tmp_path: Path
) -> None:
    """A long apply shows a line for each target; old copies are deleted after a yes to their own question."""
    many = ", ".join(f'"key-{number}": "x"' for number in range(12))
    several.declare(f'{{"sessions": {{{many}}}}}')
    stores = [f"file:{tmp_path}/{name}.jsonl" for name in ("one", "two", "three")]
    both = f'[profiles.prod]\nstore = ["{stores[0]}", "{stores[1]}"]\n'
    profiles(several, both)
    terminal = several.terminal("apply")
    terminal.expect(r"one\.jsonl, workspace default  \[#+\]  13/13")
    terminal.expect("applied: 26 created")
    profiles(several, f'{both}[profiles.prod.vaults]\nsessions = "{stores[2]}"\n')
    assert several("apply", "--yes").code == 0
    terminal = several.terminal("apply")
    terminal.expect(r"Delete the old copies\? \[y/N\]")
    terminal.sendline("y")
    terminal.expect("applied: 0 created, 0 updated, 26 deleted")
    assert "key-11" in several("secret", "list", "-V", "sessions", "--store", stores[2]).out
