"""``doctor`` on the file store and on a plugin of a third party; and the errors that point to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tailorsecrets.doctor.examine import diagnose
from tailorsecrets.doctor.findings import Check, Diagnosis
from tailorsecrets.driver import Caps, Identity
from tailorsecrets.errors import Denied, Unauthenticated, Unavailable
from tailorsecrets.targets.choice import Choice
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import Memory
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

NO_SDK = "import sys; sys.modules[{sdk!r}] = None; from tailorsecrets.cli import main; sys.exit(main(sys.argv[1:]))"
SDKS = {
    "vault://v.example": ("hvac", "hvac", "vault"),
    "aws://eu-west-1": ("botocore", "botocore", "aws"),
    "gcp://my-project": ("google.cloud.secretmanager_v1", "google", "gcp"),
    "azure://my-vault": ("azure.keyvault.secrets", "azure", "azure"),
}


def lines(out: str) -> dict[str, str]:
    """Return the line of each check by its name."""
    return {
        line[9:19].strip(): line for line in out.splitlines() if line[:7].strip() in {"ok", "FAILED", "WARNING", "-"}
    }


def test_a_store_file(managed: Shell) -> None:
    """A working store file: its key is shown; it has no clock and no lag."""
    done = managed("doctor")
    assert (done.code, done.err) == (0, "")
    said = lines(done.out)
    assert said["config"] == "ok       config    vaults: 1, secrets: 1"
    assert said["login"].startswith("ok       login     the key file ~/.config/tailorsecrets/keys/")
    assert said["read"] == "ok       read      secret api-keys/stripe-key"
    assert said["clock"] == "-        clock     the store is on this machine"
    assert done.out.endswith("reading works; planning works\n")
    assert "sk_live" not in done.out


def test_a_store_file_that_is_missing(empty: Shell) -> None:
    """A missing store file fails the reach, and the hint says how to make it."""
    done = empty("doctor")
    assert done.code == 1
    assert "FAILED   reach     STORE_NOT_FOUND" in done.out
    assert "hint: run: tailorsecrets init" in done.out


def test_the_wrong_key_of_a_file(managed: Shell) -> None:
    """A key that does not open the file fails the login; the key is not shown."""
    key = "tailorsecrets-key-" + "A" * 43
    done = managed("doctor", TAILORSECRETS_FILE_KEY=key)
    assert done.code == 1
    assert "FAILED   login     UNAUTHENTICATED" in done.out
    assert "only TAILORSECRETS_FILE_KEY was tried" in done.out
    assert key not in done.out + done.err


@pytest.mark.parametrize(("name", "value"), [("TAILORSECRETS_FILE_KEY_FILE", "ci.key"), ("TAILORSECRETS_FILE_KEY", "")])
def test_the_source_of_the_key(managed: Shell, name: str, value: str) -> None:
    """The login of a file is the source of its key: a file that a variable names, or the variable itself."""
    path = managed.folder / "ci.key"
    assert managed("file", "keys", "add", "--key-file", str(path)).code == 0
    environ = {name: str(path) if value else path.read_text().strip()}
    expected = "the key file ~/ci.key" if value else f"the variable {name}"
    assert lines(managed.having(environ)("doctor").out)["login"] == f"ok       login     {expected}"


def test_a_config_that_is_broken(managed: Shell) -> None:
    """A config that cannot be loaded is a separate failure, and the store is still examined."""
    (managed.folder / "tailor_config.py").write_text("import nothing_like_it\n")
    done = managed("doctor")
    assert done.code == 1
    assert "FAILED   config    CONFIG_INVALID" in done.out
    assert "ok       reach" in done.out


def test_without_a_config(shell: Shell) -> None:
    """Without a config a missing name is tried, which is enough to show the rights."""
    done = shell("doctor", "--json")
    assert done.code == 0
    assert done.data["config"]["state"] == "untried"
    checks = {each["name"]: each for each in done.data["targets"][0]["checks"]}
    assert (checks["read"]["state"], checks["read"]["message"]) == ("ok", "allowed")


def test_a_url_with_a_credential_is_not_shown(empty: Shell) -> None:
    """The URL that is refused is in no line, since it may hold a password."""
    for words in (("doctor",), ("doctor", "--json")):
        done = empty(*words, "--store", "vault://me:hunter2@vault.example")
        assert done.code == 1
        assert "the store URL contains a credential" in done.out
        assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize("url", SDKS)
def test_a_missing_extra(tmp_path: Path, url: str) -> None:
    """Without the SDK, the plugin fails and says what to install."""
    sdk, named, extra = SDKS[url]
    command = [sys.executable, "-c", NO_SDK.format(sdk=sdk), "doctor", "--store", url]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"FAILED   plugin    CONFIG_INVALID: the {url.partition(':')[0]}: store needs {named}" in done.stdout
    assert f"hint: pip install 'tailorsecrets[{extra}]'" in done.stdout


@pytest.fixture
def faulty(memory: Shell) -> tuple[Shell, Faults]:
    """Return a command line with a config on a third party's store, and the faults of that."""
    driver = DRIVERS["here"] = Faults(Memory())
    memory.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}}')
    (memory.folder / "tailorsecrets.toml").write_text('[profiles.reader]\npermission = "read"\n')
    assert memory("apply", "--yes", STRIPE_KEY="sk_live").code == 0
    return memory, driver


def test_a_plugin_that_does_not_tell_who_is_signed_in(faulty: tuple[Shell, Faults]) -> None:
    """A plugin without identity and clock is reported, and is not a failure."""
    done = faulty[0]("doctor")
    assert done.code == 0
    said = lines(done.out)
    assert said["login"] == "-        login     the plugin cannot show who is signed in"
    assert said["clock"] == "-        clock     the store did not send its time"
    assert said["plugin"].startswith("ok       plugin    memory_plugin 1.0")


def test_rights_of_a_profile(faulty: tuple[Shell, Faults]) -> None:
    """A denied list fails planning: an error for a profile that may write, a warning for one that only reads."""
    shell, driver = faulty
    driver.fail("list", Denied)
    done = shell("doctor")
    assert done.code == 1
    assert "FAILED   list      PERMISSION_DENIED" in done.out
    assert "reading works; planning fails\n" in done.out
    reader = shell("doctor", "-p", "reader")
    assert reader.code == 0
    assert "WARNING  list      PERMISSION_DENIED" in reader.out


@pytest.mark.parametrize("error", [Unavailable, Unauthenticated])
def test_errors_point_to_doctor(faulty: tuple[Shell, Faults], error: type[Unavailable | Unauthenticated]) -> None:
    """Every command that cannot reach the store or sign in points to doctor, for the same target."""
    shell, driver = faulty
    for op in ("get", "get_many", "stat", "list", "put"):
        driver.fail(op, error)
    pointer = "to find the cause, run: tailorsecrets doctor --workspace-id default"
    commands = (
        ("apply", "--yes"),
        ("secret", "list", "-V", "api-keys"),
        ("secret", "get", "-V", "api-keys", "-n", "stripe-key"),
        ("secret", "vault", "list"),
        ("check",),
    )
    for words in commands:
        done = shell(*words, "-w", "default", STRIPE_KEY="other")
        assert done.code == 1
        assert done.err.splitlines()[-1].endswith(pointer), (words, done.err)
    done = shell("secret", "list", "-V", "api-keys", "-w", "default", "--json")
    assert done.error["suggestion"].endswith(pointer)


def test_other_errors_do_not(shell: Shell) -> None:
    """An error about a name has nothing to do with the store."""
    assert "doctor" not in shell("secret", "get", "-V", "api-keys", "-n", "missing-key").err


def test_several_targets_at_once(tmp_path: Path) -> None:
    """Each of several targets gets its own findings, in their order."""
    choices = [Choice("memory:", "default", str(tmp_path)), Choice("file:none.jsonl", "default", str(tmp_path))]
    found = diagnose([(choice, {}) for choice in choices], {})
    assert [each.ok for each in found] == [False, False]
    assert [each.checks[-1].name for each in found] == ["plugin", "list lag"]
    assert found[1].store == "file:none.jsonl"


def test_the_targets_of_profiles(empty: Shell) -> None:
    """Every target of every named profile is examined, each on the names of the vaults that it holds."""
    empty.declare('{"api-keys": {"stripe-key": "x"}, "database": {"db-url": "x"}}')
    (empty.folder / "tailorsecrets.toml").write_text(
        """
        [profiles.dev]
        store = ["file:one.jsonl", "file:two.jsonl"]
        vaults = { database = "file:three.jsonl" }
        [profiles.prod]
        store = "file:four.jsonl"
        """
    )
    for name in ("one", "two", "three", "four"):
        assert empty("init", "--store", f"file:{name}.jsonl", "-c", "elsewhere/tailor_config.py").code in {0, 1}
    done = empty("doctor", "-p", "dev", "-p", "prod", "--json")
    assert [target["store"] for target in done.data["targets"]] == [
        "file:one.jsonl",
        "file:two.jsonl",
        "file:three.jsonl",
        "file:four.jsonl",
    ]
    alone = empty("doctor", "-p", "dev", "--store", "file:three.jsonl", "--json")
    assert [target["store"] for target in alone.data["targets"]] == ["file:three.jsonl"]


def test_a_warning_stops_nothing() -> None:
    """What would stop planning is not a failure for a login that only reads; planning is shown as failing."""
    denied = Check(name="list", state="warning", text="", stops="planning")
    found = Diagnosis(store="s", workspace="w", may_plan=False, caps=Caps(), identity=Identity(), checks=(denied,))
    assert (found.reading, found.planning, found.ok) == (True, False, True)
