"""``check``: whether a program with this login could read all that the config has."""

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.driver import Stored
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.store.store import workspace_of


@command("check", "tailorsecrets check", "tailorsecrets check --profile prod --json")
def check(invocation: Invocation) -> int:
    """Read every secret of the config, external ones too.

    Prints a line for each, never a value, and exits 1 when one of them cannot be read.
    """
    names = invocation.config().declarations.names()
    places = [Place(vault, secret) for vault, secrets in names.items() for secret in secrets]
    with invocation.open() as store:
        answers = workspace_of(store).read_many(places)
    if invocation.json:
        invocation.io.show_json([_row(place, answers[place]) for place in places])
    else:
        for place in places:
            invocation.io.show_coloured(_line(place, answers[place]))
    return exits.DONE if all(isinstance(answer, Stored) for answer in answers.values()) else exits.ERROR


def _row(place: Place, answer: ReadResult) -> dict[str, object]:
    code = None if isinstance(answer, Stored) else answer.code
    return {"name": f"{place.vault}/{place.secret}", "ok": code is None, "code": code}


def _line(place: Place, answer: ReadResult) -> str:
    name = f"{place.vault}/{place.secret}"
    if isinstance(answer, Stored):
        return f"ok       {name}"
    return f"FAILED   {name}: {answer.code}" + (f" ({answer.hint})" if answer.hint else "")
