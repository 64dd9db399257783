"""Another tool at the Key Vault of the tests: the raw SDK and the server's switches."""

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.fuse import http_fuse
from tailorsecrets_azure.entries import TAG
from tests.support.azure import rules
from tests.support.azure.faults import Rule
from tests.support.azure.server import LIFETIME, Server


class Credential:
    """A login of another tool."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a new token."""
        del scopes, options
        return AccessToken(self._server.issue(), int(self._server.now()) + LIFETIME)


class AzureBackdoor(Backdoor):
    """Another tool."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = SecretClient(
            server.vault.url,
            Credential(server),
            verify_challenge_resource=False,
            connection_verify=server.authority,
            retry_total=0,
        )
        self._fuse = http_fuse(server.port)

    def write(self, name: str, text: str) -> None:
        """Set *text*.

        Azure gives whole seconds, so two writes of other tools within one look alike in a list. So a second passes.
        """
        last = self.server.vault.last(name)
        if last and TAG not in last.tags and last.attributes["created"] == int(self.server.now()):
            self.server.skew += 1
        self.client.set_secret(name, text)

    def read(self, name: str) -> str:
        """Return the plain text under *name*."""
        return self.client.get_secret(name).value or ""

    def disable(self, name: str) -> None:
        """Disable the current version."""
        self.client.update_secret_properties(name, enabled=False)

    def deny(self, name: str) -> None:
        """Remove the right to read this secret."""
        self.server.vault.deny("get", name)

    def deny_purge(self, name: str) -> None:
        """Remove the right to purge this secret."""
        self.server.vault.deny("purge", name)

    def unreachable(self) -> None:
        """Reset every connection."""
        self.server.faults.add(Rule(answer="reset"))

    def expire_login(self) -> None:
        """Accept no token."""
        self.server.accepts = False

    def forbid(self) -> None:
        """Take all rights away."""
        self.server.faults.add(Rule(refusal=rules.denied("get")))

    def cut_answers(self) -> None:
        """Send half of each answer."""
        self.server.faults.add(Rule(answer="cut", applied=True))

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to the current version and keep the others."""
        found = self.client.get_secret(name).properties
        self.client.update_secret_properties(name, found.version, tags={**(found.tags or {}), **tags})

    def rollback(self, name: str, version: str) -> None:
        """Set an old value again; Azure has no other way."""
        second = int(version.partition(".")[0])
        found = list(self.client.list_properties_of_secret_versions(name))
        old = next(
            v for v in found if v.created_on and v.created_on.timestamp() == second and version.endswith(_end(v))
        )
        self.write(name, self.client.get_secret(name, old.version).value or "")

    def throttle(self, times: int) -> None:
        """Refuse the next *times* requests as too many."""
        self.server.faults.add(Rule(times=times, refusal=rules.throttled()))

    def lose_answers(self) -> None:
        """Do each write, then reset its connection."""
        for operation in ("set", "delete", "recover", "purge"):
            self.server.faults.add(Rule(operation=operation, applied=True, answer="reset"))

    def crash(self, *, after: int) -> None:
        """Die after the next *after* requests."""
        self._fuse.left = after

    def calls(self) -> int:
        """Return the number of requests so far."""
        return len(self.server.arrived)

    def recover(self) -> None:
        """End all faults."""
        self.server.faults.recover()
        self.server.accepts = self.server.identity_works = True
        self._fuse.left = None

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def _end(version: Any) -> str:
    """Return the end of the token of one of our versions."""
    return str((version.tags or {}).get(TAG, "..").split(".")[1])
