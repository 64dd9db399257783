"""Signing in at Google, in processes that find tokens, IAM and the service by their environment alone."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.secretmanager_v1.types import Secret, SecretPayload

from tailorsecrets.driver import REFUSED_SECONDS, Budget, ServerClock, Target
from tailorsecrets.errors import Unavailable
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets_gcp.login import Login
from tailorsecrets_gcp.options import read_options
from tests.support.gcp.faults import Rule, not_signed_in
from tests.support.gcp.network import Network
from tests.support.gcp.state import Holdings, place_of

NAME = "default_api-keys_stripe"
MAIN = "import sys; from tailorsecrets.cli import main; sys.exit(main())"
READ = """
import json, sys
from tailorsecrets import open_store
from tailorsecrets.errors import SecretsError
try:
    with open_store(sys.argv[1]) as store:
        print(json.dumps([store.get("api-keys", "stripe") for _ in range(int(sys.argv[2]))]))
except SecretsError as error:
    print(json.dumps({"code": error.code, "message": str(error), "hint": error.hint, "reason": error.reason}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Yield a network with one secret, and the same one in a region."""
    network = Network(tmp_path_factory.mktemp("google"))
    for place in ("", "/locations/europe-west3"):
        fill(network.server.holdings, f"projects/my-project{place}/secrets/{NAME}", f"value{place}")
    yield network
    network.close()


@pytest.fixture
def network(made: Network) -> Network:
    """Return the network, as good as new."""
    made.status, made.lifetime, made.hangs_up = 200, 3600, False
    made.asked.clear()
    made.server.metadata.clear()
    made.server.faults.recover()
    return made


def fill(holdings: Holdings, name: str, text: str) -> None:
    """Put a secret there."""
    place = place_of(name)
    body: dict[str, Any] = {} if place.regional else {"replication": {"automatic": {}}}
    holdings.create(place, Secret(body))
    holdings.add(place, SecretPayload(data=text.encode()))


def read(url: str, environ: dict[str, str], times: int = 1) -> Any:
    """Return what a process reads from the store at *url*, or the error that it gets."""
    quiet = "ignore:You are using a Python version:FutureWarning"  # Google, a year before a Python ends
    command = [sys.executable, "-W", "error", "-W", quiet, "-c", READ, url, str(times)]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_key_file(network: Network) -> None:
    """The file that GOOGLE_APPLICATION_CREDENTIALS names signs the calls, with one token for many."""
    assert read("gcp://my-project", network.environ(), times=3) == ["value"] * 3
    assert network.logins() == ["Bearer of-the-key-1"] * 3
    assert network.asked == ["/token"]


def test_the_project_of_the_environment(network: Network) -> None:
    """A URL without project reads from that of GOOGLE_CLOUD_PROJECT."""
    assert read("gcp://", network.environ() | {"GOOGLE_CLOUD_PROJECT": "my-project"}) == ["value"]


def test_a_machine(network: Network) -> None:
    """On a machine of Google's the metadata server gives the token."""
    assert read("gcp://my-project", network.environ(key=False, metadata=True)) == ["value"]
    assert network.logins() == ["Bearer of-the-machine"]


def doctor(url: str, environ: dict[str, str], folder: Path) -> Any:
    """Return what ``doctor`` finds out about the store at *url*; it shows no token."""
    command = [sys.executable, "-c", MAIN, "doctor", "--json", "--store", url]
    run = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert not any(token in run.stdout for token in ("of-the-key", "of-the-machine", "PRIVATE KEY"))
    return json.loads(run.stdout)["targets"][0]


def test_who_is_signed_in(network: Network, tmp_path: Path) -> None:
    """The account of a key file, of a machine, and the one to act as are shown, with the end of the token."""
    reader = "reader@my-project.iam.gserviceaccount.com"
    found = [
        doctor("gcp://my-project", network.environ(), tmp_path),
        doctor("gcp://my-project", network.environ(key=False, metadata=True), tmp_path),
        doctor(f"gcp://my-project?impersonate={reader}", network.environ(), tmp_path),
    ]
    assert [target["login"]["name"] for target in found] == [
        "key@my-project.iam.gserviceaccount.com",
        "machine@p.iam.gserviceaccount.com",
        reader,
    ]
    assert all(target["login"]["renews"] and target["login"]["until"] for target in found)
    assert [target["reading"] for target in found] == [True] * 3


def test_a_login_without_a_token(network: Network, tmp_path: Path) -> None:
    """A key that Google does not accept fails the login, and the clock of those who refuse it is known."""
    network.status, network.skew = 400, 700.0
    found = doctor("gcp://my-project?timeout=2", network.environ(), tmp_path)
    network.skew = 0.0
    states = {check["name"]: (check["state"], check["code"]) for check in found["checks"]}
    assert states["login"] == ("failed", "UNAUTHENTICATED")
    assert states["clock"] == ("warning", None)
    assert found["clockAheadSeconds"] == pytest.approx(700, abs=3)


def test_impersonation(network: Network) -> None:
    """With impersonate, the login asks IAM for a token of that account, and signs the calls with it."""
    account = "reader@my-project.iam.gserviceaccount.com"
    assert read(f"gcp://my-project?impersonate={account}", network.environ()) == ["value"]
    assert network.asked == ["/token", f"/v1/projects/-/serviceAccounts/{account}:generateAccessToken"]
    assert network.logins() == [f"Bearer of-{account}:generateAccessToken"]


def test_a_region(network: Network) -> None:
    """Regional secrets are read from the host of their region."""
    assert read("gcp://my-project?location=europe-west3", network.environ()) == ["value/locations/europe-west3"]


def test_a_quota_project(network: Network) -> None:
    """Operations are counted against the project that the URL names."""
    read("gcp://my-project?quota_project=billing", network.environ())
    assert [metadata.get("x-goog-user-project") for metadata in network.server.metadata] == ["billing"]
    assert network.asked == ["/token"]


def test_a_quota_project_of_the_environment(network: Network) -> None:
    """The variable is heard with impersonation, too."""
    environ = network.environ() | {"GOOGLE_CLOUD_QUOTA_PROJECT": "billing"}
    read("gcp://my-project?impersonate=reader@my-project.iam.gserviceaccount.com", environ)
    assert [metadata.get("x-goog-user-project") for metadata in network.server.metadata] == ["billing"]


def test_no_login(network: Network) -> None:
    """Without any login the error is one line that says how to sign in."""
    error = read("gcp://my-project", network.environ(key=False))
    assert error["code"] == "UNAUTHENTICATED"
    assert "gcloud auth application-default login" in error["hint"]
    assert "\n" not in error["message"] + error["hint"]


def test_a_broken_key_file(network: Network, tmp_path: Path) -> None:
    """A key file that is missing, or is not a key file, is reported with the reason of the SDK."""
    (tmp_path / "key.json").write_text("{")
    (tmp_path / "half.json").write_text('{"type": "service_account"}')
    reasons = {
        "none.json": "was not found",
        "key.json": "is not a valid json file",
        "half.json": "Failed to load service account credentials",
    }
    for name, reason in reasons.items():
        error = read("gcp://my-project", network.environ() | {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / name)})
        assert error["code"] == "UNAUTHENTICATED", error
        assert "GOOGLE_APPLICATION_CREDENTIALS" in error["hint"]
        assert "gcloud" not in error["hint"]
        assert reason in error["reason"]
        assert str(tmp_path / name) in error["reason"]


def test_a_login_that_was_revoked(network: Network) -> None:
    """A key that Google no longer takes is Unauthenticated, not a service that is down, with Google's own reason."""
    network.status = 400
    error = read("gcp://my-project", network.environ())
    assert error["code"] == "UNAUTHENTICATED"
    assert error["reason"] == "invalid_grant: invalid_grant: Invalid grant: account not found"
    assert "expired or was revoked" in error["hint"]
    assert network.logins() == []


@pytest.mark.parametrize("status", [429, 503, 0])
def test_the_metadata_server_is_down(network: Network, status: int) -> None:
    """A metadata server that is down, or breaks the connection (0), is Unavailable, also at the first sign-in."""
    network.status, network.hangs_up = status or 200, status == 0
    started = time.monotonic()
    error = read("gcp://my-project?timeout=2", network.environ(key=False, metadata=True))
    assert error["code"] == "UNAVAILABLE", error
    assert time.monotonic() - started < 15


def test_a_metadata_server_that_stops(tmp_path: Path) -> None:
    """A metadata server that stops listening is an outage, reported in seconds and not after the time-out."""
    network = Network(tmp_path)
    network.stops = True
    started = time.monotonic()
    error = read("gcp://my-project?timeout=40", network.environ(key=False, metadata=True))
    assert error["code"] == "UNAVAILABLE", error
    assert time.monotonic() - started < 15
    network.close()


@pytest.mark.parametrize("status", [429, 503])
def test_impersonation_is_down(network: Network, status: int) -> None:
    """IAM that is out of order is Unavailable, which bridges an outage; one that refuses is a login that fails."""
    url = "gcp://my-project?timeout=2&impersonate=reader@my-project.iam.gserviceaccount.com"
    network.iam_status = status
    assert read(url, network.environ())["code"] == "UNAVAILABLE"
    network.iam_status = 403
    assert read(url, network.environ())["code"] == "UNAUTHENTICATED"


def test_tokens_are_down(network: Network) -> None:
    """A token server that fails is Unavailable, in time."""
    network.status = 503
    started = time.monotonic()
    assert read("gcp://my-project?timeout=2", network.environ())["code"] == "UNAVAILABLE"
    assert time.monotonic() - started < 15


def test_refusals_of_tokens_are_counted_apart(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token server that does not listen is asked for two seconds, even if the store refused connections before."""
    key = json.loads(Path(network.environ()["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    with socket.create_server(("127.0.0.1", 0)) as server:
        key["token_uri"] = f"http://127.0.0.1:{server.getsockname()[1]}/token"
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    login = Login(read_options(Target(url="gcp://my-project", scheme="gcp", host="my-project")), ServerClock())
    clock = FakeClock(0.0)
    budget = Budget(15, clock=clock, sleep=clock.sleep)
    assert budget.wait(refused=True)
    clock.sleep(REFUSED_SECONDS)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        login.make_ready(budget)
    assert 0.5 < time.monotonic() - started < 5


def test_a_token_that_died_before_its_time(network: Network) -> None:
    """A token that the service refuses is replaced once; a second refusal is Unauthenticated."""
    network.server.faults.add(Rule(times=1, refusal=not_signed_in()))
    assert read("gcp://my-project", network.environ()) == ["value"]
    assert network.logins() == ["Bearer of-the-key-1", "Bearer of-the-key-2"]
    network.server.faults.add(Rule(refusal=not_signed_in()))
    assert read("gcp://my-project", network.environ())["code"] == "UNAUTHENTICATED"


def test_tokens_that_last_a_moment(network: Network) -> None:
    """A token that runs out is replaced before the next call."""
    network.lifetime = 1
    assert read("gcp://my-project", network.environ(), times=2) == ["value"] * 2
    assert len(set(network.logins())) == 2


def test_the_command_line_says_it_in_one_line(network: Network) -> None:
    """The command line reports a missing login and a missing project in one line each, and exits 1."""
    for url, code in (("gcp://my-project", "UNAUTHENTICATED"), ("gcp://", "CONFIG_INVALID")):
        command = [sys.executable, "-c", MAIN, "secret", "list", "-V", "api-keys", "--store", url]
        run = subprocess.run(
            command, env=network.environ(key=False), capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 1
        assert f"error[{code}]: " in run.stderr
        assert "Traceback" not in run.stderr
