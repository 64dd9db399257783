"""Reading two sides and comparing them: names, then stamps, then the values if stamps do not decide."""

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from tailorsecrets.deploy.diff import Answers, Line, Side, lines, lines_by_name, same_keys, shared, to_read
from tailorsecrets.driver import Entry, Stored
from tailorsecrets.errors import SecretsError, Throttled, Unauthenticated, Unavailable
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.survey import Names, Seen, looked_for, refreshed, seen_by_list
from tailorsecrets.store.workspace import VaultState, Workspace
from tailorsecrets.targets.choice import Choice, same_target
from tailorsecrets.targets.routes import Routes
from tailorsecrets.targets.sides import primaries

Open = Callable[[Choice], Store]
_NO_ANSWER: Final = (Throttled, Unauthenticated, Unavailable)


class Comparison(NamedTuple):
    """The lines, and the targets that may hold more, because their lists are denied."""

    lines: list[Line]
    unlisted: list[Choice]


def compare(
    a: Routes, b: Routes, open_store: Open, *, vaults: Collection[str] = (), by_name: bool = False
) -> Comparison:
    """Compare the secrets of *a* and *b*, each of which means the primary of every vault; *vaults*: these alone.

    Read a value only where the stamps of both sides do not decide; *by_name*: read no values and no records, and raise
    Denied where a list is denied. Raise the error of a side that does not answer.
    """
    with _opened([a, b], open_store, vaults) as (one, other, run):
        if by_name:
            _each([*one, *other], _list_names, run)
            return Comparison(lines_by_name(_side(one), _side(other)), [])
        _each([*one, *other], _list_vaults, run)
        names = _names([*one, *other])
        _each([*one, *other], partial(_look_for, names=names), run)
        _each([*one, *other], partial(_refresh, places=_with_one_key(_side(one), _side(other))), run)
        places = to_read(_side(one), _side(other))
        answers = [_answers(parts, places, run) for parts in (one, other)]
        found = lines(_side(one), _side(other), *(answer() for answer in answers))
        return Comparison(found, [part.target for part in (*one, *other) if not part.seen.listed])


@dataclass(slots=True)
class _Part:
    """One target of a side, and what was seen there of the vaults whose primary it is."""

    target: Choice
    workspace: Workspace
    holds: Callable[[str], bool]
    seen: Seen


@contextmanager
def _opened(
    sides: Sequence[Routes], open_store: Open, vaults: Collection[str]
) -> Generator[tuple[list[_Part], list[_Part], Executor]]:
    """Open the targets of both *sides*, and give the threads for them, one for each."""
    with ExitStack() as stack:
        one, other = (
            [
                _Part(
                    target,
                    workspace_of(stack.enter_context(open_store(target))),
                    partial(_holds, routes, target, vaults),
                    Seen({}),
                )
                for target in primaries(routes, vaults)
            ]
            for routes in sides
        )
        yield one, other, stack.enter_context(ThreadPoolExecutor(len(one) + len(other)))


def _holds(routes: Routes, target: Choice, vaults: Collection[str], vault: str) -> bool:
    return (not vaults or vault in vaults) and same_target(routes.route(vault)[0], target)


def _each(parts: Sequence[_Part], see: Callable[[_Part], Seen], run: Executor) -> None:
    """Call *see* for all parts at the same time, and keep the vaults that each part holds."""
    for part, seen in zip(parts, run.map(see, parts), strict=True):
        kept = {vault: state for vault, state in seen.vaults.items() if part.holds(vault)}
        part.seen = seen._replace(vaults=kept)


def _list_names(part: _Part) -> Seen:
    vaults: dict[str, dict[str, Entry]] = {}
    for place, entry in part.workspace.entries(part.workspace.containers()):
        if place.secret:
            vaults.setdefault(place.vault, {})[place.secret] = entry
    return Seen({vault: VaultState(secrets=secrets) for vault, secrets in vaults.items()})


def _list_vaults(part: _Part) -> Seen:
    return seen_by_list(part.workspace)


def _look_for(part: _Part, names: Names) -> Seen:
    return looked_for(part.workspace, part.seen, {vault: names[vault] for vault in names if part.holds(vault)})


def _refresh(part: _Part, places: Iterable[Place]) -> Seen:
    return refreshed(part.workspace, part.seen, [place for place in places if part.holds(place.vault)])


def _names(parts: Iterable[_Part]) -> Names:
    names: dict[str, set[str]] = {}
    for part in parts:
        for vault, state in part.seen.vaults.items():
            names.setdefault(vault, set()).update(state.secrets)
    return names


def _side(parts: Iterable[_Part]) -> Side:
    vaults: dict[str, VaultState] = {}
    denied: set[Place] = set()
    for part in parts:
        vaults |= part.seen.vaults
        denied |= {place for place in part.seen.denied if part.holds(place.vault)}
    return Side(vaults, denied)


def _with_one_key(a: Side, b: Side) -> list[Place]:
    same = same_keys(a, b)
    return [place for place in shared(a, b) if place.vault in same]


def _answers(parts: Sequence[_Part], places: Sequence[Place], run: Executor) -> Callable[[], Answers]:
    """Start to read the values of *places*; return what waits for them."""
    wanted = [[place for place in places if part.holds(place.vault)] for part in parts]
    reads = [run.submit(_read, part.workspace, some) for part, some in zip(parts, wanted, strict=True)]
    return lambda: {place: answer for read in reads for place, answer in read.result().items()}


def _read(workspace: Workspace, places: Sequence[Place]) -> dict[Place, Stored | SecretsError]:
    answers = workspace.read_many(places) if places else {}
    for answer in answers.values():
        if isinstance(answer, _NO_ANSWER):
            raise answer
    return answers
