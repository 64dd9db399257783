"""The server that the Google tests run on is as strict as the reference pages say the service is."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tests.support.gcp.faults import Rule, api_off, denied, exhausted, unavailable
from tests.support.gcp.filter import BadFilter, read_filter
from tests.support.gcp.relay import Wire
from tests.support.gcp.rules import checksum
from tests.support.gcp.server import Server

PARENT = "projects/my-project"
NUMBERED = "projects/123456789012"
AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}
INVALID = exceptions.InvalidArgument
Make = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server without secrets."""
    server = Server()
    yield server
    server.close()


def client_at(address: str) -> Any:
    """Return the SDK's client, which repeats nothing by default."""
    channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
    return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """Yield the SDK's client of the server."""
    client = client_at(server.address)
    yield client
    client.transport.close()


@pytest.fixture
def make(client: Any) -> Make:
    """Return what makes a secret with versions of the texts given."""

    def make(name: str, *texts: str, **body: Any) -> Any:
        made = client.create_secret(request={"parent": PARENT, "secret_id": name, "secret": AUTOMATIC | body})
        for text in texts:
            client.add_secret_version(request={"parent": made.name, "payload": {"data": text.encode()}})
        return made

    return make


def names(pager: Any) -> list[str]:
    """Return the last parts of the resource names in a list."""
    return [message.name.rpartition("/")[2] for message in pager]


def test_ids(make: Make) -> None:
    """A secret's name has 1 to 255 letters, digits, underscores and hyphens, and is there once."""
    assert make("n" * 255).name == f"{NUMBERED}/secrets/{'n' * 255}"
    make("A_b-9")
    for bad in ("n" * 256, "a.b", "a/b", "é", ""):
        with pytest.raises(INVALID):
            make(bad)
    with pytest.raises(exceptions.AlreadyExists):
        make("A_b-9")


def test_labels(make: Make) -> None:
    """Labels are lower case, at most 64, with keys that begin with a letter."""
    make("good", labels={f"k{number}": "v-_9" for number in range(64)})
    for bad in ({"Team": "x"}, {"team": "X"}, {"9": "x"}, {"k" * 64: "x"}, {"k": "v" * 64}, {"k": "a b"}):
        with pytest.raises(INVALID):
            make("bad", labels=bad)
    with pytest.raises(INVALID):
        make("bad", labels={f"k{number}": "v" for number in range(65)})


def test_annotations(make: Make) -> None:
    """Annotations hold any text, under 16 KiB with their keys."""
    make("good", annotations={"a.b-C_9": "x" * (16_384 - 7 - 1)})
    for bad in ({"a": "x" * 16_384}, {"-a": "x"}, {"a_": "x"}, {"a b": "x"}, {"a" * 64: "x"}):
        with pytest.raises(INVALID):
            make("bad", annotations=bad)


def test_replication(client: Any) -> None:
    """A global secret needs a replication, and a regional one must not have it."""
    regional = f"{PARENT}/locations/europe-west3"
    for parent, body in ((PARENT, {}), (PARENT, {"replication": {"user_managed": {}}}), (regional, AUTOMATIC)):
        with pytest.raises(INVALID):
            client.create_secret(request={"parent": parent, "secret_id": "name", "secret": body})
    made = client.create_secret(request={"parent": regional, "secret_id": "name", "secret": {}})
    assert made.name == f"{NUMBERED}/locations/europe-west3/secrets/name"
    with pytest.raises(exceptions.NotFound):
        client.get_secret(name=f"{PARENT}/secrets/name")


def test_payloads(client: Any, make: Make) -> None:
    """A payload has 1 to 65,536 bytes and matches the checksum that comes with it."""
    made = make("name")
    add = client.add_secret_version
    add(request={"parent": made.name, "payload": {"data": b"x" * 65_536}})
    for bad in (b"", b"x" * 65_537):
        with pytest.raises(INVALID):
            add(request={"parent": made.name, "payload": {"data": bad}})
    add(request={"parent": made.name, "payload": {"data": b"x", "data_crc32c": checksum(b"x")}})
    with pytest.raises(INVALID):
        add(request={"parent": made.name, "payload": {"data": b"x", "data_crc32c": 1}})
    with pytest.raises(exceptions.NotFound):
        add(request={"parent": f"{PARENT}/secrets/missing", "payload": {"data": b"x"}})


def test_access(client: Any, make: Make) -> None:
    """A version is read by number or as latest, with its checksum; one that is not there is missing."""
    made = make("name", "one", "two")
    assert client.access_secret_version(name=f"{made.name}/versions/1").payload.data == b"one"
    latest = client.access_secret_version(name=f"{PARENT}/secrets/name/versions/latest")
    assert (latest.name, latest.payload.data) == (f"{made.name}/versions/2", b"two")
    assert latest.payload.data_crc32c == checksum(b"two")
    for missing in (
        f"{made.name}/versions/3",
        f"{PARENT}/secrets/other/versions/1",
        f"{make('bare').name}/versions/latest",
    ):
        with pytest.raises(exceptions.NotFound):
            client.access_secret_version(name=missing)


def test_states(client: Any, make: Make) -> None:
    """A version that is not enabled cannot be accessed, also as latest, and a destroyed one stays so."""
    made = make("name", "one", "two")
    client.disable_secret_version(name=f"{made.name}/versions/2")
    with pytest.raises(exceptions.FailedPrecondition, match="DISABLED"):
        client.access_secret_version(name=f"{made.name}/versions/latest")
    client.enable_secret_version(name=f"{made.name}/versions/2")
    assert client.access_secret_version(name=f"{made.name}/versions/latest").payload.data == b"two"
    client.destroy_secret_version(name=f"{made.name}/versions/2")
    with pytest.raises(exceptions.FailedPrecondition, match="DESTROYED"):
        client.access_secret_version(name=f"{made.name}/versions/latest")
    with pytest.raises(exceptions.FailedPrecondition):
        client.enable_secret_version(name=f"{made.name}/versions/2")


def test_delayed_destruction(client: Any, make: Make) -> None:
    """With a time to live, a destroyed version is disabled first, and enabling it calls that off."""
    made = make("name", "one", version_destroy_ttl=timedelta(days=2))
    version = client.destroy_secret_version(name=f"{made.name}/versions/1")
    assert version.state.name == "DISABLED"
    assert version.scheduled_destroy_time
    assert not client.enable_secret_version(name=version.name).scheduled_destroy_time


def test_etags(client: Any, make: Make) -> None:
    """An etag that is no longer the secret's stops a write; adding a version does not change it."""
    made = make("name", "one")
    assert client.get_secret(name=made.name).etag == made.etag
    body = {"name": made.name, "etag": made.etag, "labels": {"a": "b"}}
    changed = client.update_secret(request={"secret": body, "update_mask": {"paths": ["labels"]}})
    assert changed.etag != made.etag
    with pytest.raises(exceptions.FailedPrecondition):
        client.update_secret(request={"secret": body, "update_mask": {"paths": ["labels"]}})
    with pytest.raises(exceptions.FailedPrecondition):
        client.delete_secret(request={"name": made.name, "etag": made.etag})
    version = client.get_secret_version(name=f"{made.name}/versions/1")
    client.disable_secret_version(request={"name": version.name, "etag": version.etag})
    with pytest.raises(exceptions.FailedPrecondition):
        client.enable_secret_version(request={"name": version.name, "etag": version.etag})


def test_masks(client: Any, make: Make) -> None:
    """An update replaces the maps that its mask names as a whole, and leaves the others."""
    made = make("name", labels={"a": "1"}, annotations={"b": "2"})
    body = {"name": made.name, "labels": {"c": "3"}, "annotations": {"d": "4"}}
    changed = client.update_secret(request={"secret": body, "update_mask": {"paths": ["annotations"]}})
    assert (dict(changed.labels), dict(changed.annotations)) == ({"a": "1"}, {"d": "4"})
    for bad in ([], ["name"], ["replication"], ["annotations.d"]):
        with pytest.raises(INVALID):
            client.update_secret(request={"secret": body, "update_mask": {"paths": bad}})


def test_aliases(client: Any, make: Make) -> None:
    """An alias names an existing version; "latest" and "NEW" are not allowed."""
    made = make("name", "one", "two")

    def alias(name: str, number: int) -> None:
        body = {"name": made.name, "version_aliases": {name: number}}
        client.update_secret(request={"secret": body, "update_mask": {"paths": ["version_aliases"]}})

    alias("current", 1)
    assert client.access_secret_version(name=f"{made.name}/versions/current").payload.data == b"one"
    for name, number in (("latest", 1), ("NEW", 1), ("current", 3)):
        with pytest.raises(INVALID):
            alias(name, number)


def test_delete_and_create(client: Any, make: Make) -> None:
    """A deleted secret is gone at once, and when it is made again its versions begin at 1."""
    made = make("name", "one", "two")
    client.delete_secret(name=made.name)
    for call in (client.get_secret, client.delete_secret):
        with pytest.raises(exceptions.NotFound):
            call(name=made.name)
    make("name", "three")
    assert client.access_secret_version(name=f"{made.name}/versions/1").payload.data == b"three"


def test_lists_are_newest_first_and_paged(client: Any, server: Server, make: Make) -> None:
    """A list of secrets or versions is newest first, and a page's token goes with that list alone."""
    for number in range(5):
        make(f"name-{number}", *("abc" if number == 4 else ""))
    server.page = 2
    assert names(client.list_secrets(parent=PARENT)) == [f"name-{number}" for number in (4, 3, 2, 1, 0)]
    assert names(client.list_secret_versions(parent=f"{PARENT}/secrets/name-4")) == ["3", "2", "1"]
    page = client.list_secrets(request={"parent": PARENT, "page_size": 1})
    assert (len(page.secrets), page.total_size) == (1, 5)
    for bad in ({"page_token": "x"}, {"page_token": page.next_page_token, "filter": "name:x"}, {"page_size": -1}):
        with pytest.raises(INVALID):
            client.list_secrets(request={"parent": PARENT} | bad)


def test_filters_of_lists(client: Any, make: Make) -> None:
    """Lists filter by a part of the name, labels, times and states, and refuse what they cannot read."""
    first = make("api_key", "one", "two", labels={"team": "a"})
    make("old_api_key", labels={"team": "b"})
    client.disable_secret_version(name=f"{first.name}/versions/1")

    def found(text: str) -> list[str]:
        return names(client.list_secrets(request={"parent": PARENT, "filter": text}))

    assert found("name:api_") == ["old_api_key", "api_key"]
    assert found("name:api_ AND labels.team=a") == ["api_key"]
    assert found("create_time>2100-01-01T00:00:00Z") == []
    versions = client.list_secret_versions(request={"parent": first.name, "filter": "state:ENABLED"})
    assert names(versions) == ["2"]
    with pytest.raises(INVALID):
        found("name~api")


FIELDS = {"name": "projects/1/secrets/api_key", "labels": {"team": "a"}, "annotations": {"x.y": "z"}}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("name:secrets/api_", True),
        ("name:API", False),
        ('name:"api_key"', True),
        ("name=api_key", False),
        ("labels.team=a", True),
        ("labels.team!=a", False),
        ("labels.team:*", True),
        ("labels.none:*", False),
        ("annotations.x.y=z", True),
        ("NOT labels.team=a", False),
        ("-labels.team=b", True),
        ("name:none OR name:api", True),
        ("name:api name:none", False),
        ("name:none AND name:none OR name:api", False),
        ("(name:none AND name:none) OR name:api", True),
    ],
)
def test_filter_grammar(text: str, passes: bool) -> None:
    """OR binds more tightly than AND, which may be left out; a colon finds a part, and a star what is there."""
    assert read_filter(text)(FIELDS) == passes


@pytest.mark.parametrize("text", ["name", "name:", ":x", "(name:x", "name:x)", "size>1", "name<x", "create_time>now"])
def test_bad_filters(text: str) -> None:
    """A text outside the language is refused."""
    with pytest.raises(BadFilter):
        read_filter(text)


def test_lag(client: Any, server: Server, make: Make) -> None:
    """While they lag, lists and latest show what was, and a version by number what is."""
    made = make("name", "one")
    server.holdings.lag("secrets", "latest")
    client.add_secret_version(request={"parent": made.name, "payload": {"data": b"two"}})
    make("new")
    assert names(client.list_secrets(parent=PARENT)) == ["name"]
    assert client.access_secret_version(name=f"{made.name}/versions/latest").payload.data == b"one"
    assert client.access_secret_version(name=f"{made.name}/versions/2").payload.data == b"two"
    server.holdings.settle()
    assert names(client.list_secrets(parent=PARENT)) == ["new", "name"]


def test_refusals(client: Any, server: Server, make: Make) -> None:
    """A refusal comes with its class, its reason and the time to wait, as often as the rule says."""
    made = make("name", "one")
    server.faults.add(Rule(methods=["GetSecret"], times=1, refusal=exhausted(1.5)))
    with pytest.raises(exceptions.ResourceExhausted) as caught:
        client.get_secret(name=made.name)
    assert caught.value.details[0].retry_delay.seconds == 1
    client.get_secret(name=made.name)
    server.faults.add(Rule(resource=made.name, refusal=denied("GetSecret", made.name)))
    with pytest.raises(exceptions.PermissionDenied) as denial:
        client.get_secret(name=made.name)
    assert denial.value.reason == "IAM_PERMISSION_DENIED"
    server.faults.recover()
    server.faults.add(Rule(refusal=api_off()))
    with pytest.raises(exceptions.PermissionDenied) as off:
        client.list_secrets(parent=PARENT)
    assert off.value.reason == "SERVICE_DISABLED"


def test_lost_answers_and_silence(client: Any, server: Server, make: Make) -> None:
    """A call may be done without an answer, or find no answer at all."""
    made = make("name")
    lost = Rule(methods=["AddSecretVersion"], applied=True, refusal=unavailable())
    server.faults.add(lost)
    request = {"parent": made.name, "payload": {"data": b"x"}}
    with pytest.raises(exceptions.ServiceUnavailable):
        client.add_secret_version(request=request)
    assert names(client.list_secret_versions(parent=made.name)) == ["1"]
    server.faults.add(Rule(hangs=True))
    with pytest.raises(exceptions.DeadlineExceeded):
        client.get_secret(name=made.name, timeout=0.2, retry=None)


def test_wire(server: Server, make: Make) -> None:
    """A wire passes, resets and swallows bytes, is cut and is mended."""
    make("name")
    host, _, port = server.address.partition(":")
    wire = Wire((host, int(port)))
    client = client_at(wire.address)

    def get(**options: Any) -> Any:
        return client.get_secret(name=f"{PARENT}/secrets/name", retry=None, timeout=options.get("timeout", 5))

    get()
    wire.mode = "swallow"
    with pytest.raises(exceptions.DeadlineExceeded):
        get(timeout=0.2)
    wire.mode = "reset"
    with pytest.raises((exceptions.ServiceUnavailable, exceptions.InternalServerError, exceptions.Unknown)):
        get()
    wire.cut()
    with pytest.raises(exceptions.ServiceUnavailable):
        get()
    wire.mend()
    fresh = client_at(wire.address)
    fresh.get_secret(name=f"{PARENT}/secrets/name")
    fresh.transport.close()
    client.transport.close()
    wire.cut()
