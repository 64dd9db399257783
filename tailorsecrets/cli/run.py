"""``run``: a command with secrets in its environment."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.running import run_command
from tailorsecrets.cli.selection import Selection
from tailorsecrets.cli.variables import selection_options
from tailorsecrets.variables.environment import Precedence


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
    API_KEYS_STRIPE_SECRET_KEY. The command replaces this process: it gets the signals and the terminal, and its exit
    code is returned. With --mask, tailorsecrets keeps running as the parent of the command.
    """
    if preserve_env and override:
        raise click.UsageError("give one of --preserve-env and --override", click.get_current_context())
    precedence: Precedence = "environment" if preserve_env else "store" if override else "none"
    return run_command(invocation, words, selection, precedence, mask=mask)
