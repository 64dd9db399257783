"""``run``: a command with secrets in its environment."""

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.variables import Selection, read_variables, selection_options
from tailorsecrets.secret import Secret
from tailorsecrets.targets.environment import Environment
from tailorsecrets.variables.environment import Precedence, environment


@command(
    "run",
    "tailorsecrets run -- node server.js",
    "tailorsecrets run --vault-name api-keys --prefix APP_ -- ./deploy.sh",
    "tailorsecrets run --map STRIPE_KEY=api-keys/stripe-secret-key -- python charge.py",
    "tailorsecrets run --profile ci --mask -- make test",
    allow_interspersed_args=False,
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
@selection_options
@click.option("--preserve-env", is_flag=True, help="Keep a variable that the environment has with another value.")
@click.option("--override", is_flag=True, help="Replace a variable that the environment has with another value.")
@click.option("--mask", is_flag=True, help="Replace values by *** in the output of the command.")
def run(
    invocation: Invocation,
    words: tuple[str, ...],
    selection: Selection,
    *,
    preserve_env: bool,
    override: bool,
    mask: bool,
) -> int:
    """Run a command with secrets as environment variables.

    The secrets are those of the config, also external ones. The variable of api-keys/stripe-secret-key is
    API_KEYS_STRIPE_SECRET_KEY. The command replaces this process, so its signals, exit code and terminal are its own.
    With --mask this process stays as its parent.
    """
    if preserve_env and override:
        raise click.UsageError("give one of --preserve-env and --override", click.get_current_context())
    secrets = read_variables(invocation, selection)
    precedence: Precedence = "environment" if preserve_env else "store" if override else "none"
    variables = environment(invocation.environ, secrets, precedence)
    invocation.wait_notice.stop()
    invocation.io.flush()
    try:
        return _masked(invocation, words, variables, secrets) if mask else invocation.io.execute(words, variables)
    except OSError as exc:
        number = exc.errno or 0
    raise _not_run(words[0], number)


def _masked(invocation: Invocation, words: tuple[str, ...], variables: Environment, secrets: dict[str, Secret]) -> int:
    from tailorsecrets.variables.forms import SHORTEST, forms
    from tailorsecrets.variables.masked import run_masked

    short = [name for name, value in secrets.items() if len(value.reveal()) < SHORTEST]
    if short:
        invocation.io.say(f"note: values of less than {SHORTEST} characters are not masked: {', '.join(short)}")
    return run_masked(words, variables, forms(secrets.values()))


def _not_run(name: str, number: int) -> Failed:
    import errno
    import os

    if number in {errno.ENOENT, errno.ENOTDIR}:
        message = f"{name}: the command is not found"
        return Failed(message, code="COMMAND_NOT_FOUND", hint="", exit_code=exits.NOT_FOUND)
    problem = "the environment is too large" if number == errno.E2BIG else os.strerror(number)
    message = f"{name}: the command cannot be run: {problem}"
    return Failed(message, code="COMMAND_NOT_RUNNABLE", hint="", exit_code=exits.NOT_RUNNABLE)
