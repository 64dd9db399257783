"""The other tool at AWS: boto3 itself, straight to the emulator, and the switches of the wire before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from tailorsecrets.driver import Target
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.fuse import Fuse
from tailorsecrets_aws.driver import AwsDriver
from tests.support.aws.rules import CURRENT, Rules
from tests.support.aws.wire import CLOSED, EXPIRED, Wire, lost, refuse
from tests.support.servers import Server

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

REGION = "eu-west-1"
LOGIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
WRITES = ("CreateSecret", "PutSecretValue", "DeleteSecret", "RestoreSecret")
THROTTLED = refuse("ThrottlingException", "Rate exceeded")


def raw_client(url: str) -> "SecretsManagerClient":
    """Return boto3's own client at *url*."""
    client: SecretsManagerClient = _session().client("secretsmanager", endpoint_url=url)
    return client


@cache
def _session() -> Any:
    """Return one session for all clients: each session parses botocore's data once."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


@dataclass
class Aws:
    """An emulator with the wire before it."""

    wire: Wire
    rules: Rules
    raw: "SecretsManagerClient"
    fuse: Fuse = field(default_factory=Fuse)

    def target(self, **options: str) -> Target:
        """Return a target at the wire with *options*."""
        known = {"endpoint_url": self.wire.address, **options}
        return Target(url=f"aws://{REGION}", scheme="aws", host=REGION, options=known, environ=LOGIN)

    def open(self, *, timeout: float = 15.0, **options: str) -> AwsDriver:
        """Return a driver whose reads may take *timeout* seconds."""
        driver = AwsDriver(replace(self.target(**options), timeout=timeout))
        with driver._connection.reading() as client:
            client.meta.events.register_first("before-send.secrets-manager", lambda **_: self.fuse.burn())
        return driver

    def close(self) -> None:
        """Stop the wire, not the emulator."""
        self.wire.close()
        self.raw.close()


def aws_before(server: Server) -> Aws:
    """Put a wire before *server*."""
    rules = Rules()
    return Aws(Wire(server.url, rules), rules, raw_client(server.url))


class AwsBackdoor(Backdoor):
    """Another tool with its own login, to which no rule and no fault of the wire applies."""

    def __init__(self, aws: Aws) -> None:
        self._aws, self._raw = aws, aws.raw

    def write(self, name: str, text: str) -> None:
        """Create the secret or add a version."""
        try:
            self._raw.put_secret_value(SecretId=name, SecretString=text)
        except self._raw.exceptions.ResourceNotFoundException:
            self._raw.create_secret(Name=name, SecretString=text)

    def read(self, name: str) -> str:
        """Return the plain SecretString."""
        return self._raw.get_secret_value(SecretId=name, VersionStage=CURRENT)["SecretString"]

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store a SecretBinary."""
        self._raw.create_secret(Name=name, SecretBinary=octets)

    def bare(self, name: str) -> None:
        """Create it without a value."""
        self._raw.create_secret(Name=name)

    def disable(self, name: str) -> None:
        """Disable the KMS key of *name*."""
        self._aws.rules.disabled.add(name)

    def deny(self, name: str) -> None:
        """Deny GetSecretValue on *name*."""
        self._aws.rules.closed.add(("GetSecretValue", name))

    def deny_purge(self, name: str) -> None:
        """Deny DeleteSecret on *name*."""
        self._aws.rules.closed.add(("DeleteSecret", name))

    def unreachable(self) -> None:
        """Close every connection without an answer."""
        self._aws.wire.fail(CLOSED, times=float("inf"))

    def expire_login(self) -> None:
        """Say that the token has run out."""
        self._aws.wire.fail(EXPIRED, times=float("inf"))

    def forbid(self) -> None:
        """Take all rights away."""
        self._aws.wire.fail(refuse("AccessDeniedException", "the user is not authorized"), times=float("inf"))

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Tag the secret."""
        self._raw.tag_resource(SecretId=name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    def rollback(self, name: str, version: str) -> None:
        """Move AWSCURRENT."""
        current = self._raw.get_secret_value(SecretId=name, VersionStage=CURRENT)["VersionId"]
        self._raw.update_secret_version_stage(
            SecretId=name, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
        )

    def throttle(self, times: int) -> None:
        """Refuse the next *times* calls."""
        self._aws.wire.fail(THROTTLED, times=times)

    def lose_answers(self) -> None:
        """Do each write and answer none."""
        for op in WRITES:
            self._aws.wire.fail(lost, op=op, times=float("inf"))

    def crash(self, *, after: int) -> None:
        """End the process before the call that follows the next *after*."""
        self._aws.fuse.left = after

    def calls(self) -> int:
        """Return how many calls reached the wire."""
        return len(self._aws.wire.arrived)

    def recover(self) -> None:
        """End all faults."""
        self._aws.wire.heal()
        self._aws.fuse.left = None
