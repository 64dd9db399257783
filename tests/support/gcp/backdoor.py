"""The other tool at a server of the Secret Manager protocol: the raw SDK, and faults of the server on demand."""

from collections.abc import Mapping
from typing import Any, Final, final

import grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.fuse import Fuse
from tailorsecrets_gcp.client import Connection, Session
from tailorsecrets_gcp.options import Options
from tests.support.gcp.faults import Rule, denied, exhausted, not_signed_in
from tests.support.gcp.relay import Wire
from tests.support.gcp.server import Server

PROJECT: Final = "my-project"
WRITES: Final = (
    "AddSecretVersion",
    "CreateSecret",
    "DeleteSecret",
    "DisableSecretVersion",
    "EnableSecretVersion",
    "UpdateSecret",
)


def raw_client(address: str) -> Any:
    """Return the SDK's own client of the server at *address*."""
    channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
    return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


class MortalConnection(Connection):
    """A connection of a process that dies before one of its calls; each call asks it for the session."""

    def __init__(self, options: Options, fuse: Fuse) -> None:
        super().__init__(options)
        self._fuse = fuse

    def session(self) -> Session:
        """Return the session, or die."""
        self._fuse.burn()
        return super().session()


@final
class GcpBackdoor(Backdoor):
    """Another tool, with its own server on the same contents, free of faults of the driver's *server* and *wire*."""

    def __init__(self, server: Server, wire: Wire, fuse: Fuse, parent: str = f"projects/{PROJECT}") -> None:
        self._server, self._wire, self._fuse, self._parent = server, wire, fuse, parent
        self._own = Server(server.holdings)
        self.client = raw_client(self._own.address)

    def secret(self, name: str) -> str:
        """Return the resource name of *name*."""
        return f"{self._parent}/secrets/{name}"

    def write(self, name: str, text: str) -> None:
        """Store *text* as gcloud does, without a stamp."""
        self.write_bytes(name, text.encode())

    def read(self, name: str) -> str:
        """Return the value of the newest version."""
        found = self.client.access_secret_version(name=f"{self.secret(name)}/versions/latest")
        return str(found.payload.data.decode())

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*."""
        if self.secret_or_none(name) is None:
            self.bare(name)
        self.client.add_secret_version(request={"parent": self.secret(name), "payload": {"data": octets}})

    def bare(self, name: str) -> None:
        """Make the secret without a version."""
        body: dict[str, Any] = {} if "/locations/" in self._parent else {"replication": {"automatic": {}}}
        self.client.create_secret(request={"parent": self._parent, "secret_id": name, "secret": body})

    def disable(self, name: str) -> None:
        """Disable the newest version."""
        newest = next(iter(self.client.list_secret_versions(parent=self.secret(name))))
        self.client.disable_secret_version(name=newest.name)

    def deny(self, name: str) -> None:
        """Take the right to access values away."""
        refusal = denied("AccessSecretVersion", self.secret(name))
        self._server.faults.add(Rule(methods=["AccessSecretVersion"], resource=self.secret(name), refusal=refusal))

    def deny_purge(self, name: str) -> None:
        """Take the right to delete secrets away."""
        refusal = denied("DeleteSecret", self.secret(name))
        self._server.faults.add(Rule(methods=["DeleteSecret"], resource=self.secret(name), refusal=refusal))

    def unreachable(self) -> None:
        """Cut the wire."""
        self._wire.cut()

    def expire_login(self) -> None:
        """Accept no token."""
        self._server.faults.add(Rule(refusal=not_signed_in()))

    def forbid(self) -> None:
        """Take all rights away."""
        self._server.faults.add(Rule(refusal=denied("GetSecret", self._parent)))

    def expire_versions(self, name: str) -> None:
        """Destroy all versions but the newest."""
        _, *old = self.client.list_secret_versions(parent=self.secret(name))
        for version in old:
            self.client.destroy_secret_version(name=version.name)

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add annotations."""
        secret = self.client.get_secret(name=self.secret(name))
        body = {"name": secret.name, "annotations": {**secret.annotations, **tags}}
        self.client.update_secret(request={"secret": body, "update_mask": {"paths": ["annotations"]}})

    def rollback(self, name: str, version: str) -> None:
        """Add the old value once more: the service has no other way."""
        number = version.partition("@")[0]
        old = self.client.access_secret_version(name=f"{self.secret(name)}/versions/{number}")
        self.write_bytes(name, old.payload.data)

    def throttle(self, times: int) -> None:
        """Refuse calls as over the quota."""
        self._server.faults.add(Rule(times=times, refusal=exhausted()))

    def lose_answers(self) -> None:
        """Do writes and do not answer."""
        self._server.faults.add(Rule(methods=WRITES, hangs=True, applied=True))

    def crash(self, *, after: int) -> None:
        """Let the process die."""
        self._fuse.left = after

    def calls(self) -> int:
        """Return how many calls arrived at the driver's server."""
        return len(self._server.arrived)

    def recover(self) -> None:
        """End all faults."""
        self._fuse.left = None
        self._server.faults.recover()
        self._wire.mend()

    def settle(self) -> None:
        """Let lists catch up."""
        self._server.holdings.settle()

    def close(self) -> None:
        """Close the client and its server."""
        self.client.transport.close()
        self._own.close()

    def secret_or_none(self, name: str) -> object:
        """Return the secret, None where there is none."""
        return self._server.holdings.secrets.get(f"{self._numbered}/secrets/{name}")

    @property
    def _numbered(self) -> str:
        return self._parent.replace(PROJECT, "123456789012")
