"""The prompts before a plan is carried out. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tailorsecrets.deploy.plan import Plan
from tailorsecrets.errors import Refused

Topic = Literal["conflicts", "unmanaged", "deletions"]

TOPICS: Final[tuple[Topic, ...]] = ("conflicts", "unmanaged", "deletions")

_FEW: Final = 10  # --yes may always delete this many secrets
_SHARE: Final = 4  # of many secrets, --yes may delete one in four
_NAMED: Final = 10  # vaults that a message names


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The options for prompts, and whether there is a terminal to ask on."""

    yes: bool = False
    allow_deletes: int | None = None  # how many secrets --yes may delete; None: what the guard allows
    can_ask: bool = False


def topics(plan: Plan) -> list[Topic]:
    """Return the topics of the prompts that *plan* needs, in order."""
    wanted: list[tuple[Topic, bool]] = [
        ("conflicts", bool(plan.conflicts)),
        ("unmanaged", bool(plan.unmanaged)),
        ("deletions", bool(plan.deletions())),
    ]
    return [topic for topic, needed in wanted if needed]


def to_ask(plan: Plan, consent: Consent, *, guard: bool = True, where: str = "") -> list[Topic]:
    """Return the topics that *consent* leaves open; raise Refused for an open one if nobody can be asked.

    With *guard*, a yes given beforehand does not cover a mass deletion. *where* names the target in errors.
    """
    too_many = guard and _over_limit(plan, consent)
    asked: list[Topic] = [topic for topic in topics(plan) if not consent.yes or (topic == "deletions" and too_many)]
    if asked and not consent.can_ask:
        raise _too_many(plan, consent, where) if consent.yes else _unconfirmed(plan, asked, where, too_many=too_many)
    return asked


def all_topics(plans: Iterable[Plan]) -> list[Topic]:
    """Return the topics of the prompts that any of *plans* needs, in order."""
    needed = {topic for plan in plans for topic in topics(plan)}
    return [topic for topic in TOPICS if topic in needed]


def limit(plan: Plan) -> int | None:
    """Return how many secrets a yes covers, None for none at all: the config declares nothing."""
    return max(_FEW, plan.owned // _SHARE) if plan.declares else None


def listed(vaults: Iterable[str]) -> str:
    """Return *vaults* by name, and how many more there are beyond ten."""
    names = sorted(set(vaults))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"vault{'s' if len(names) > 1 else ''} {', '.join(names[:_NAMED])}{more}"


def _over_limit(plan: Plan, consent: Consent) -> bool:
    if not plan.deletions():
        return False
    allowed = limit(plan) if consent.allow_deletes is None else consent.allow_deletes
    return allowed is None or _deleted(plan) > allowed


def _deleted(plan: Plan) -> int:
    return sum(bool(step.place.secret) for step in plan.deletions())


def _too_many(plan: Plan, consent: Consent, where: str) -> Refused:
    covered = limit(plan)
    if consent.allow_deletes is not None:
        why = f"--allow-deletes {consent.allow_deletes} allows {consent.allow_deletes}"
    else:
        why = "the config declares nothing" if covered is None else f"--yes covers {covered}"
    return Refused(
        f"{_deleted(plan)} secrets would be deleted{where}, and {why}; nothing was changed",
        code="TOO_MANY_DELETIONS",
        hint=f"pass --allow-deletes {_deleted(plan)} to confirm",
    )


def _unconfirmed(plan: Plan, asked: list[Topic], where: str, *, too_many: bool) -> Refused:
    more = f" --allow-deletes {_deleted(plan)}" if too_many else ""
    what = " and ".join(_described(plan, topic) for topic in asked)
    return Refused(
        f"{what}{where}: this must be confirmed, and there is no terminal to ask on; nothing was changed",
        hint=f"pass --yes{more}",
    )


def _described(plan: Plan, topic: Topic) -> str:
    match topic:
        case "conflicts":
            return f"take over {listed([vault for vault, _ in plan.conflicts])} from other owners"
        case "unmanaged":
            return f"take over {listed(plan.unmanaged)}, which no config manages"
        case "deletions":
            return f"delete in {listed([step.place.vault for step in plan.deletions()])}"
