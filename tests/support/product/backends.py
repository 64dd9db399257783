"""Every store there is, started and opened: in memory, the file, and the five services' servers."""

import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tailorsecrets.driver import Stored
from tailorsecrets.targets import plugins
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import target_of
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import WRITES, Memory
from tailorsecrets.testing.proxy import Proxy
from tailorsecrets_azure.driver import AzureDriver
from tailorsecrets_gcp import driver as gcp
from tests.support.aws.backdoor import LOGIN, REGION, AwsBackdoor, aws_before
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.server import Server as KeyVault
from tests.support.distributions import install
from tests.support.file.backdoor import FileBackdoor
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.fixtures import ABANDONED_AFTER, bench
from tests.support.memory_plugin import DRIVERS
from tests.support.product import on_the_wire
from tests.support.product.backend import Backend, Request
from tests.support.servers import Server
from tests.support.vault.backdoor import VaultBackdoor

Start = Callable[[str], Server]  # starts a server by its name, or returns the one that runs
Open = Callable[[Path, Start], AbstractContextManager[Backend]]


class Recorded(Faults):
    """The memory driver, with all that arrived there."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.batches: list[Request] = []

    def get_many(self, names: Sequence[str]) -> dict[str, Stored | Exception]:
        """Note the names and pass on."""
        self.batches.append(Request("get_many", list(names), "value"))
        return dict(super().get_many(names))

    def arrived(self) -> list[Request]:
        """Return all calls, in the order in which they came."""
        batches: Iterator[Request] = iter(list(self.batches))
        return [next(batches) if call.op == "get_many" else _request(call.op, call.name) for call in list(self.calls)]


def _request(op: str, name: str) -> Request:
    if op == "get":
        return Request(op, [name], "value")
    return Request(op, [name], "write" if op in WRITES else "look")


@contextmanager
def in_memory(folder: Path, start: Start) -> Generator[Backend]:
    """Open a third party's store in memory."""
    del start
    memory = Memory()
    driver = Recorded(memory)
    (folder / "site").mkdir()
    install(folder / "site", "memory_plugin", "from tests.support.memory_plugin import tailorsecrets_stores\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "site")
        patch.setitem(DRIVERS, "product", driver)
        yield Backend(
            name="memory",
            url="memory://product",
            environ={},
            backdoor=memory.backdoor,
            connect=lambda: driver,
            arrived=driver.arrived,
            folder=folder,
        )


@contextmanager
def in_file(folder: Path, start: Start) -> Generator[Backend]:
    """Open an encrypted file."""
    del start
    path = str(folder / "store" / "secrets.jsonl")
    environ = {"XDG_CONFIG_HOME": str(folder / ".config"), "HOME": str(folder)}
    target = target_of(Choice(f"file:{path}", "default", str(folder)), environ)
    opened = plugins.store_type("file").open
    opened(target).setup()
    backdoor, disk = FileBackdoor(target, folder / "none"), on_the_wire.watched_disk()
    disk.path = path
    yield Backend(
        name="file",
        url=target.url,
        environ=environ,
        backdoor=backdoor,
        connect=lambda: opened(target),
        arrived=lambda: disk.seen,
        folder=folder,
    )
    backdoor.recover()


def in_mounts(folder: Path, start: Start) -> AbstractContextManager[Backend]:
    """Open OpenBao, where each vault is a mount."""
    return _in_openbao("OpenBao mounts", "", folder, start("openbao"))


def in_folders(folder: Path, start: Start) -> AbstractContextManager[Backend]:
    """Open OpenBao, where vaults are folders of one mount, below a folder."""
    return _in_openbao("OpenBao folders", "secret/team", folder, start("openbao"))


@contextmanager
def on_raft(folder: Path, start: Start) -> Generator[Backend]:
    """Open OpenBao as it runs in production, where a new mount is not ready at once."""
    with _in_openbao("OpenBao on raft", "", folder, start("openbao-raft")) as backend:
        yield replace(backend, repeats=True)


@contextmanager
def _in_openbao(name: str, path: str, folder: Path, server: Server) -> Generator[Backend]:
    with Proxy(server.url).running() as proxy:
        backdoor = VaultBackdoor(server, proxy, path.partition("/")[0])
        environ = {"VAULT_TOKEN": backdoor.token()}
        url = f"vault+http://127.0.0.1:{proxy.port}" + (f"/{path}" if path else "")
        target = target_of(Choice(url, "default", str(folder)), environ)
        opened = plugins.store_type("vault+http").open
        yield Backend(
            name=name,
            url=url,
            environ=environ,
            backdoor=backdoor,
            connect=lambda: opened(target),
            arrived=lambda: [on_the_wire.at_vault(*seen) for seen in list(proxy.seen)],
            folder=folder,
            workspace=_workspace(),
            prefix=path,
        )
        backdoor.recover()
        backdoor.close()


def on_moto(folder: Path, start: Start) -> AbstractContextManager[Backend]:
    """Open AWS as moto has it."""
    return _at_aws("AWS", start("moto"), folder)


def on_localstack(folder: Path, start: Start) -> AbstractContextManager[Backend]:
    """Open AWS as LocalStack has it."""
    return _at_aws("AWS on LocalStack", start("localstack"), folder)


@contextmanager
def _at_aws(name: str, server: Server, folder: Path) -> Generator[Backend]:
    aws = aws_before(server)
    backdoor = AwsBackdoor(aws)
    yield Backend(
        name=name,
        url=f"aws://{REGION}?endpoint_url={quote(aws.wire.address, safe='')}",
        environ=LOGIN,
        backdoor=backdoor,
        connect=aws.open,
        arrived=lambda: [on_the_wire.at_aws(call) for call in list(aws.wire.arrived)],
        folder=folder,
        workspace=_workspace(),
    )
    backdoor.recover()
    aws.close()


@contextmanager
def at_google(folder: Path, start: Start) -> Generator[Backend]:
    """Open Google's Secret Manager, with no quota, and which takes an unfinished write for abandoned soon."""
    del start
    with bench(timeout=15.0) as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(gcp.GcpDriver, "caps", replace(gcp.CAPS, per_s={}))
        patch.setattr(gcp, "ABANDONED_AFTER", ABANDONED_AFTER)
        made.server.holdings.age(timedelta(hours=-1))  # a list is not asked about what was made just now
        yield Backend(
            name="GCP",
            url=f"gcp://{PROJECT}?endpoint={made.wire.address}",
            environ={},
            backdoor=made.backdoor,
            connect=made.connect,
            arrived=lambda: [on_the_wire.at_google(*seen) for seen in list(made.server.arrived)],
            folder=folder,
        )
        made.backdoor.recover()


@contextmanager
def at_azure(folder: Path, start: Start) -> Generator[Backend]:
    """Open Azure's Key Vault, with no quota."""
    del start
    server = KeyVault(folder)
    backdoor = AzureBackdoor(server)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AzureDriver, "caps", replace(AzureDriver.caps, per_s={}))
        for name, value in server.environ.items():
            patch.setenv(name, value)
        url = f"azure://{server.host}?credential=managed&ca_bundle={quote(server.authority, safe='')}"
        target = target_of(Choice(url, "default", str(folder)), server.environ)
        opened = plugins.store_type("azure").open
        yield Backend(
            name="Azure",
            url=url,
            environ=server.environ,
            backdoor=backdoor,
            connect=lambda: opened(target),
            arrived=lambda: [on_the_wire.at_azure(*seen) for seen in list(server.arrived)],
            folder=folder,
        )
    backdoor.recover()
    backdoor.close()
    server.close()


def _workspace() -> str:
    return f"w-{uuid.uuid4().hex[:8]}"


BACKENDS: dict[str, Open] = {
    "memory": in_memory,
    "file": in_file,
    "openbao-mounts": in_mounts,
    "openbao-folders": in_folders,
    "openbao-raft": on_raft,
    "aws": on_moto,
    "aws-localstack": on_localstack,
    "gcp": at_google,
    "azure": at_azure,
}
SERVERS = {
    "openbao-mounts": "openbao",
    "openbao-folders": "openbao",
    "openbao-raft": "openbao-raft",
    "aws": "moto",
    "aws-localstack": "localstack",
}
