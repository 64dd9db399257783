"""Which target holds which vault, over all profiles that a command names. Pure."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tailorsecrets.targets.choice import Choice, identity
from tailorsecrets.targets.routes import Routes


@dataclass(frozen=True, slots=True)
class Group:
    """One vault with the targets that hold it, as numbers; the first is its primary.

    ``elsewhere`` are the other targets of its profile: one of them may hold a copy from before the route was changed.
    Targets in which another profile keeps this vault are left out: that copy belongs to the other profile.
    """

    vault: str
    route: tuple[int, ...]
    elsewhere: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The targets, each once, and what the profiles keep in them.

    ``profiles`` has the profile of each target, "" for none. ``kept`` has for each target the vaults that only profiles
    outside of the command keep there: nothing is done to them.
    """

    targets: tuple[Choice, ...]
    groups: tuple[Group, ...]
    profiles: tuple[str, ...]
    kept: tuple[frozenset[str], ...]

    def vaults(self, target: int) -> list[str]:
        """Return the vaults that the *target* is to hold."""
        return [group.vault for group in self.groups if target in group.route]

    def left(self, target: int) -> frozenset[str]:
        """Return the vaults that profiles of the *target* send elsewhere; it may still hold them."""
        return frozenset(group.vault for group in self.groups if target in group.elsewhere)

    def only(self, vaults: Collection[str]) -> "Layout":
        """Return this layout without other vaults than *vaults*."""
        return replace(self, groups=tuple(group for group in self.groups if group.vault in vaults))

    def group(self, target: int, vault: str) -> Group:
        """Return the group of *vault* in which *target* is."""
        return next(group for group in self.groups if group.vault == vault and target in group.route)


def layout(routes: Sequence[Routes], vaults: Iterable[str]) -> Layout:
    """Return the layout of the declared *vaults* over the profiles that have these *routes*."""
    numbers: dict[Hashable, int] = {}
    targets: list[Choice] = []
    profiles: list[str] = []
    for found in routes:
        for choice in found.targets:
            if identity(choice) not in numbers:
                numbers[identity(choice)] = len(targets)
                targets.append(choice)
                profiles.append(found.profile)

    def number(choice: Choice) -> int:
        return numbers[identity(choice)]

    names = sorted(set(vaults))
    groups: dict[tuple[str, tuple[int, ...]], Group] = {}
    for found in routes:
        everywhere = [number(choice) for choice in found.targets]
        for vault in names:
            route = tuple(number(choice) for choice in found.route(vault))
            elsewhere = tuple(target for target in everywhere if target not in route)
            before = groups.get((vault, route), Group(vault, route))
            groups[vault, route] = Group(vault, route, tuple(dict.fromkeys((*before.elsewhere, *elsewhere))))
    named = {found.profile for found in routes}
    others = [other for found in routes for other in found.others if other.profile not in named]
    held = [{group.vault for group in groups.values() if target in group.route} for target in range(len(targets))]
    kept = [frozenset(_kept(choice, others, names)) - held[target] for target, choice in enumerate(targets)]
    free = tuple(
        replace(group, elsewhere=tuple(n for n in group.elsewhere if group.vault not in held[n] | kept[n]))
        for group in groups.values()
    )
    return Layout(tuple(targets), free, tuple(profiles), tuple(kept))


def shared(routes: Sequence[Routes], profiles: Mapping[str, Routes]) -> list[tuple[Choice, str]]:
    """Return the targets of *routes* that another one of *profiles* also reads, each with that profile."""
    chosen = [choice for found in routes for choice in ((found.only,) if found.only else found.targets)]
    targets = {identity(choice): choice for choice in chosen}
    named = {found.profile for found in routes}
    return [
        (targets[identity(choice)], profile)
        for profile, other in profiles.items()
        if profile not in named
        for choice in other.targets
        if identity(choice) in targets
    ]


def _kept(target: Choice, others: Iterable[Routes], vaults: Sequence[str]) -> Iterable[str]:
    for other in others:
        yield from other.vaults_at(target, vaults)
