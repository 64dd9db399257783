"""The secrets that a command line chooses, by the names of their variables. Nothing here needs click."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import nearest_places
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place, check_names
from tailorsecrets.variables import names
from tailorsecrets.variables.reading import check_all_there, found_in, read_in_turn

if TYPE_CHECKING:
    from tailorsecrets.store.store import Store
    from tailorsecrets.targets.choice import Choice
    from tailorsecrets.targets.routes import Route


class Selection(NamedTuple):
    """The options that choose secrets and name their variables."""

    vaults: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    prefix: str = ""
    allow_missing: bool = False


def read_variables(invocation: Invocation, selection: Selection) -> dict[str, Secret]:
    """Return the values of the chosen secrets by variable, without missing ones where the options allow them.

    Raise one error that lists every wrong name, every missing secret, or every one that cannot be read.
    """
    chosen = names.mapped(selection.maps)
    names.check_within(chosen, selection.vaults)
    wanted = list(chosen.values()) if chosen else _wanted(invocation, selection.vaults)
    places, values = read_secrets(invocation, wanted)
    chosen = chosen or names.named(places, selection.prefix)
    if not selection.allow_missing:
        near = nearest_places([place for place in places if place not in values], invocation)
        hint = "create them, or leave their variables unset with --allow-missing"
        check_all_there(places, values, hint=f"{near} {hint}" if near else hint)
    return {name: values[place] for name, place in chosen.items() if place in values}


def read_secrets(invocation: Invocation, wanted: Sequence[Place]) -> tuple[list[Place], dict[Place, Secret]]:
    """Return the secrets that *wanted* names, each by itself or by its vault, and the values of those that exist.

    Each is read at the targets of its vault in the order of reading, or only at the target of ``--store``.
    """
    from tailorsecrets.targets.opening import open_choice

    routes = invocation.routes[0]
    by_route: dict[Route, list[Place]] = {}
    for place in wanted:
        by_route.setdefault(routes.asked(place), []).append(place)
    invocation.wait_notice.start(", ".join(dict.fromkeys(choice.url for route in by_route for choice in route)))

    def opened(choice: "Choice") -> "Store":
        return open_choice(choice, invocation.environ, external=routes.external_at(choice))

    places, values = list[Place](), dict[Place, Secret]()
    for route, some in by_route.items():
        found, answers = read_in_turn([partial(opened, choice) for choice in route], some)
        places += found
        values |= found_in(answers)
    return places, values


def _wanted(invocation: Invocation, vaults: Sequence[str]) -> list[Place]:
    """Return the names in *vaults*; if there are none, the names of the config's secrets."""
    if vaults:
        check_names([("vault", vault) for vault in vaults])
        return [Place(vault) for vault in dict.fromkeys(vaults)]
    declared = invocation.config().declarations.names()
    return [Place(vault, secret) for vault, secrets in declared.items() for secret in secrets]
