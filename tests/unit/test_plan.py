"""The plan: every row of its tables, and properties over all of them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan, Step, diff
from tailorsecrets.driver import Caps, Entry
from tailorsecrets.errors import Denied
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.workspace import VaultState

APP, OTHER = Owner("my-app"), Owner("other-app")
MINE = Record({}, Secret("key"), "m1").owned_by(APP)
VALUE = Secret("value")


def entry(secret: str, value: Secret | None, version: str = "v1") -> Entry:
    """Return the entry of a secret that we wrote as *value*, or that another tool wrote."""
    return Entry(name=secret, version=version, stamp=MINE.stamp(secret, value) if value else "")


def vault(record: Record | None = MINE, **secrets: Secret | None) -> VaultState:
    """Return a vault with secrets of these values; None: written by another tool."""
    return VaultState(record, {name: entry(name, value) for name, value in secrets.items()})


def plan(
    declared: Mapping[str, Mapping[str, DesiredValue]], found: Mapping[str, VaultState], *, prune: bool = True
) -> Plan:
    """Return the plan of the app that declares *declared*."""
    return diff(Desired(APP, declared), found, prune=prune)


@pytest.mark.parametrize(
    ("caps", "for_good"),
    [
        (Caps(undelete=True), {}),
        (Caps(), {"abc/old": True, "gone/key": True, "gone": True}),
        (Caps(undelete=True, containers=True), {"gone/key": True, "gone": True}),
    ],
)
def test_deletions_that_cannot_be_undone_are_marked(caps: Caps, for_good: dict[str, bool]) -> None:
    """On a store without undelete all are marked; on a store with containers, those of a vault that is deleted."""
    found = {"abc": vault(old=VALUE), "gone": vault(key=VALUE)}
    made = diff(Desired(APP, {"abc": {"new": VALUE}}), found, caps=caps)
    assert {"/".join(filter(None, step.place)): True for step in made.steps if step.for_good} == for_good


def test_a_conflict_between_branches_is_settled() -> None:
    """A record that two branches wrote is written again, even if both name this app."""
    found = {"abc": VaultState(replace(MINE, conflicted=True), vault(key=VALUE).secrets)}
    made = plan({"abc": {"key": VALUE}}, found)
    assert (actions(made), made.claimed()) == ([("update", "abc")], frozenset())


def actions(made: Plan) -> list[tuple[str, str]]:
    """Return what the plan does, in short."""
    return [(step.action, "/".join(filter(None, step.place))) for step in made.steps]


def test_a_vault_whose_record_cannot_be_read() -> None:
    """Its owner is unknown, so it is not changed, and the plan names it."""
    closed = VaultState(None, {"old": entry("old", VALUE)}, problem=Denied("no"))
    made = plan({"abc": {}}, {"abc": VaultState(MINE), "other": closed})
    assert (actions(made), made.unread, made.owned) == ([], ("other",), 0)


@pytest.mark.parametrize(
    ("found", "steps", "unmanaged", "conflicts"),
    [
        (None, [("create", "abc")], (), ()),
        (MINE, [], (), ()),
        (MINE.owned_by(None), [("update", "abc")], ("abc",), ()),
        (MINE.owned_by(OTHER), [("update", "abc")], (), (("abc", OTHER),)),
        (MINE.owned_by(Owner("my-app", "id")), [("update", "abc")], (), (("abc", Owner("my-app", "id")),)),
    ],
)
def test_declared_vaults(
    found: Record | None, steps: list[tuple[str, str]], unmanaged: tuple[str, ...], conflicts: object
) -> None:
    """A declared vault is made, left, or claimed from nobody or from another owner."""
    made = plan({"abc": {}}, {"abc": VaultState(found)} if found else {})
    assert (actions(made), made.unmanaged, made.conflicts) == (steps, unmanaged, conflicts)


def test_a_vault_without_record_is_unmanaged() -> None:
    """Secrets under a vault's name without a record make it unmanaged."""
    made = plan({"abc": {"key": VALUE}}, {"abc": VaultState(None, {"key": entry("key", None)})})
    assert actions(made) == [("update", "abc"), ("update", "abc/key")]
    assert made.unmanaged == ("abc",)


def test_a_renamed_app_keeps_its_vaults() -> None:
    """A vault with the app's id is its own under any name; the name on it is brought up to date."""
    declared = Desired(Owner("new-name", "id"), {"abc": {}})
    made = diff(declared, {"abc": VaultState(MINE.owned_by(Owner("old-name", "id")))})
    assert (actions(made), made.conflicts, made.unmanaged) == ([("update", "abc")], (), ())


@pytest.mark.parametrize(
    ("record", "steps"),
    [
        (MINE, [("delete", "abc/key"), ("delete", "abc")]),
        (MINE.owned_by(OTHER), []),
        (MINE.owned_by(None), []),
        (None, []),
    ],
)
def test_undeclared_vaults(record: Record | None, steps: list[tuple[str, str]]) -> None:
    """Only a vault of the app that is no longer declared is deleted, with every secret in it."""
    assert actions(plan({}, {"abc": vault(record, key=VALUE)})) == steps


@pytest.mark.parametrize(
    ("wanted", "found", "steps"),
    [
        (None, {}, []),
        (None, {"key": VALUE}, []),
        (VALUE, {}, [("create", "abc/key")]),
        (VALUE, {"key": VALUE}, []),
        (VALUE, {"key": Secret("another")}, [("update", "abc/key")]),
        (VALUE, {"key": None}, [("update", "abc/key")]),
        (Generate(), {}, [("create", "abc/key")]),
        (Generate(), {"key": None}, []),
    ],
)
def test_declared_secrets(wanted: DesiredValue, found: dict[str, Secret | None], steps: list[tuple[str, str]]) -> None:
    """A declared secret is skipped, created, left or updated by its stamp; a generated one is only ever created."""
    made = plan({"abc": {"key": wanted}}, {"abc": vault(MINE, **found)})
    assert actions(made) == steps
    assert made.skipped == ((Place("abc", "key"),) if wanted is None else ())


def test_undeclared_secrets_are_deleted() -> None:
    """A secret of a declared vault that is not declared is deleted, as the version that was seen."""
    made = plan({"abc": {}}, {"abc": vault(key=VALUE)})
    assert made.steps == (Step("delete", Place("abc", "key"), expect="v1"),)


def test_a_disabled_secret_is_written_anew() -> None:
    """A disabled secret is written again, even if its stamp is right."""
    found = VaultState(MINE, {"key": replace(entry("key", VALUE), state="disabled")})
    assert actions(plan({"abc": {"key": VALUE}}, {"abc": found})) == [("update", "abc/key")]


def test_external_secrets_are_never_planned() -> None:
    """Secrets that others manage stay, and a vault that holds one stays with it."""
    declared = Desired(APP, {"abc": {}}, {"abc": frozenset({"theirs"}), "gone": frozenset({"theirs"})})
    found = {"abc": vault(theirs=None), "gone": vault(theirs=None, ours=VALUE)}
    assert actions(diff(declared, found)) == [("delete", "gone/ours")]


def test_no_prune_deletes_nothing() -> None:
    """Without pruning no step deletes."""
    assert actions(plan({}, {"abc": vault(key=VALUE)}, prune=False)) == []


def test_without_stamps_values_are_compared() -> None:
    """Where a store keeps no stamps, the values it holds decide, and the plan says so."""
    declared = Desired(APP, {"abc": {"key": VALUE, "old": VALUE}})
    found = {"abc": vault(key=None, old=None)}
    values = {Place("abc", "key"): VALUE, Place("abc", "old"): Secret("old")}
    made = diff(declared, found, values=values, caps=Caps(undelete=True))
    assert made.compared_values
    assert actions(made) == [("update", "abc/old")]


def test_order() -> None:
    """Vaults come first, then values, then deletions of secrets, then of vaults."""
    made = plan({"new": {"key": VALUE}, "abc": {"key": VALUE}}, {"abc": vault(old=VALUE), "out": vault(key=VALUE)})
    assert actions(made) == [
        ("create", "new"),
        ("create", "abc/key"),
        ("create", "new/key"),
        ("delete", "abc/old"),
        ("delete", "out/key"),
        ("delete", "out"),
    ]


def test_a_plan_shows_no_value() -> None:
    """No value is in a plan's repr."""
    assert "canary" not in repr(plan({"abc": {"key": Secret("canary")}}, {}))


NAMES = st.sampled_from(["aaa", "bbb", "ccc"])
VALUES = st.sampled_from([Secret("x"), Secret("y"), Secret("")])
MANIFESTS = st.sampled_from([None, MINE, MINE.owned_by(OTHER), MINE.owned_by(None)])
DECLARED = st.dictionaries(NAMES, st.dictionaries(NAMES, st.one_of(VALUES, st.none(), st.just(Generate()))))
FOUND = st.dictionaries(
    NAMES,
    st.builds(
        lambda record, secrets: vault(record, **secrets),
        MANIFESTS,
        st.dictionaries(NAMES, st.one_of(VALUES, st.none())),
    ),
)


def carried_out(made: Plan, found: Mapping[str, VaultState]) -> dict[str, VaultState]:
    """Return what is there after *made*, by a model of the store."""
    there = {name: VaultState(vault.record, dict(vault.secrets)) for name, vault in found.items()}
    for step in made.steps:
        name, secret = step.place
        secrets = dict(there[name].secrets) if name in there else {}
        if step.action == "delete" and not secret:
            assert not secrets
            del there[name]
        elif step.action == "delete":
            del secrets[secret]
            there[name] = VaultState(there[name].record, secrets)
        elif not secret:
            there[name] = VaultState(((there[name].record if name in there else None) or MINE).owned_by(APP), secrets)
        else:
            value = step.value if isinstance(step.value, Secret) else Secret("made")
            there[name] = VaultState(there[name].record, secrets | {secret: entry(secret, value, "v2")})
    return there


@given(DECLARED, FOUND)
def test_a_carried_out_plan_leaves_nothing_to_do(
    declared: dict[str, dict[str, DesiredValue]], found: dict[str, VaultState]
) -> None:
    """The plan made after a plan was carried out is empty, and everything declared is there."""
    after = carried_out(plan(declared, found), found)
    assert plan(declared, after).steps == ()
    for name, secrets in declared.items():
        assert {secret for secret, wanted in secrets.items() if wanted is not None} <= set(after[name].secrets)


@given(DECLARED, FOUND)
def test_what_others_own_is_left_alone(
    declared: dict[str, dict[str, DesiredValue]], found: dict[str, VaultState]
) -> None:
    """A vault that is not declared and not the app's has no step."""
    touched = {step.place.vault for step in plan(declared, found).steps}
    foreign = {n for n, v in found.items() if n not in declared and not (v.record and APP.owns(v.record.owner))}
    assert not touched & foreign


@given(DECLARED, FOUND, NAMES)
def test_an_unread_record_makes_no_other_difference(
    declared: dict[str, dict[str, DesiredValue]], found: dict[str, VaultState], name: str
) -> None:
    """A vault whose record cannot be read changes nothing in the plan, except that the plan names it."""
    config = {vault: secrets for vault, secrets in declared.items() if vault != name}
    without = {vault: seen for vault, seen in found.items() if vault != name}
    secrets = found[name].secrets if name in found else {}
    beside = {**without, name: VaultState(None, secrets, problem=Denied("no"))}
    assert plan(config, beside) == replace(plan(config, without), unread=(name,))


@given(DECLARED, FOUND)
def test_no_place_has_two_steps(declared: dict[str, dict[str, DesiredValue]], found: dict[str, VaultState]) -> None:
    """Each place has at most one step."""
    touched = [step.place for step in plan(declared, found).steps]
    assert len(touched) == len(set(touched))


def test_a_place_that_an_apply_left_behind_is_ours() -> None:
    """A vault's place without a record, made for this app, is finished or dropped without a question."""
    found = {
        "abc": VaultState(None, {}, "my-app"),
        "gone": VaultState(None, {}, "my-app"),
        "theirs": VaultState(None, {}, "other"),
    }
    made = plan({"abc": {"key": VALUE}}, found)
    assert actions(made) == [("create", "abc"), ("create", "abc/key"), ("delete", "gone")]
    assert made.unmanaged == ()
