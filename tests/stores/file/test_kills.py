"""Writers killed at random instants: the file is whole at each of them, and every acknowledged write is in it."""

import os
import random
import signal
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from tailorsecrets.driver import Driver, Stored
from tailorsecrets.secret import Secret
from tailorsecrets_file import keys
from tests.support.file.opening import NAME, opened, target_in

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # the children do not use locks of others
    pytest.mark.forks,
    pytest.mark.timeout(300),  # a fork takes long on a busy machine
]

RECORD = struct.Struct("ii")  # the writer, and the number of the write that it acknowledges
KILLS = 330
WRITERS = 3
PER_WRITER = 4  # names that each writer writes, one after the other
BALLAST = "x" * 2000  # makes a write take longer, so that more kills hit one


def child(work: Callable[[], None]) -> int:
    """Run *work* in a forked child and return its process id; it never outlives the test by more than a minute."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            work()
        finally:
            os._exit(1)
    return pid


def kill(pid: int) -> None:
    """Kill a child at once and wait until it is gone; fine if it was before."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def write_on(folder: Path, writer: int, start: int, pipe: int) -> None:
    """Write number after number, by turns with put and with a transaction over all names, and acknowledge each."""
    driver = opened(folder)
    for number in range(start, start + 100_000):
        if number % 5:
            driver.put(f"w{writer}/{number % PER_WRITER}", Secret(str(number)))
        else:
            with driver.transaction():
                for name in range(PER_WRITER):
                    driver.put(f"w{writer}/{name}", Secret(str(number)))
        os.write(pipe, RECORD.pack(writer, number))


def acknowledged(pipe: int, last: dict[int, int]) -> None:
    """Take the acknowledgements that are waiting in the pipe into *last*."""
    while True:
        try:
            octets = os.read(pipe, RECORD.size * 100)
        except BlockingIOError:
            return
        last.update(dict(RECORD.iter_unpack(octets)))


def values(driver: Driver, names: Sequence[str]) -> list[str]:
    """Return the values of secrets, all from one read of the file."""
    answers = driver.get_many(names)
    return [cast("Stored", answers[name]).value.reveal() for name in names]


def check(folder: Path, last: dict[int, int]) -> dict[int, int]:
    """Check that the file is whole and holds what was acknowledged; return the highest number of each writer."""
    driver = opened(folder)
    listed = [entry.name for entry in driver.list("")]
    names = [name for name in listed if name.startswith("w")]
    found = dict(zip(names, map(int, values(driver, names)), strict=True))
    for writer, number in last.items():
        for back in range(PER_WRITER):  # the write before the last went to another name, and so on
            if number >= back:
                assert found[f"w{writer}/{(number - back) % PER_WRITER}"] >= number - back
    assert len(listed) - len(names) == 30  # the ballast
    highest = dict.fromkeys(range(WRITERS), -1)
    for name, number in found.items():
        writer = int(name[1 : name.index("/")])
        highest[writer] = max(highest[writer], number)
    return highest


@pytest.mark.long
def test_kills_while_writing(tmp_path: Path) -> None:
    """In 330 kills among three writers the file is always whole and no acknowledged write is missing."""
    driver = opened(tmp_path)
    with driver.transaction():
        for number in range(30):
            driver.put(f"ballast/{number}", Secret(BALLAST))
    rng = random.Random(7)
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    last: dict[int, int] = {}

    def start(writer: int, number: int) -> int:
        return child(lambda: write_on(tmp_path, writer, number, write_end))

    pids = [start(writer, 0) for writer in range(WRITERS)]
    try:
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.0, 0.03))
            victim = rng.randrange(WRITERS)
            kill(pids[victim])
            acknowledged(read_end, last)
            pids[victim] = start(victim, check(tmp_path, last)[victim] + 1)
    finally:
        for pid in pids:
            kill(pid)
    acknowledged(read_end, last)

    assert min(check(tmp_path, last).values()) > 20
    driver.put("w", Secret("0"))
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


@pytest.mark.long
def test_kills_while_rekeying(tmp_path: Path) -> None:
    """In 60 kills during rekey, and adding and removing slots, the file is whole and the first key opens it."""
    driver = opened(tmp_path)
    with driver.transaction():
        for number in range(50):
            driver.put(f"a{number}", Secret(BALLAST))
    rng = random.Random(11)
    started = time.monotonic()
    keys.rekey(target_in(tmp_path))
    seconds = time.monotonic() - started  # of one rekey on this machine, as busy as it is
    before = (tmp_path / NAME).read_bytes()

    for _ in range(60):
        pid = child(lambda: rekey_on(tmp_path))
        time.sleep(rng.uniform(seconds, 5 * seconds))
        kill(pid)
        driver = opened(tmp_path)
        assert values(driver, [entry.name for entry in driver.list("")]) == [BALLAST] * 50

    assert before.splitlines()[0] != (tmp_path / NAME).read_bytes().splitlines()[0]


def rekey_on(folder: Path) -> None:
    """Rekey again and again, in each way that does."""
    target = target_in(folder)
    while True:
        keys.rekey(target)
        added = keys.add_slot(target, "key", path=str(folder / f"key-{os.getpid()}"))
        keys.remove_slot(target, added.id)
