"""Reading secrets by name or by vault: all of them, or one error."""

from collections.abc import Callable, Mapping, Sequence

from tailorsecrets.driver import Stored
from tailorsecrets.errors import NotFound, SecretNotFound, SecretsError, StoreNotFound, Throttled, Unavailable, reworded
from tailorsecrets.secret import Secret
from tailorsecrets.store.failures import STORE_ERRORS
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.store.parallel import AT_ONCE
from tailorsecrets.store.store import Store, workspace_of


def expanded(store: Store, names: Sequence[Place]) -> list[Place]:
    """Return *names*, with each name that is only a vault replaced by the secrets of that vault.

    Raise VaultNotFound where there is no such vault.
    """
    found: list[Place] = []
    for place in names:
        found += [place] if place.secret else [Place(place.vault, e.name) for e in store.list_secrets(place.vault)]
    return list(dict.fromkeys(found))


def read_in_turn(
    stores: Sequence[Callable[[], Store]], names: Sequence[Place]
) -> tuple[list[Place], dict[Place, ReadResult]]:
    """Return what *names* name and the answers for them, from the first of *stores* that gives one.

    The next store is asked only about what the ones before do not answer at all. From a store after the first, only a
    value is an answer: it may be behind.
    """
    places, answers = _read_from(stores[0], names)
    for opened in stores[1:]:
        left = [place for place in places if isinstance(answers.get(place, Unavailable()), Unavailable | Throttled)]
        if not left:
            break
        found, others = _read_from(opened, left)
        values: dict[Place, ReadResult] = {place: each for place, each in others.items() if isinstance(each, Stored)}
        listed = {place.vault for place in values}
        answers = {place: each for place, each in answers.items() if place.secret or place.vault not in listed} | values
        places = list(dict.fromkeys([*places, *found]))
    return [place for place in places if place in answers or place.secret], answers


def _read_from(opened: Callable[[], Store], names: Sequence[Place]) -> tuple[list[Place], dict[Place, ReadResult]]:
    """Return what *names* name at one store and the answers; where it cannot even list them, *names* and the error."""
    with opened() as store:
        try:
            places = expanded(store, names)
        except (Unavailable, Throttled) as error:
            return list(names), dict.fromkeys(names, error)
        return places, answers_of(store, places)


def answers_of(store: Store, places: Sequence[Place]) -> dict[Place, ReadResult]:
    """Return the answers for *places*. After the first outage the rest has none: each would wait as long."""
    at_once = max(store.caps.batch, AT_ONCE)
    answers: dict[Place, ReadResult] = {}
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        try:
            answers |= workspace_of(store).read_many(some)
        except Unavailable as error:  # of a batch
            answers |= dict.fromkeys(some, error)
        if any(isinstance(answer, Unavailable) for answer in answers.values()):
            break
    return answers


def found_in(answers: Mapping[Place, ReadResult]) -> dict[Place, Secret]:
    """Return the values in *answers*, without those that are missing.

    Any other answer raises: an error of the store itself, or one error that lists every secret that cannot be read.
    """
    problems = {place: each for place, each in answers.items() if isinstance(each, SecretsError) and not _missing(each)}
    if problems:
        first = next((each for each in problems.values() if isinstance(each, STORE_ERRORS)), None)
        raise first or _unreadable(problems)
    return {place: each.value for place, each in answers.items() if isinstance(each, Stored)}


def check_all_there(places: Sequence[Place], values: Mapping[Place, Secret], *, hint: str) -> None:
    """Raise one SecretNotFound that lists every one of *places* that has no value."""
    missing = [f"{place.vault}/{place.secret}" for place in places if place not in values]
    if missing:
        raise SecretNotFound(f"not in the store: {', '.join(missing)}", hint=hint)


def _missing(answer: SecretsError) -> bool:
    return isinstance(answer, NotFound) and not isinstance(answer, StoreNotFound)


def _unreadable(problems: Mapping[Place, SecretsError]) -> SecretsError:
    first = next(iter(problems.values()))
    if len(problems) == 1:
        return first
    listed = ", ".join(f"{place.vault}/{place.secret} ({error.code})" for place, error in problems.items())
    return reworded(first, f"{len(problems)} secrets cannot be read: {listed}", vault="", secret="")
