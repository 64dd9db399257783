"""``completion``: the script that teaches a shell to complete our commands and names."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.program import COMPLETE, PROGRAM


@command("completion", 'eval "$(tailorsecrets completion bash)"', "tailorsecrets completion fish")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(invocation: Invocation, shell: str) -> None:
    """Print the completion script of a shell.

    Commands, options, and the vault and secret names of the config are completed, with no call to the store.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(click.Command(PROGRAM), {}, PROGRAM, COMPLETE)
    invocation.io.show(ShellComplete.source(complete))  # bash's own would start a bash to learn its version
