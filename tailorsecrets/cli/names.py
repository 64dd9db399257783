"""The options that name a vault and a secret, completed from the config."""

from collections.abc import Callable
from typing import TypeVar

import click

from tailorsecrets.cli.options import invocation_of
from tailorsecrets.store.names import check_name

F = TypeVar("F", bound=Callable[..., object])


def complete_vault(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the declared vaults that begin with *incomplete*."""
    return [vault for vault in invocation_of(context).declared_names() if vault.startswith(incomplete)]


def complete_secret(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the declared secrets that begin with *incomplete*, of the vault on the line or of all vaults."""
    names = invocation_of(context).declared_names()
    vault = context.params.get("vault_name")
    secrets = names.get(vault, []) if vault else sorted({secret for vault in names.values() for secret in vault})
    return [secret for secret in secrets if secret.startswith(incomplete)]


def complete_place(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the declared VAULT/NAME that begin with *incomplete*."""
    names = invocation_of(context).declared_names()
    places = [f"{vault}/{secret}" for vault, secrets in names.items() for secret in secrets]
    return [place for place in places if place.startswith(incomplete)]


def vault_option(function: F) -> F:
    """Add the option for the vault."""
    return click.option(
        "--vault-name", "-V", required=True, metavar="NAME", shell_complete=complete_vault, help="The vault."
    )(function)


def vaults_option(what: str) -> Callable[[F], F]:
    """Add ``vault_names``, a repeatable option for vaults; *what* is its help."""
    text = f"{what} May be repeated."
    return click.option(
        "--vault-name", "-V", "vault_names", multiple=True, metavar="NAME", shell_complete=complete_vault, help=text
    )


def secret_options(function: F) -> F:
    """Add the options for the vault and the secret."""
    name = click.option(
        "--name", "-n", required=True, metavar="NAME", shell_complete=complete_secret, help="The secret."
    )
    return vault_option(name(function))


def vault_argument(function: F) -> F:
    """Add the name of a vault, as an argument or as an option."""
    option = click.option("--name", "option", metavar="NAME", shell_complete=complete_vault, help="The same as NAME.")
    return click.argument("name", required=False, shell_complete=complete_vault)(option(function))


def vault_name_from(name: str | None, option: str | None) -> str:
    """Return the name of the vault from the argument or the option; exactly one of them must be given."""
    if (name is None) == (option is None):
        raise click.UsageError(
            "give the name of the vault once, as an argument or with --name", click.get_current_context()
        )
    vault = name or option or ""
    check_name("vault", vault)
    return vault


def target_option(function: F) -> F:
    """Add the option for another target than the primary."""
    return click.option("--target", metavar="URL", help="Read this store instead of the vault's primary.")(function)


def yes_option(function: F) -> F:
    """Add the option that confirms."""
    return click.option("--yes", "-y", is_flag=True, help="Confirm without a prompt.")(function)
