"""``check``: whether a program with this login can read every secret of the config."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import see_doctor
from tailorsecrets.driver import Stored
from tailorsecrets.errors import Unauthenticated, Unavailable
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.store.parallel import AT_ONCE
from tailorsecrets.store.store import workspace_of

if TYPE_CHECKING:
    from tailorsecrets.store.store import Store

_NO_ACCESS = (Unauthenticated, Unavailable)


@command("check", "tailorsecrets check", "tailorsecrets check --profile prod --json")
def check(invocation: Invocation) -> int:
    """Read every secret of the config, also external ones.

    Prints one line for each secret, without its value, and exits 1 when one of them cannot be read.
    """
    names = invocation.config().declarations.names()
    places = [Place(vault, secret) for vault, secrets in names.items() for secret in secrets]
    with invocation.open() as store:
        answers = _read(store, places)
    if invocation.json:
        invocation.io.show_json([_row(place, answers.get(place)) for place in places])
    else:
        for place in places:
            invocation.io.show_coloured(_line(place, answers.get(place)))
        if any(isinstance(answers.get(place), _NO_ACCESS) for place in places):
            invocation.io.say(f"hint: {see_doctor(invocation)}")
    return exits.DONE if all(isinstance(answers.get(place), Stored) for place in places) else exits.ERROR


def _read(store: "Store", places: Sequence[Place]) -> dict[Place, ReadResult]:
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


def _row(place: Place, answer: ReadResult | None) -> dict[str, object]:
    code = None if isinstance(answer, Stored) else (answer or Unavailable()).code
    return {"name": f"{place.vault}/{place.secret}", "ok": code is None, "code": code}


def _line(place: Place, answer: ReadResult | None) -> str:
    name = f"{place.vault}/{place.secret}"
    if answer is None:
        return f"UNTRIED  {name}"
    if isinstance(answer, Stored):
        return f"ok       {name}"
    return f"FAILED   {name}: {answer.code}" + (f" ({answer.hint})" if answer.hint else "")
