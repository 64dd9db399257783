"""The servers that contract tests run against."""

import pytest

from tests.servers import install, localstack_aws, moto, openbao, openbao_raft, run_folder

__all__ = ["localstack_aws", "moto", "openbao", "openbao_raft", "run_folder"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers that the collected tests need, before the clock of the first test runs."""
    install([name for item in session.items for name in getattr(item, "fixturenames", ())])
