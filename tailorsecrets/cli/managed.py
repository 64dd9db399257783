"""Changing a secret by hand at every target of its vault: warn, ask, write, and release the vault where it is done."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.deploy.by_hand import OpenTarget, Outcome, everywhere, look, owner_of
from tailorsecrets.errors import SecretsError, Unsupported
from tailorsecrets.store.names import Place, check_names
from tailorsecrets.store.operations import EXTERNAL, EXTERNAL_HINT
from tailorsecrets.store.store import Store, workspace_of

if TYPE_CHECKING:
    from tailorsecrets.driver import Entry
    from tailorsecrets.store.record import Owner

T = TypeVar("T")
_RELEASED: Final = "{} no longer manages the vault {}; its next apply treats the vault as unmanaged"


def action(invocation: Invocation, verb: str, vault: str, secret: str) -> str:
    """Check the names and return how the change is announced.

    Raise Unsupported for a secret of others, for which the profile has a native name.
    """
    check_names([("vault", vault), ("secret", secret)])
    if any(routes.native(Place(vault, secret)) for routes in invocation.routes):
        raise Unsupported(f"secret {vault}/{secret}: {EXTERNAL}", hint=EXTERNAL_HINT, vault=vault, secret=secret)
    return f"secret {verb} {vault}/{secret}"


class ByHand:
    """One change by hand of *vault* at *targets*.

    It reads the owners of the vault at all targets first, and warns where a config manages it. Raise VaultNotFound
    where the vault *must_exist* and does not.
    """

    def __init__(
        self, targets: Sequence[OpenTarget], vault: str, invocation: Invocation, *, must_exist: bool = True
    ) -> None:
        self._targets, self._vault, self._invocation = targets, vault, invocation
        self._owners = look(targets, lambda store: owner_of(store, vault, must_exist=must_exist))
        warn_managed(vault, self._owners, invocation)

    def confirm(self, question: str, *, code: str, yes: bool) -> None:
        """Ask *question* where a config manages the vault; raise Refused with *code* if the answer is No."""
        if any(self._owners):
            confirm(question, self._invocation, code=code, yes=yes)

    def write(self, path: str, change: "Callable[[Store], Entry | None]") -> None:
        """Make *change* everywhere, the primary first, and release the vault where it is done."""
        outcomes = everywhere(self._targets, change)
        for outcome in outcomes:
            if outcome.result is not None and outcome.result.note:
                self._invocation.io.say(f"note: {path}{self._at(outcome)}: {outcome.result.note}")
        self._finish(outcomes, f"tailorsecrets copy {url_of(self._targets[0])} {{}} -V {self._vault}")

    def delete(self, change: Callable[[Store], None], again: str) -> None:
        """Make *change* everywhere, the primary last, and release the vault where it is done.

        *again* is the command that does the rest.
        """
        self._finish(everywhere(self._targets, change, primary_last=True), again)

    def _finish(self, outcomes: "Sequence[Outcome[T]]", repair: str) -> None:
        owners = {id(each): owner for each, owner in zip(self._targets, self._owners, strict=True)}
        kept: list[Failed] = []  # why a vault still has its owner
        for outcome in outcomes:
            owner = owners[id(outcome.at)]
            if outcome.done and owner is not None:
                try:
                    release(outcome.at.store, self._vault, owner, self._invocation)
                except Failed as error:
                    kept.append(error)
        if not all(outcome.done for outcome in outcomes):
            for problem in kept:
                self._invocation.io.say(f"warning: {problem}; {problem.hint}")
        check_everywhere(outcomes, repair)
        if kept:
            raise kept[0]

    def _at(self, outcome: "Outcome[T]") -> str:
        return f" at {outcome.at.target}" if len(self._targets) > 1 else ""


def check_everywhere(outcomes: "Sequence[Outcome[T]]", repair: str) -> None:
    """Raise Failed with REPLICA_FAILED where a change is not done at every target.

    *repair* is the command that repairs this; ``{}`` is the place for a target.
    """
    left = [outcome for outcome in outcomes if not outcome.done]
    if not left:
        return
    first = next(outcome for outcome in left if outcome.error is not None)
    states = [f"{outcome.at.target}: {_state(outcome)}" for outcome in outcomes]
    commands = dict.fromkeys(repair.format(url_of(outcome.at)) for outcome in left)
    raise Failed(
        f"done at {len(outcomes) - len(left)} of {len(outcomes)} targets: {first.at.target}: {first.error}\n  "
        + "\n  ".join(states),
        code="REPLICA_FAILED",
        hint=f"run: {'; '.join(commands)}",
        details={"targets": [_document(outcome) for outcome in outcomes]},
    )


def _state(outcome: "Outcome[T]") -> str:
    if outcome.done:
        return "done"
    return f"not done ({outcome.error.code})" if outcome.error else "not tried"


def _document(outcome: "Outcome[T]") -> dict[str, object]:
    choice, error = outcome.at.target, outcome.error
    return {"store": choice.url, "workspace": choice.workspace, "done": outcome.done, "code": error and error.code}


def url_of(each: OpenTarget) -> str:
    """Return the whole URL of a target for a suggested command."""
    from shlex import quote

    return quote(each.target.full_url)


def warn_managed(vault: str, owners: "Iterable[Owner | None]", invocation: Invocation) -> None:
    """Warn of each of *owners*, whose config manages *vault*."""
    for owner in dict.fromkeys(filter(None, owners)):
        invocation.io.say(
            f"warning: the config of {owner_name(owner)} manages the vault {vault}; "
            "a change by hand makes the vault unmanaged"
        )


def release(store: "Store", vault: str, owner: "Owner", invocation: Invocation) -> None:
    """Take *owner* off *vault* after a change; Failed with RELEASE_FAILED where that fails."""
    try:
        workspace_of(store).release(vault)
    except SecretsError as error:
        problem = str(error)
    else:
        invocation.io.say(_RELEASED.format(owner_name(owner), vault))
        return
    raise Failed(
        f"the secret is written, but {owner_name(owner)} still manages its vault: {problem}",
        code="RELEASE_FAILED",
        hint=f"run: tailorsecrets secret vault release {vault}{invocation.common.flags()}",
    )


def other_owner(owner: "Owner", mine: "Owner") -> str:
    """Return how messages name *owner* so that it differs from *mine*, which may have the same name."""
    return f"{owner_name(owner)}, another id" if owner.name == mine.name else owner_name(owner)


def owner_name(owner: "Owner") -> str:
    """Return how messages name *owner*."""
    return owner.name or owner.id
