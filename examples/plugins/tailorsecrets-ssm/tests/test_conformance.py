"""The conformance suite of tailorsecrets, with a proxy that fails on demand before the server."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from conftest import LOGIN, REGION
from tailorsecrets.driver import Target
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.proxy import HttpBackdoor, Proxy, Rule

from tailorsecrets_ssm.driver import CAPS, ParameterStore

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

LONG = 60.0  # seconds
_JSON = {"Content-Type": "application/x-amz-json-1.1"}


def refusal(code: str) -> Rule:
    """Return the answer with which AWS refuses."""
    return Rule(status=400, headers=_JSON, body=b'{"__type": "%s", "message": "no"}' % code.encode())


class Console(HttpBackdoor):
    """Another tool: boto3 by itself, and a proxy before the driver."""

    expired: ClassVar[Rule] = refusal("ExpiredTokenException")
    forbidden: ClassVar[Rule] = refusal("AccessDeniedException")
    too_many: ClassVar[Rule] = refusal("ThrottlingException")

    def __init__(self, proxy: Proxy, raw: "SSMClient") -> None:
        super().__init__(proxy)
        self._raw = raw

    def write(self, name: str, text: str) -> None:
        """Write a version."""
        self._raw.put_parameter(Name=f"/{name}", Value=text, Type="SecureString", Overwrite=True)

    def read(self, name: str) -> str:
        """Return the decrypted value."""
        return self._raw.get_parameter(Name=f"/{name}", WithDecryption=True)["Parameter"]["Value"]


class TestConformance(Conformance):
    """What the suite checks follows from these declarations."""

    caps = CAPS
    cannot = ABILITIES - {
        "unreachable", "hang", "expire_login", "forbid", "throttle", "fail_after", "lose_answers", "cut_answers",
        "crash", "calls", "answers", "credentials",
    }  # fmt: skip
    examples = 20
    timeout = 1.5
    one_right = True  # ssm:GetParametersByPath on a path gives its values
    urls = (f"ssm://{REGION}", f"ssm://{REGION}/team?tier=standard", "ssm://eu-west-1?endpoint_url=http://127.0.0.1:1")
    environ: ClassVar = LOGIN
    module = "tailorsecrets_ssm"
    sdk = ("boto3", "botocore")
    cost: ClassVar = {"get": 1, "get_many": 1, "stat": 1, "list": 1, "put": 2, "versions": 1, "delete": 1}
    sdk_exceptions = (
        ClientError({"Error": {"Code": "InternalServerError"}}, "GetParameter"),
        ClientError({"Error": {"Code": "500"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "GetParameter"),  # type: ignore[typeddict-item]
        ConnectionClosedError(endpoint_url="https://localhost"),
        EndpointConnectionError(endpoint_url="https://localhost"),
        NoCredentialsError(),
        ParamValidationError(report="no"),
        ProfileNotFound(profile="none"),
        ReadTimeoutError(endpoint_url="https://localhost"),
        ResponseParserError("cut off"),
    )

    @pytest.fixture
    def proxy(self, server: str) -> Iterator[Proxy]:
        """Give a proxy before the server."""
        with Proxy(server).running() as proxy:
            yield proxy

    @pytest.fixture
    def connect(self, proxy: Proxy, request: pytest.FixtureRequest) -> Connect:
        """Return a function that opens one more driver; many threads wait for each other at the server."""
        test: str = request.node.name
        seconds = LONG if "threads" in test or "processes" in test else self.timeout
        options = {"endpoint_url": proxy.url}
        target = Target(url=f"ssm://{REGION}", scheme="ssm", host=REGION, options=options, environ=LOGIN)
        return lambda: ParameterStore(replace(target, timeout=seconds))

    @pytest.fixture
    def backdoor(self, proxy: Proxy, raw: "SSMClient") -> Backdoor:
        """Give the other tool."""
        return Console(proxy, raw)
