"""What a request on each store's wire is: which of them give values out, and which write."""

import re
import sys
from functools import cache
from typing import Any

from tests.support.aws import wire as aws_wire
from tests.support.product.backend import Request

AWS_VALUES = {"GetSecretValue", "BatchGetSecretValue"}
AWS_LOOKS = {"ListSecrets", "DescribeSecret", "ListSecretVersionIds", "GetCallerIdentity"}
GOOGLE_LOOKS = {"ListSecrets", "GetSecret", "ListSecretVersions", "GetSecretVersion"}
AZURE_LOOKS = {"challenge", "list", "versions", "list_deleted", "get_deleted"}


def at_vault(method: str, path: str) -> Request:
    """Read a method and a path; the part of the key-value engine is cut out of the name, as in ``vault kv``."""
    plain = path.partition("?")[0].removeprefix("/v1/")
    engine = re.search(r"/(data|metadata|detailed-metadata|delete|undelete|destroy)(?=/|$)", plain)
    what = engine.group(1) if engine else plain.rpartition("sys/")[2].partition("/")[0]
    name = plain[: engine.start()] + plain[engine.end() :] if engine else plain
    if method not in {"GET", "LIST"}:
        return Request(f"{method} {what}", [name], "write")
    return Request(f"{method} {what}", [name], "value" if what == "data" else "look")


def at_aws(call: aws_wire.Call) -> Request:
    """Read a call of Secrets Manager."""
    names = [call.name] if call.name else list(call.facts.get("SecretIdList", ()))
    if call.op in AWS_VALUES:
        return Request(call.op, names, "value")
    return Request(call.op, names, "look" if call.op in AWS_LOOKS else "write")


def at_google(method: str, resource: str) -> Request:
    """Read a method and a resource, as in ``projects/P/secrets/NAME/versions/latest``."""
    name = resource.partition("/secrets/")[2].partition("/")[0]
    if method == "AccessSecretVersion":
        return Request(method, [name], "value")
    return Request(method, [name], "look" if method in GOOGLE_LOOKS else "write")


def at_azure(operation: str, name: str) -> Request:
    """Read an operation of the server's own words."""
    if operation == "get":
        return Request(operation, [name], "value")
    return Request(operation, [name], "look" if operation in AZURE_LOOKS else "write")


class Disk:
    """Sees how often the file at *path* is read and rewritten."""

    path = ""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def step(self, event: str, args: tuple[Any, ...]) -> None:
        """Note an event."""
        if event == "open" and self.path == args[0]:
            self.seen.append(Request("read"))
        elif event == "os.rename" and self.path == args[1]:
            self.seen.append(Request("rewrite", kind="write"))


@cache
def watched_disk() -> Disk:
    """Return the one disk that this process watches; an audit hook cannot be taken back."""
    disk = Disk()
    sys.addaudithook(disk.step)
    return disk
