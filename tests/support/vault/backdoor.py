"""The other tool at a Vault server: raw hvac with a token that may do everything, and faults on the wire."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import hvac
from hvac.exceptions import InvalidRequest

from tailorsecrets.testing.proxy import HttpBackdoor, Proxy, Rule
from tests.support.servers import Server

EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }\n'
JSON = {"Content-Type": "application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}


class VaultBackdoor(HttpBackdoor):
    """Another program with all rights. *mount* holds all names; "": each name's first two parts are its mount."""

    forbidden = Rule(status=403, headers=JSON, body=b'{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}')
    too_many = Rule(status=429, headers=JSON, body=b'{"errors":["request path \\"x\\": rate limit quota exceeded"]}')

    def __init__(self, server: Server, proxy: Proxy, mount: str = "") -> None:
        super().__init__(proxy)
        self.client = hvac.Client(url=server.url, token=server.variables["VAULT_TOKEN"])
        self._mount, self._policy = mount, f"limits-{uuid.uuid4().hex}"
        self._rules: list[str] = []
        self._tokens: list[str] = []
        self.client.sys.create_or_update_policy("everything", EVERYTHING)
        self._limit("")

    def token(self) -> str:
        """Return a new token for a driver, which ``deny`` and ``deny_purge`` restrict."""
        made = self.client.auth.token.create(policies=["everything", self._policy], no_parent=True, ttl="1h")
        token: str = made["auth"]["client_token"]
        self._tokens.append(token)
        return token

    def write(self, name: str, text: str) -> None:
        """Write a version, as ``vault kv put`` does."""
        self._put(name, {"value": text})

    def read(self, name: str) -> str:
        """Read what ``vault kv get -field=value`` shows."""
        text: str = self._read(name)["value"]
        return text

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Write an entry whose field is not text; JSON holds no other octets."""
        self._put(name, {"value": [octets.decode("latin-1")]})

    def bare(self, name: str) -> None:
        """Make metadata and no version."""
        self._when_ready(lambda path, mount: self.client.secrets.kv.v2.update_metadata(path, mount_point=mount), name)

    def deny(self, name: str) -> None:
        """Forbid all of a secret's data, and leave its metadata."""
        self._limit(f'path "{self._path(name, "data")}" {{ capabilities = ["deny"] }}\n')

    def deny_purge(self, name: str) -> None:
        """Forbid to delete a secret's metadata."""
        self._limit(f'path "{self._path(name, "metadata")}" {{ capabilities = ["read", "list", "patch"] }}\n')

    def expire_login(self) -> None:
        """Revoke all tokens of drivers."""
        for token in self._tokens:
            self.client.auth.token.revoke(token)

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Merge *tags* into the custom metadata, as ``vault kv metadata patch`` does."""
        url, body = f"/v1/{self._path(name, 'metadata')}", {"custom_metadata": dict(tags)}
        self.client.adapter.request("patch", url, headers=MERGE, json=body)

    def rollback(self, name: str, version: str) -> None:
        """Write an old version again, as ``vault kv rollback`` does."""
        self._put(name, self._read(name, int(version.partition("@")[0])))

    def close(self) -> None:
        """Close the connection."""
        self.client.adapter.close()

    def _put(self, name: str, secret: Mapping[str, Any]) -> None:
        put = self.client.secrets.kv.v2.create_or_update_secret
        self._when_ready(lambda path, mount: put(path, dict(secret), mount_point=mount), name)

    def _read(self, name: str, version: int | None = None) -> Mapping[str, Any]:
        mount, path = self._split(name)
        read = self.client.secrets.kv.v2.read_secret_version
        answer = read(path, version=version, mount_point=mount, raise_on_deleted_version=True)
        fields: Mapping[str, Any] = answer["data"]["data"]
        return fields

    def _when_ready(self, do: Callable[[str, str], Any], name: str) -> None:
        """Repeat *do* until a new mount is ready."""
        mount, path = self._split(name)
        while True:
            try:
                do(path, mount)
            except InvalidRequest as exc:
                if "Upgrading" not in str(exc):
                    raise
            else:
                return
            time.sleep(0.05)

    def _limit(self, rule: str) -> None:
        self._rules.append(rule)
        self.client.sys.create_or_update_policy(self._policy, "".join(self._rules) or "# none")

    def _path(self, name: str, kind: str) -> str:
        mount, path = self._split(name)
        return f"{mount}/{kind}/{path}"

    def _split(self, name: str) -> tuple[str, str]:
        if self._mount:
            return self._mount, name.removeprefix(f"{self._mount}/")
        workspace, vault, path = name.split("/", 2)
        return f"{workspace}/{vault}", path
