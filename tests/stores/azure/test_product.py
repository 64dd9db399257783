"""Vaults on Azure Key Vault: their calls, their names and values in other tools, and concurrent writers."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import open_store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.plan import DesiredValue
from tailorsecrets.errors import Conflict, Corrupt, SecretNotFound, TooLarge
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import NAME_TAG, Place
from tailorsecrets.store.store import Store
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.deploying import NAMING, deploy, opened, plan
from tests.support.azure.faults import Rule
from tests.support.azure.fixtures import server
from tests.support.azure.server import Server
from tests.support.shell import Shell

__all__ = ["server"]

LONG = "n" + "-0" * 30 + "-n"  # 63 characters that double when they are escaped
HOSTILE = [
    "",
    "\x00",
    "a\r\nb\n",
    "\ufeffmark",
    "\N{MUSICAL SYMBOL G CLEF}",
    "tailorsecrets:=x",
    '{"value": "x"}',
    " \t ",
]


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """Give the workspace, then close it."""
    store = opened(server)
    yield store
    store.close()


@pytest.fixture
def backdoor(server: Server) -> Iterator[AzureBackdoor]:
    """Give the other tool."""
    backdoor = AzureBackdoor(server)
    yield backdoor
    backdoor.recover()
    backdoor.close()


def many(number: int) -> dict[str, dict[str, DesiredValue]]:
    """Return two vaults with *number* secrets in all."""
    names = [f"secret-{n}" for n in range(number)]
    return {
        "api-keys": {name: Secret(name) for name in names[::2]},
        "more": {name: Secret(name) for name in names[1::2]},
    }


def since(server: Server, before: int) -> Counter[str]:
    """Return how often each operation arrived after the first *before* requests."""
    return Counter(server.operations()[before:])


def test_a_cold_get_is_one_call_after_the_challenge(server: Server, store: Store, backdoor: AzureBackdoor) -> None:
    """A get is one request; a program's first one gets the challenge and a token before."""
    backdoor.write(NAMING.native(Place("api-keys", "stripe")), "value")
    server.arrived.clear()
    assert store.get("api-keys", "stripe") == "value"
    assert store.get("api-keys", "stripe") == "value"
    assert server.operations() in (["challenge", "get", "get"], ["get", "get"])  # another client may have asked already


def test_nothing_changed_costs_the_lists_and_the_records(server: Server, store: Store, backdoor: AzureBackdoor) -> None:
    """A second plan of 60 secrets lists all of the Key Vault once, reads two records, no value, and writes nothing."""
    wanted = many(60)
    assert deploy(store, wanted).complete
    for number in range(20):
        backdoor.write(f"Of-Another-Tool-{number}", "x")
    before = len(server.arrived)
    assert deploy(store, wanted).done == ()
    assert since(server, before) == {"list": math.ceil((60 + 2 + 20) / 25), "get": 2}
    assert {name for op, name in server.arrived[before:] if op == "get"} == {
        "default--v--api-keys",
        "default--v--more",
    }


def test_one_changed_of_many_is_one_write(server: Server, store: Store) -> None:
    """After the plan, an update is a metadata read and a write."""
    wanted = many(30)
    deploy(store, wanted)
    changed = plan(store, wanted | {"more": {**wanted["more"], "secret-1": Secret("changed")}})
    before = len(server.arrived)
    assert apply(changed, store).complete
    assert since(server, before) == {"versions": 1, "set": 1}


def test_a_create_reads_metadata_twice_and_writes_once(server: Server, store: Store) -> None:
    """A create checks the versions and the deleted secrets, then writes."""
    deploy(store, many(2))
    made = plan(store, many(4), prune=False)
    before = len(server.arrived)
    assert apply(made, store).complete
    assert since(server, before) == {"versions": 2, "get_deleted": 2, "set": 2}


def test_a_deployer_who_may_not_read_can_deploy(server: Server, store: Store) -> None:
    """Planning and applying work where only the records may be read."""
    deploy(store, {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two")}})
    for secret in ("stripe", "sendgrid"):
        server.vault.deny("get", NAMING.native(Place("api-keys", secret)))
        server.vault.deny("get_deleted", NAMING.native(Place("api-keys", secret)))
    report = deploy(store, {"api-keys": {"stripe": Secret("changed"), "new": Secret("three")}})
    assert report.complete
    assert sorted((step.action, step.place.secret) for step in report.done) == [
        ("create", "new"),
        ("delete", "sendgrid"),
        ("update", "stripe"),
    ]


def test_get_all_of_100_runs_side_by_side(server: Server, store: Store, backdoor: AzureBackdoor) -> None:
    """One hundred reads are one hundred requests, in less than a third of the time of a loop."""
    names = [f"secret-{n}" for n in range(100)]
    for name in names:
        backdoor.write(NAMING.native(Place("api-keys", name)), name)
    store.get("api-keys", names[0])
    server.faults.add(Rule(operation="get", seconds=0.1))
    before, start = len(server.arrived), time.monotonic()
    assert store.get_all("api-keys", names) == names
    assert time.monotonic() - start < 100 * 0.1 / 3
    assert since(server, before) == {"get": 100}


def test_other_tools_read_the_plain_value_under_the_plain_name(store: Store, backdoor: AzureBackdoor) -> None:
    """Each hostile value is stored as that very text, under a readable name."""
    store.create_vault("api--keys")
    for number, text in enumerate(HOSTILE):
        store.create_secret("api--keys", f"key-{number + 1}", Secret(text))
        assert backdoor.read(f"default--api-0-keys--key-{number + 1}") == text
        assert store.get("api--keys", f"key-{number + 1}") == text


def test_names_of_63_characters_take_the_hash_form(store: Store, backdoor: AzureBackdoor) -> None:
    """A name over 127 characters is stored under its hash, with the full name in a tag, and is listed."""
    store.create_vault(LONG)
    store.create_secret(LONG, LONG, Secret("value"))
    native = NAMING.native(Place(LONG, LONG))
    assert native.startswith("h--")
    assert backdoor.read(native) == "value"
    assert backdoor.server.vault.last(native).tags[NAME_TAG] == f"default/{LONG}/{LONG}"  # type: ignore[union-attr]
    assert [vault.name for vault in store.list_vaults()] == [LONG]
    assert [entry.name for entry in store.list_secrets(LONG)] == [LONG]
    assert store.get(LONG, LONG) == "value"


@pytest.mark.parametrize("also_the_record", [False, True])
def test_a_long_name_without_its_tag_is_written_again(
    store: Store, backdoor: AzureBackdoor, also_the_record: bool
) -> None:
    """A tool that replaces the tags of a long name takes it out of lists; the next apply writes it with its tag."""
    wanted: dict[str, dict[str, DesiredValue]] = {LONG: {LONG: Secret("value"), "key": Secret("other")}}
    assert deploy(store, wanted).complete
    places = [Place(LONG, LONG), *([Place(LONG)] if also_the_record else [])]
    for place in places:
        backdoor.client.update_secret_properties(NAMING.native(place), tags={"team": "payments"})
    with pytest.raises(Corrupt) as caught:
        store.get(LONG, LONG)
    assert "apply" in caught.value.hint
    assert deploy(store, wanted).complete
    assert store.get(LONG, LONG) == "value"
    assert deploy(store, wanted).done == ()


def test_values_at_and_over_the_limit(server: Server, store: Store) -> None:
    """A value of 25 KB in UTF-8 is written; one byte more is refused before any call."""
    store.create_vault("api-keys")
    store.create_secret("api-keys", "full", Secret("\u00e9" * 12_800))
    before = len(server.arrived)
    with pytest.raises(TooLarge):
        store.create_secret("api-keys", "over", Secret("\u00e9" * 12_800 + "x"))
    assert len(server.arrived) == before


def test_history_rollback_restore_and_purge(server: Server, store: Store) -> None:
    """Old values can be read by tokens and by Azure's ids, a delete can be undone, a purge cannot."""
    server.vault.delay = 0.2
    store.create_vault("api-keys")
    for text in ("one", "two"):
        (store.update_secret if text == "two" else store.create_secret)("api-keys", "stripe", Secret(text))
    [newest, oldest] = store.history("api-keys", "stripe")
    store.rollback_secret("api-keys", "stripe", oldest.version)
    assert store.get("api-keys", "stripe") == "one"
    azure_id = next(v["id"].rpartition("/")[2] for v in server.vault.versions("default--api-keys--stripe"))
    assert store.read("api-keys", "stripe", azure_id).value.reveal() in {"one", "two"}
    assert store.read("api-keys", "stripe", newest.version).value == Secret("two")
    store.delete_secret("api-keys", "stripe")
    assert store.get("api-keys", "stripe") is None
    store.restore_secret("api-keys", "stripe")
    assert store.get("api-keys", "stripe") == "one"
    store.purge_secret("api-keys", "stripe")
    with pytest.raises(SecretNotFound):
        store.history("api-keys", "stripe")


def test_a_disabled_version_is_not_current(
    server: Server, store: Store, backdoor: AzureBackdoor, tmp_path: Path
) -> None:
    """The history shows a disabled version as disabled, not as current."""
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    store.update_secret("api-keys", "stripe", Secret("two"))
    backdoor.disable(NAMING.native(Place("api-keys", "stripe")))
    url = f"azure://{server.host}?credential=managed&ca_bundle={server.authority}"
    history = Shell(tmp_path)("secret", "history", "-V", "api-keys", "-n", "stripe", "--store", url, "--json")
    assert [version["state"] for version in history.data] == ["disabled", "old"]


def test_two_foreign_writes_in_one_second_are_told_by_azures_ids(server: Server, store: Store) -> None:
    """Where two versions share a token, the history shows Azure's ids, and the token is refused."""
    raw = AzureBackdoor(server)
    name, second = NAMING.native(Place("api-keys", "key")), int(server.now()) + 1
    server.vault._now = lambda: float(second)
    for text in ("one", "two"):
        raw.client.set_secret(name, text)
    del server.vault._now
    server.vault._now = server.now
    tokens = [entry.version for entry in store.history("api-keys", "key")]
    assert {store.read("api-keys", "key", token).value.reveal() for token in tokens} == {"one", "two"}
    with pytest.raises(Conflict, match="two versions"):
        store.read("api-keys", "key", str(second))
    raw.close()


@pytest.mark.parametrize("seconds", [0, 1, 10, 60])
def test_a_copied_tag_proves_nothing(server: Server, store: Store, backdoor: AzureBackdoor, seconds: int) -> None:
    """A tool that writes another value with our tags is detected, however soon it writes, and repaired."""
    wanted: dict[str, dict[str, DesiredValue]] = {"api-keys": {"stripe": Secret("value")}}
    deploy(store, wanted)
    name = NAMING.native(Place("api-keys", "stripe"))
    server.skew += seconds
    backdoor.client.set_secret(name, "theirs", tags=server.vault.last(name).tags)  # type: ignore[union-attr]
    assert [step.action for step in deploy(store, wanted).done] == ["update"]
    assert store.get("api-keys", "stripe") == "value"


def test_copied_tags_and_dates_prove_nothing(server: Server, store: Store, backdoor: AzureBackdoor) -> None:
    """A tool that also copies the activation date is detected by the creation time of its version."""
    wanted: dict[str, dict[str, DesiredValue]] = {"api-keys": {"stripe": Secret("value")}}
    deploy(store, wanted)
    name = NAMING.native(Place("api-keys", "stripe"))
    ours = backdoor.client.get_secret(name).properties
    server.skew += 10
    backdoor.client.set_secret(name, "theirs", tags=ours.tags, not_before=ours.not_before)
    assert [step.action for step in deploy(store, wanted).done] == ["update"]


@pytest.mark.parametrize("skew", [-7200.0, 7200.0])
def test_a_clock_that_is_off_costs_no_writes(server: Server, store: Store, skew: float) -> None:
    """A second apply writes nothing, even where this machine's clock is hours off."""
    server.skew = skew
    assert deploy(store, many(4)).complete
    assert deploy(store, many(4)).done == ()


def test_a_deleted_name_is_recovered_and_written(server: Server, store: Store, backdoor: AzureBackdoor) -> None:
    """An apply creates a deleted secret again, with its history, and purges nothing."""
    server.vault.delay = 0.3
    wanted: dict[str, dict[str, DesiredValue]] = {"api-keys": {"stripe": Secret("one")}}
    deploy(store, wanted)
    assert deploy(store, {}).complete
    assert store.list_vaults() == []
    assert deploy(store, wanted).complete
    assert store.get("api-keys", "stripe") == "one"
    assert len(store.history("api-keys", "stripe")) == 2
    assert "purge" not in server.operations()


def test_the_loser_of_two_deployers_gets_a_conflict(server: Server, store: Store) -> None:
    """A create that another deployer has done since the plan is a Conflict, and a rerun converges."""
    late = plan(store, {"api-keys": {"stripe": Secret("late")}})
    rival = opened(server)
    deploy(rival, {"api-keys": {"stripe": Secret("early")}})
    report = apply(late, store)
    assert {type(error) for _, error in report.failed} == {Conflict}
    assert store.get("api-keys", "stripe") == "early"
    assert deploy(store, {"api-keys": {"stripe": Secret("late")}}).complete
    assert rival.get("api-keys", "stripe") == "late"
    rival.close()


def test_a_delete_of_what_moved_is_a_conflict(store: Store, backdoor: AzureBackdoor) -> None:
    """A secret that another tool wrote after the plan is not deleted."""
    deploy(store, {"api-keys": {"stripe": Secret("one"), "old": Secret("two")}})
    made = plan(store, {"api-keys": {"stripe": Secret("one")}})
    backdoor.write(NAMING.native(Place("api-keys", "old")), "theirs")
    assert [type(error) for _, error in apply(made, store).failed] == [Conflict]
    assert store.get("api-keys", "old") == "theirs"


def test_a_url_opens_it_all(server: Server, backdoor: AzureBackdoor) -> None:
    """The whole way from a URL with a prefix and options to a value with tags, content type and expiry."""
    options = (
        f"credential=managed&ca_bundle={server.authority}&tags=team=payments&content_type=text/plain&expires_days=9"
    )
    with open_store(f"azure://{server.host}/Team?{options}", "prod") as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "stripe", Secret("value"))
        assert store.get("api-keys", "stripe") == "value"
    found: Any = backdoor.client.get_secret("team--prod--api-keys--stripe")
    properties = found.properties
    assert (found.value, properties.tags["team"], properties.content_type) == ("value", "payments", "text/plain")
    assert 8.9 < (properties.expires_on - properties.created_on).total_seconds() / 86_400 < 9.1
