"""``run``: the secrets in the environment of a command that takes the place of this process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import pexpect
import pytest

from tailorsecrets.cli.options import invocation_of
from tailorsecrets.cli.running import plain_line
from tailorsecrets.cli.selection import Selection
from tailorsecrets.cli.streams import Io
from tailorsecrets.errors import Denied, Disabled, SecretsError, Unavailable
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import PROGRAM, STORE, Shell
from tests.support.tree import parse

PRINT = (sys.executable, "-c", "import os; print(*sorted(n + '=' + v for n, v in os.environ.items()), sep='\\n')")


def add(shell: Shell, vault: str, name: str, value: str) -> None:
    """Create a secret by hand."""
    shell("secret", "vault", "create", vault)
    assert shell("secret", "create", "-V", vault, "-n", name, "--value", value, "--yes").code == 0


def start(shell: Shell, *argv: str) -> "subprocess.Popen[str]":
    """Start the program with *argv*, with the usual effect of signals, also if these tests run in the background."""
    return subprocess.Popen(
        ["env", "--default-signal", PROGRAM, *argv],
        cwd=shell.folder,
        env=shell.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_secrets_of_the_config(managed: Shell) -> None:
    """The command gets the declared secrets, external ones too, added to the environment; nothing else is printed."""
    add(managed, "partner", "token", "from the partner")
    managed.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}}', ', external={"partner": ["token"]}')
    done = managed("run", "--", *PRINT, OTHER="x")
    assert (done.code, done.err) == (0, "")
    lines = ["API_KEYS_STRIPE_KEY=sk_live", "OTHER=x", "PARTNER_TOKEN=from the partner"]
    assert [line for line in lines if line not in done.out.splitlines()] == []


def test_the_secrets_of_a_vault(shell: Shell) -> None:
    """With -V all secrets of a vault of the store are there, and no config is needed; several add up."""
    add(shell, "partner", "token", "from the partner")
    done = shell("run", "-V", "api-keys", "-V", "partner", "--prefix", "app_", "--", *PRINT)
    assert (done.code, done.err) == (0, "")
    assert "app_API_KEYS_STRIPE_KEY=sk_live\napp_PARTNER_TOKEN=from the partner" in done.out
    missing = shell("run", "-V", "no-such-vault", "--", *PRINT)
    assert (missing.code, missing.out) == (1, "")
    assert "error[VAULT_NOT_FOUND]: " in missing.err


def test_a_map(shell: Shell) -> None:
    """With --map the command gets exactly the named variables, and no config is needed."""
    add(shell, "partner", "token", "t")
    for words in (("--map", "A=api-keys/stripe-key"), ("--map", "A=api-keys/stripe-key", "-V", "api-keys")):
        done = shell("run", *words, "--", *PRINT)
        assert (done.code, "A=sk_live" in done.out.splitlines()) == (0, True)
        assert "API_KEYS" not in done.out
    assert "error[VARIABLE_INVALID]" in shell("run", "--map", "A=partner/token", "-V", "api-keys", "true").err
    assert "error[VARIABLE_INVALID]" in shell("run", "--map", "A=partner", "true").err
    assert "error[USAGE]" in shell("run", "--map", "A=partner/token", "--prefix", "X", "true").err


def test_a_missing_secret(managed: Shell) -> None:
    """All missing secrets are one error before the command starts; --allow-missing leaves their variables unset."""
    managed.declare('{"api-keys": {"stripe-key": "x", "gone": "x"}}', ', external={"partner": ["token"]}')
    done = managed("run", "--", *PRINT)
    assert (done.code, done.out) == (1, "")
    assert "error[SECRET_NOT_FOUND]: not in the store: api-keys/gone, partner/token" in done.err
    assert "--allow-missing" in done.err
    allowed = managed("run", "--allow-missing", "--", *PRINT)
    assert (allowed.code, "API_KEYS_STRIPE_KEY=sk_live" in allowed.out) == (0, True)
    assert "GONE" not in allowed.out


@pytest.mark.parametrize("kind", [Denied, Disabled, Unavailable])
@pytest.mark.parametrize("batch", [1, 20])
def test_denied_is_not_missing(memory: Shell, kind: type[SecretsError], batch: int) -> None:
    """A secret that is denied or unavailable is an error with --allow-missing too."""
    memory.declare('{"api-keys": {"stripe-key": "x", "other-key": "y"}}')
    assert memory("apply", "--yes").code == 0
    DRIVERS["here"].caps = replace(DRIVERS["here"].caps, batch=batch)
    DRIVERS["here"].fail("get", kind)
    DRIVERS["here"].fail("get_many", kind)
    done = memory("run", "--allow-missing", "--", *PRINT)
    assert (done.code, done.out) == (1, "")
    assert f"error[{kind.code}]" in done.err
    assert kind is Unavailable or ("api-keys/stripe-key" in done.err and "api-keys/other-key" in done.err)


def test_a_store_that_does_not_exist(empty: Shell) -> None:
    """A store file that does not exist is not a store without secrets."""
    empty.declare('{"api-keys": {"stripe-key": "x"}}')
    assert "error[STORE_NOT_FOUND]" in empty("run", "--allow-missing", "true").err


def test_a_variable_that_the_environment_has(managed: Shell) -> None:
    """Another value in the environment is an error that names both options; each of them lets one value win."""
    words = ("--", *PRINT)
    done = managed("run", *words, API_KEYS_STRIPE_KEY="mine")
    assert (done.code, done.out, "sk_live" in done.err) == (1, "", False)
    assert "error[VARIABLE_CONFLICT]: " in done.err
    assert "API_KEYS_STRIPE_KEY" in done.err
    assert "API_KEYS_STRIPE_KEY=sk_live" in managed("run", *words, API_KEYS_STRIPE_KEY="sk_live").out
    assert "API_KEYS_STRIPE_KEY=mine" in managed("run", "--preserve-env", *words, API_KEYS_STRIPE_KEY="mine").out
    assert "API_KEYS_STRIPE_KEY=sk_live" in managed("run", "--override", *words, API_KEYS_STRIPE_KEY="mine").out
    assert "error[USAGE]" in managed("run", "--override", "--preserve-env", *words).err


def test_env_files_reach_the_command(managed: Shell) -> None:
    """Variables of an env file are in the environment of the command, and count as its environment."""
    (managed.folder / ".env").write_text("FROM_FILE=1\n")
    assert "FROM_FILE=1" in managed("run", "-e", ".env", "--", *PRINT).out
    (managed.folder / ".env").write_text("API_KEYS_STRIPE_KEY=1\n")
    assert "error[VARIABLE_CONFLICT]" in managed("run", "-e", ".env", "--", *PRINT).err


def test_options_of_the_command(managed: Shell) -> None:
    """What follows the command is the command's, with two hyphens before it or without."""
    assert managed("run", "echo", "--json", "-V", "x").out == "--json -V x\n"
    assert managed("run", "--", "echo", "--", "-V").out == "-- -V\n"
    assert "error[USAGE]" in managed("run").err


@pytest.mark.parametrize("mask", [(), ("--mask",)])
@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("no-such-command", 127, "COMMAND_NOT_FOUND"),
        ("./no-such-file", 127, "COMMAND_NOT_FOUND"),
        ("./folder", 126, "COMMAND_NOT_RUNNABLE"),
        ("./plain", 126, "COMMAND_NOT_RUNNABLE"),
    ],
)
def test_a_command_that_cannot_be_run(managed: Shell, mask: Sequence[str], command: str, code: int, error: str) -> None:
    """A command that is not found exits 127, one that cannot be run 126, as in a shell; no value is shown."""
    (managed.folder / "folder").mkdir()
    (managed.folder / "plain").write_text("text")
    done = subprocess.run(
        [PROGRAM, "run", *mask, command],
        cwd=managed.folder,
        env=managed.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert f"error[{error}]: {command}: " in done.stderr
    assert "hint: " in done.stderr
    assert "sk_live" not in done.stderr


def test_an_environment_that_is_too_large(shell: Shell) -> None:
    """A value that no environment holds is one clear error, without a traceback."""
    add(shell, "large", "value", "x" * 200_000)
    done = start(shell, "run", "-V", "large", "true")
    _, err = done.communicate(timeout=60)
    assert (done.returncode, "the environment is too large" in err, "that of LARGE_VALUE" in err) == (126, True, True)


def test_the_keys_of_the_store_are_not_passed_on(managed: Shell) -> None:
    """The key and the passphrase of the store file are not in the environment of the command; other settings are."""
    (key,) = (managed.folder / ".config/tailorsecrets/keys").iterdir()
    managed.environ |= {
        "TAILORSECRETS_FILE_KEY": key.read_text().strip(),
        "TAILORSECRETS_FILE_PASSPHRASE": "a passphrase",
        "TAILORSECRETS_STORE": STORE,
    }
    for options in ((), ("--mask",)):
        done = start(managed, "run", *options, "--", "env")
        out, _ = done.communicate(timeout=60)
        assert (done.returncode, f"TAILORSECRETS_STORE={STORE}" in out) == (0, True)
        assert "TAILORSECRETS_FILE" not in out


def test_it_is_the_process(managed: Shell) -> None:
    """The PID that was started is the command's, its exit code is seen, and no value is in any argument list."""
    script = "import os, sys; print(os.getpid(), open('/proc/self/cmdline').read(), os.environ['API_KEYS_STRIPE_KEY']);"
    done = start(managed, "run", "--", sys.executable, "-c", script + "sys.exit(37)")
    out, err = done.communicate(timeout=60)
    pid, _, value = out.split(" ", 1)[0], None, out.split()[-1]
    assert (done.returncode, err, int(pid), value) == (37, "", done.pid, "sk_live")
    assert "sk_live" not in out.removesuffix("sk_live\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_its_death_is_the_commands(managed: Shell, number: signal.Signals) -> None:
    """If a signal ends the command, it ends the process that was started."""
    done = start(managed, "run", "--", "sh", "-c", f"kill -{number.value} $$; sleep 60")
    done.communicate(timeout=60)
    assert done.returncode == -number


def test_sigterm_reaches_it(managed: Shell) -> None:
    """SIGTERM to the process that was started is the command's to handle."""
    script = "trap 'echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    done = start(managed, "run", "--", "sh", "-c", script)
    assert done.stdout is not None
    assert done.stdout.readline() == "ready\n"
    done.terminate()
    assert (done.communicate(timeout=60)[0], done.returncode) == ("stopped\n", 3)


def test_the_signals_that_python_ignores(managed: Shell) -> None:
    """The command gets SIGPIPE as any other program, in both ways to run it."""
    for options in ((), ("--mask",)):
        done = start(managed, "run", *options, "--", "sh", "-c", "yes | head -n 1; kill -PIPE $$; echo survived")
        out, _ = done.communicate(timeout=60)
        assert (out, done.returncode) == ("y\n", 128 + signal.SIGPIPE if options else -signal.SIGPIPE)


def test_a_terminal_stays_one(managed: Shell) -> None:
    """On a terminal the command has it for its three streams, and is asked on it; Ctrl-C reaches it once."""
    script = "test -t 0 && test -t 1 && test -t 2 && echo terminal; read name; echo hello $name"
    trap, loop = "trap 'echo caught; exit 5' INT", "while :; do sleep 0.05; done"  # a shell that forks may miss one
    child = managed.terminal("run", "--", "sh", "-c", f"{trap}; {script}; {loop}")
    child.expect("terminal\r\n")
    child.sendline("ada")
    child.expect("hello ada\r\n")
    child.sendintr()
    child.expect("caught\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


LINES = [
    "true",
    "-- true -V x",
    "-V api-keys -V partner -- true",
    "--vault-name api-keys --map A=b/c --map D=e/f --allow-missing --mask echo --mask",
    "--preserve-env --preserve-env -w prod --workspace-id dev true",
    "--override --store file:x -p one --profile two -c a.py --config b.py -- --",
    "-V -x -- true",
]
FOR_CLICK = [
    "",
    "--",
    "-V",
    "-V x",
    "--help",
    "--preserve-env --override true",
    "--prefix A true",
    "-e .env true",
    "-Vx true",
]
FOR_CLICK += ["--store= true", "--json true", "--no-such true", "- true", "-V x --"]


@pytest.mark.parametrize("line", LINES)
def test_lines_that_need_no_click(line: str) -> None:
    """The command lines that are read without click mean the same as with it."""
    io = Io(BytesIO(), StringIO(), StringIO(), {}, Path())
    context = parse(["run", *line.split()], io)
    plain = plain_line(line.split())
    assert plain is not None
    invocation = invocation_of(context)
    assert plain.common == {name: value for name, value in vars(invocation.common).items() if value}
    given = context.params
    assert plain.selection == Selection(given["vaults"], given["maps"], given["prefix"], given["allow_missing"])
    precedence = "environment" if given["preserve_env"] else "store" if given["override"] else "none"
    assert (plain.words, plain.mask, plain.precedence) == (given["words"], given["mask"], precedence)


@pytest.mark.parametrize("line", FOR_CLICK)
def test_lines_that_need_click(line: str) -> None:
    """Every other line, also a wrong one, is left to click."""
    assert plain_line(line.split(" ") if line else []) is None


def test_a_plain_line_loads_no_click(managed: Shell) -> None:
    """The command is started without click, which takes as long to load as Python."""
    code = "import sys; from tailorsecrets.cli import main; from tailorsecrets.cli.streams import Io;"
    code += "show = lambda *_: print(sorted({'click', 'logging'} & {*sys.modules}));"
    code += "Io.__init__.__kwdefaults__['execute'] = show; main()"
    words = [sys.executable, "-c", code, "run", "--", "true"]
    done = subprocess.run(words, cwd=managed.folder, env=managed.environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def masked(shell: Shell, *words: str, code: int = 0) -> tuple[str, str]:
    """Run *words* with --mask; return what came to stdout and stderr."""
    done = start(shell, "run", "--mask", "--", *words)
    out, err = done.communicate(timeout=60)
    assert done.returncode == code, err
    return out, err


@pytest.fixture
def long_value(shell: Shell) -> Shell:
    """Return a command line whose config has a long value and a short one."""
    shell.declare('{"db": {}, "web": {"url": "postgres://user:p%40ss@db/x", "pin": "1234"}}'.replace('"db": {}, ', ""))
    assert shell("apply", "--yes").code == 0
    return shell


def test_mask(long_value: Shell) -> None:
    """Values are masked in stdout and in stderr; short ones are named once, and stay."""
    out, err = masked(long_value, "sh", "-c", 'echo "<$WEB_URL> $WEB_PIN"; echo "<$WEB_URL>" >&2; exit 3', code=3)
    assert out == "<***> 1234\n"
    assert err == "note: values of less than 8 characters are not masked: WEB_PIN\n<***>\n"


def test_mask_keeps_the_order_of_one_stream(long_value: Shell) -> None:
    """Where stdout and stderr are one file, their order stays."""
    done = subprocess.run(
        [PROGRAM, "run", "--mask", "sh", "-c", "for n in 1 2 3 4 5 6 7 8 9; do echo o$n; echo e$n >&2; done"],
        cwd=long_value.folder,
        env=long_value.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1:] == [f"{stream}{number}" for number in range(1, 10) for stream in "oe"]


@pytest.mark.parametrize(("target", "code"), [("> /dev/full", 1), ("| true", 0)])
def test_masked_output_that_cannot_be_written(long_value: Shell, target: str, code: int) -> None:
    """Masked output that is lost on a full disk is an error; a reader that has left is not an error."""
    line = f"{PROGRAM} run --mask -- echo hello {target}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=long_value.folder, env=long_value.environ, capture_output=True, text=True, check=False
    )
    error = "error[OUTPUT_FAILED]: the output of echo cannot be written: No space left on device"
    assert (done.returncode, error in done.stderr) == (code, bool(code))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT])
def test_signals_pass_through_the_mask(long_value: Shell, number: signal.Signals) -> None:
    """A signal to the parent alone reaches the command, whose exit code is the parent's."""
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo caught {name}; exit 4' {name}; echo ready; while :; do sleep 0.05; done"
    done = start(long_value, "run", "--mask", "--", "sh", "-c", script)
    assert done.stdout is not None
    assert done.stdout.readline() == "ready\n"
    done.send_signal(number)
    assert (done.communicate(timeout=60)[0], done.returncode) == (f"caught {name}\n", 4)


def test_death_by_a_signal_behind_the_mask(long_value: Shell) -> None:
    """The exit code of a command that a signal ends is 128 and its number."""
    masked(long_value, "sh", "-c", "kill -TERM $$", code=128 + signal.SIGTERM)
    masked(long_value, "sh", "-c", "kill -KILL $$", code=128 + signal.SIGKILL)


def test_ctrl_c_behind_the_mask(long_value: Shell) -> None:
    """Ctrl-C on the terminal reaches the command once, and its exit code is the command's."""
    script = "trap 'echo caught; over=1' INT; echo ready; while [ -z $over ]; do sleep 0.1; done; exit 5"
    child = long_value.terminal("run", "--mask", "--", "sh", "-c", script)
    child.expect("ready\r\n")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert child.before == "^Ccaught\r\n"
    child.close()
    assert child.exitstatus == 5


def test_a_reader_that_leaves(long_value: Shell) -> None:
    """When nobody reads the output, the command gets SIGPIPE, as it would without the mask."""
    done = start(long_value, "run", "--mask", "--", "yes")
    assert done.stdout is not None
    assert done.stdout.readline() == "y\n"
    done.stdout.close()
    assert done.wait(timeout=60) == 128 + signal.SIGPIPE
    assert done.stderr is not None
    done.stderr.close()


def test_no_value_in_any_argument(long_value: Shell) -> None:
    """While the command runs behind the mask, no process has a value in its arguments, and the parent's are ours."""
    done = start(long_value, "run", "--mask", "--", "sh", "-c", "echo $PPID $$; sleep 60")
    assert done.stdout is not None
    pids = done.stdout.readline().split()
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    assert [line for line in lines if "postgres" in line] == []
    assert int(pids[0]) == done.pid
    done.terminate()
    done.communicate(timeout=60)
    assert done.returncode == 128 + signal.SIGTERM


def test_processes_that_are_left_behind(long_value: Shell) -> None:
    """What a process that outlives the command writes soon after is masked too; one that is silent is not awaited."""
    began = time.monotonic()
    out, _ = masked(long_value, "sh", "-c", "(sleep 0.3; echo $WEB_URL) & (sleep 60) & echo first")
    assert (out, time.monotonic() - began < 30) == ("first\n***\n", True)


def test_a_stopped_command(long_value: Shell) -> None:
    """SIGTSTP stops the command and its parent, so that a shell gets the terminal back; both go on with SIGCONT."""
    words = f"{PROGRAM} run --mask -- sh -c 'echo $PPID $$; sleep 0.2; echo done'"
    job = subprocess.Popen(
        ["bash", "-c", f"set -m; {words} & read end"],  # in a group of its own, as the job of a shell is
        cwd=long_value.folder,
        env=long_value.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert job.stdout is not None
    parent, child = map(int, job.stdout.readline().split())
    os.kill(parent, signal.SIGTSTP)
    assert states(parent, child, "T")
    os.kill(parent, signal.SIGCONT)
    assert job.stdout.readline() == "done\n"
    job.communicate(timeout=60)


def states(parent: int, child: int, wanted: str) -> bool:
    """Tell whether both processes get to the state *wanted* within some seconds."""
    for _ in range(200):
        if {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in (parent, child)} == {wanted}:
            return True
        time.sleep(0.05)
    return False
