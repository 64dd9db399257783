"""The installed plugin, as users use it."""

import pytest
from conftest import BACKEND
from keyring.core import load_keyring
from tailorsecrets import SecretNotFound, Unsupported, open_store

URL = f"keyring:?backend={BACKEND}"


def test_a_secret_comes_back() -> None:
    """A secret is an entry of the keyring, under its own name."""
    with open_store(URL) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "stripe-key", "sk_test")
    assert load_keyring(BACKEND).get_password("tailorsecrets", "default/api-keys/stripe-key") == "sk_test"
    with open_store(URL) as store:
        store.delete_secret("api-keys", "stripe-key")
        with pytest.raises(SecretNotFound):
            store.read("api-keys", "stripe-key")


def test_a_keyring_cannot_list() -> None:
    """A list is refused, in words, before the keyring is asked."""
    with open_store(URL) as store, pytest.raises(Unsupported, match="this store cannot list its secrets"):
        store.list_vaults()


def test_a_service_of_its_own() -> None:
    """The path of the URL names the service."""
    with open_store(f"keyring:my-service?backend={BACKEND}") as store:
        store.create_vault("api-keys")
    assert load_keyring(BACKEND).get_password("my-service", "default/v/api-keys")
