"""Changes by hand on every target of a vault: all targets are read before the first write."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from tailorsecrets.driver import Entry
from tailorsecrets.errors import (
    Denied,
    Disabled,
    NotEmpty,
    SecretAlreadyExists,
    SecretNotFound,
    SecretsError,
    VaultAlreadyExists,
    VaultNotFound,
    reworded,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import at_once, attempt
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice

T = TypeVar("T")


class OpenTarget(NamedTuple):
    """A target with its open store."""

    target: Choice
    store: Store


class Outcome(NamedTuple, Generic[T]):
    """The result of a change at one target, or the error; with neither, it was not tried."""

    at: OpenTarget
    result: T | None = None
    error: SecretsError | None = None
    tried: bool = True

    @property
    def done(self) -> bool:
        """Whether the change is done at this target."""
        return self.tried and self.error is None


def look(targets: Sequence[OpenTarget], question: Callable[[Store], T]) -> list[T]:
    """Return the answers of all *targets* to *question*; raise the first error, which names its target."""
    answers = at_once([partial(attempt, partial(question, each.store)) for each in targets])
    for each, answer in zip(targets, answers, strict=True):
        if isinstance(answer, SecretsError):
            raise answer if len(targets) == 1 else named(answer, each.target)
    return [answer for answer in answers if not isinstance(answer, SecretsError)]


def everywhere(
    targets: Sequence[OpenTarget], change: Callable[[Store], T], *, primary_last: bool = False
) -> list[Outcome[T]]:
    """Make *change* at all *targets* one by one, the primary first or last; return the outcomes in this order.

    The failure of the first target is raised: nothing was changed then. A deletion stops at a failure, so that
    the primary is deleted only after all its replicas.
    """
    outcomes: list[Outcome[T]] = []
    for each in reversed(targets) if primary_last else targets:
        if primary_last and any(not outcome.done for outcome in outcomes):
            outcomes.append(Outcome(each, tried=False))
            continue
        answer = attempt(partial(change, each.store))
        if isinstance(answer, SecretsError):
            if not outcomes:
                raise answer if len(targets) == 1 else named(answer, each.target)
            outcomes.append(Outcome(each, error=answer))
        else:
            outcomes.append(Outcome(each, answer))
    return outcomes


def named(error: SecretsError, target: Choice) -> SecretsError:
    """Return *error* with *target* in its message."""
    return reworded(error, f"{target}: {error}")


def owner_of(store: Store, vault: str, *, must_exist: bool = True) -> Owner | None:
    """Return the owner of *vault*; VaultNotFound where it *must_exist* and does not."""
    try:
        return workspace_of(store).record(vault).owner
    except VaultNotFound:
        if must_exist:
            raise
    return None


def holders(targets: Sequence[OpenTarget], vault: str) -> list[OpenTarget]:
    """Return those of *targets* that have *vault*, such as the rest after a deletion; VaultNotFound where none has."""
    found = zip(targets, look(targets, lambda store: _has_vault(store, vault)), strict=True)
    there = [each for each, has in found if has]
    if not there:
        workspace_of(targets[0].store).record(vault)  # its error says what else is not seen there
    return there


def _has_vault(store: Store, vault: str) -> bool:
    try:
        workspace_of(store).record(vault)
    except VaultNotFound:
        return False
    return True


def check_absent(targets: Sequence[OpenTarget], vault: str, secret: str) -> None:
    """Raise SecretAlreadyExists, which names the target, where one of several already has the secret."""
    if len(targets) == 1:
        return  # the write itself raises
    found = look(targets, lambda store: _has_secret(store, Place(vault, secret)))
    for each, there in zip(targets, found, strict=True):
        if there:
            raise SecretAlreadyExists(f"{each.target}: secret {vault}/{secret}: exists already", vault=vault)


def _has_secret(store: Store, place: Place) -> bool:
    """Tell whether *store* has the secret; False if only its value could show that, and reading it is denied."""
    try:
        return bool(workspace_of(store).stat([place]))
    except Denied as error:
        if store.caps.stats:
            raise
        return isinstance(error, Disabled)


def check_present(targets: Sequence[OpenTarget], vault: str, secret: str) -> None:
    """Raise SecretNotFound where the primary of several targets lacks the secret."""
    primary = targets[0].store
    if len(targets) > 1 and primary.caps.stats and not workspace_of(primary).stat([Place(vault, secret)]):
        raise SecretNotFound(
            f"{targets[0].target}: secret {vault}/{secret}: does not exist", vault=vault, secret=secret
        )


def check_kept(targets: Sequence[OpenTarget], vault: str, secret: str) -> None:
    """Raise SecretNotFound where no target has a version of the secret, not even a deleted one."""
    errors: list[SecretNotFound] = []
    for each in targets:
        try:
            _check_kept(each.store, vault, secret)
        except SecretNotFound as error:
            errors.append(error)
    if len(errors) == len(targets):
        raise errors[0]


def _check_kept(store: Store, vault: str, secret: str) -> None:
    if not store.caps.versions:
        return
    try:
        store.history(vault, secret)
    except SecretNotFound as error:
        # without op, the store has the secret but no version of it that can be read
        place = Place(vault, secret)
        if error.op or (store.caps.stats and not workspace_of(store).stat([place], deleted=True)):
            raise
    except SecretsError:
        return  # a purge does not need the right to read


def delete_secret(store: Store, *, vault: str, secret: str, missing_ok: bool) -> None:
    """Delete the secret; with *missing_ok* it may be missing, for example at a replica that lags behind."""
    try:
        store.delete_secret(vault, secret)
    except SecretNotFound:
        if not missing_ok:
            raise


def restoring(targets: Sequence[OpenTarget], vault: str, secret: str) -> Callable[[Store], Entry | None]:
    """Return the change that restores the secret at the primary, and gives the replicas the value that is back there.

    A replica whose own deleted version has the same stamp is restored too; any other gets the value written, so that
    an older value does not come back there.
    """
    primary, place = targets[0].store, Place(vault, secret)
    restored: list[Entry] = []

    def change(store: Store) -> Entry | None:
        if store is primary:
            restored.append(_restore(targets, place))
            return restored[0]
        now = workspace_of(store).stat([place], deleted=True).get(place) if store.caps.stats else None
        if now and now.state in {"live", "deleted"} and _same_stamp(restored[0], now, [primary, store], vault):
            return store.restore_secret(vault, secret) if now.state == "deleted" else None
        value = _value_to_copy(targets[0], place)
        there, _ = workspace_of(store).values([place])
        return None if there.get(place) == value else store.put_secret(vault, secret, value)

    return change


def _restore(targets: Sequence[OpenTarget], place: Place) -> Entry:
    """Restore at the primary; where a deletion or a restore broke off and left it there, return its entry."""
    try:
        return targets[0].store.restore_secret(*place)
    except SecretNotFound:
        there = workspace_of(targets[0].store).stat([place]).get(place)
        if there is None or all(look(targets, lambda store: _has_secret(store, place))):
            raise
        return there


def _same_stamp(one: Entry, other: Entry, stores: Sequence[Store], vault: str) -> bool:
    """Tell whether the stamps of both entries, each at one of *stores*, prove that the values are equal."""
    if not one.stamp or one.stamp != other.stamp:
        return False
    keys = [workspace_of(store).record(vault).key.reveal() for store in stores]
    return bool(keys[0]) and keys[0] == keys[1]


def _value_to_copy(primary: OpenTarget, place: Place) -> Secret:
    try:
        return primary.store.read(*place).value
    except SecretsError as error:
        raise named(error, primary.target) from None


def check_empty(targets: Sequence[OpenTarget], vault: str) -> None:
    """Raise NotEmpty, which names the target, where the vault still holds secrets at one of several."""
    if len(targets) == 1:
        return  # the deletion itself raises
    for each, secrets in zip(targets, look(targets, lambda store: store.list_secrets(vault)), strict=True):
        if secrets:
            raise NotEmpty(f"{each.target}: vault {vault}: still holds secrets", hint="delete its secrets first")


def create_vault(targets: Sequence[OpenTarget], vault: str) -> list[Outcome[Record]]:
    """Create an empty vault at all *targets*, with one stamp key; VaultAlreadyExists where one of them has it."""
    if len(targets) == 1:
        targets[0].store.create_vault(vault)
        return [Outcome(targets[0])]
    for each, there in zip(targets, look(targets, lambda store: _has_vault(store, vault)), strict=True):
        if there:
            raise VaultAlreadyExists(f"{each.target}: vault {vault}: exists already", vault=vault)
    made: list[Record] = []

    def create(store: Store) -> Record:
        record = workspace_of(store).claim(vault, None, Record(key=made[0].key) if made else None)
        made.append(record)
        return record

    return everywhere(targets, create)
