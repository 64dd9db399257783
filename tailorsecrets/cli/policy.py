"""``policy``: the least-privilege policy of each target, in the format of its store."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option
from tailorsecrets.declared.sources import Generate
from tailorsecrets.errors import Unsupported
from tailorsecrets.store.names import Place
from tailorsecrets.targets.choice import identity
from tailorsecrets.targets.opening import policy_of

if TYPE_CHECKING:
    from tailorsecrets.targets.choice import Choice
    from tailorsecrets.targets.routes import Routes

_Use = Literal["read", "deploy"]


@command("policy", "tailorsecrets policy --for read -V api-keys", "tailorsecrets policy --for deploy --store aws://")
@click.option(
    "--for",
    "use",
    type=click.Choice(["read", "deploy"]),
    required=True,
    help="read: for a program. deploy: for apply.",
)
@vaults_option("A vault.")
def policy(invocation: Invocation, use: _Use, vault_names: tuple[str, ...]) -> None:
    """Print the least-privilege policy of the store, one for each target of the profile.

    The policy is in the store's own format, for the named vaults or for all vaults of the config. The command calls no
    store, so an administrator can print it without a login.
    """
    routes = invocation.routes[0]
    if not routes.has_several:
        vaults = vault_names or _declared(invocation)
        _show_one(invocation, policy_of(routes.primary, invocation.environ, vaults, use))
        return
    wanted = vault_names or tuple(_declared(invocation))
    targets = _targets(routes, wanted, use)
    if len(targets) == 1:
        _show_one(invocation, _policy(invocation, routes, targets[0], wanted, use))
        return
    found = {target: _policy_or_none(invocation, routes, target, wanted, use) for target in targets}
    if invocation.json:
        invocation.io.show_json(
            {"policies": [{"target": target.full_url, "policy": text} for target, text in found.items()]}
        )
        return
    for target, text in found.items():
        if text is not None:
            invocation.io.show(f"# {target}\n\n{text}")


def _show_one(invocation: Invocation, text: str) -> None:
    if invocation.json:
        invocation.io.show_json({"policy": text})
    else:
        invocation.io.show(text)


def _targets(routes: "Routes", vaults: Sequence[str], use: _Use) -> "list[Choice]":
    """Return the targets that hold *vaults*, and those of external secrets with a native name; each once."""
    if routes.only is not None or not vaults:
        return [routes.primary]
    native = [place.target for secret, place in routes.external.items() if use == "read" and secret.vault in vaults]
    found: dict[Hashable, Choice] = {}
    for target in (*chain.from_iterable(map(routes.route, vaults)), *native):
        found.setdefault(identity(target), target)
    return list(found.values())


def _policy(invocation: Invocation, routes: "Routes", target: "Choice", vaults: Sequence[str], use: _Use) -> str:
    here = vaults if routes.only else routes.vaults_at(target, vaults)
    external = {place: name for place, name in routes.external_at(target).items() if place.vault in vaults}
    copied = _copied(invocation, routes) if use == "deploy" else []
    return policy_of(target, invocation.environ, here, use, external=external, copied=copied)


def _copied(invocation: Invocation, routes: "Routes") -> list[Place]:
    """Return the generated secrets of the config, if there is one, whose vaults have several targets."""
    if invocation.config_path is None:
        return []
    vaults = invocation.config().declarations.vaults
    return [
        Place(vault, secret)
        for vault, sources in vaults.items()
        for secret, source in sources.items()
        if isinstance(source, Generate) and len(routes.route(vault)) > 1
    ]


def _policy_or_none(
    invocation: Invocation, routes: "Routes", target: "Choice", vaults: Sequence[str], use: _Use
) -> str | None:
    """Return the policy of one of several targets; if the store has no policies, print a note."""
    try:
        return _policy(invocation, routes, target, vaults, use)
    except Unsupported as error:
        invocation.io.say(f"note: {error}")
        return None


def _declared(invocation: Invocation) -> Iterator[str]:
    """Yield the vaults of the config, which is run only for a store that has policies."""
    yield from invocation.config().declarations.names()
