"""A store of vaults on drivers of every ability."""

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

import anyio
import pytest

from tailorsecrets import errors
from tailorsecrets.driver import ABSENT, Caps, Entry
from tailorsecrets.errors import (
    Conflict,
    Corrupt,
    Denied,
    Disabled,
    NameInvalid,
    NotEmpty,
    SecretAlreadyExists,
    SecretNotFound,
    SecretsError,
    TooLarge,
    Unavailable,
    Unsupported,
    ValueInvalid,
    VaultAlreadyExists,
    VaultNotFound,
    VersionNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

APP = Owner("my-app", "id")
PLAIN = replace(FULL, transactions=False, batch=1)
STORES = {
    "full": FULL,
    "containers": WITH_CONTAINERS,
    "one by one": PLAIN,
    "no atomic expect": replace(PLAIN, cas="none"),
    "atomic create": replace(PLAIN, cas="create"),
    "no stat": replace(PLAIN, cas="none", stats=False),
    "no stamps": replace(PLAIN, stamps=False),
    "no empty value": replace(PLAIN, empty=False),
    "escape form": replace(PLAIN, joiner="--", max_name=127),
    "underscores": replace(PLAIN, joiner="_", max_name=255),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Store:
    """Return a store of each ability."""
    return Store(Memory(caps=STORES[request.param]))


def test_a_day_in_a_store(store: Store) -> None:
    """Vaults and secrets are made, read, listed, changed and deleted in the same way on every store."""
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    store.create_secret("api-keys", "sendgrid", Secret(""))
    store.update_secret("api-keys", "stripe", Secret("two"))
    assert store.get("api-keys", "stripe") == "two"
    assert store.get_all("api-keys", ["sendgrid", "missing", "stripe", "stripe"]) == ["", None, "two", "two"]
    assert [entry.name for entry in store.list_secrets("api-keys")] == ["sendgrid", "stripe"]
    assert [vault.name for vault in store.list_vaults()] == ["api-keys"]
    for secret in ("stripe", "sendgrid"):
        store.delete_secret("api-keys", secret)
    assert store.get("api-keys", "stripe") is None
    assert store.list_secrets("api-keys") == []
    store.delete_vault("api-keys")
    assert store.list_vaults() == []


def test_longest_names(store: Store) -> None:
    """Names of 63 characters work in every part, listing and all."""
    longest = Store(Memory(caps=store.caps), "w" * 63)
    longest.create_vault("v" * 63)
    longest.create_secret("v" * 63, "s" * 63, Secret("value"))
    assert longest.get("v" * 63, "s" * 63) == "value"
    assert [entry.name for entry in longest.list_secrets("v" * 63)] == ["s" * 63]
    assert [vault.name for vault in longest.list_vaults()] == ["v" * 63]


def test_an_empty_vault_exists(store: Store) -> None:
    """A vault without secrets is listed, is empty, and cannot be made again."""
    store.create_vault("empty")
    assert store.list_secrets("empty") == []
    with pytest.raises(VaultAlreadyExists):
        store.create_vault("empty")


def test_a_vault_with_secrets_is_not_deleted(store: Store) -> None:
    """Only an empty vault can be deleted."""
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("value"))
    with pytest.raises(NotEmpty, match="api-keys"):
        store.delete_vault("api-keys")
    assert store.get("api-keys", "stripe") == "value"


def test_create_never_overwrites_and_update_never_creates(store: Store) -> None:
    """Create refuses what is there, update what is not."""
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("value"))
    with pytest.raises(SecretAlreadyExists, match="api-keys/stripe"):
        store.create_secret("api-keys", "stripe", Secret("other"))
    with pytest.raises(SecretNotFound, match="api-keys/missing"):
        store.update_secret("api-keys", "missing", Secret("other"))
    assert store.get("api-keys", "stripe") == "value"


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.list_secrets("missing"),
        lambda store: store.create_secret("missing", "secret", Secret("value")),
        lambda store: store.update_secret("missing", "secret", Secret("value")),
        lambda store: store.delete_vault("missing"),
        lambda store: workspace_of(store).record("missing"),
        lambda store: workspace_of(store).release("missing"),
    ],
)
def test_missing_vaults(store: Store, call: Callable[[Store], object]) -> None:
    """A missing vault is VaultNotFound in all but the run-time reads."""
    with pytest.raises(VaultNotFound, match="missing"):
        call(store)


def test_missing_reads_as_none(store: Store) -> None:
    """A missing vault or secret reads as None."""
    assert store.get("missing", "secret") is None
    assert store.get_all("missing", ["secret"]) == [None]


def test_deleting_what_is_not_there(store: Store) -> None:
    """Deleting a missing secret says so."""
    store.create_vault("api-keys")
    with pytest.raises(SecretNotFound):
        store.delete_secret("api-keys", "missing")


def test_a_deleted_name_can_be_written_again(store: Store) -> None:
    """A deleted secret and a deleted vault can be created again."""
    for value in ("one", "two"):
        store.create_vault("api-keys")
        store.create_secret("api-keys", "stripe", Secret(value))
        assert store.get("api-keys", "stripe") == value
        store.delete_secret("api-keys", "stripe")
        store.delete_vault("api-keys")


def test_ownership(store: Store) -> None:
    """A vault made with an owner keeps it until it is released; release returns the owner, once."""
    store.create_vault("api-keys", APP)
    assert workspace_of(store).record("api-keys").owner == APP
    assert workspace_of(store).release("api-keys") == APP
    assert workspace_of(store).release("api-keys") is None
    assert workspace_of(store).record("api-keys").owner is None


def test_stamps_survive_a_change_of_owner(store: Store) -> None:
    """Claiming and releasing a vault keeps its stamp key."""
    store.create_vault("api-keys", APP)
    key = workspace_of(store).record("api-keys").key
    workspace_of(store).release("api-keys")
    workspace_of(store).claim("api-keys", APP, workspace_of(store).record("api-keys"))
    assert workspace_of(store).record("api-keys").key == key


def test_a_claim_of_what_moved_is_a_conflict(store: Store) -> None:
    """A record that changed since it was seen is not overwritten."""
    store.create_vault("api-keys")
    seen = workspace_of(store).record("api-keys")
    workspace_of(store).claim("api-keys", Owner("other"), seen)
    with pytest.raises(Conflict):
        workspace_of(store).claim("api-keys", APP, seen)
    with pytest.raises(Conflict):
        workspace_of(store).claim("api-keys", APP, None)
    assert workspace_of(store).record("api-keys").owner == Owner("other")


def test_a_vault_without_a_record() -> None:
    """Secrets that another tool wrote under a vault's name make it a vault without owner and stamps."""
    driver = Memory()
    driver.backdoor.write("default/theirs/token", "value")
    store = Store(driver)
    assert [vault.name for vault in store.list_vaults()] == ["theirs"]
    assert workspace_of(store).record("theirs") == Record()
    store.update_secret("theirs", "token", Secret("new"))
    assert store.get("theirs", "token") == "new"


def test_a_place_without_a_record() -> None:
    """A crash between making a place and its record leaves a vault that a second try completes."""
    faults = Faults(Memory(caps=WITH_CONTAINERS))
    store = Store(faults)
    faults.fail("put", Unavailable, times=1)
    with pytest.raises(Unavailable):
        store.create_vault("api-keys", APP)
    assert [vault.name for vault in store.list_vaults()] == ["api-keys"]
    workspace_of(store).claim("api-keys", APP, None)
    assert workspace_of(store).record("api-keys").owner == APP


def test_snapshots_agree(store: Store) -> None:
    """A snapshot of named secrets shows the same as one of everything."""
    store.create_vault("api-keys", APP)
    store.create_secret("api-keys", "stripe", Secret("value"))
    found = workspace_of(store).snapshot()
    assert found == workspace_of(store).snapshot_of({"api-keys": ["stripe", "missing"], "missing": ["secret"]})
    assert found["api-keys"].record == workspace_of(store).record("api-keys")


def test_a_snapshot_beside_a_record_that_is_denied(store: Store) -> None:
    """It is a problem of its vault only, whose secrets are still listed."""
    faults = Faults(Memory(caps=store.caps))
    store = Store(faults)
    store.create_vault("api-keys", APP)
    store.create_vault("theirs", Owner("another"))
    store.create_secret("theirs", "token", Secret("value"))
    faults.fail("get", Denied, name=workspace_of(store).vault_names("theirs").record)
    found = workspace_of(store).snapshot()
    assert (found["api-keys"].record, found["api-keys"].problem) == (workspace_of(store).record("api-keys"), None)
    assert (found["theirs"].record, list(found["theirs"].secrets)) == (None, ["token"])
    assert isinstance(found["theirs"].problem, Denied)
    assert found["theirs"].problem.vault == "theirs"


@pytest.mark.parametrize("kind", [Unavailable, errors.Throttled, errors.Unauthenticated])
def test_a_snapshot_in_an_outage(store: Store, kind: type[SecretsError]) -> None:
    """What is not an answer about one record raises."""
    faults = Faults(Memory(caps=store.caps))
    store = Store(faults)
    store.create_vault("theirs", Owner("another"))
    faults.fail("get", kind, name=workspace_of(store).vault_names("theirs").record)
    with pytest.raises(kind):
        workspace_of(store).snapshot()


class Terse(Memory):
    """A store whose list shows names, but no versions and no stamps."""

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield names."""
        return (replace(entry, version="", stamp="") for entry in super().list(prefix, deleted=deleted))


def test_a_terse_list_is_completed_by_a_look_at_what_is_compared() -> None:
    """Where a list shows no stamps, the metadata of each compared secret is read, and no other."""
    driver = Terse(caps=replace(PLAIN, list_stamps=False))
    store = Store(driver)
    store.create_vault("abc", APP)
    for name in ("one", "two", "six"):
        store.create_secret("abc", name, Secret("value"))
    driver.forget_calls()
    found = workspace_of(store).refreshed(workspace_of(store).snapshot(), [Place("abc", "one"), Place("abc", "two")])[
        "abc"
    ]
    assert driver.calls["stat"] == 2
    assert found.record is not None
    stamps = {name: entry.stamp == found.record.stamp(name, Secret("value")) for name, entry in found.secrets.items()}
    assert stamps == {"one": True, "two": True, "six": False}


def test_foreign_names_are_skipped(store: Store) -> None:
    """Other workspaces and foreign names are not ours."""
    driver = Memory(caps=store.caps)
    ours, theirs = Store(driver), Store(driver, "staging")
    theirs.create_vault("api-keys")
    theirs.create_secret("api-keys", "stripe", Secret("value"))
    for name in ("default/API/x", "default", "default/a", "other", "default/v/", "default/abc/def/ghi/jkl"):
        driver.backdoor.write(name.replace("/", store.caps.joiner), "value")
    assert ours.list_vaults() == []
    assert ours.get("api-keys", "stripe") is None


def test_history_and_rollback() -> None:
    """Old versions can be listed, read and written again; a deleted secret can be restored or purged."""
    store = Store(Memory())
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    store.update_secret("api-keys", "stripe", Secret("two"))
    newest, oldest = store.history("api-keys", "stripe")
    assert store.read("api-keys", "stripe", oldest.version).value == Secret("one")
    store.rollback_secret("api-keys", "stripe", oldest.version)
    assert store.get("api-keys", "stripe") == "one"
    assert newest.version != oldest.version
    store.delete_secret("api-keys", "stripe")
    store.restore_secret("api-keys", "stripe")
    assert store.get("api-keys", "stripe") == "one"
    store.purge_secret("api-keys", "stripe")
    with pytest.raises(SecretNotFound):
        store.history("api-keys", "stripe")


class Refusing(Memory):
    """A store that answers for the versions of a name without any as AWS does."""

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions, or raise where there is none."""
        found = list(super().versions(name))
        if not found:
            raise errors.NotFound
        return iter(found)


@pytest.mark.parametrize("kind", [Memory, Refusing])
def test_the_history_of_a_deleted_secret(kind: type[Memory]) -> None:
    """It is shown as deleted on every store, also where no version can be read; a missing one is an error."""
    store = Store(kind())
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    store.delete_secret("api-keys", "stripe")
    [entry] = store.history("api-keys", "stripe")
    assert (entry.name, entry.state) == ("stripe", "deleted")
    store.purge_secret("api-keys", "stripe")
    with pytest.raises(SecretNotFound, match="secret api-keys/stripe: does not exist"):
        store.history("api-keys", "stripe")


def test_a_missing_version_is_no_missing_secret() -> None:
    """The error names the version where the secret is there, and the secret where it is not."""
    store = Store(Memory())
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    for read in (store.read, store.rollback_secret):
        with pytest.raises(VersionNotFound, match="api-keys/stripe: version 'v9' does not exist") as caught:
            read("api-keys", "stripe", "v9")
        assert (caught.value.code, caught.value.secret) == ("VERSION_NOT_FOUND", "stripe")
        assert "history" in caught.value.hint
        with pytest.raises(SecretNotFound) as missing:
            read("api-keys", "other", "v9")
        assert missing.value.code == "SECRET_NOT_FOUND"


def test_a_rolled_back_value_has_its_stamp() -> None:
    """A write by hand is stamped too, so that a config with the same value finds nothing to do."""
    store = Store(Memory())
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("one"))
    found = workspace_of(store).snapshot()["api-keys"]
    assert found.record is not None
    assert found.secrets["stripe"].stamp == found.record.stamp("stripe", Secret("one"))


@pytest.mark.parametrize("name", ["A", "a/b", "", "ab"])
def test_bad_names_reach_no_store(store: Store, name: str) -> None:
    """A bad name is refused before any call."""
    driver = Memory(caps=store.caps)
    calls: list[Callable[[], object]] = [
        lambda: Store(driver).get(name, "secret"),
        lambda: Store(driver).get_all("vault", ["secret", name]),
        lambda: Store(driver).create_vault(name),
        lambda: Store(driver).list_secrets(name),
        lambda: Store(driver).create_secret("vault", name, Secret("value")),
        lambda: Store(driver).delete_secret("vault", name),
        lambda: Store(driver, name),
    ]
    for call in calls:
        with pytest.raises(NameInvalid, match="not allowed"):
            call()
    assert not driver.calls


def test_one_name_is_not_a_list_of_names(store: Store) -> None:
    """get_all with one text instead of a list is refused, since every text is a list of letters."""
    with pytest.raises(ValueInvalid, match="list of names"):
        store.get_all("vault", "secret")


def test_too_large_is_refused_before_the_call() -> None:
    """A value one byte over the limit never reaches the store; one at the limit does; no error shows the value."""
    driver = Memory(caps=replace(FULL, max_bytes=8))
    store = Store(driver)
    driver.forget_calls()
    with pytest.raises(TooLarge, match="vault/secret: the value is over the store's limit of 8 bytes") as caught:
        store.create_secret("vault", "secret", Secret("canary-99"))
    assert not driver.calls
    assert "canary" not in str(caught.value)
    with pytest.raises(TooLarge):
        workspace_of(store).check_value("vault", "secret", Secret("éééé."))
    workspace_of(store).check_value("vault", "secret", Secret("éééé"))


def test_no_text_is_refused_before_the_call() -> None:
    """A lone surrogate never reaches the store."""
    driver = Memory()
    with pytest.raises(ValueInvalid):
        Store(driver).create_secret("vault", "secret", Secret("\udc00"))
    assert not driver.calls


def test_text_may_be_given_as_it_is(store: Store) -> None:
    """A value may be given as text, without a Secret; an error keeps it in no frame of ours."""
    store.create_vault("vault")
    store.create_secret("vault", "secret", "first")
    store.update_secret("vault", "secret", "second")
    assert store.get("vault", "secret") == "second"
    with pytest.raises(SecretAlreadyExists) as caught:
        store.create_secret("vault", "secret", "can" + "ary")
    assert "canary" not in frames(caught.value)


@pytest.mark.parametrize("value", [None, 7, b"canary", ["canary"], Secret(None)])  # type: ignore[arg-type]
def test_what_is_no_text_is_refused_before_the_call(value: object) -> None:
    """Anything but text is ValueInvalid that names its type, and no frame of ours shows it."""
    driver = Memory()
    for write in (Store(driver).create_secret, Store(driver).update_secret):
        with pytest.raises(ValueInvalid, match=r"vault/secret: expected text, got \w+$") as caught:
            write("vault", "secret", value)  # type: ignore[arg-type]
        assert "canary" not in frames(caught.value)
    assert not driver.calls


def frames(error: BaseException) -> str:
    """Return the traceback of *error* with the locals of its frames, but for the test's own."""
    assert error.__traceback__
    shown = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    return "".join(shown.format())


def test_escaped_values_are_reported() -> None:
    """A store that cannot hold "" says which values other tools will read in another form."""
    store = Store(Memory(caps=replace(FULL, empty=False)))
    assert workspace_of(store).escapes(Secret(""))
    assert workspace_of(store).escapes(Secret("tailorsecrets:x"))
    assert not workspace_of(store).escapes(Secret("plain"))
    assert not workspace_of(Store(Memory())).escapes(Secret(""))


@pytest.mark.parametrize(
    ("missing", "message", "call"),
    [
        ("writes", "can only be read", lambda store: store.purge_secret("vault", "secret")),
        ("lists", "cannot list its secrets", lambda store: store.list_vaults()),
        ("versions", "keeps no old versions", lambda store: store.history("vault", "secret")),
        ("versions", "keeps no old versions", lambda store: store.read("vault", "secret", "v1")),
        ("undelete", "cannot bring back a deleted secret", lambda store: store.restore_secret("vault", "secret")),
    ],
)
def test_what_a_store_cannot_do_is_refused_before_the_driver(
    missing: str, message: str, call: Callable[[Store], object]
) -> None:
    """An ability that a driver does not declare is Unsupported, and the driver is never entered."""
    driver = Memory(caps=replace(FULL, **{missing: False}))  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match=message):
        call(Store(driver, url="memory:"))
    assert not driver.calls


def test_a_driver_that_reads_one_name() -> None:
    """The smallest driver serves get and get_all."""
    driver = Memory(caps=Caps())
    driver.backdoor.write("default/vault/secret", "value")
    store = Store(driver)
    assert store.get_all("vault", ["secret", "missing"]) == ["value", None]


@pytest.mark.parametrize("kind", [Denied, Unavailable, errors.Throttled, errors.Unauthenticated, Corrupt, Disabled])
def test_broken_is_never_missing(store: Store, kind: type[SecretsError]) -> None:
    """Every error other than missing is raised with its meaning, and names the secret and the store."""
    faults = Faults(Memory(caps=store.caps))
    faults.fail("", kind, hint="do this")
    broken = Store(faults, url="memory:")
    with pytest.raises(kind, match="vault") as caught:
        broken.get("vault", "secret")
    with pytest.raises(kind):
        broken.get_all("vault", ["secret"])
    with pytest.raises(kind):
        broken.list_secrets("vault")
    assert (caught.value.store, caught.value.op, caught.value.hint) == ("memory:", "get", "do this")
    assert caught.value.__context__ is None


def test_a_failing_name_raises_in_the_order_asked() -> None:
    """get_all raises for the first name in the order asked that cannot be read."""
    driver = Faults(Memory(caps=PLAIN))
    driver.fail("get", Denied, name="default/vault/bbb")
    driver.fail("get", Unavailable, name="default/vault/aaa")
    with pytest.raises(Unavailable, match="aaa"):
        Store(driver).get_all("vault", ["missing", "aaa", "bbb"])
    with pytest.raises(Denied, match="bbb"):
        Store(driver).get_all("vault", ["bbb", "aaa"])


def test_denied_batches_fall_back(caplog: pytest.LogCaptureFixture) -> None:
    """Where the batch call is denied, secrets are read one by one, which is remembered and reported once."""
    memory = Memory()
    faults = Faults(memory)
    faults.fail("get_many", Denied)
    store = Store(faults)
    memory.backdoor.write("default/vault/secret", "value")
    with caplog.at_level(logging.WARNING):
        assert store.get_all("vault", ["secret", "missing"]) == ["value", None]
        assert store.get_all("vault", ["secret"]) == ["value"]
    assert [call.op for call in faults.calls].count("get_many") == 1
    assert len(caplog.records) == 1


def test_batches_are_as_large_as_the_store_allows() -> None:
    """100 secrets are read in ⌈100/20⌉ calls, each asked for once."""
    driver = Memory()
    assert Store(driver).get_all("vault", [f"secret-{n}" for n in range(100)] * 2) == [None] * 200
    assert driver.calls["get_many"] == 5


def test_a_get_is_one_call() -> None:
    """A read touches the secret and nothing else: no list, no record."""
    driver = Memory()
    Store(driver).get("vault", "secret")
    assert driver.calls == {"get": 1}


def test_foreign_bytes_are_corrupt() -> None:
    """A foreign value that is not UTF-8 is Corrupt."""
    driver = Memory()
    driver.backdoor.write_bytes("default/vault/secret", b"\xff")
    with pytest.raises(Corrupt):
        Store(driver).get("vault", "secret")


def test_a_hashed_name_is_compared_on_every_read() -> None:
    """A secret under our hash with another name in its tag is Corrupt, never a wrong value."""
    driver = Memory(caps=replace(FULL, joiner="--", max_name=127))
    store = Store(driver, "w" * 63)
    store.create_vault("v" * 63)
    store.create_secret("v" * 63, "s" * 63, Secret("value"))
    [entry] = [e for e in driver.list("h--") if e.tags["tailorsecrets-name"].endswith("s")]
    driver.backdoor.edit_tags(entry.name, {"tailorsecrets-name": "another/name/altogether"})
    for read in (lambda: store.get("v" * 63, "s" * 63), lambda: store.get_all("v" * 63, ["s" * 63])):
        with pytest.raises(Corrupt, match="another tool replaced the tag"):
            read()


def test_a_lagging_list_is_confirmed_before_a_write() -> None:
    """Where lists lag, an update of what was listed is written only if it is still current."""
    driver = Memory(caps=replace(PLAIN, cas="none", list_lag=300.0))
    store = Store(driver)
    workspace_of(store).claim("vault", APP, None)
    workspace_of(store).put_secret(Record(), "vault", "secret", Secret("one"), expect=ABSENT)
    seen = store.read("vault", "secret").entry.version
    driver.backdoor.write("default/vault/secret", "two")
    with pytest.raises(Conflict, match="vault/secret"):
        workspace_of(store).put_secret(Record(), "vault", "secret", Secret("three"), expect=seen)
    with pytest.raises(Conflict, match="vault/secret"):
        store.delete_secret("vault", "secret", expect=seen)
    assert store.get("vault", "secret") == "two"


def test_read_only(store: Store) -> None:
    """Under a profile that may only read, every write is refused before the driver and nothing else is."""
    driver = Memory(caps=store.caps)
    reader = Store(driver, read_only="profile 'prod' may only read")
    writes: list[Callable[[], object]] = [
        lambda: reader.create_vault("vault"),
        lambda: workspace_of(reader).claim("vault", APP, Record(version="v1")),
        lambda: workspace_of(reader).drop_vault("vault"),
        lambda: workspace_of(reader).put_secret(Record(), "vault", "secret", Secret("value"), expect=ABSENT),
        lambda: reader.purge_secret("vault", "secret"),
        lambda: reader.restore_secret("vault", "secret"),
        reader.setup,
    ]
    for write in writes:
        with pytest.raises(Denied, match="may only read") as caught:
            write()
        assert caught.value.code == "PROFILE_READ_ONLY"
    assert not any(driver.calls[op] for op in ("put", "delete", "make", "drop", "restore"))
    assert reader.get("vault", "secret") is None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_twins(backend: str) -> None:
    """Aget and aget_all do as get and get_all, on asyncio and trio."""
    driver = Memory()
    driver.backdoor.write("default/vault/secret", "value")
    store = Store(driver)

    async def read() -> tuple[str | None, list[str | None]]:
        return await store.aget("vault", "secret"), await store.aget_all("vault", ["missing", "secret"])

    assert anyio.run(read, backend=backend) == ("value", [None, "value"])


def test_what_it_is() -> None:
    """A store shows which one it is and which workspace of it."""
    assert repr(Store(Memory(), "staging", url="memory://here")) == "<Store: memory://here, workspace staging>"


def test_names_that_are_too_long_for_a_store_without_tags() -> None:
    """A name that needs a tag is refused before the call if the store keeps no tags."""
    driver = Memory(caps=replace(PLAIN, max_name=70, tags=False))
    store = Store(driver)
    store.create_vault("vault")
    store.create_secret("vault", "short", Secret("value"))
    driver.forget_calls()
    writes: list[Callable[[], object]] = [
        lambda: store.create_vault("v" * 63),
        lambda: workspace_of(store).check_value("vault", "s" * 63, Secret("value")),
    ]
    for write in writes:
        with pytest.raises(NameInvalid, match=r"(v{63}|s{63}): the names are too long for the store.* 70 characters"):
            write()
    assert not driver.calls["put"]


class Least(Memory):
    """A store whose put knows no keyword."""

    def put(self, name: str, value: Secret) -> Entry:  # type: ignore[override]
        """Write."""
        return super().put(name, value)


def test_no_keyword_comes_unannounced() -> None:
    """A driver gets the stamp, the tags and the state to expect only where it announces that it takes them."""
    store = Store(Least(caps=replace(PLAIN, cas="none", stamps=False, tags=False)))
    store.create_vault("vault")
    store.create_secret("vault", "secret", Secret("one"))
    store.update_secret("vault", "secret", Secret("two"))
    assert store.get("vault", "secret") == "two"


def test_close() -> None:
    """A store is a context manager; closing twice is fine."""
    with Store(Memory()) as store:
        store.close()
