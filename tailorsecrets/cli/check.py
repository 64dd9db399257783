"""``check``: whether a program with this login can read every secret of the config, at every target."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import say_to_doctor
from tailorsecrets.driver import Stored
from tailorsecrets.errors import Unavailable
from tailorsecrets.store.names import ExternalName, Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.store.parallel import at_once
from tailorsecrets.targets.choice import identity
from tailorsecrets.targets.opening import open_choice
from tailorsecrets.variables.reading import answers_of

if TYPE_CHECKING:
    from tailorsecrets.targets.choice import Choice


class _Checked(NamedTuple):
    """One target, what to read there, and the secrets with a native name."""

    target: "Choice"
    places: list[Place]
    external: Mapping[Place, ExternalName]


@command(
    "check",
    "tailorsecrets check",
    "tailorsecrets check --profile prod --json",
    "tailorsecrets check -p staging -p prod",
    several_profiles=True,
)
def check(invocation: Invocation) -> int:
    """Read every secret of the config, also external ones, at every target.

    Prints one line for each secret, without its value, and exits 1 when one of them cannot be read.
    """
    checked = _checked(invocation)
    invocation.wait_notice.start(", ".join(dict.fromkeys(each.target.url for each in checked)))
    found = at_once([partial(_read_at, invocation, each) for each in checked])
    if invocation.json:
        invocation.io.show_json(_document(checked, found))
    else:
        _show(invocation, checked, found)
    say_to_doctor([answer for answers in found for answer in answers if answer is not None], invocation)
    return exits.DONE if all(isinstance(a, Stored) for answers in found for a in answers) else exits.ERROR


def _checked(invocation: Invocation) -> list[_Checked]:
    """Return what to read at each target of the profiles, each target once."""
    declarations, found = invocation.config().declarations, dict[Hashable, _Checked]()
    names = declarations.names()
    for routes in invocation.routes:
        routes.check_declared(names, declarations.external)
        found.setdefault(identity(routes.primary), _Checked(routes.primary, [], routes.external_at(routes.primary)))
        for place in (Place(vault, secret) for vault, secrets in names.items() for secret in secrets):
            for target in routes.asked(place):
                new = _Checked(target, [], routes.external_at(target))
                places = found.setdefault(identity(target), new).places
                if place not in places:
                    places.append(place)
    return [each for each in found.values() if each.places or len(found) == 1]


def _read_at(invocation: Invocation, checked: _Checked) -> list[ReadResult | None]:
    with open_choice(checked.target, invocation.environ, external=checked.external) as store:
        answers = answers_of(store, checked.places)
    return [answers.get(place) for place in checked.places]


def _show(invocation: Invocation, checked: Sequence[_Checked], found: Sequence[Sequence[ReadResult | None]]) -> None:
    for (target, places, _), answers in zip(checked, found, strict=True):
        if len(checked) > 1:
            invocation.io.show(f"{target}:")
        for place, answer in zip(places, answers, strict=True):
            invocation.io.show_coloured(_line(place, answer))


def _document(checked: Sequence[_Checked], found: Sequence[Sequence[ReadResult | None]]) -> list[dict[str, object]]:
    """Return a row for each secret at each target; it names the target where there are several."""
    return [
        _row(place, answer) | ({"target": each.target.full_url} if len(checked) > 1 else {})
        for each, answers in zip(checked, found, strict=True)
        for place, answer in zip(each.places, answers, strict=True)
    ]


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
