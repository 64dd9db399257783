"""Bad URLs, options, variables and names: refused before any call."""

from collections.abc import Mapping

import pytest

from tailorsecrets import open_store
from tailorsecrets.errors import (
    ConfigError,
    NameInvalid,
)
from tests.support.servers import Server


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("vault://host/secret?colour=red", {}, "unknown option colour"),
        ("vault://root@host/secret", {}, "credential"),
        ("vault://", {}, "names no host"),
        ("vault:///secret", {"VAULT_ADDR": "localhost:8200"}, "is not an address"),
        ("vault:///secret", {"VAULT_ADDR": "https://user:word@host"}, "credential"),
        ("vault://ho st/secret", {}, "host"),
        ("vault://host:port/secret", {}, "is not a host"),
        ("vault://host/secret?field=", {}, "field="),
        ("vault://host/secret?max_versions=none", {}, "max_versions="),
        ("vault://host/secret?auth=magic", {}, "auth=magic"),
        ("vault://host/secret?mount=other", {}, "mount=other"),
        ("vault://host/a/../b", {}, "prefix"),
        ("vault://host/" + "x" * 600, {}, "512 characters"),
        ("vault://host/secret", {"VAULT_CLIENT_CERT": "cert.pem"}, "VAULT_CLIENT_KEY"),
        ("vault://host/secret?timeout=soon", {}, "timeout=soon"),
    ],
)
def test_bad_input_is_one_line(url: str, environ: Mapping[str, str], expected: str) -> None:
    """An error in a URL or a variable is reported when the store is opened, in one line, with no call."""
    with pytest.raises(ConfigError) as caught:
        open_store(url, environ=environ)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "word" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["../sys", "a//b", "a/./b", "a/", "/a", "a b", "a\nb"])
def test_names_that_would_lead_elsewhere(openbao: Server, name: str) -> None:
    """A driver refuses names that hvac would turn into another path."""
    from tailorsecrets.driver import Target
    from tailorsecrets_vault.driver import VaultDriver

    driver = VaultDriver(Target(url="vault://", scheme="vault", path="secret", environ=openbao.variables))
    for use in (driver.get, driver.stat, driver.delete, driver.restore):
        with pytest.raises(NameInvalid):
            use(f"secret/{name}")
    driver.close()
