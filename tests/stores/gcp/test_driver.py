"""The Google driver beyond the contract: annotations, deletes, versions, options, and the view of other tools."""

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import grpc as grpc_transport

from tailorsecrets.driver import ABSENT, Entry
from tailorsecrets.errors import AlreadyExists, Conflict, Corrupt, Disabled, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets.testing.faults import Crash
from tailorsecrets_gcp.driver import GcpDriver
from tests.support.gcp.faults import Rule, denied
from tests.support.gcp.fixtures import Bench, bench

NAME = "default_api-keys_stripe"
STAMP = "q3JmW8x-T0_vLr5kYc2ZbH9sNfDgA7eP"


@pytest.fixture
def at() -> Iterator[Bench]:
    """Yield a server and its surroundings."""
    with bench() as made:
        yield made


@pytest.fixture
def driver(at: Bench) -> Iterator[GcpDriver]:
    """Yield a driver."""
    driver = at.connect()
    yield driver
    driver.close()


def raw(at: Bench, name: str = NAME) -> Any:
    """Return the secret as Google's own tools see it."""
    return at.backdoor.client.get_secret(name=at.backdoor.secret(name))


def states(at: Bench) -> list[str]:
    """Return the states of the versions, newest first."""
    listed = at.backdoor.client.list_secret_versions(parent=at.backdoor.secret(NAME))
    return [version.state.name for version in listed]


def meaning(driver: GcpDriver, exc: Exception, op: str) -> object:
    """Return the kind of error that *exc* is."""
    return driver.explain(exc, op).kind


def test_a_create_is_two_calls(at: Bench, driver: GcpDriver) -> None:
    """A new secret costs a create, which carries the stamp, and a version."""
    entry = driver.put(NAME, Secret("value"), expect=ABSENT, stamp=STAMP)
    assert at.methods() == ["CreateSecret", "AddSecretVersion"]
    assert entry.stamp == driver.stat(NAME).stamp == STAMP
    assert raw(at).annotations == {"tailorsecrets-stamp": f"{STAMP}@1"}


def test_an_update_is_two_calls_after_a_look(at: Bench, driver: GcpDriver) -> None:
    """A new version costs the version and the note of its stamp, where something has shown the secret before."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    driver.put(NAME, Secret("two"), stamp=STAMP)
    at.methods()
    entry = driver.put(NAME, Secret("three"), stamp=STAMP)
    assert at.methods() == ["AddSecretVersion", "UpdateSecret"]
    assert raw(at).annotations == {"tailorsecrets-stamp": f"{STAMP}@{entry.version}"}


def test_other_annotations_and_labels_stay(at: Bench, driver: GcpDriver) -> None:
    """Annotations and labels of others survive, also while we write, although a write replaces the whole map."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    driver.put(NAME, Secret("two"), stamp=STAMP)
    at.backdoor.edit_tags(NAME, {"team": "payments"})
    at.methods()
    driver.put(NAME, Secret("three"), stamp=STAMP)
    assert at.methods() == ["AddSecretVersion", "UpdateSecret", "GetSecret", "UpdateSecret"]
    driver.delete(NAME)
    driver.restore(NAME)
    assert raw(at).annotations["team"] == "payments"


def test_delete_disables_the_newest_version_and_says_so(at: Bench, driver: GcpDriver) -> None:
    """A delete disables one version and notes which; a restore takes both back; older versions stay as they are."""
    driver.put(NAME, Secret("one"))
    newest = driver.put(NAME, Secret("two"))
    driver.delete(NAME)
    assert states(at) == ["DISABLED", "ENABLED"]
    stamped = {"tailorsecrets-stamp": "@1"}
    assert raw(at).annotations == stamped | {"tailorsecrets-deleted": newest.version}
    assert driver.stat(NAME).state == "deleted"
    driver.restore(NAME)
    assert states(at) == ["ENABLED", "ENABLED"]
    assert raw(at).annotations == stamped


def test_a_put_after_a_delete_makes_the_history_whole(at: Bench, driver: GcpDriver) -> None:
    """Writing a deleted name adds a version and enables the one that the delete disabled, never making it current."""
    driver.put(NAME, Secret("one"))
    driver.delete(NAME)
    driver.put(NAME, Secret("two"), expect=ABSENT, stamp=STAMP)
    assert states(at) == ["ENABLED", "ENABLED"]
    assert driver.get(NAME).value == Secret("two")
    assert set(raw(at).annotations) == {"tailorsecrets-stamp"}


def test_a_put_after_a_delete_by_another_process(at: Bench, driver: GcpDriver) -> None:
    """The history is whole as well where this connection last saw the secret before the delete."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    driver.put(NAME, Secret("two"), stamp=STAMP)
    other = at.connect()
    other.delete(NAME)
    other.close()
    driver.put(NAME, Secret("three"), stamp=STAMP)
    assert states(at) == ["ENABLED"] * 3


def test_a_hand_disabled_version_is_not_a_deleted_one(at: Bench, driver: GcpDriver) -> None:
    """A version that an administrator disabled or destroyed reads as Disabled, also after a delete that was undone."""
    driver.put(NAME, Secret("one"))
    driver.delete(NAME)
    driver.restore(NAME)
    at.backdoor.disable(NAME)
    with pytest.raises(Exception, match="DISABLED") as caught:
        driver.get(NAME)
    assert meaning(driver, caught.value, "get") is Disabled
    assert driver.stat(NAME).state == "disabled"
    at.backdoor.client.destroy_secret_version(name=f"{at.backdoor.secret(NAME)}/versions/1")
    with pytest.raises(Exception, match="DESTROYED") as destroyed:
        driver.get(NAME)
    assert meaning(driver, destroyed.value, "get") is Disabled


def test_a_login_that_may_only_access_values(at: Bench, driver: GcpDriver) -> None:
    """Who may only access values reads them in one call, and sees a deleted one as Disabled, never as missing."""
    driver.put(NAME, Secret("one"))
    for method in ("GetSecret", "ListSecrets", "ListSecretVersions"):
        at.server.faults.add(Rule(methods=[method], refusal=denied(method, "it")))
    at.methods()
    assert driver.get(NAME).value == Secret("one")
    assert at.methods() == ["AccessSecretVersion"]
    at.backdoor.disable(NAME)
    with pytest.raises(Exception, match="DISABLED") as caught:
        driver.get(NAME)
    assert meaning(driver, caught.value, "get") is Disabled


def test_a_token_is_of_one_secret(at: Bench, driver: GcpDriver) -> None:
    """The token of a secret that was deleted for good does not read the first version of its successor."""
    old = driver.put(NAME, Secret("old")).version
    driver.delete(NAME, purge=True)
    new = driver.put(NAME, Secret("new")).version
    assert driver.get(NAME, new).value == Secret("new")
    for token in (old, "2", "latest", "current", "01", "x@1", f"{new}@1"):
        with pytest.raises(Exception, match=r"version|not found") as caught:
            driver.get(NAME, token)
        assert meaning(driver, caught.value, "get") is NotFound, token


def test_a_stamp_is_of_one_secret(at: Bench, driver: GcpDriver) -> None:
    """A secret that another tool deletes and makes again has no stamp, whatever a list has shown before."""
    for age in (timedelta(hours=1), timedelta(0)):
        at.server.holdings.age(-age)
        driver.put(NAME, Secret("mine"), stamp=STAMP)
        at.server.holdings.age(age)
        assert list(driver.list("default_"))
        at.backdoor.client.delete_secret(name=at.backdoor.secret(NAME))
        at.backdoor.write(NAME, "theirs")
        assert driver.stat(NAME).stamp == ""
        driver.delete(NAME, purge=True)


def test_a_version_of_another_tool_after_a_crashed_create_has_no_stamp(at: Bench, driver: GcpDriver) -> None:
    """Where a create crashed and another tool wrote the first version later, that version has no stamp."""
    at.fuse.left = 1
    with pytest.raises(Crash):
        driver.put(NAME, Secret("mine"), expect=ABSENT, stamp=STAMP)
    at.fuse.left = None
    assert driver.stat(NAME).state == "bare"
    at.server.holdings.age(timedelta(minutes=2))
    at.backdoor.write(NAME, "theirs")
    assert driver.stat(NAME).stamp == ""


def test_a_deleted_name_that_another_tool_wrote_to(at: Bench, driver: GcpDriver) -> None:
    """A name that another tool wrote after its delete reads and is listed, and there is nothing to restore."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    driver.delete(NAME)
    at.backdoor.write(NAME, "theirs")
    assert driver.get(NAME).value == Secret("theirs")
    assert [(entry.name, entry.stamp) for entry in driver.list("default_")] == [(NAME, "")]
    assert not list(driver.list("default_", deleted=True))
    with pytest.raises(NotFound):
        driver.restore(NAME)
    with pytest.raises(AlreadyExists):
        driver.put(NAME, Secret("mine"), expect=ABSENT)


def test_a_restore_leaves_what_an_operator_disabled(at: Bench, driver: GcpDriver) -> None:
    """A version that was disabled before the delete stays disabled, after a restore and after a put."""
    driver.put(NAME, Secret("one"))
    at.backdoor.disable(NAME)
    driver.delete(NAME)
    assert driver.stat(NAME).state == "deleted"
    assert driver.restore(NAME).state == "disabled"
    assert states(at) == ["DISABLED"]
    driver.delete(NAME)
    driver.put(NAME, Secret("two"), expect=ABSENT)
    assert states(at) == ["ENABLED", "DISABLED"]


def test_a_restore_leaves_a_later_version(at: Bench, driver: GcpDriver) -> None:
    """A version that another tool wrote after the delete, and an operator disabled, is not a deleted one."""
    driver.put(NAME, Secret("one"))
    driver.delete(NAME)
    at.backdoor.write(NAME, "theirs")
    at.backdoor.disable(NAME)
    with pytest.raises(NotFound):
        driver.restore(NAME)
    assert states(at) == ["DISABLED", "DISABLED"]
    assert not list(driver.list("default_", deleted=True))


@pytest.mark.parametrize("calls", range(5))
def test_a_delete_that_crashes(at: Bench, driver: GcpDriver, calls: int) -> None:
    """After a crash between any two calls of a delete the name is listed, so that it is deleted later, or is done."""
    driver.put(NAME, Secret("one"))
    at.fuse.left = calls
    with pytest.raises(Crash):
        driver.delete(NAME)
    at.fuse.left = None
    listed = [entry.name for entry in driver.list("default_")]
    done = states(at) == ["DISABLED"] and "tailorsecrets-deleted" in raw(at).annotations
    assert listed == ([] if done else [NAME])
    assert not [key for key in raw(at).annotations if key not in {"tailorsecrets-stamp", "tailorsecrets-deleted"}]
    driver.delete(NAME)
    assert driver.stat(NAME).state == "deleted"
    assert driver.restore(NAME).state == "live"


def test_a_name_without_versions(at: Bench, driver: GcpDriver) -> None:
    """A secret without versions, as Terraform creates it, is missing and not listed; only a write changes it."""
    at.backdoor.bare(NAME)
    with pytest.raises(Exception, match="no versions") as caught:
        driver.get(NAME)
    assert meaning(driver, caught.value, "get") is NotFound
    for deleted in (False, True):
        assert not list(driver.list("default_", deleted=deleted))
    driver.delete(NAME)
    with pytest.raises(NotFound):
        driver.restore(NAME)
    assert at.backdoor.secret_or_none(NAME)
    driver.put(NAME, Secret("value"))
    assert driver.get(NAME).value == Secret("value")
    assert [entry.name for entry in driver.list("default_")] == [NAME]


def test_a_name_without_versions_that_is_old_is_filled_at_once(at: Bench, driver: GcpDriver) -> None:
    """No writer is waited for where the secret is older than any write may take."""
    at.server.holdings.age(timedelta(hours=-1))
    at.backdoor.bare(NAME)
    at.server.holdings.age(timedelta(hours=1))
    driver.abandoned_after = 20.0
    started = time.monotonic()
    driver.put(NAME, Secret("value"), expect=ABSENT, stamp=STAMP)
    assert time.monotonic() - started < driver.abandoned_after
    assert driver.stat(NAME).stamp == STAMP


def test_a_list_without_the_right_to_versions(at: Bench, driver: GcpDriver) -> None:
    """A login that may not list versions gets another tool's secrets as the list shows them."""
    at.backdoor.write(NAME, "value")
    at.server.faults.add(Rule(methods=["ListSecretVersions"], refusal=denied("ListSecretVersions", "it")))
    assert [entry.name for entry in driver.list("default_")] == [NAME]


@pytest.mark.parametrize("state", ["bare", "deleted"])
def test_a_name_without_value_is_won_once(at: Bench, driver: GcpDriver, state: str) -> None:
    """Of sixteen writers that create a name without a value, one writes, and the others get an error that says so."""
    if state == "deleted":
        driver.put(NAME, Secret("old"))
        driver.delete(NAME)
    else:
        at.backdoor.bare(NAME)
    before = len(states(at))

    def create(number: int) -> object:
        try:
            return driver.put(NAME, Secret(str(number)), expect=ABSENT, stamp=STAMP)
        except Exception as exc:  # noqa: BLE001 - whatever a driver raises has to have a meaning
            return meaning(driver, exc, "put")

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(create, range(16)))
    assert len(states(at)) == before + 1
    assert [type(outcome) for outcome in outcomes if outcome not in (AlreadyExists, Conflict)] == [Entry]
    assert driver.stat(NAME).stamp == STAMP


def test_a_long_history_is_paged(at: Bench, driver: GcpDriver) -> None:
    """Versions beyond one page are all there, each once."""
    at.server.page = 2
    written = [driver.put(NAME, Secret("value")).version for _ in range(5)]
    assert [entry.version for entry in driver.versions(NAME)] == written[::-1]


def test_a_write_during_a_delete_is_a_conflict(at: Bench, driver: GcpDriver) -> None:
    """A delete during which another writer adds a version is a Conflict, and the name stays."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    other = at.connect()
    slow = Rule(methods=["DisableSecretVersion"], times=1, seconds=0.5)
    at.server.faults.add(slow)
    with ThreadPoolExecutor(1) as thread:
        deleting = thread.submit(driver.delete, NAME)
        while slow.times:
            pass
        other.put(NAME, Secret("two"), stamp=STAMP)
        with pytest.raises(Conflict):
            deleting.result()
    assert driver.get(NAME).value == Secret("two")
    assert [entry.name for entry in driver.list("default_")] == [NAME]
    other.close()


def test_a_value_that_does_not_match_its_checksum(at: Bench, driver: GcpDriver) -> None:
    """A payload that was changed on its way is Corrupt, and the error quotes nothing of it."""
    driver.put(NAME, Secret("canary"))
    payload = at.server.holdings.secrets[f"projects/123456789012/secrets/{NAME}"].versions[0].payload
    payload.data = b"another canary"
    with pytest.raises(Corrupt, match="checksum") as caught:
        driver.get(NAME)
    assert "canary" not in str(caught.value)


def test_versions_are_checked_by_google(at: Bench, driver: GcpDriver) -> None:
    """Each version is sent with its checksum."""
    driver.put(NAME, Secret("value"))
    version = at.backdoor.client.get_secret_version(name=f"{at.backdoor.secret(NAME)}/versions/1")
    assert version.client_specified_payload_checksum


def test_a_large_project_is_one_list(at: Bench, driver: GcpDriver) -> None:
    """A list asks for the largest page, filters at the service, and leaves out names that only contain the prefix."""
    for name in (NAME, "xdefault_api-keys_stripe", "default-api_keys_stripe"):
        driver.put(name, Secret("value"))
    at.methods()
    assert [entry.name for entry in driver.list("default_api-keys_")] == [NAME]
    assert at.methods() == ["ListSecrets"]


def test_a_list_reads_metadata_of_what_it_cannot_tell(at: Bench, driver: GcpDriver) -> None:
    """A list costs one call more for each secret of another tool, and for each that is deleted."""
    at.backdoor.write("default_api-keys_theirs", "value")
    for name in ("default_api-keys_ours", "default_api-keys_deleted"):
        driver.put(name, Secret("value"))
    driver.delete("default_api-keys_deleted")
    at.methods()
    assert len(list(driver.list("default_"))) == 2
    assert at.methods() == ["ListSecrets", "ListSecretVersions", "ListSecretVersions"]


def test_a_prefix_that_begins_with_a_hyphen(at: Bench, driver: GcpDriver) -> None:
    """A hyphen in front of a prefix does not turn the filter around."""
    at.backdoor.write("--x_default_api_key", "value")
    assert [entry.name for entry in driver.list("--x_default_")] == ["--x_default_api_key"]
    assert not list(driver.list("-_default_"))


def test_options_of_new_secrets() -> None:
    """Labels, replicas and keys of the URL are those of the secrets that are made."""
    key = "projects/p/locations/{}/keyRings/r/cryptoKeys/k"
    keys = ",".join(key.format(place) for place in ("europe-west1", "europe-west3"))
    with bench(labels="team=a,stage=prod", locations="europe-west1,europe-west3", kms_key=keys) as at:
        at.connect().put(NAME, Secret("value"), expect=ABSENT)
        made = raw(at)
        replicas = {r.location: r.customer_managed_encryption for r in made.replication.user_managed.replicas}
        assert dict(made.labels) == {"team": "a", "stage": "prod"}
        assert {place: used.kms_key_name for place, used in replicas.items()} == {
            "europe-west1": key.format("europe-west1"),
            "europe-west3": key.format("europe-west3"),
        }


def test_keep_versions() -> None:
    """A write destroys the versions beyond those to keep, and touches none twice."""
    with bench(keep_versions="2") as at:
        driver = at.connect()
        for number in range(4):
            driver.put(NAME, Secret(f"value {number}"))
        assert states(at) == ["ENABLED", "ENABLED", "DESTROYED", "DESTROYED"]
        assert at.methods().count("DestroySecretVersion") == 2
        assert len(list(driver.versions(NAME))) == 2


def test_regional_secrets_are_apart() -> None:
    """A regional secret is made in its region, and a global one of the same name is another."""
    with bench(location="europe-west3") as at:
        driver = at.connect()
        driver.put(NAME, Secret("value"), expect=ABSENT, stamp=STAMP)
        assert raw(at).name == f"projects/123456789012/locations/europe-west3/secrets/{NAME}"
        assert driver.stat(NAME).stamp == STAMP
        assert at.backdoor.client.list_secrets(parent="projects/my-project").secrets == []


def test_old_versions_that_may_not_be_destroyed() -> None:
    """A write is done where the versions beyond those to keep cannot be destroyed, and its note says so."""
    with bench(keep_versions="1") as at:
        driver = at.connect()
        driver.put(NAME, Secret("one"), stamp=STAMP)
        refusal = denied("DestroySecretVersion", "it")
        at.server.faults.add(Rule(methods=["DestroySecretVersion"], refusal=refusal))
        written = driver.put(NAME, Secret("two"), stamp=STAMP)
        assert written.stamp == STAMP
        assert written.note == "the value is written, but older versions are not destroyed: permission denied"


LOGGED = """
import sys
from tailorsecrets import Secret, open_store
with open_store(sys.argv[1]) as store:
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("canary in a log"))
    print(store.get("api-keys", "stripe") == "canary in a log")
"""


def test_no_value_in_the_sdk_s_own_log(at: Bench) -> None:
    """With the SDK's log of all requests and answers switched on, no value is in it."""
    environ = {"PATH": os.environ["PATH"], "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google"}
    command = [sys.executable, "-c", LOGGED, f"gcp://my-project?endpoint={at.wire.address}"]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "True\n"
    assert ("CreateSecret" in run.stderr) == hasattr(
        grpc_transport, "_LoggingClientInterceptor"
    )  # old SDKs have no log
    assert "canary" not in run.stderr
    assert base64.b64encode(b"canary in a log").decode() not in run.stderr


def test_headers_of_calls_with_values(at: Bench, driver: GcpDriver) -> None:
    """Calls that carry a value have the SDK's headers, by which Google routes and counts them."""
    driver.put(NAME, Secret("one"), stamp=STAMP)
    driver.get(NAME)
    assert at.server.methods() == ["AddSecretVersion", "CreateSecret", "AddSecretVersion", "AccessSecretVersion"]
    (missing, create, add, access) = at.server.metadata
    parent = f"projects/my-project/secrets/{NAME}"
    routed_by = [unquote(each["x-goog-request-params"]) for each in (missing, add, access)]
    assert routed_by == [f"parent={parent}", f"parent={parent}", f"name={parent}/versions/latest"]
    assert access["x-goog-api-client"] == add["x-goog-api-client"] == create["x-goog-api-client"]
