"""``import``: the variables of a file, as the secrets of a vault."""

import json
import random
from collections.abc import Callable

import pytest

from tailorsecrets.errors import Unavailable
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell


def real_world(lines: int) -> tuple[str, dict[str, str]]:
    """Return a dotenv file of many habits with *lines* variables, and the secrets that it holds."""
    rng = random.Random(11)
    forms: list[Callable[[str], str]] = [
        lambda value: value,
        lambda value: f"'{value}'",
        lambda value: f'"{value}"',
        lambda value: f"{value}   # as of last year",
        lambda value: f'"{value}\\nsecond line"',
        lambda value: f"'{value}\nsecond line'",
    ]
    text, secrets = ["# The settings of the shop\n", "\n"], dict[str, str]()
    for number in range(lines):
        value = f"v{rng.getrandbits(64):x}$HOME#{number}"
        form = rng.choice(forms)
        export = rng.choice(["", "", "export "])
        equals = rng.choice(["=", "=", " = "])
        text.append(f"{export}SHOP_SETTING_{number}{equals}{form(value)}\n" + rng.choice(["", "", "\n", "# more\n"]))
        secrets[f"shop-setting-{number}"] = value + ("\nsecond line" if "second" in text[-1] else "")
    return "".join(text), secrets


def test_a_thousand_lines(memory: Shell) -> None:
    """A file of 1,000 variables is one plan and one report; a rerun writes nothing and asks nothing."""
    text, secrets = real_world(1000)
    (memory.folder / ".env").write_text(text)
    dry = memory("import", ".env", "-V", "shop-keys", "--dry-run")
    assert (dry.code, dry.out.splitlines()[-1]) == (0, "Plan: 1001 to create, 0 to update, 0 to delete")
    done = memory("import", ".env", "-V", "shop-keys")
    assert (done.code, done.out) == (0, dry.out)
    assert done.err.splitlines() == [
        "import .env to shop-keys -> memory://here?timeout=0.3, workspace default",
        "imported: 1001 created, 0 updated, 0 deleted",
    ]
    found = memory("export", "-V", "shop-keys", "--format", "json").data
    assert {
        name.removeprefix("SHOP_KEYS_").lower().replace("_", "-"): value for name, value in found.items()
    } == secrets
    before = len([call for call in DRIVERS["here"].calls if call.op == "put"])
    again = memory("import", ".env", "-V", "shop-keys")
    assert (again.code, len([call for call in DRIVERS["here"].calls if call.op == "put"])) == (0, before)
    assert again.out == "Plan: 0 to create, 0 to update, 0 to delete\n"


def test_a_store_file_that_is_new(empty: Shell) -> None:
    """The store file and the vault are made where they are missing, if the store was named."""
    done = empty("import", "-", "-V", "new-keys", "--store", "file:new.jsonl", stdin=b"API_KEY=x\n")
    assert (done.code, done.err.splitlines()[-1]) == (0, "imported: 2 created, 0 updated, 0 deleted")
    assert empty("secret", "get", "-V", "new-keys", "-n", "api-key", "--store", "file:new.jsonl").out == "x"
    assert empty("import", "-", "-V", "new-keys", stdin=b"API_KEY=x\n").code == 1


def test_json(shell: Shell) -> None:
    """A JSON file is known by its name, and another with the option; the report may be JSON too."""
    (shell.folder / "keys.json").write_text(json.dumps({"STRIPE_KEY": "new", "OTHER_KEY": "a\0b"}))
    plan = shell("import", "keys.json", "-V", "api-keys", "--dry-run", "--json").data
    assert plan["changes"] == [
        {"action": "create", "name": "api-keys/other-key", "labels": ["secret"]},
        {"action": "update", "name": "api-keys/stripe-key", "labels": ["secret"]},
    ]
    done = shell("import", "keys.json", "-V", "api-keys", "--yes", "--json")
    assert done.data == {"summary": {"create": 1, "update": 1, "delete": 0}, "status": "imported"}
    assert (shell.value("api-keys", "stripe-key"), shell.value("api-keys", "other-key")) == ("new", "a\0b")
    assert shell("import", "-", "-V", "api-keys", "--format", "json", "--yes", stdin=b'{"STRIPE_KEY": "a"}').code == 0


def test_an_overwrite_is_asked_about(shell: Shell) -> None:
    """Without a terminal an overwrite needs --yes; an equal value is none, and other secrets stay."""
    done = shell("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=new\nOTHER_KEY=x\n")
    assert (done.code, shell.value("api-keys", "stripe-key"), shell.value("api-keys", "other-key")) == (
        1,
        "sk_live",
        None,
    )
    assert "error[CONFIRMATION_REQUIRED]: Overwrite 1 secret of the vault api-keys" in done.err
    assert shell("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=sk_live\nOTHER_KEY=x\n").code == 0
    assert shell("import", "-", "-V", "api-keys", "--yes", stdin=b"STRIPE_KEY=new\n").code == 0
    assert (shell.value("api-keys", "stripe-key"), shell.value("api-keys", "other-key")) == ("new", "x")
    assert shell.owner("api-keys") == ""


@pytest.mark.parametrize(("answer", "value"), [("y", "new"), ("n", "sk_live")])
def test_the_question(shell: Shell, answer: str, value: str) -> None:
    """On a terminal the overwrite is a question, whose default is No."""
    (shell.folder / ".env").write_text("STRIPE_KEY=new\n")
    child = shell.terminal("import", ".env", "-V", "api-keys")
    child.expect(r"~ api-keys/stripe-key")
    child.expect(r"Overwrite 1 secret of the vault api-keys\? \[y/N\]: ")
    child.sendline(answer)
    child.expect("imported: " if answer == "y" else r"error\[IMPORT_CANCELLED\]: nothing was changed")
    child.wait()
    assert shell.value("api-keys", "stripe-key") == value


def test_a_managed_vault(managed: Shell) -> None:
    """A vault that a config manages is named, asked about, and released after the write; not where none is needed."""
    assert managed("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=sk_live\n").code == 0
    assert managed.owner("api-keys") == "my-app"
    done = managed("import", "-", "-V", "api-keys", stdin=b"OTHER_KEY=x\n")
    assert (done.code, managed.value("api-keys", "other-key"), managed.owner("api-keys")) == (1, None, "my-app")
    assert "warning: the config of my-app manages the vault api-keys" in done.err
    assert "error[CONFIRMATION_REQUIRED]: Change the vault api-keys by hand" in done.err
    assert managed("import", "-", "-V", "api-keys", "--dry-run", stdin=b"OTHER_KEY=x\n").code == 0
    assert managed.owner("api-keys") == "my-app"
    assert managed("import", "-", "-V", "api-keys", "--yes", stdin=b"OTHER_KEY=x\n").code == 0
    assert (managed.value("api-keys", "other-key"), managed.owner("api-keys")) == ("x", "")


def test_what_another_tool_wrote(memory: Shell) -> None:
    """A value without a stamp is compared, so an equal one is not written and not asked about."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://bare?stamps=0&timeout=0.3"
    assert memory("import", "-", "-V", "api-keys", stdin=b"API_KEY=x\n").code == 0
    before = len(DRIVERS["bare"].calls)
    assert memory("import", "-", "-V", "api-keys", stdin=b"API_KEY=x\n").code == 0
    assert "put" not in {call.op for call in DRIVERS["bare"].calls[before:]}


def test_names_that_do_not_fit(shell: Shell) -> None:
    """All names that cannot be secrets, and those that become one, are one error, and nothing is written."""
    done = shell("import", "-", "-V", "api-keys", "--yes", stdin=b"A=1\n_B_C=2\nD_KEY=3\nd_key=4\nFINE_KEY=5\n")
    assert (done.code, "error[NAME_INVALID]" in done.err, shell.value("api-keys", "fine-key")) == (1, True, None)
    assert [part for part in ("'A'", "'_B_C'", "D_KEY and d_key") if part not in done.err] == []


def test_values_that_do_not_fit(shell: Shell) -> None:
    """All values over the limit of the store are one error, and nothing is written."""
    large = "x" * 2_000_000
    text = json.dumps({"ONE_KEY": large, "TWO_KEY": large, "FINE_KEY": "x"}).encode()
    done = shell("import", "-", "-V", "api-keys", "--format", "json", "--yes", stdin=text)
    assert (done.code, "error[SECRET_VALUE_TOO_LARGE]" in done.err) == (1, True)
    assert ("one-key" in done.err, "two-key" in done.err, shell.value("api-keys", "fine-key")) == (True, True, None)


@pytest.mark.parametrize("content", [b"\xff", b"not a line\n'", b"{}x"])
def test_files_that_cannot_be(shell: Shell, content: bytes) -> None:
    """A file of another format is refused with its name and nothing of its content."""
    (shell.folder / "keys.json" if content == b"{}x" else shell.folder / "keys").write_bytes(content)
    name = "keys.json" if content == b"{}x" else "keys"
    done = shell("import", name, "-V", "api-keys", "--yes")
    assert (done.code, name in done.err, "not a line" in done.err) == (1, True, False)
    assert "error[USAGE]" in shell("import", "gone", "-V", "api-keys").err


def test_a_failure_midway(memory: Shell) -> None:
    """What was written stays and is reported; a rerun does the rest."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?transactions=0&timeout=0.3"
    memory("secret", "vault", "create", "api-keys")
    DRIVERS["here"].fail("put", Unavailable, times=1)
    done = memory("import", "-", "-V", "api-keys", stdin=b"ONE_KEY=1\nTWO_KEY=2\n")
    assert (done.code, "not done:" in done.err) == (1, True)
    assert memory("import", "-", "-V", "api-keys", stdin=b"ONE_KEY=1\nTWO_KEY=2\n").code == 0
    assert memory("export", "-V", "api-keys", "--format", "json").data == {
        "API_KEYS_ONE_KEY": "1",
        "API_KEYS_TWO_KEY": "2",
    }


def test_a_profile_that_may_only_read(shell: Shell) -> None:
    """A read profile refuses the import, and shows its plan."""
    (shell.folder / "tailorsecrets.toml").write_text('[profiles.prod]\npermission = "read"\n')
    words = ("import", "-", "-V", "api-keys", "-p", "prod")
    assert "error[PROFILE_READ_ONLY]" in shell(*words, "--yes", stdin=b"NEW_KEY=1\n").err
    assert shell(*words, "--dry-run", stdin=b"NEW_KEY=1\n").code == 0
