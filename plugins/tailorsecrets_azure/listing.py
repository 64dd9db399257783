"""Azure's lists: the secrets, the deleted secrets, and the versions of one secret. No list holds a value."""

from collections.abc import Iterator

from azure.keyvault.secrets import SecretClient, SecretProperties

from tailorsecrets.driver import Budget
from tailorsecrets_azure.entries import newest_first, share_a_second, token_of
from tailorsecrets_azure.errors import missing_is_fine

PAGE = 25  # the most that Azure gives


def live(client: SecretClient, seconds: float) -> Iterator[SecretProperties]:
    """Yield the current version of every secret in the Key Vault; each page may take *seconds*."""
    yield from client.list_properties_of_secrets(max_page_size=PAGE, seconds=seconds)


def deleted(client: SecretClient, seconds: float) -> Iterator[SecretProperties]:
    """Yield the last version of every deleted secret; each page may take *seconds*."""
    for secret in client.list_deleted_secrets(max_page_size=PAGE, seconds=seconds):
        yield secret.properties


def versions(client: SecretClient, name: str, budget: Budget) -> list[SecretProperties]:
    """Return the versions of *name*, the current one first; none for a deleted or unknown name.

    Microsoft's service lists no versions for such a name; other servers answer 404. Azure lists versions in no order
    and gives whole seconds. Only the list of all secrets shows which of two versions of one second is the current one.
    """
    found: list[SecretProperties] = []
    with missing_is_fine():
        found = newest_first(client.list_properties_of_secret_versions(name, max_page_size=PAGE, seconds=budget.left))
    if share_a_second(found[:2]):
        token = _current(client, name, budget.left)
        found.sort(key=lambda version: token_of(version) != token)
    return found


def _current(client: SecretClient, name: str, seconds: float) -> str:
    """Return the token of the current version of *name*, "" if there is none now."""
    listed = live(client, seconds)
    return next((token_of(each) for each in listed if (each.name or "").lower() == name.lower()), "")
