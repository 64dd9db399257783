"""What Azure lists: the secrets, the deleted ones, and the versions of one. No list holds a value."""

from collections.abc import Iterator

from azure.keyvault.secrets import SecretClient, SecretProperties

from tailorsecrets_azure.entries import are_rivals, newest_first, token_of
from tailorsecrets_azure.retry import Budget

PAGE = 25  # the most that Azure gives


def live(client: SecretClient, seconds: float) -> Iterator[SecretProperties]:
    """Yield the current version of every secret of the Key Vault; each page may take *seconds*."""
    yield from client.list_properties_of_secrets(max_page_size=PAGE, seconds=seconds)


def deleted(client: SecretClient, seconds: float) -> Iterator[SecretProperties]:
    """Yield the last version of every deleted secret; each page may take *seconds*."""
    for found in client.list_deleted_secrets(max_page_size=PAGE, seconds=seconds):
        yield found.properties


def versions(client: SecretClient, name: str, budget: Budget) -> list[SecretProperties]:
    """Return the versions of *name*, the current one first; none of a deleted or unknown one.

    Azure gives them in no order and tells whole seconds. Which of those of one second is the current one, only the
    list of all secrets tells.
    """
    found = newest_first(client.list_properties_of_secret_versions(name, max_page_size=PAGE, seconds=budget.left))
    if are_rivals(found):
        token = _current(client, name, budget.left)
        found.sort(key=lambda version: token_of(version) != token)
    return found


def _current(client: SecretClient, name: str, seconds: float) -> str:
    """Return the token of the current version of *name*, "" where there is none any more."""
    return next((token_of(found) for found in live(client, seconds) if is_named(found, name)), "")


def is_named(found: SecretProperties, name: str) -> bool:
    """Tell whether *found* is what Azure, which folds case, has under *name*."""
    return (found.name or "").lower() == name.lower()
