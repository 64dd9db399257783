"""The servers that contract tests run against."""

import pytest

from tests.support.servers import install, localstack_aws, moto, openbao, openbao_raft, run_folder
from tests.support.vault.logins import auth_path, opened
from tests.support.vault.stores import bao_proxy, bao_root, bao_store, workspace

__all__ = [
    "auth_path",
    "bao_proxy",
    "bao_root",
    "bao_store",
    "localstack_aws",
    "moto",
    "openbao",
    "openbao_raft",
    "opened",
    "run_folder",
    "workspace",
]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers that the collected tests need, before the clock of the first test runs."""
    install([name for item in session.items for name in getattr(item, "fixturenames", ())])
