"""``check``: whether a program with this login can read every secret of the config."""

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.driver import Stored
from tailorsecrets.errors import Unavailable
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.variables.reading import answers_of


@command("check", "tailorsecrets check", "tailorsecrets check --profile prod --json")
def check(invocation: Invocation) -> int:
    """Read every secret of the config, also external ones.

    Prints one line for each secret, without its value, and exits 1 when one of them cannot be read.
    """
    names = invocation.config().declarations.names()
    places = [Place(vault, secret) for vault, secrets in names.items() for secret in secrets]
    with invocation.open() as store:
        answers = answers_of(store, places)
    if invocation.json:
        invocation.io.show_json([_row(place, answers.get(place)) for place in places])
    else:
        for place in places:
            invocation.io.show_coloured(_line(place, answers.get(place)))
    return exits.DONE if all(isinstance(answers.get(place), Stored) for place in places) else exits.ERROR


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
