"""``doctor`` on every store: what it says when all is well, and for each thing that can be wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest

from tests.support.aws.wire import refuse
from tests.support.azure import rules
from tests.support.azure.faults import Rule as AzureRule
from tests.support.azure.server import APPLICATION
from tests.support.gcp.faults import Rule as GcpRule
from tests.support.gcp.faults import denied as gcp_denied
from tests.support.product.backend import Backend, writes
from tests.support.product.backends import BACKENDS, Start
from tests.support.servers import start, stop
from tests.support.shell import Done, Shell

CANARY = "cAnArY-7f3a9"
CONFIG = '{"api-keys": {"stripe-key": env("STRIPE_KEY")}}'
NAME = "api-keys/stripe-key"
STORES = ("memory", "file", "openbao-mounts", "openbao-folders", "aws", "gcp", "azure")
REMOTE = ("openbao-mounts", "openbao-folders", "aws", "gcp", "azure")
WHO = {
    "memory": None,
    "file": "the key file ~/",
    "openbao-mounts": "token-token (policies: ",
    "openbao-folders": "token-token (policies: ",
    "aws": "arn:aws:sts::",
    "gcp": "nobody: ",
    "azure": f"application {APPLICATION}",
}


@pytest.fixture
def opened(tmp_path: Path, servers: Start, name: str) -> Iterator[Backend]:
    """Give the store of the test's parameter."""
    with BACKENDS[name](tmp_path, servers) as backend:
        yield backend


@pytest.fixture
def shell(opened: Backend) -> Shell:
    """Return a command line whose config is applied; a read may take two seconds."""
    folder = opened.folder / "app"
    folder.mkdir()
    url = f"{opened.url}{'&' if '?' in opened.url else '?'}timeout=2"
    shell = Shell(folder).having({**opened.variables, "TAILORSECRETS_STORE": url})
    shell.declare(CONFIG)
    (folder / "tailorsecrets.toml").write_text('[profiles.reader]\npermission = "read"\n')
    assert shell("apply", "--yes", STRIPE_KEY=CANARY).code == 0
    return shell


def doctor(shell: Shell, *words: str, **environ: str) -> tuple[Done, dict[str, Any]]:
    """Return what ``doctor`` says in words, and about its only target in JSON; no value and no token is in either."""
    shell = shell.having(environ)
    said, document = shell("doctor", *words), shell("doctor", "--json", *words)
    assert said.code == document.code
    secret = [CANARY, *(text for name, text in shell.environ.items() if name.endswith(("TOKEN", "ACCESS_KEY")))]
    for text in secret:
        assert len(text) < 8 or text not in said.out + said.err + document.out + document.err
    (target,) = document.data["targets"]
    return said, target


def check(target: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the worst check called *name*."""
    order = ["failed", "warning", "untried", "ok"]
    return min((each for each in target["checks"] if each["name"] == name), key=lambda each: order.index(each["state"]))


@pytest.mark.parametrize("name", STORES)
def test_all_well(opened: Backend, shell: Shell, name: str) -> None:
    """Nothing fails, nothing is written, and the login, the latency, the limits and the lag are shown."""
    before = len(opened.arrived())
    said, target = doctor(shell)
    assert said.code == 0, said.out
    assert writes(opened.since(before)) == []
    assert "FAILED" not in said.out
    assert "WARNING" not in said.out
    assert (target["ok"], target["reading"], target["planning"]) == (True, True, True)
    assert target["latencySeconds"] < 2
    assert WHO[name] is None or target["login"]["name"].startswith(WHO[name])
    assert all(check(target, right)["state"] == "ok" for right in ("read", "list", "records", "metadata"))
    assert target["listLagSeconds"] == (300.0 if name in {"aws", "gcp"} else 0.0)
    assert target["limits"]["valueBytes"] > 20_000
    assert (target["clockAheadSeconds"] is None) == (name in {"memory", "file", "gcp"})
    assert bool(target["sdk"]) == (name != "memory")


@pytest.mark.parametrize("name", REMOTE)
def test_no_network(opened: Backend, shell: Shell, name: str) -> None:
    """A store that does not answer fails the reach; nothing else is tried."""
    opened.backdoor.unreachable()
    said, target = doctor(shell)
    assert said.code == 1
    assert check(target, "reach")["code"] == "UNAVAILABLE"
    assert check(target, "rights")["state"] == check(target, "login")["state"] == "untried"
    assert "reading fails; planning fails" in said.out


@pytest.mark.parametrize("name", REMOTE)
def test_an_expired_login(opened: Backend, shell: Shell, name: str) -> None:
    """An expired login fails the check of the login; if the service sends its time, it counts as reached."""
    opened.backdoor.expire_login()
    said, target = doctor(shell)
    assert said.code == 1
    assert check(target, "login")["code"] == "UNAUTHENTICATED"
    assert check(target, "login")["suggestion"]
    assert check(target, "reach")["state"] == ("untried" if name == "gcp" else "ok")
    assert "FAILED   login" in said.out
    failure = shell("secret", "get", "-V", "api-keys", "-n", "stripe-key")
    assert failure.err.endswith("to find the cause, run: tailorsecrets doctor\n")


def wrong_token(opened: Backend) -> dict[str, str]:
    """Return the environment of a made-up token."""
    return {"VAULT_TOKEN": "hvs.made-up-for-this-test"}


def wrong_key(opened: Backend) -> dict[str, str]:
    """Let AWS answer as it does to a key that does not exist."""
    backdoor: Any = opened.backdoor
    message = "The security token included in the request is invalid."
    backdoor._aws.wire.fail(refuse("UnrecognizedClientException", message), times=float("inf"))
    return {}


def no_identity(opened: Backend) -> dict[str, str]:
    """Let the machine have no identity."""
    backdoor: Any = opened.backdoor
    backdoor.server.identity_works = False
    return {}


WRONG: dict[str, Callable[[Backend], dict[str, str]]] = {
    "openbao-folders": wrong_token,
    "aws": wrong_key,
    "azure": no_identity,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_credential(opened: Backend, shell: Shell, name: str) -> None:
    """A credential that the store does not accept fails the login."""
    said, target = doctor(shell, **WRONG[name](opened))
    assert said.code == 1
    assert (check(target, "login")["state"], check(target, "login")["code"]) == ("failed", "UNAUTHENTICATED")


def reader_of_vault(opened: Backend, policy: str) -> dict[str, str]:
    """Return the environment of a token under *policy* alone."""
    backdoor: Any = opened.backdoor
    backdoor.client.sys.create_or_update_policy(f"reader-{opened.workspace}", policy)
    made = backdoor.client.auth.token.create(policies=[f"reader-{opened.workspace}"], no_default_policy=True)
    return {"VAULT_TOKEN": made["auth"]["client_token"]}


def reader_of_aws(opened: Backend, policy: str) -> dict[str, str]:
    """Put *policy* on the login."""
    backdoor: Any = opened.backdoor
    backdoor._aws.rules.policy = json.loads(policy)
    return {}


def reader_of_gcp(opened: Backend, policy: str) -> dict[str, str]:
    """Take all rights but that to access a secret of a vault."""
    backdoor: Any = opened.backdoor
    methods = ("ListSecrets", "GetSecret", "ListSecretVersions")
    for method in methods:
        backdoor._server.faults.add(GcpRule(methods=[method], refusal=gcp_denied(method, "projects/my-project")))
    record = f"projects/my-project/secrets/{opened.workspace}_v_api-keys"
    backdoor._server.faults.add(GcpRule(resource=record, refusal=gcp_denied("AccessSecretVersion", record)))
    return {}


def reader_of_azure(opened: Backend, policy: str) -> dict[str, str]:
    """Take all rights but that to get a value."""
    backdoor: Any = opened.backdoor
    for operation in ("list", "versions", "list_deleted", "get_deleted"):
        backdoor.server.faults.add(AzureRule(operation=operation, refusal=rules.denied(operation)))
    return {}


READERS: dict[str, Callable[[Backend, str], dict[str, str]]] = {
    "openbao-mounts": reader_of_vault,
    "openbao-folders": reader_of_vault,
    "aws": reader_of_aws,
    "gcp": reader_of_gcp,
    "azure": reader_of_azure,
}


@pytest.mark.parametrize("name", READERS)
def test_a_role_that_may_only_read(opened: Backend, shell: Shell, name: str) -> None:
    """Reading works and planning does not: an error under a profile that may write, and none under one that reads."""
    mount = {"TAILORSECRETS_STORE": f"{opened.url}?mount=secret"} if name == "openbao-folders" else {}
    policy = shell.having(mount)("policy", "--for", "read").out if name != "azure" else ""
    environ = READERS[name](opened, policy)
    said, target = doctor(shell, **environ)
    assert said.code == 1
    assert (target["reading"], target["planning"]) == (True, False)
    assert check(target, "read")["state"] == "ok"
    denied = check(target, "metadata" if name == "openbao-mounts" else "list")
    assert denied["code"] == "PERMISSION_DENIED"
    reading, target = doctor(shell, "-p", "reader", **environ)
    assert reading.code == 0, reading.out
    assert (target["ok"], target["planning"], target["planningNeeded"]) == (True, False, False)
    assert "FAILED" not in reading.out
    assert "reading works; planning fails (not needed" in reading.out


@pytest.mark.parametrize("name", ["openbao-folders", "aws", "azure"])
def test_a_skewed_clock(opened: Backend, shell: Shell, name: str) -> None:
    """A clock that differs by ten minutes gets a warning; what still works is not a failure."""
    backdoor: Any = opened.backdoor
    wires = {"openbao-folders": "proxy", "aws": "_aws", "azure": "server"}
    wire = getattr(backdoor, wires[name])
    wire = wire.wire if name == "aws" else wire
    wire.skew = 600.0
    said, target = doctor(shell)
    wire.skew = 0.0
    assert said.code == 0
    assert target["clockAheadSeconds"] == pytest.approx(600, abs=2)
    assert check(target, "clock")["state"] == "warning"
    assert "WARNING  clock     this machine's clock is" in said.out
    assert "s behind the store's" in said.out


@pytest.mark.parametrize("name", ["aws"])
def test_a_clock_that_the_store_refuses(opened: Backend, shell: Shell, name: str) -> None:
    """If the store refuses a login because of the clock, the login fails, and the line of the clock shows why."""
    backdoor: Any = opened.backdoor
    backdoor._aws.wire.skew = -900.0
    message = "Signature not yet current: 20261127T131500Z is still later than 20261127T130500Z"
    backdoor._aws.wire.fail(refuse("RequestTimeTooSkewed", message), times=float("inf"))
    said, target = doctor(shell)
    assert said.code == 1
    assert "clock of this machine" in check(target, "login")["suggestion"]
    assert target["clockAheadSeconds"] == pytest.approx(-900, abs=2)
    assert "s ahead of the store's" in said.out


def test_a_sealed_server(run_folder: Path, tmp_path: Path) -> None:
    """A server that is really sealed fails the reach, and the line says so."""
    folder = run_folder.with_name(f"{run_folder.name}-sealed")
    server = start("openbao-raft", folder)
    try:
        hvac.Client(url=server.url, token=server.variables["VAULT_TOKEN"]).sys.seal()
        url = f"{server.url.replace('http', 'vault+http', 1)}/secret?timeout=2"
        said, target = doctor(Shell(tmp_path).having({**server.variables, "TAILORSECRETS_STORE": url}))
    finally:
        stop(folder)
    assert said.code == 1
    assert check(target, "reach")["suggestion"] == "the server is sealed, or not initialised"
    assert check(target, "login")["state"] == "untried"
