"""What every command shares: help, common options, usage errors, and the ways to end."""

import gc
import io
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tailorsecrets import __version__
from tailorsecrets.cli import main
from tailorsecrets.cli.commands import Group
from tailorsecrets.cli.streams import Io
from tailorsecrets.driver import Problem
from tailorsecrets.errors import Denied
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import PROGRAM, STORE, Shell
from tests.support.tree import commands, leaves, parse

ALL = [(path, command) for path, command in commands()]
COMMON = ["--workspace-id", "-w", "--profile", "-p", "--store", "--config", "-c", "--env-file", "-e"]
COMMON += ["--env-file-if-exists", "--json", "-j", "--verbose", "--help"]
STRIPE = ("-V", "api-keys", "-n", "stripe-key")


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) or "root" for path, _ in ALL])
def test_help(empty: Shell, path: tuple[str, ...], command: object) -> None:
    """Every command has help with a sentence, all common options that it takes, and an example."""
    done = empty(*path, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(('tailorsecrets', *path))} ")
    refused = ["--profile", "-p", "--store"] if path in {("copy",), ("diff",)} else []
    assert [option for option in COMMON if f"{option} " not in done.out.replace(",", " ")] == refused
    assert "\nExamples:\n  " in done.out


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_examples(path: tuple[str, ...]) -> None:
    """Every example in a help belongs to that command and can be parsed."""
    (command,) = [found for words, found in ALL if words == path]
    assert command.examples
    for example in command.examples:
        line = example.removeprefix('eval "$(').removesuffix(')"').rpartition("| ")[2].partition(" < ")[0]
        words = shlex.split(line)
        assert words[: len(path) + 1] == ["tailorsecrets", *path]
        parse(words[1:], Io(io.BytesIO(), io.StringIO(), io.StringIO(), {}, Path()))


def test_the_list_of_commands_has_whole_sentences(empty: Shell) -> None:
    """What a group's help says of its commands is not cut."""
    groups = [path for path, command in ALL if isinstance(command, Group)]
    lists = [empty(*path, "--help").out.partition("Commands:")[2].partition("ptions:")[0] for path in groups]
    assert [text for text in lists if "..." in text] == []


def test_the_help_of_a_group_says_the_same_as_its_commands() -> None:
    """The line of a command in the help of its group, which loads no command, is its own first sentence."""
    lines = {
        (*path, name): line for path, group in ALL if isinstance(group, Group) for name, (_, line) in group.lazy.items()
    }
    assert lines == {path: command.get_short_help_str(1000) for path, command in ALL if path}


def test_the_help_of_a_group_loads_no_command() -> None:
    """The help of the root loads click and what it needs, and nothing that a command needs."""
    code = "import sys, click; click.HelpFormatter(); own = {*sys.modules}; from tailorsecrets.cli import main;"
    code += "main(['--help']); print(*{*sys.modules} - own)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(out.splitlines()[-1].split())
    assert "tailorsecrets.cli.root" in loaded
    assert {
        "tailorsecrets.cli.apply",
        "tailorsecrets.driver",
        "tailorsecrets.config.loading",
        "shutil",
    } & loaded == set()


@pytest.mark.parametrize(("columns", "widest"), [("60", 58), ("200", 78), ("0", 78), ("", 78)])
def test_the_width_of_the_help(empty: Shell, columns: str, widest: int) -> None:
    """The help is as wide as the terminal, up to 80 columns."""
    lines = empty("apply", "--help", COLUMNS=columns).out.partition("Examples:")[0].splitlines()
    assert widest - 8 < max(map(len, lines)) <= widest


def test_as_a_module(empty: Shell) -> None:
    """``python -m tailorsecrets`` is the same command line, exit codes included."""
    for words, code in ((("--help",), 0), (("aply",), 1), (("--version",), 0)):
        command = [sys.executable, "-m", "tailorsecrets", *words]
        done = subprocess.run(command, cwd=empty.folder, env=empty.environ, capture_output=True, text=True, check=False)
        shown = empty(*words)
        assert (done.returncode, done.stdout, done.stderr) == (code, shown.out, shown.err)


def test_the_version(empty: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The version is answered at once, and by the whole command line alike."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tailorsecrets {__version__}\n"
    assert empty("--json", "--version").out == f"tailorsecrets {__version__}\n"


@pytest.mark.parametrize("on", [True, False])
def test_a_program_that_calls_it_keeps_its_garbage_collector(monkeypatch: pytest.MonkeyPatch, on: bool) -> None:
    """Within a program, the garbage collector is on or off afterwards as it was, and nothing is kept from it."""
    seen, frozen = list[bool](), gc.get_freeze_count()

    def run(_: Sequence[str]) -> int:
        seen.append(gc.isenabled())
        (gc.disable if on else gc.enable)()
        return 0

    monkeypatch.setattr("tailorsecrets.cli.process.run_process", run)
    try:
        (gc.enable if on else gc.disable)()
        assert main(["apply"]) == 0
        assert (seen, gc.isenabled(), gc.get_freeze_count()) == ([False], on, frozen)
    finally:
        gc.enable()


def test_no_words_are_a_call_for_help(empty: Shell) -> None:
    """Without arguments the help is printed."""
    assert empty().out == empty("--help").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--bogus",), "--bogus"),
        (("apply", "--bogus"), "--bogus"),
        (("aply",), "did you mean 'apply'?"),
        (("xyzzy",), "no such command 'xyzzy'"),
        (("secret",), "Missing command"),
        (("secret", "vault", "creat"), "did you mean 'create'?"),
        (("secret", "list"), "--vault-name"),
        (("secret", "list", "-V"), "requires an argument"),
        (("check", "extra"), "too many arguments"),
        (("completion", "tcsh"), "tcsh"),
        (("policy",), "Missing option '--for'. Choose from: read, deploy\n"),
        (("apply", "-w", ""), "the value is empty"),
        (("apply", "-e", ""), "the value is empty"),
        (
            ("import", "x.env", "-V", "a-vault", "--vault-name", "b-vault"),
            "'--vault-name' / '-V': it may be given once",
        ),
        (("secret", "list", "-V", "a-vault", "--limit", "1", "--limit=2"), "'--limit' / '-l': it may be given once"),
    ],
)
def test_bad_usage(empty: Shell, words: tuple[str, ...], message: str) -> None:
    """Bad usage exits with 1 and one error that points to the help, in JSON too."""
    done = empty(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[USAGE]: ")
    assert message in done.err
    assert "--help" in done.err
    done = empty(*words, "--json") if words[-1] != "-V" else empty("--json", *words)
    assert done.error["code"] == "USAGE"
    assert list(done.error) == ["code", "message", "suggestion"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("secret", "list", "--bogus"), "run: tailorsecrets secret list --help"),
        (("secret", "create", *STRIPE, "--value-file", "none"), "run: tailorsecrets secret create --help"),
    ],
)
def test_the_help_to_read(empty: Shell, words: tuple[str, ...], expected: str) -> None:
    """The hint of bad usage is the help of the command, or of the program."""
    assert empty(*words, "--json").error["suggestion"] == expected


WRITES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("init",): (),
    ("apply",): ("--yes",),
    ("remove",): ("--yes",),
    ("secret", "create"): ("-V", "api-keys", "-n", "new-key", "--value-stdin", "--yes"),
    ("secret", "update"): (*STRIPE, "--value-stdin", "--yes"),
    ("secret", "delete"): (*STRIPE, "--yes"),
    ("secret", "restore"): (*STRIPE, "--yes"),
    ("secret", "rollback"): (*STRIPE, "--to", "1", "--yes"),
    ("secret", "purge"): (*STRIPE, "--yes"),
    ("secret", "vault", "create"): ("new-vault",),
    ("secret", "vault", "delete"): ("new-vault", "--yes"),
    ("secret", "vault", "release"): ("api-keys",),
    ("secret", "vault", "adopt"): ("api-keys", "--yes"),
    ("file", "keys", "add"): (),
    ("file", "keys", "remove"): ("0000", "--yes"),
    ("file", "rekey"): (),
}


@pytest.mark.parametrize("path", WRITES, ids=" ".join)
def test_a_command_that_writes_names_its_target_first(managed: Shell, path: tuple[str, ...]) -> None:
    """The first line on stderr of every command that writes has the command, the store and the workspace."""
    done = managed(*path, *WRITES[path], "-w", "default", stdin=b"x", STRIPE_KEY="y")
    first = done.err.splitlines()[0]
    assert first.startswith(" ".join(path))
    assert first.endswith(f" -> {STORE}, workspace default")


def test_words_that_may_be_a_value_are_not_repeated(empty: Shell) -> None:
    """The rest of a value whose quotes were forgotten is not shown."""
    done = empty("secret", "create", *STRIPE, "--value", "correct", "horse", "battery")
    assert done.code == 1
    assert "horse" not in done.err
    assert "needs quotes" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("-w", "prod", "secret", "vault", "list"),
        ("secret", "-w", "prod", "vault", "list"),
        ("secret", "vault", "-w", "prod", "list"),
        ("secret", "vault", "list", "-w", "prod"),
        ("-w", "dev", "secret", "-w", "test", "vault", "list", "--workspace-id", "prod"),
        ("secret", "vault", "list", "-w", "dev", "-w", "prod"),
    ],
)
def test_common_options_stand_anywhere(shell: Shell, words: tuple[str, ...]) -> None:
    """A common option may be before or after the command, and the last one wins."""
    assert shell(*words).err == "workspace prod has no vaults\n"


def test_flag_environment_profile_default(shell: Shell) -> None:
    """A flag wins over the environment, that over the profile, that over the default."""
    (shell.folder / "tailorsecrets.toml").write_text('[profiles.x]\nworkspace = "from-profile"\n')

    def workspace(*words: str, **environ: str) -> str:
        return shell.having(environ)("secret", "vault", "list", *words).err.split()[1]

    assert workspace("-w", "from-flag", "-p", "x", TAILORSECRETS_WORKSPACE="from-env") == "from-flag"
    assert workspace("-p", "x", TAILORSECRETS_WORKSPACE="from-env") == "from-env"
    assert workspace(TAILORSECRETS_PROFILE="x") == "from-profile"
    assert shell("secret", "vault", "list", "-p", "y", "--json").error == {
        "code": "PROFILE_NOT_FOUND",
        "message": f"no profile 'y' in {shell.folder}/tailorsecrets.toml",
        "suggestion": "known profiles: x",
    }


def test_an_env_file_names_the_target(shell: Shell) -> None:
    """What an env file sets counts as environment."""
    (shell.folder / "prod.env").write_text("TAILORSECRETS_WORKSPACE=prod\n")
    assert shell("-e", "prod.env", "secret", "vault", "list").err == "workspace prod has no vaults\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [('A="unclosed canary', 1), ("# one\n\n\nA=1\n\n  B='canary\n", 6), ("A=1\ncanary word\n", 2), ("=canary\n", 1)],
)
def test_a_malformed_env_file(shell: Shell, text: str, line: int, caplog: pytest.LogCaptureFixture) -> None:
    """A line that is not an assignment is an error with its number, without its text and without any other line."""
    (shell.folder / "bad.env").write_text(text)
    done = shell("-e", "bad.env", "secret", "vault", "list", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
    assert f"bad.env: line {line} is not NAME=VALUE" in done.error["message"]
    assert "canary" not in done.err + caplog.text
    assert caplog.records == []


def test_a_bare_name_in_an_env_file(shell: Shell) -> None:
    """A name alone sets nothing and is not an error."""
    (shell.folder / "bare.env").write_text("BARE\nTAILORSECRETS_WORKSPACE=prod\n")
    assert shell("-e", "bare.env", "secret", "vault", "list").err == "workspace prod has no vaults\n"


def test_arguments_are_no_options(empty: Shell) -> None:
    """Arguments in the usage line are not listed again among the options without an explanation."""
    assert "Options:\n  --app MODULE:NAME" in empty("app", "run", "--help").out
    assert "Options:\n  --name NAME" in empty("secret", "vault", "adopt", "--help").out


def test_the_unnamed_default_store_is_not_made_by_accident(empty: Shell) -> None:
    """A write makes a store that was named, and not the default."""
    create = ("secret", "vault", "create", "api-keys")
    assert empty(*create, "--json").error["code"] == "STORE_NOT_FOUND"
    assert not (empty.folder / STORE.removeprefix("file:")).exists()
    assert empty(*create, "--store", "file:dev.jsonl").code == 0
    assert (empty.folder / "dev.jsonl").is_file()


class Gone(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, _text: str) -> int:
        """Raise BrokenPipeError, as a write does."""
        raise BrokenPipeError


class Odd(io.StringIO):
    """A stream that fails with an unexpected exception."""

    def write(self, text: str) -> int:
        """Raise an error that quotes the text."""
        raise ZeroDivisionError(text)


def test_a_closed_pipe_is_quiet(shell: Shell) -> None:
    """If nobody reads stdout any more, there is no error message."""
    done = shell("secret", "list", "-V", "api-keys", stdout=Gone())
    assert (done.code, done.err) == (1, "")
    line = f"{PROGRAM} secret get {' '.join(STRIPE)} | true"
    piped = subprocess.run(
        ["bash", "-c", line], cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False
    )
    assert piped.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_closed_streams(shell: Shell, closed: str) -> None:
    """A stream that the caller has closed stops only commands that need it."""
    line = f"{PROGRAM} secret get {' '.join(STRIPE)} {closed}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "sk_live", "")


def test_a_working_directory_that_is_no_more(shell: Shell) -> None:
    """If the working directory was deleted, the only error is that the config is not found."""
    line = f"mkdir gone; cd gone; rmdir ../gone; {PROGRAM} apply --dry-run"
    done = subprocess.run(
        ["bash", "-c", line], cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[:6]) == (1, "error[")
    assert "INTERNAL" not in done.stderr


def test_verbose_shows_the_reason_of_a_service(memory: Shell) -> None:
    """--verbose shows the service's own code and message of a read, and of a write the code alone."""
    problem = Problem(Denied, "ask for the right", reason="no policy\nallows it", reason_code="AccessDenied")
    assert memory("secret", "vault", "create", "api-keys").code == 0
    driver = DRIVERS["here"]
    driver.explain = lambda exc, op: problem  # type: ignore[method-assign]
    get = ("secret", "get", *STRIPE)
    driver.fail("get", Denied)
    assert "\nreason: AccessDenied: no policy allows it\n" in memory(*get, "--verbose").err
    assert "reason" not in memory(*get).err
    driver.heal()
    driver.fail("put", Denied)
    written = memory("secret", "create", *STRIPE, "--value-stdin", "--verbose", stdin=b"x").err
    assert "error[PERMISSION_DENIED]" in written
    assert "\nreason: AccessDenied\n" in written
    assert "allows it" not in written


def test_an_unexpected_exception(shell: Shell) -> None:
    """A bug is one line with its type and place, and never with its message."""
    done = shell("secret", "get", *STRIPE, stdout=Odd())
    assert done.code == 1
    assert done.err.startswith("error[INTERNAL]: ZeroDivisionError at ")
    assert "sk_live" not in done.err
    assert done.err.count("\n") == 2
    verbose = shell("secret", "get", *STRIPE, "--verbose", stdout=Odd()).err
    assert "secret_read.py:" in verbose
    assert " in get\n" in verbose
    assert "sk_live" not in verbose


def test_verbose_shows_frames(shell: Shell) -> None:
    """--verbose shows where an error comes from, and without it that is left out."""
    words = ("secret", "get", "-V", "api-keys", "-n", "none")
    assert "secret_read.py:" in shell(*words, "--verbose").err
    assert ".py" not in shell(*words).err


def test_an_error_is_a_line_and_a_hint(shell: Shell) -> None:
    """An error is one line with its code, and a hint where there is one."""
    done = shell("secret", "list", "-V", "nowhere")
    assert done.err == "error[VAULT_NOT_FOUND]: vault nowhere: does not exist\n"
    assert shell("secret", "list", "-V", "nowhere", "-j").error == {
        "code": "VAULT_NOT_FOUND",
        "message": "vault nowhere: does not exist",
        "suggestion": None,
    }
    assert len(shell("secret", "list", "-V", "x").err.splitlines()) == 2


@pytest.mark.parametrize("path", [path for path in leaves() if path != ("completion",)], ids=" ".join)
def test_a_bad_target_stops_every_command(empty: Shell, path: tuple[str, ...]) -> None:
    """Every command takes --store, --profile and --env-file, and refuses a missing one."""
    words = {"get": STRIPE, "history": STRIPE, "create": (*STRIPE, "--value-stdin")}.get(path[-1], ())
    done = empty(*path, *words, "--env-file", "none.env", "--json", stdin=b"x")
    assert done.code == 1
    assert done.error["code"] in {"CONFIG_INVALID", "USAGE"}
