"""Reading with failover: the rules, on stores in memory, with a clock and a timer that the test moves."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from tailorsecrets.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Disabled,
    SecretNotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tests.support.cached import read_threads
from tests.support.several import ONE, PROFILE, THREE, TWO, Site
from tests.support.waiting import wait_for
from tests.support.web import BACKENDS

ANSWERS = [Denied, Disabled, Unauthenticated, Conflict, Corrupt]
OUTAGES = [Unavailable, Throttled]
MANY = tuple(f"name-{number}" for number in range(100))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a site whose calls are done at once; all targets have the same value."""
    site = Site(tmp_path)
    site.put("value")
    return site


def message_of(read: Callable[[], object]) -> str:
    """Return the message of the Unavailable that *read* raises."""
    with pytest.raises(Unavailable) as caught:
        read()
    return str(caught.value)


# A healthy store


def test_a_healthy_store_is_asked_alone(site: Site) -> None:
    """600 cold reads one by one: 600 calls to the first target, none to the others."""
    for _ in range(600):
        assert site.secrets.get("abc", "one", max_age=0) == "value"
        site.clock.sleep(1)
    assert (site[ONE].calls, site[TWO].calls, site[TWO].opened) == (600, 0, 0)
    assert site.secrets.cache_info().failovers == 0
    assert site.secrets.read("abc", "one").store == ONE


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_never_asked_of_a_replica(site: Site, kind: type[SecretsError]) -> None:
    """Denied, disabled, unauthenticated, conflict and corrupt at the first target raise, and the second has 0 calls."""
    site[ONE].faults.fail("", kind)
    for read in (site.secrets.get, site.secrets.read, site.secrets.recent):
        with pytest.raises(kind):
            read("abc", "one")
    with pytest.raises(kind):
        site.secrets.get_all("abc", ["one", "two"])
    assert site[TWO].calls == 0


def test_missing_is_an_answer(site: Site) -> None:
    """A secret that the first target does not have is None, and the second has 0 calls."""
    site[ONE].put(None)
    assert site.secrets.get("abc", "one") is None
    with pytest.raises(SecretNotFound):
        site.secrets.preload()
    assert site[TWO].calls == 1  # preload signs in there


# An outage


@pytest.mark.parametrize("kind", OUTAGES)
def test_a_replica_answers_in_an_outage(site: Site, kind: type[SecretsError]) -> None:
    """Each read goes to the second target; the store that answered is named, and the failovers are counted."""
    site.put("second", name="two")
    site[ONE].faults.fail("", kind)
    assert site.secrets.get("abc", "one") == "value"
    assert site.secrets.get_all("abc", ["two", "one"]) == ["second", "value"]
    assert site.secrets.recent("abc", "one") == ["value"]
    reading = site.secrets.read("abc", "one")
    assert (reading.value, reading.store, reading.stale) == ("value", TWO, False)
    assert site.secrets.cache_info().failovers == 3
    assert site.seen()[:2] == [("failed", ONE), ("read", TWO)]
    assert site[ONE].calls == 1  # it is left out from then on


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_twins_do_the_same(site: Site, backend: str) -> None:
    """aget, aget_all, aread, arecent, apreload and arefresh go to the second target."""
    site.put("second", name="two")
    for vault in ("alone", "thrice"):
        site.put("value", vault)
        site.put("second", vault, "two")
    site[ONE].faults.fail("", Unavailable, name="default/abc/one")
    site[ONE].faults.fail("get_many", Unavailable)

    async def main() -> None:
        assert await site.secrets.aget("abc", "one") == "value"
        assert await site.secrets.aget_all("abc", ["two", "one"]) == ["second", "value"]
        assert (await site.secrets.aread("abc", "one")).store == TWO
        assert await site.secrets.arecent("abc", "one") == ["value"]
        await site.secrets.arefresh("abc", "two")
        site[ONE].faults.heal()
        site.clock.sleep(60)
        await site.secrets.apreload()

    anyio.run(main, backend=backend)


def test_a_batch_goes_on_as_a_batch(tmp_path: Path) -> None:
    """get_all of 100 names is one call for each 20 at the replica, and one at the target that fails."""
    site = Site(tmp_path, names=MANY)
    for name in MANY:
        site[TWO].put(name, name=name)
    site[ONE].faults.fail("", Unavailable)
    assert site.secrets.get_all("abc", MANY) == list(MANY)
    assert [call.op for call in site[TWO].faults.calls] == ["get_many"] * 5
    assert site[ONE].calls <= 8  # those that were under way at the first failure


def test_the_pauses(site: Site) -> None:
    """The target that fails is probed after 1, 2, 4 … 60 s; its return is seen at the first probe after it."""
    site[ONE].faults.fail("", Unavailable)
    probes, start = list[float](), site.clock()
    while len(probes) < 9:
        before = site[ONE].calls
        assert site.secrets.get("abc", "one", max_age=0) == "value"
        probes += [site.clock() - start] * (site[ONE].calls - before)
        site.clock.sleep(0.5)
    assert [later - earlier for earlier, later in pairwise(probes)] == [1, 2, 4, 8, 16, 32, 60, 60]
    site[ONE].faults.heal()
    site[TWO].forget()
    healed = site.clock()
    while site.secrets.read("abc", "one").store != ONE:
        site.clock.sleep(0.5)
    assert site.clock() - healed <= 60
    site[TWO].forget()
    for _ in range(100):
        site.secrets.get("abc", "one", max_age=0)
    assert site[TWO].calls == 0


def test_a_replicas_value_is_fresh_until_the_next_probe(site: Site) -> None:
    """Until then it costs no call; then it is answered once more while the probe runs, whose answer takes its place."""
    site[ONE].faults.fail("", Unavailable)
    site.secrets.get("abc", "one")
    site[ONE].faults.heal()
    site[ONE].put("newer")
    site[TWO].forget()
    site.clock.sleep(0.9)
    assert site.secrets.read("abc", "one").store == TWO
    assert (site[ONE].calls, site[TWO].calls) == (1, 0)
    site.clock.sleep(0.1)
    assert site.secrets.get("abc", "one") == "value"
    reading = site.secrets.read("abc", "one")
    assert (reading.value, reading.store) == ("newer", ONE)
    site.clock.sleep(200)
    assert site.secrets.get("abc", "one") == "newer"
    assert site[ONE].calls == 2


def test_refresh_asks_a_target_that_is_left_out(site: Site) -> None:
    """``refresh`` does not wait for the end of the pause."""
    site[ONE].faults.fail("", Unavailable, times=1)
    assert site.secrets.read("abc", "one").store == TWO
    site.secrets.refresh()
    assert site.secrets.read("abc", "one").store == ONE


def test_all_targets_left_out(site: Site) -> None:
    """A read raises at once without a call and lists the answer of each target; a stale value is returned instead."""
    site.secrets.get("abc", "two", max_age=0)
    site.secrets.get("abc", "one")
    site.clock.sleep(1000)
    for url in (ONE, TWO):
        site[url].faults.fail("", Unavailable)
    assert site.secrets.read("abc", "one").stale
    calls = [site[url].calls for url in (ONE, TWO)]
    assert site.secrets.read("abc", "one").stale
    message = message_of(lambda: site.secrets.get("abc", "two", max_age=0))
    assert message == (
        "secret abc/two: no store returned a value: "
        "file:one: skipped after an outage; file:two: skipped after an outage"
    )
    assert [site[url].calls for url in (ONE, TWO)] == calls
    assert ("stale", ONE) in site.seen()


def test_the_third_target_is_asked_last(site: Site) -> None:
    """A route may have any length; the first value wins."""
    site.put("three", "thrice")
    for url in (ONE, TWO):
        site[url].faults.fail("", Unavailable)
    assert site.secrets.read("thrice", "one").store == THREE
    site[THREE].faults.fail("", Denied)
    message = message_of(lambda: site.secrets.get("thrice", "two"))
    assert message.endswith("file:three: permission denied")


def test_a_vault_with_one_target_keeps_the_rules_of_the_cache(site: Site) -> None:
    """Its target is called although it is skipped for other vaults, and its own error is raised."""
    site.put("value", "alone")
    site[ONE].faults.fail("", Unavailable, times=1)
    site.secrets.get("abc", "one")
    assert site.secrets.get("alone", "one") == "value"
    assert site[TWO].memory.calls["get"] == 1


# A replica's word


def test_missing_at_the_replica_in_an_outage(site: Site) -> None:
    """The replica may lag behind, so the read is Unavailable and lists the answer of each target."""
    site[ONE].faults.fail("", Unavailable)
    site[TWO].put(None)
    message = message_of(lambda: site.secrets.get("abc", "one"))
    assert message == (
        "secret abc/one: no store returned a value: "
        "file:one: the store does not answer; file:two: the secret does not exist"
    )


@pytest.mark.parametrize("kind", [*ANSWERS, *OUTAGES, SecretNotFound])
def test_what_a_replica_refuses_keeps_the_last_value(site: Site, kind: type[SecretsError]) -> None:
    """If a replica denies, or gives any other answer without a value, the cache's value stays."""
    site.secrets.get("abc", "one")
    site.clock.sleep(700)
    site[ONE].faults.fail("", Unavailable)
    site[TWO].faults.fail("", kind)
    for _ in range(3):
        reading = site.secrets.read("abc", "one")
        assert (reading.value, reading.stale, reading.store) == ("value", True, ONE)
        site.clock.sleep(5)
    with pytest.raises(Unavailable):
        site.secrets.get("abc", "one", max_age=0)


def test_a_replica_that_is_behind_after_a_rotation(site: Site) -> None:
    """Its old value is never returned; until max_stale, reads return the first target's last value, as stale."""
    site[ONE].put("rotated")
    site[TWO].put("old")
    assert site.secrets.get("abc", "one") == "rotated"
    site[ONE].faults.fail("", Unavailable)
    site.clock.sleep(301)  # past the ttl
    site.secrets.get("abc", "one")
    site.seen()
    for _ in range(20):
        reading = site.secrets.read("abc", "one")
        assert (reading.value, reading.store, reading.stale) == ("rotated", ONE, True)
        assert ("stale", ONE) in site.seen()
        site.clock.sleep(30)
    message = message_of(lambda: site.secrets.get("abc", "one", max_age=0))
    assert message == (
        "secret abc/one: the value at file:two is not used: "
        "it differs from the value at file:one, which does not answer now"
    )
    site.clock.sleep(3000)
    site.secrets.get("abc", "one", max_age=0)
    assert site.secrets.get("abc", "one") == "old"  # the word of the first target is too old to count


def test_an_equal_replica_does_not_renew_the_first_targets_word(site: Site) -> None:
    """A replica that agreed and then differs is compared with the first target's last answer, not with itself."""
    site.secrets.get("abc", "one")
    site[ONE].faults.fail("", Unavailable)
    site.clock.sleep(601)
    assert site.secrets.read("abc", "one").store == TWO
    site[TWO].put("other")
    site.clock.sleep(601)
    reading = site.secrets.read("abc", "one")
    assert (reading.value, reading.stale, reading.age) == ("value", True, 1202)


@pytest.mark.parametrize("kind", [Denied, Disabled, Conflict, Corrupt])
def test_what_the_first_target_could_not_give_does_not_come_back(site: Site, kind: type[SecretsError]) -> None:
    """Where its answer was an error about the secret under max_stale ago, a replica's value is not used."""
    site[ONE].faults.fail("", kind, times=1)
    with pytest.raises(kind):
        site.secrets.get("abc", "one")
    site[ONE].faults.fail("", Unavailable)
    site.clock.sleep(100)
    before = f"file:one answered {kind.code}, and does not answer now"
    with pytest.raises(Unavailable, match=f"the value at file:two is not used: {before}"):
        site.secrets.get("abc", "one")
    site.clock.sleep(3600)
    assert site.secrets.get("abc", "one") == "value"


@pytest.mark.parametrize("denied", [False, True])
def test_what_the_first_target_lacked_does_not_come_back(site: Site, *, denied: bool) -> None:
    """If the first target answered missing or denied under max_stale ago, a replica's value is not used."""
    if denied:
        site[ONE].memory.backdoor.deny("default/abc/one")
        with pytest.raises(Denied):
            site.secrets.get("abc", "one")
    else:
        site[ONE].put(None)
        assert site.secrets.get("abc", "one") is None
    site[ONE].faults.fail("", Unavailable)
    site.clock.sleep(100)
    assert "the value at file:two is not used" in message_of(lambda: site.secrets.get("abc", "one"))
    site.clock.sleep(3000)
    assert site.secrets.get("abc", "one") == "value"


def test_recent_does_not_lose_the_value_before(site: Site) -> None:
    """A replica with one version does not replace the two versions of the first target."""
    site[ONE].put("newest")
    site[TWO].put(None)
    site[TWO].put("newest")
    assert site.secrets.recent("abc", "one") == ["newest", "value"]
    site[ONE].faults.fail("", Unavailable)
    site.clock.sleep(700)
    site.secrets.recent("abc", "one")
    assert site.secrets.recent("abc", "one") == ["newest", "value"]


def test_a_write_of_this_process_is_seen_in_an_outage(site: Site) -> None:
    """A write through any Store, also of another workspace, forgets the value and the first target's last answer."""
    assert site.secrets.get("abc", "one") == "value"
    site[ONE].faults.fail("", Unavailable)
    elsewhere = Store(site[THREE].memory, "other")
    elsewhere.create_vault("abc")
    site[TWO].put("written")
    elsewhere.create_secret("abc", "one", Secret("x"))
    assert site.secrets.get("abc", "one") == "written"


# Silence


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Site]:
    """Give a site with real threads and a hundred names, whose first target hangs; it answers at the end."""
    site = Site(tmp_path, names=MANY, threads=True)
    for name in MANY:
        site.put("value", name=name)
        site[TWO].put(name, name=name)
    site[ONE].gate.shut()
    yield site
    site[ONE].gate.is_open.set()
    wait_for(lambda: read_threads() == 0)


def reading(site: Site, *names: str, max_age: float | None = None) -> tuple[list[threading.Thread], list[object]]:
    """Read each of *names* in its own thread; return the threads and what they read."""
    values = list[object]()

    def read(name: str) -> None:
        try:
            values.append(site.secrets.get("abc", name, max_age=max_age))
        except SecretsError as error:
            values.append(error)

    threads = [threading.Thread(target=read, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    return threads, values


def test_100_cold_readers_of_a_target_that_hangs(hanging: Site) -> None:
    """At failover_after all of them go to the replica: 8 calls hang, the other 92 are never sent; then nobody waits."""
    threads, values = reading(hanging, *MANY)
    wait_for(lambda: hanging[ONE].gate.inside == 8)
    wait_for(lambda: hanging.secrets.cache_info().flights == 100)
    hanging.pass_time(1.9)
    assert values == []
    hanging.pass_time(0.1)
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, values)) == sorted(MANY)
    assert hanging[ONE].gate.most == 8
    assert hanging.secrets.cache_info().failovers == 100
    assert hanging.secrets.get("abc", MANY[0], max_age=0) == MANY[0]  # at once


def test_silence_is_counted_per_target(hanging: Site) -> None:
    """A call that hangs is not silence while other calls are answered: no replica is asked."""
    hanging[ONE].gate.only = f"default/abc/{MANY[0]}"
    threads, values = reading(hanging, MANY[0])
    wait_for(lambda: hanging[ONE].gate.inside == 1)
    for name in MANY[1:10]:
        hanging.pass_time(1)
        assert hanging.secrets.read("abc", name).store == ONE
    assert values == []
    hanging.pass_time(2)
    threads[0].join(10)
    assert values == [MANY[0]]


def test_a_late_answer_takes_the_place_of_the_replicas(hanging: Site) -> None:
    """The call that hung is answered at last, and that is the value from then on."""
    threads, values = reading(hanging, MANY[0])
    wait_for(lambda: hanging[ONE].gate.inside == 1)
    hanging.pass_time(2)
    threads[0].join(10)
    assert values == [MANY[0]]
    hanging[ONE].gate.is_open.set()
    wait_for(lambda: hanging.secrets.read("abc", MANY[0]).store == ONE)
    assert hanging.secrets.get("abc", MANY[0]) == "value"


def test_a_late_answer_that_began_before_a_write_is_dropped(hanging: Site) -> None:
    """A write of this process makes the late answer invalid."""
    threads, _ = reading(hanging, MANY[0])
    wait_for(lambda: hanging[ONE].gate.inside == 1)
    hanging.pass_time(2)
    threads[0].join(10)
    Store(hanging[TWO].memory).update_secret("abc", MANY[0], "written")
    hanging[ONE].gate.is_open.set()
    wait_for(lambda: read_threads() == 0)
    assert hanging.secrets.cache_info().names == 0


def test_a_hung_target_is_probed_and_comes_back(hanging: Site) -> None:
    """While all its threads hang it is not asked; once they are free, the next probe brings it back."""
    threads, _ = reading(hanging, *MANY[:20])
    wait_for(lambda: hanging[ONE].gate.inside == 8 and hanging.secrets.cache_info().flights == 20)
    hanging.pass_time(2)
    for thread in threads:
        thread.join(10)
    for _ in range(20):
        hanging.pass_time(1)
        assert hanging.secrets.get("abc", MANY[50], max_age=0) == MANY[50]
    assert hanging[ONE].gate.most == 8
    hanging[ONE].gate.is_open.set()
    wait_for(lambda: read_threads() == 0)
    begin = hanging.clock()
    while hanging.secrets.read("abc", MANY[60], max_age=0).store != ONE:
        hanging.pass_time(1)
        wait_for(lambda: read_threads() == 0)
    assert hanging.clock() - begin <= 60


def test_both_targets_hang(hanging: Site) -> None:
    """A read whose call is running waits for it at either target; a read whose call was never sent raises."""
    hanging[TWO].gate.shut()
    threads, values = reading(hanging, *MANY[:10])
    wait_for(lambda: hanging[ONE].gate.inside == 8 and hanging.secrets.cache_info().flights == 10)
    hanging.pass_time(2)
    wait_for(lambda: hanging[TWO].gate.inside == 8)
    hanging.pass_time(2)
    wait_for(lambda: len(values) > 0)
    errors = [value for value in values if isinstance(value, Unavailable)]
    assert all("file:one: no answer within 2 seconds" in str(error) for error in errors)
    hanging[TWO].gate.is_open.set()
    for thread in threads:
        thread.join(10)
    assert len(values) == 10


# Start and end


def test_preload_signs_in_everywhere(site: Site) -> None:
    """It opens all targets and reads one name from each replica; a replica that fails is not an error."""
    for vault in ("abc", "alone", "thrice"):
        for name in ("one", "two"):
            site.put("value", vault, name)
    site[THREE].faults.fail("", Unavailable)
    site.secrets.preload()
    assert [site[url].opened for url in (ONE, TWO, THREE)] == [1, 1, 1]
    assert (site[TWO].calls, site[THREE].calls) == (1, 1)
    assert site.secrets.cache_info().failovers == 0


def test_preload_does_not_wait_for_a_replica_that_hangs(tmp_path: Path) -> None:
    """It ends when that replica counts as silent."""
    site = Site(tmp_path, threads=True)
    for vault in ("abc", "alone", "thrice"):
        for name in ("one", "two"):
            site.put("value", vault, name)
    site[TWO].gate.shut()
    thread = threading.Thread(target=site.secrets.preload)
    thread.start()
    wait_for(lambda: site[TWO].gate.inside == 1)
    wait_for(lambda: site.secrets.cache_info().names == 6)
    assert thread.is_alive()
    site.pass_time(2)
    thread.join(10)
    assert not thread.is_alive()
    site[TWO].gate.is_open.set()
    wait_for(lambda: read_threads() == 0)


def test_a_profile_that_names_what_the_config_lacks(tmp_path: Path) -> None:
    """The first read raises one error with the nearest name, and calls no store."""
    site = Site(tmp_path, profile=PROFILE.replace("thrice", "twice"))
    with pytest.raises(ConfigError, match="the config declares no vault 'twice'"):
        site.secrets.get("abc", "one")
    assert site[ONE].calls == 0


def test_read_first_changes_the_order(tmp_path: Path) -> None:
    """The named target is asked first, and the others when that does not answer."""
    site = Site(
        tmp_path, profile=PROFILE.replace("[profiles.prod.vaults]", 'read_first = "file:two"\n[profiles.prod.vaults]')
    )
    site.put("value")
    assert site.secrets.read("abc", "one").store == TWO
    site[TWO].faults.fail("", Unavailable)
    assert site.secrets.read("abc", "one", max_age=0).store == ONE


def test_connect_names_one_store(site: Site) -> None:
    """``connect(store=URL)`` reads only that store, even with a profile."""
    site.secrets.connect(store=f"{TWO}", profile="prod")
    assert site.secrets.read("abc", "one").store == TWO
    site[TWO].faults.fail("", Unavailable)
    with pytest.raises(Unavailable):
        site.secrets.get("alone", "one")
    assert site[ONE].calls == 0


@pytest.mark.forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_is_forked_while_the_first_target_hangs(hanging: Site) -> None:
    """It has none of the parent's calls and threads, and reads from the replica by itself."""
    threads, values = reading(hanging, *MANY[:9])
    wait_for(lambda: hanging[ONE].gate.inside == 8)
    hanging.pass_time(2)
    for thread in threads:
        thread.join(10)
    assert len(values) == 9
    hanging.secrets.forget()
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            hanging[ONE].gate.is_open.set()
            hanging[ONE].faults.fail("", Unavailable)
            code = int(hanging.secrets.get("abc", MANY[50]) != MANY[50])
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert hanging.secrets.get("abc", MANY[51]) == MANY[51]
