"""What must be agreed to before a plan is carried out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.deploy.consent import Consent, Topic, limit, to_ask, topics
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.errors import Refused
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner

APP, OTHER = Owner("my-app"), Owner("other-app")


def plan(
    deleted: int = 0, *, owned: int = 0, declared: int = 1, unmanaged: int = 0, conflicts: int = 0, vaults: int = 0
) -> Plan:
    """Return a plan that deletes so many secrets and vaults, and takes over so many vaults."""
    secrets = [Step("delete", Place("api-keys", f"key-{number}")) for number in range(deleted)]
    return Plan(
        owner=APP,
        steps=(*secrets, *(Step("delete", Place(f"vault-{number}")) for number in range(vaults))),
        records={f"declared-{number}": None for number in range(declared)},
        declares=bool(declared),
        unmanaged=tuple(f"free-{number}" for number in range(unmanaged)),
        conflicts=tuple((f"their-{number}", OTHER) for number in range(conflicts)),
        owned=owned,
    )


def refused(made: Plan, consent: Consent, *, guard: bool = True) -> tuple[str, str]:
    """Return the code and the hint of the refusal."""
    with pytest.raises(Refused) as error:
        to_ask(made, consent, guard=guard)
    return error.value.code, error.value.hint


def test_the_order_of_the_topics() -> None:
    """Conflicts come first, then unmanaged vaults, then deletions; each only where there is one."""
    assert topics(plan(1, unmanaged=1, conflicts=1)) == ["conflicts", "unmanaged", "deletions"]
    assert topics(plan(unmanaged=2)) == ["unmanaged"]
    assert topics(plan(vaults=1)) == ["deletions"]
    assert topics(plan()) == []


@pytest.mark.parametrize(
    ("owned", "declared", "covered"), [(0, 1, 10), (40, 1, 10), (43, 1, 10), (44, 1, 11), (1000, 1, 250), (5, 0, None)]
)
def test_what_a_yes_covers(owned: int, declared: int, covered: int | None) -> None:
    """A yes covers ten secrets, or a quarter of the owned ones; none where the config declares nothing."""
    assert limit(plan(owned=owned, declared=declared)) == covered


@pytest.mark.parametrize("can_ask", [True, False])
def test_nothing_to_agree_to(can_ask: bool) -> None:
    """A plan that only creates and updates asks nothing, with and without a terminal."""
    assert to_ask(plan(declared=0), Consent(can_ask=can_ask)) == []


def test_a_terminal_is_asked_all() -> None:
    """On a terminal all topics are asked; --yes answers them."""
    asked: list[Topic] = ["conflicts", "unmanaged", "deletions"]
    assert to_ask(plan(1, unmanaged=1, conflicts=1), Consent(can_ask=True)) == asked
    assert to_ask(plan(1, unmanaged=1, conflicts=1), Consent(can_ask=True, yes=True)) == []


def test_without_a_terminal() -> None:
    """Without a terminal, --yes is named; of a mass deletion, --allow-deletes too."""
    assert refused(plan(1), Consent()) == ("CONFIRMATION_REQUIRED", "pass --yes")
    assert refused(plan(conflicts=1), Consent()) == ("CONFIRMATION_REQUIRED", "pass --yes")
    assert refused(plan(11), Consent()) == ("CONFIRMATION_REQUIRED", "pass --yes --allow-deletes 11")


def test_a_mass_deletion() -> None:
    """Beyond what a yes covers, the terminal is asked, or --allow-deletes says how many."""
    assert to_ask(plan(11), Consent(yes=True, can_ask=True)) == ["deletions"]
    assert refused(plan(11), Consent(yes=True)) == ("TOO_MANY_DELETIONS", "pass --allow-deletes 11 to confirm")
    assert to_ask(plan(11), Consent(yes=True, allow_deletes=11)) == []
    assert refused(plan(11), Consent(yes=True, allow_deletes=10))[0] == "TOO_MANY_DELETIONS"


def test_a_limit_that_the_user_sets_may_be_lower() -> None:
    """--allow-deletes is the limit, also where it is lower than that of the guard."""
    assert refused(plan(1), Consent(yes=True, allow_deletes=0))[0] == "TOO_MANY_DELETIONS"
    assert to_ask(plan(), Consent(yes=True, allow_deletes=0)) == []


def test_a_config_that_declares_nothing() -> None:
    """Where nothing is declared, no deletion is covered, not even that of an empty vault."""
    assert refused(plan(1, declared=0), Consent(yes=True))[0] == "TOO_MANY_DELETIONS"
    assert refused(plan(vaults=1, declared=0), Consent(yes=True))[0] == "TOO_MANY_DELETIONS"
    assert to_ask(plan(vaults=1, declared=0), Consent(yes=True, allow_deletes=0)) == []


def test_remove_has_no_guard() -> None:
    """Without the guard a yes covers all."""
    assert to_ask(plan(500, declared=0), Consent(yes=True), guard=False) == []
    assert refused(plan(500, declared=0), Consent(), guard=False) == ("CONFIRMATION_REQUIRED", "pass --yes")


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 2), st.booleans())
def test_nothing_beyond_the_limit_goes_unasked(deleted: int, owned: int, declared: int, can_ask: bool) -> None:
    """With --yes alone, what is deleted without a question is never over the limit."""
    made = plan(deleted, owned=owned, declared=declared)
    try:
        asked = to_ask(made, Consent(yes=True, can_ask=can_ask))
    except Refused:
        return
    if not asked and deleted:
        covered = limit(made)
        assert covered is not None
        assert deleted <= covered


@pytest.mark.parametrize(
    ("consent", "declared", "why"),
    [
        (Consent(yes=True), 1, "12 secrets would be deleted, and --yes covers 10; nothing was changed"),
        (Consent(yes=True), 0, "12 secrets would be deleted, and the config declares nothing; nothing was changed"),
        (
            Consent(yes=True, allow_deletes=11),
            1,
            "12 secrets would be deleted, and --allow-deletes 11 allows 11; nothing was changed",
        ),
    ],
)
def test_the_limit_that_counts_is_named(consent: Consent, declared: int, why: str) -> None:
    """The refusal names the limit that was passed: that of --allow-deletes where it is given."""
    with pytest.raises(Refused) as error:
        to_ask(plan(12, declared=declared), consent)
    assert str(error.value) == why


def test_what_must_be_confirmed_is_named() -> None:
    """The refusal names the vaults that are taken over and those in which something is deleted."""
    with pytest.raises(Refused) as error:
        to_ask(plan(2, unmanaged=12, conflicts=1), Consent())
    assert str(error.value).startswith("take over vault their-0 from other owners and take over vaults free-0, ")
    assert " and 2 more, which no config manages and delete in vault api-keys: this must be confirmed" in str(
        error.value
    )
