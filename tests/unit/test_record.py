"""Vault records, owners and stamps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.errors import Corrupt, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner, Record, load_record, merged, new_record

APP = Owner("my-app", "0b6e5bc0-3f2e-4c8e-9b1a-2f4f5a9f3c11")


@given(st.dictionaries(st.text(), st.text()))
def test_round_trip(labels: dict[str, str]) -> None:
    """A record reads back as it was written, under the version of its entry."""
    record = new_record(labels)
    again = load_record(record.dump(), "v7")
    assert (again.labels, again.key, again.version) == (labels, record.key, "v7")


def test_a_record_is_small() -> None:
    """A record with an owner is under 1 KB."""
    assert len(new_record({}).owned_by(Owner("a" * 63, APP.id)).dump().reveal()) < 1024


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "{", '{"schema": 1}', '{"schema": 1, "labels": [], "key": ""}', "[" * 99999]
)
def test_damaged_records(text: str) -> None:
    """Anything else under a record's name is Corrupt, with a remedy."""
    with pytest.raises(Corrupt) as caught:
        load_record(Secret(text), "")
    assert caught.value.hint


def test_newer_records() -> None:
    """A record of a newer format is not guessed at."""
    with pytest.raises(Unsupported, match="newer"):
        load_record(Secret(json.dumps({"schema": 2})), "")


@pytest.mark.parametrize(
    ("found", "owned"),
    [
        (None, False),
        (APP, True),
        (Owner("renamed", APP.id), True),
        (Owner("my-app", "another-id"), False),
        (Owner("my-app"), True),
        (Owner("other"), False),
    ],
)
def test_owner_by_id_then_name(found: Owner | None, owned: bool) -> None:
    """A vault with an owner id belongs to the app with that id; one without, to the app of that name."""
    assert APP.owns(found) is owned


def test_an_app_without_id_does_not_own_a_vault_with_one() -> None:
    """The name alone does not take a vault from an app that has an id."""
    assert not Owner("my-app").owns(APP)


def test_owner_labels_come_and_go() -> None:
    """Owner labels are set and removed; other labels stay."""
    record = Record({"team": "payments"}).owned_by(APP)
    assert record.owner == APP
    assert record.owned_by(None).labels == {"team": "payments"}
    assert record.owned_by(None).owner is None


def test_stamps_tell_values_and_names_apart() -> None:
    """A stamp depends on the key, the name and the value, and is short text."""
    one, other = new_record({}), new_record({})
    stamps = {
        one.stamp("abc", Secret("v")),
        one.stamp("abc", Secret("w")),
        one.stamp("abd", Secret("v")),
        other.stamp("abc", Secret("v")),
    }
    assert len(stamps) == 4
    assert all(len(stamp) == 32 for stamp in stamps)


def test_records_show_no_key() -> None:
    """The stamp key is not in a record's repr."""
    record = new_record({})
    assert record.key.reveal() not in repr(record)


def test_a_golden_stamp() -> None:
    """A change of the formula, or of what a store keeps, would write every secret of every user once more."""
    record = Record({"owner": "my-app"}, Secret("key"))
    assert record.stamp("stripe-key", Secret("sk_test_1")) == "MHrU__qUfvZy3HFWhuEaDFhN1PIlMMZE"
    assert record.stamp("stripe-key", Secret("")) == "fvfeiLdMiX9H64iQ5p1MQB70VjpMtr8w"
    assert record.dump() == Secret('{"schema": 1, "labels": {"owner": "my-app"}, "key": "key"}')
    assert load_record(record.dump(), "") == record


@pytest.mark.parametrize(
    ("owners", "agreed"),
    [
        ([APP, APP], APP),
        ([APP, Owner("other")], None),
        ([APP, None], None),
        ([None, None], None),
        ([], None),
    ],
)
def test_what_two_branches_agree_on(owners: list[Owner | None], agreed: Owner | None) -> None:
    """A merge has the owner that both branches name, the first key and other labels, and is a conflict to settle."""
    branches = [Record({"team": "one"}, Secret(f"key {n}")).owned_by(owner) for n, owner in enumerate(owners)]
    record = merged(branches, "v1+v2")
    assert (record.owner, record.version, record.conflicted) == (agreed, "v1+v2", True)
    assert record.key == Secret("key 0" if owners else "")
    assert not load_record(record.dump(), "v3").conflicted
