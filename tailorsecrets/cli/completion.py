"""``completion``: the completion script of a shell."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.program import COMPLETE, PROGRAM


@command("completion", 'eval "$(tailorsecrets completion bash)"', "tailorsecrets completion fish")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(invocation: Invocation, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options, and the vault and secret names of the config. It never calls the store.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(click.Command(PROGRAM), {}, PROGRAM, COMPLETE)
    invocation.io.show(ShellComplete.source(complete))  # the method of the bash class starts a bash for its version
