"""The AWS driver keeps the contract: before moto and before LocalStack, each made as strict as AWS."""

from collections.abc import Iterator
from typing import ClassVar

import boto3.exceptions
import botocore.exceptions
import pytest
from botocore.parsers import ResponseParserError

from tailorsecrets.testing.backdoor import LATER, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets_aws.driver import AwsDriver
from tests.support.aws.backdoor import Aws, AwsBackdoor, aws_before
from tests.support.servers import Server

READ = 1.5  # seconds; the tests of a store that never answers wait four times that for each write
LONG_READ = 6.0  # seconds, where threads wait for each other at the emulator
SHORT_READ = 0.75  # seconds, where a test is about the error at the end only


class OnAws(Conformance):
    """The driver on an emulator with the wire before it."""

    caps = AwsDriver.caps
    cannot = LATER - {"forbid"}
    examples = 20
    many, timeout = 105, 1.5
    module = "tailorsecrets_aws"
    sdk = ("boto3", "botocore", "pluggy")
    cost: ClassVar = {"get": 1, "get_many": 1, "stat": 1, "list": 1, "put": 1, "versions": 2, "delete": 1, "restore": 2}
    sdk_exceptions = (
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.EndpointConnectionError(endpoint_url="https://localhost"),
        botocore.exceptions.ProfileNotFound(profile="none"),
        boto3.exceptions.Boto3Error(),
        ResponseParserError(),
    )

    @pytest.fixture
    def server(self) -> Server:
        """Return the emulator."""
        raise NotImplementedError

    @pytest.fixture
    def aws(self, server: Server) -> Iterator[Aws]:
        """Give the wire before it."""
        aws = aws_before(server)
        yield aws
        aws.close()

    @pytest.fixture
    def connect(self, request: pytest.FixtureRequest, aws: Aws) -> Connect:
        """Return a function that opens one more driver."""
        test: str = request.node.name
        seconds = SHORT_READ if "canary" in test else LONG_READ if "threads" in test else READ
        return lambda: aws.open(timeout=seconds)

    @pytest.fixture
    def backdoor(self, aws: Aws) -> Backdoor:
        """Return the other tool."""
        return AwsBackdoor(aws)


class TestMoto(OnAws):
    """On moto."""

    urls = ("aws://eu-west-1", "aws://eu-west-1/team-a", "aws://eu-west-1?endpoint_url=http://127.0.0.1:9", "aws://")
    environ: ClassVar = {"AWS_REGION": "eu-west-1"}  # for the URL without a region

    @pytest.fixture
    def server(self, moto: Server) -> Server:
        """Return moto."""
        return moto


class TestLocalStack(OnAws):
    """On LocalStack."""

    @pytest.fixture
    def server(self, localstack_aws: Server) -> Server:
        """Return LocalStack."""
        return localstack_aws
