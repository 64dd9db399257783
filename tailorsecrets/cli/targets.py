"""The stores of all targets that a command plans or changes."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.by_hand import OpenTarget
from tailorsecrets.deploy.layout import Layout, layout
from tailorsecrets.errors import ConfigError
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import Choice, same_target
from tailorsecrets.targets.opening import open_choice, target_of
from tailorsecrets.targets.routes import Routes, check_together

if TYPE_CHECKING:
    from tailorsecrets.config.config import Config


class Targets(NamedTuple):
    """The layout of the vaults, the open store of each target, and the targets that may be changed; None: all."""

    layout: Layout
    stores: Sequence[Store]
    wanted: frozenset[int] | None = None


def declared_routes(invocation: Invocation, config: "Config") -> Sequence[Routes]:
    """Return the routes of the named profiles.

    Raise ConfigError for names in them that *config* does not declare, and for profiles that disagree.
    """
    check_together(invocation.routes)
    for routes in invocation.routes:
        routes.check_declared(config.declarations.names(), config.declarations.external)
    return invocation.routes


@contextmanager
def open_targets(
    invocation: Invocation, routes: Sequence[Routes], vaults: Iterable[str], action: str, *, writes: bool
) -> Generator[Targets]:
    """Open the targets of *routes*, after *action* is announced for each; nothing is called yet.

    Raise Denied for an action that *writes* under a profile that may only read.
    """
    where = layout(routes, vaults)
    wanted = _wanted(where, routes)
    for number, choice in enumerate(where.targets):
        target_of(choice, invocation.environ)  # a URL that is wrong is refused before it is shown
        if wanted is None or number in wanted:
            invocation.io.say(f"{action} -> {choice}")
            if writes:
                choice.check_writable()
    with ExitStack() as stack:
        stores = [stack.enter_context(open_choice(choice, invocation.environ)) for choice in where.targets]
        invocation.wait_notice.start(", ".join(choice.url for choice in where.targets))
        yield Targets(where, stores, wanted)


@contextmanager
def open_route(invocation: Invocation, vault: str, action: str, *, writes: bool = True) -> Generator[list[OpenTarget]]:
    """Announce *action* for each target of *vault* and open them, the primary first; nothing is called yet.

    Raise Denied for an action that *writes* under a profile that may only read.
    """
    if writes:
        check_together(invocation.routes)
    route = written_route(invocation.routes[0], vault)
    for choice in route:
        target_of(choice, invocation.environ)  # a URL that is wrong is refused before it is shown
        invocation.io.say(f"{action} -> {choice}")
        if writes:
            choice.check_writable()
    with _opened(invocation, route) as opened:
        yield opened


@contextmanager
def open_all(invocation: Invocation) -> Generator[list[OpenTarget]]:
    """Open the target that an option names, or all those of the profile, to read from; nothing is called yet."""
    routes = invocation.routes[0]
    with _opened(invocation, (routes.only,) if routes.only else routes.targets) as opened:
        yield opened


@contextmanager
def _opened(invocation: Invocation, choices: Sequence[Choice]) -> Generator[list[OpenTarget]]:
    with ExitStack() as stack:
        opened = [
            OpenTarget(
                each,
                stack.enter_context(
                    open_choice(each, invocation.environ, external=invocation.routes[0].external_at(each))
                ),
            )
            for each in choices
        ]
        invocation.wait_notice.start(", ".join(choice.url for choice in choices))
        yield opened


@contextmanager
def open_read(invocation: Invocation, vault: str, target: str | None) -> Generator[Store]:
    """Open the primary of *vault*, or the *target* that the option names, to read from; nothing is called yet."""
    choice = invocation.routes_of(target).read_by_hand(vault)
    with _opened(invocation, [choice]) as opened:
        yield opened[0].store


def written_route(routes: Routes, vault: str) -> Sequence[Choice]:
    """Return the targets of *vault* that a change by hand writes to; with --store, only that one of them."""
    route = routes.route(vault)
    if routes.only is None:
        return route
    if not any(same_target(choice, routes.only) for choice in route):
        raise _not_a_target(routes, f"vault {vault}", route)
    return (routes.only,)


def _wanted(where: Layout, routes: Sequence[Routes]) -> frozenset[int] | None:
    """Return the number of the target that --store names, if the profile has several; None: all targets."""
    only = [found for found in routes if found.only is not None]
    if not only:
        return None
    numbers = {
        number for found in only for number, choice in enumerate(where.targets) if same_target(choice, found.primary)
    }
    if not numbers:
        raise _not_a_target(only[0], "", where.targets)
    return frozenset(numbers)


def _not_a_target(routes: Routes, vault: str, targets: Sequence[Choice]) -> ConfigError:
    of = f"{vault} in profile {routes.profile!r}" if vault else f"profile {routes.profile!r}, which has several"
    listed = ", ".join(str(choice) for choice in targets)
    return ConfigError(
        f"{routes.primary} is not a target of {of}", hint=f"name one of its targets: {listed}; or leave out the profile"
    )
