"""The cells of the status table, from what was seen at each target. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tailorsecrets.deploy.status import Cell, Column, Declared, Homes, Key, Row, counts, is_calm, table
from tailorsecrets.driver import Entry, State
from tailorsecrets.errors import Corrupt, Denied, SecretsError, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record, new_record
from tailorsecrets.store.survey import Seen
from tailorsecrets.store.workspace import VaultState
from tailorsecrets.targets.choice import Choice

APP, OTHER = Owner("my-app", "one"), Owner("other-app", "two")
AGE = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = replace(new_record({}), version="1").owned_by(APP)
KEY = Place("api-keys", "key")
NAMES = {"api-keys": {"key"}}


def written(value: str, record: Record = RECORD, state: State = "live") -> Entry:
    """Return the entry of *value* as the app wrote it into ``api-keys/key``."""
    return Entry(name="x", version="1", stamp=record.stamp("key", Secret(value)), updated=AGE, state=state)


def by_hand() -> Entry:
    """Return the entry of a value that another tool wrote."""
    return Entry(name="x", version="2", updated=AGE)


def holding(entries: Mapping[str, Entry], record: Record | None = RECORD, vault: str = "api-keys") -> Seen:
    """Return a workspace with one vault."""
    return Seen({vault: VaultState(record, entries)})


def column(seen: Seen | None, *, error: SecretsError | None = None, stamps: bool = True) -> Column:
    """Return what was seen at a target."""
    return Column(Choice("file:a", "default", "."), seen, error, stamps)


def rows(
    *columns: Column,
    names: Mapping[str, Collection[str]] = NAMES,
    external: Mapping[str, Collection[str]] | None = None,
    value: str = "",
    routed: int | None = None,
) -> list[Row]:
    """Return the table of *columns*, where the first is the primary and the next ones up to *routed* are replicas."""
    here = {KEY: Secret(value)} if value else {}
    declared = Declared(APP, names, external or {}, here)
    targets = range(len(columns) if routed is None else routed)
    primaries: dict[tuple[str, Key], Key] = {(vault, key): 0 for vault in names for key in targets}
    others = {
        (Place(vault, name), key) for vault, found in (external or {}).items() for name in found for key in targets
    }
    return table(declared, Homes(primaries, others), dict(enumerate(columns)))


def states(found: list[Row]) -> dict[str, list[str | None]]:
    """Return the words of each row, by its name."""
    return {"/".join(filter(None, row.place)): [cell.text if cell else None for cell in row.cells] for row in found}


OTHERS = RECORD.owned_by(OTHER)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (holding({"key": written("x")}), "ours"),
        (holding({"key": by_hand()}), "by hand"),
        (holding({"key": written("x", state="disabled")}), "disabled"),
        (holding({}), "missing"),
        (Seen({}), "missing"),
        (holding({"key": written("x")}, OTHERS), "owner: other-app"),
        (holding({}, OTHERS), "owner: other-app"),
        (holding({"key": written("x")}, RECORD.owned_by(None)), "unmanaged"),
        (holding({"key": written("x")}, None), "unmanaged"),
        (Seen({}, frozenset({Place("api-keys")})), "denied"),
        (holding({"key": written("x")})._replace(denied=frozenset({KEY})), "denied"),
        (Seen({"api-keys": VaultState(None, {"key": by_hand()}, problem=Denied())}), "denied"),
        (Seen({"api-keys": VaultState(None, {"key": by_hand()}, problem=Corrupt())}), "unreachable"),
        (Seen({"api-keys": VaultState(None, {}, made_for=APP.identity)}), "missing"),
    ],
)
def test_a_cell_of_one_target(seen: Seen, expected: str) -> None:
    """The cell is the first state that is true; no source is needed."""
    assert states(rows(column(seen))) == {"api-keys/key": [expected]}


@pytest.mark.parametrize(
    ("error", "expected"),
    [(Unavailable(), "unreachable"), (Corrupt(), "unreachable"), (Denied(), "denied"), (Unauthenticated(), "denied")],
)
def test_a_target_that_cannot_be_asked(error: SecretsError, expected: str) -> None:
    """Everything in its column is unreachable, or denied if it refuses; other columns do not change."""
    found = rows(column(holding({"key": written("x"), "old": written("x")})), column(None, error=error))
    assert states(found) == {"api-keys/key": ["ours", expected], "api-keys/old": ["extra", expected]}


def test_a_stamp_proves_the_declared_value() -> None:
    """If the source is available, a stamp of its value is "in sync", and a stamp of another value "ours"."""
    assert states(rows(column(holding({"key": written("x")})), value="x")) == {"api-keys/key": ["in sync"]}
    assert states(rows(column(holding({"key": written("x")})), value="y")) == {"api-keys/key": ["ours"]}
    assert states(rows(column(holding({"key": by_hand()})), value="x")) == {"api-keys/key": ["by hand"]}


def test_a_store_without_stamps() -> None:
    """Without stamps nothing proves who wrote a value: it is unknown, unless it is missing or disabled."""
    assert states(rows(column(holding({"key": by_hand()}), stamps=False))) == {"api-keys/key": ["unknown"]}
    assert states(rows(column(holding({}), stamps=False))) == {"api-keys/key": ["missing"]}


def test_what_the_config_does_not_declare() -> None:
    """An undeclared secret in a vault of the app is extra, in a declared vault or not; vaults of others have no row."""
    seen = Seen(
        {
            "api-keys": VaultState(RECORD, {"key": written("x"), "old": by_hand()}),
            "gone": VaultState(RECORD, {"key": written("x")}),
            "left": VaultState(RECORD),
            "theirs": VaultState(OTHERS, {"key": written("x")}),
            "nobodys": VaultState(None, {"key": by_hand()}),
        }
    )
    assert states(rows(column(seen))) == {
        "api-keys/key": ["ours"],
        "api-keys/old": ["extra"],
        "gone/key": ["extra"],
        "left": ["extra"],
    }


def test_a_vault_that_moved() -> None:
    """Where the profile does not keep a vault, its secrets are moved or extra; nothing is missing there."""
    there = column(holding({"key": written("x")}))
    left = column(holding({"key": written("x"), "old": written("x")}))
    elsewhere = column(holding({"key": written("x")}, OTHERS))
    found = rows(there, left, elsewhere, column(Seen({})), routed=1)
    assert states(found) == {
        "api-keys/key": ["ours", "moved", None, None],
        "api-keys/old": [None, "extra", None, None],
    }


def test_an_external_secret_where_its_vault_was() -> None:
    """A vault of which only what others manage is left has no cell there."""
    left = [column(holding({"key": written("x"), "theirs": by_hand()})), column(holding({"theirs": by_hand()}))]
    found = rows(column(holding({"key": written("x")})), *left, external={"api-keys": {"theirs"}}, routed=1)
    assert states(found) == {
        "api-keys/key": ["ours", "moved", None],
        "api-keys/theirs": ["missing", None, None],
    }


def test_an_empty_vault_has_a_row_where_its_secrets_show_nothing() -> None:
    """The vault itself is a row only where no secret of it has a cell."""
    found = rows(column(holding({}, vault="empty")), column(Seen({})), names={"empty": ()})
    assert states(found) == {"empty": ["ours", "missing"]}
    gone = Seen({"gone": VaultState(RECORD, {"key": written("x")})})
    assert states(rows(column(gone), column(holding({}, vault="gone")), names={})) == {
        "gone": ["extra", "extra"],
        "gone/key": ["extra", None],
    }


NEW_KEY = replace(new_record({}), version="1").owned_by(APP)


@pytest.mark.parametrize(
    ("primary", "replica", "expected"),
    [
        (holding({"key": written("x")}), holding({"key": written("x")}), ["ours", "ours"]),
        (holding({"key": written("y")}), holding({"key": written("x")}), ["ours", "differs"]),
        (holding({}), holding({"key": written("x")}), ["missing", "differs"]),
        (Seen({}), holding({"key": written("x")}), ["missing", "differs"]),
        (holding({"key": written("x")}), holding({"key": by_hand()}), ["ours", "by hand"]),
        (holding({"key": by_hand()}), holding({"key": written("x")}), ["by hand", "ours"]),
        (holding({"key": written("x")}), holding({"key": written("x", NEW_KEY)}, NEW_KEY), ["ours", "differs"]),
        (holding({"key": by_hand()}, OTHERS), holding({"key": written("x")}), ["owner: other-app", "ours"]),
        (Seen({}, frozenset({Place("api-keys")})), holding({"key": written("x")}), ["denied", "ours"]),
        (holding({})._replace(denied=frozenset({KEY})), holding({"key": written("x")}), ["denied", "ours"]),
    ],
)
def test_a_replica_beside_its_primary(primary: Seen, replica: Seen, expected: list[str]) -> None:
    """A replica differs if it certainly has another value than the primary, or another stamp key."""
    assert states(rows(column(primary), column(replica))) == {"api-keys/key": expected}


def test_two_stamp_keys_and_one_value() -> None:
    """Where both stamps prove the declared value, the replica is in sync, although the keys differ."""
    replica = holding({"key": written("x", NEW_KEY)}, NEW_KEY)
    found = rows(column(holding({"key": written("x")})), column(replica), value="x")
    assert states(found) == {"api-keys/key": ["in sync", "in sync"]}


def test_a_primary_that_does_not_answer_or_has_no_stamps() -> None:
    """Nothing is claimed about a replica whose primary cannot be read."""
    replica = column(holding({"key": written("x")}))
    assert states(rows(column(None, error=Unavailable()), replica)) == {"api-keys/key": ["unreachable", "ours"]}
    plain = column(holding({"key": by_hand()}), stamps=False)
    assert states(rows(plain, replica)) == {"api-keys/key": ["unknown", "ours"]}


def test_external_secrets() -> None:
    """They are there, missing, denied or unreachable, whoever owns the vault and whoever wrote the value."""
    external = {"partner": ["token", "none", "hidden"]}
    seen = holding({"token": by_hand()}, OTHERS, "partner")._replace(denied=frozenset({Place("partner", "hidden")}))
    found = rows(column(seen), column(None, error=Unavailable()), names={}, external=external)
    assert states(found) == {
        "partner/hidden": ["denied", "unreachable"],
        "partner/none": ["missing", "unreachable"],
        "partner/token": ["there", "unreachable"],
    }
    assert all(row.external for row in found)


def test_external_secrets_in_a_vault_of_the_app() -> None:
    """An external secret in a declared vault is not extra."""
    seen = holding({"key": written("x"), "token": by_hand()})
    found = rows(column(seen), external={"api-keys": ["token"]})
    assert states(found) == {"api-keys/key": ["ours"], "api-keys/token": ["there"]}


def test_native_places() -> None:
    """An external secret with a native place has a cell only in the column of its store."""
    native: dict[Place, Entry | SecretsError | None] = {
        Place("partner", "token"): by_hand(),
        Place("partner", "none"): None,
        Place("partner", "hidden"): Denied(),
        Place("partner", "lost"): Unavailable(),
    }
    declared = Declared(APP, {}, {"partner": [place.secret for place in native]})
    away = Column(Choice("file:b", "default", "."), native=native)
    found = table(declared, Homes({}), {0: column(Seen({})), 1: away})
    assert states(found) == {
        "partner/hidden": [None, "denied"],
        "partner/lost": [None, "unreachable"],
        "partner/none": [None, "missing"],
        "partner/token": [None, "there"],
    }


def test_ages_calm_and_counts() -> None:
    """A cell has the time of its version; a table is calm when no cell needs an action; states are counted in order."""
    found = rows(column(holding({"key": written("x")})), column(Seen({})))
    assert found[0].cells == (Cell("ours", AGE), Cell("missing"))
    assert not is_calm(found)
    assert counts(found) == {"missing": 1, "ours": 1}
    assert is_calm(rows(column(holding({"key": written("x")}))))
    assert is_calm([])


def test_some_vaults_alone() -> None:
    """With vaults named, rows of others are left out."""
    seen = Seen({vault: VaultState(RECORD, {"key": written("x")}) for vault in ("api-keys", "web")})
    declared = Declared(APP, {"api-keys": ["key"], "web": ["key"]})
    homes = Homes({("api-keys", 0): 0, ("web", 0): 0})
    assert states(table(declared, homes, {0: column(seen)}, ["web"])) == {"web/key": ["ours"]}
