"""A server with Parameter Store: the one at SSM_ENDPOINT, else moto."""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from tailorsecrets.testing.serving import serving

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

REGION = "eu-west-1"
LOGIN = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key-of-tests",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session", autouse=True)
def login() -> Iterator[None]:
    """Sign in as tests do, and only so."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, text in LOGIN.items():
            patch.setenv(name, text)
        yield


@pytest.fixture(scope="session")
def server(login: None) -> Iterator[str]:
    """Give the address of the server."""
    running = os.environ.get("SSM_ENDPOINT")
    if running:
        yield running
        return
    with serving(lambda port: [sys.executable, "-m", "moto.server", "-p", str(port)]) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def raw(server: str) -> Iterator["SSMClient"]:
    """Give a client that is not the driver's."""
    client = boto3.client("ssm", region_name=REGION, endpoint_url=server)
    yield client
    client.close()
