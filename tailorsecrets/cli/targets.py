"""The stores of all targets that a command plans or changes."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.config.config import Config
from tailorsecrets.deploy.layout import Layout, layout
from tailorsecrets.errors import ConfigError
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import same_target
from tailorsecrets.targets.opening import open_choice, target_of
from tailorsecrets.targets.routes import Routes


class Targets(NamedTuple):
    """The layout of the vaults, the open store of each target, and the targets that may be changed; None: all."""

    layout: Layout
    stores: Sequence[Store]
    wanted: frozenset[int] | None = None


def declared_routes(invocation: Invocation, config: Config) -> Sequence[Routes]:
    """Return the routes of the named profiles; ConfigError for names in them that *config* does not declare."""
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


def _wanted(where: Layout, routes: Sequence[Routes]) -> frozenset[int] | None:
    """Return the numbers of the targets that --store names beside a profile with several; None: all."""
    only = [found for found in routes if found.only is not None]
    if not only:
        return None
    numbers = {
        number for found in only for number, choice in enumerate(where.targets) if same_target(choice, found.primary)
    }
    if not numbers:
        listed = ", ".join(str(choice) for choice in where.targets)
        raise ConfigError(
            f"{only[0].primary} is not a target of profile {only[0].profile!r}, which has several",
            hint=f"name one of its targets: {listed}; or leave out the profile",
        )
    return frozenset(numbers)
