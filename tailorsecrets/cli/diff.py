"""``diff``: comparing what two targets hold."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option
from tailorsecrets.cli.plans import path
from tailorsecrets.cli.sides import REFUSED, two_sides
from tailorsecrets.deploy.compare import compare
from tailorsecrets.deploy.diff import SIGNS, Line, counts
from tailorsecrets.errors import VaultNotFound
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice
from tailorsecrets.targets.sides import primaries

_KEYS = {"=": "equal", "+": "onlyInA", "-": "onlyInB", "*": "different", "!": "notReadable"}


@command(
    "diff",
    "tailorsecrets diff staging prod",
    "tailorsecrets diff 'aws://eu-west-1?workspace=prod' gcp://acme-prod -w prod -V api-keys",
    "tailorsecrets diff staging prod --names --detailed-exitcode",
    hidden=REFUSED,
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@vaults_option("Compare this vault only.")
@click.option("--names", is_flag=True, help="Compare names only. Only the right to list is needed.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 unless all secrets are equal.")
def diff(
    invocation: Invocation, a: str, b: str, *, vault_names: tuple[str, ...], names: bool, detailed_exitcode: bool
) -> int:
    """Compare the secrets of two targets.

    A and B are store URLs or profiles; a profile means the primary target of each vault. Values are compared in memory
    and not shown. --workspace-id applies if the profile and the URL name no workspace.
    """
    one, other = two_sides(invocation, a, b, "diff")
    targets = {"A": primaries(one, vault_names), "B": primaries(other, vault_names)}
    for name, choices in targets.items():
        invocation.io.say(f"{name}: {'; '.join(map(str, choices))}")
    invocation.wait_notice.start(", ".join(dict.fromkeys(choice.url for choice in chain(*targets.values()))))
    found, unlisted = compare(
        one,
        other,
        lambda choice: open_choice(choice, invocation.environ, create=False),
        vaults=vault_names,
        by_name=names,
    )
    _check_vaults(vault_names, found)
    for target in unlisted:
        invocation.io.say(f"note: {target}: it cannot be listed, so secrets that only it has are not shown")
    if invocation.json:
        invocation.io.show_json(document(found, targets))
    else:
        invocation.io.show_coloured(text(found, by_name=names))
    differs = bool(unlisted) or any(line.sign != "=" for line in found)
    return exits.CHANGES if detailed_exitcode and differs else exits.DONE


def text(lines: Sequence[Line], *, by_name: bool = False) -> str:
    """Return a line for each secret, and last a count of each sign; *by_name*: equal means that both have the name."""
    words = {**SIGNS, "=": "in both"} if by_name else SIGNS
    last = ", ".join(f"{count} {words[sign]}" for sign, count in counts(lines).items())
    return "\n".join([*(f"  {line.sign} {path(line.place)}{_reasons(line)}" for line in lines), f"Diff: {last}"])


def document(lines: Sequence[Line], targets: Mapping[str, Sequence[Choice]]) -> dict[str, object]:
    """Return the comparison as a JSON document."""
    return {
        "summary": {_KEYS[sign]: count for sign, count in counts(lines).items()},
        "targets": {name: [choice.full_url for choice in choices] for name, choices in targets.items()},
        "secrets": [
            {
                "name": path(line.place),
                "sign": line.sign,
                "errors": {name: error.code for name, error in line.errors.items()},
            }
            for line in lines
        ],
    }


def _reasons(line: Line) -> str:
    reasons = [f"{name}: {error.code}" for name, error in line.errors.items()]
    return f" ({', '.join(reasons)})" if reasons else ""


def _check_vaults(vaults: Iterable[str], lines: Iterable[Line]) -> None:
    known = {line.place.vault for line in lines}
    for vault in vaults:
        if vault not in known:
            raise VaultNotFound(f"vault {vault}: A and B have no secret in it", vault=vault)
