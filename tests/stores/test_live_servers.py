"""The suite for live stores passes on Google's and Azure's protocol and leaves nothing, also under purge protection."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.azure.server import Server as KeyVault
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.server import Server as Google

pytestmark = pytest.mark.timeout(300)  # each test is a run of pytest
LIVE = Path(__file__).with_name("test_live.py")


def run(url: str, tests: str, environ: Mapping[str, str]) -> str:
    """Run *tests* of the suite on the store of *url*, and return the summary."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(LIVE), "-k", tests]
    variables = {"TAILORSECRETS_TEST_STORE": url, "TAILORSECRETS_TEST_SETTLE": "0.1"}
    done = subprocess.run(
        command, env={**os.environ, **environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def test_google() -> None:
    """On a store with Google's rules of names and versions the suite passes, and deletes all that it made."""
    server = Google()
    try:
        run(f"gcp://{PROJECT}?endpoint={server.address}", "Google and (stamp or foreign or version or tags)", {})
        assert not server.holdings.secrets
    finally:
        server.close()


@pytest.mark.parametrize("protected", [False, True], ids=["plain", "purge-protection"])
def test_azure(tmp_path: Path, protected: bool) -> None:
    """On a Key Vault the suite passes, and leaves no live secret, also where purge protection forbids more."""
    server = KeyVault(tmp_path)
    server.vault.protected = protected
    try:
        url = f"azure://{server.host}?credential=managed&ca_bundle={quote(server.authority, safe='')}"
        run(url, "foreign or stamp or restore", server.environ)
        assert not server.vault.list()
        assert bool(server.vault.list_deleted()) == protected
    finally:
        server.close()
