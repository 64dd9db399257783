"""The disk, other processes and other threads."""

import importlib
import multiprocessing
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import pytest

from tailorsecrets.driver import ABSENT
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    SecretsError,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets_file import disk, key_files, keys
from tests.support.file.opening import NAME, opened, store_type, target_in, text

pyrage: Any = importlib.import_module("pyrage")  # it has no types
FORK = multiprocessing.get_context("fork")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the children use no lock of a thread


def write_many(folder: Path, writer: int) -> None:
    """Write twenty secrets, each on its own."""
    driver = opened(folder)
    for number in range(20):
        driver.put(f"{writer}/{number}", Secret(str(number)))


def test_processes_that_write_at_once(tmp_path: Path) -> None:
    """Of four processes that write into a file that none of them found, no write is lost."""
    processes = [FORK.Process(target=write_many, args=(tmp_path, writer)) for writer in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 4
    assert len(list(opened(tmp_path).list(""))) == 80
    assert len(list((tmp_path / "config" / "tailorsecrets" / "keys").iterdir())) == 1


def test_threads_that_share_a_driver(tmp_path: Path) -> None:
    """Sixteen threads put, read and list through one driver, and no write is lost."""
    driver = opened(tmp_path)
    driver.setup()

    def work(thread: int) -> None:
        for number in range(5):
            driver.put(f"{thread}/{number}", Secret(str(number)))
            assert text(driver, f"{thread}/{number}") == str(number)
            assert len(list(driver.list(f"{thread}/"))) == number + 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))

    assert len(list(driver.list(""))) == 80


def test_one_thread_of_many_creates(tmp_path: Path) -> None:
    """Of sixteen threads that expect ABSENT one succeeds, and the others see AlreadyExists."""
    driver = opened(tmp_path)

    def create(thread: int) -> bool:
        try:
            driver.put("a", Secret(str(thread)), expect=ABSENT)
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_a_transaction_is_of_its_thread(tmp_path: Path) -> None:
    """Another thread does not see what a transaction has not written yet, and its own write waits."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))

    with ThreadPoolExecutor(1) as pool:
        with driver.transaction():
            driver.put("a", Secret("2"))
            assert pool.submit(text, driver, "a").result() == "1"
            waiting = pool.submit(driver.put, "b", Secret("3"))
            time.sleep(0.05)
            assert not waiting.done()
        waiting.result()

    assert (text(driver, "a"), text(driver, "b")) == ("2", "3")


def test_a_lock_that_is_not_free_in_time(tmp_path: Path) -> None:
    """A write waits four times the timeout of a read, then it is Unavailable; a read waits for nobody."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    hasty = store_type().open(target_in(tmp_path, timeout=0.05))

    with ThreadPoolExecutor(1) as pool, driver.transaction():
        started = time.monotonic()
        with pytest.raises(Unavailable):
            pool.submit(hasty.put, "a", Secret("2")).result()
        assert 0.2 <= time.monotonic() - started < 2
        assert text(hasty, "a") == "1"


def test_a_thread_that_is_not_free_in_time(tmp_path: Path) -> None:
    """A write through the driver of another thread's transaction waits as long, then it is Unavailable."""
    hasty = store_type().open(target_in(tmp_path, timeout=0.05))
    hasty.setup()

    with ThreadPoolExecutor(1) as pool, hasty.transaction(), pytest.raises(Unavailable, match="another thread"):
        pool.submit(hasty.put, "a", Secret("2")).result()


def test_a_thread_does_not_wait_for_itself(tmp_path: Path) -> None:
    """A write through a second driver inside a transaction of the same thread is Unavailable."""
    driver = opened(tmp_path)
    driver.setup()
    second = store_type().open(target_in(tmp_path, timeout=0.05))

    with driver.transaction(), pytest.raises(Unavailable):
        second.put("a", Secret("1"))


@pytest.mark.forks
def test_a_fork_amid_a_transaction(tmp_path: Path) -> None:
    """A child that is forked while another thread writes reads at once, and can write when the lock is free."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with driver.transaction():
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(30)
    queue = FORK.Queue()

    def read_and_write() -> None:
        queue.put(text(driver, "a"))
        driver.put("a", Secret("2"))

    process = FORK.Process(target=read_and_write)
    process.start()
    assert queue.get(timeout=30) == "1"
    done.set()
    thread.join()
    process.join(30)

    assert process.exitcode == 0
    assert text(driver, "a") == "2"


@contextmanager
def file_size_limit(octets: int) -> Iterator[None]:
    """Let this process write no file longer than that, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk(tmp_path: Path) -> None:
    """A rewrite that does not fit leaves the old file whole and nothing beside it, and is Unavailable."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    before = (tmp_path / NAME).read_bytes()

    with file_size_limit(len(before) + 1000), pytest.raises(OSError, match="too large") as caught:
        driver.put("b", Secret("canary" * 1000))

    assert driver.explain(caught.value, "put").kind is Unavailable
    assert "canary" not in repr(driver.explain(caught.value, "put"))
    assert (tmp_path / NAME).read_bytes() == before
    assert list(tmp_path.glob(".*.tmp")) == []
    driver.put("b", Secret("2"))


def unprivileged(work: Callable[[], None]) -> None:
    """Run *work* as a user whom permissions bind, in a child if we are root; it fails as it fails there."""
    if os.getuid() != 0:
        work()
        return
    process = FORK.Process(target=as_nobody, args=(work,))
    process.start()
    process.join(30)
    assert process.exitcode == 0


def as_nobody(work: Callable[[], None]) -> None:
    """Become another user for good and run *work*."""
    os.setgid(65534)
    os.setuid(65534)
    work()


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder with a store that every user of this machine can read, key included."""
    folder = Path(tempfile.mkdtemp())
    opened(folder).put("a", Secret("1"))
    for path in (folder, *folder.rglob("*")):
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_is_read_only(shared: Path) -> None:
    """In a folder that we may not change, reading works and every write is Denied, naming the file."""
    assert filelock  # loaded before we lose the right to
    (shared / f".{NAME}.lock").unlink()
    shared.chmod(0o555)

    def work() -> None:
        driver = opened(shared)
        assert text(driver, "a") == "1"
        with pytest.raises(PermissionError) as caught:
            driver.put("a", Secret("2"))
        problem = driver.explain(caught.value, "put")
        assert problem.kind is Denied
        assert NAME in problem.hint

    before = (shared / NAME).read_bytes()
    unprivileged(work)
    assert (shared / NAME).read_bytes() == before


def test_a_folder_that_we_may_not_enter(shared: Path) -> None:
    """A store in a folder that is closed to us is Denied, to readers and to writers, and not missing."""
    shared.chmod(0)

    def work() -> None:
        driver = store_type().open(target_in(shared, create=False))
        for use in (lambda: driver.get("a"), lambda: driver.put("a", Secret("2"))):
            with pytest.raises(PermissionError) as caught:
                use()
            assert driver.explain(caught.value, "put").kind is Denied

    unprivileged(work)


def test_a_file_that_we_may_not_read(shared: Path) -> None:
    """A store file without the right to read is Denied, which is not missing."""
    (shared / NAME).chmod(0)

    def work() -> None:
        driver = opened(shared)
        with pytest.raises(PermissionError) as caught:
            driver.get("a")
        assert driver.explain(caught.value, "get").kind is Denied

    unprivileged(work)


@pytest.mark.skipif(os.getuid() != 0, reason="only root writes files of others")
def test_the_owner_of_the_file_stays(shared: Path) -> None:
    """A rewrite by root leaves the file to its owner."""
    for key in (shared / "config" / "tailorsecrets" / "keys").iterdir():
        os.chown(key, 0, 0)

    opened(shared).put("a", Secret("2"))

    assert (shared / NAME).stat().st_uid == 65534


def test_a_lock_file_that_is_a_link(tmp_path: Path) -> None:
    """A link in the place of the lock file is refused, and the file that it points to is left alone."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    (tmp_path / f".{NAME}.lock").unlink()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f".{NAME}.lock").symlink_to("precious")

    with pytest.raises(OSError, match="symbolic link") as caught:
        driver.put("a", Secret("2"))

    assert driver.explain(caught.value, "put").kind is ConfigError
    assert (tmp_path / "precious").read_text() == "precious"
    assert text(driver, "a") == "1"


@pytest.mark.parametrize("name", [f".{NAME}.lock", f".{NAME}.123-0123abcd.tmp"])
def test_a_folder_in_the_way_of_a_write(tmp_path: Path, name: str) -> None:
    """A folder instead of the lock file or a temporary file is named, and reads still work."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).mkdir()

    with pytest.raises(ConfigError, match="is a folder, but is needed as") as caught:
        driver.put("a", Secret("2"))

    assert str(tmp_path / name) in str(caught.value)
    assert text(driver, "a") == "1"


@pytest.mark.parametrize("place", ["store", "key file", "named identity", "found identity"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, place: str) -> None:
    """A pipe in the place of a file of ours is refused at once; nobody may ever write into it."""
    opened(tmp_path).put("a", Secret("1"))
    os.mkfifo(tmp_path / "pipe")
    pipe, environ = str(tmp_path / "pipe"), {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}
    keys.add_slot(target_in(tmp_path), "age", recipient=str(pyrage.x25519.Identity.generate().to_public()))
    if place == "key file":
        environ["TAILORSECRETS_FILE_KEY_FILE"] = pipe
    else:
        environ["TAILORSECRETS_FILE_AGE_IDENTITY" if place == "named identity" else "SOPS_AGE_KEY_FILE"] = pipe
    target = target_in(tmp_path, path="pipe" if place == "store" else NAME, environ=environ)

    with pytest.raises((ConfigError, Unauthenticated)):
        store_type().open(target).get("a")
    with pytest.raises((ConfigError, Unauthenticated)):
        keys.trust(target)


def test_the_declared_filelock_follows_no_link() -> None:
    """The bound of the dependency excludes versions that follow a link and truncate the file behind it."""
    settings = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())

    assert "filelock>=4.0" in settings["project"]["dependencies"]


@pytest.mark.parametrize(("folder", "lock"), [(0o755, 0o600), (0o2775, 0o660), (0o1777, 0o666), (0o700, 0o600)])
def test_the_lock_file_is_for_all_writers(tmp_path: Path, folder: int, lock: int) -> None:
    """Whoever may write into the folder may take the lock, also where the folder was opened later."""
    place = tmp_path / "folder"
    place.mkdir()
    driver = opened(place)
    driver.setup()
    assert stat.S_IMODE((place / f".{NAME}.lock").stat().st_mode) == 0o600
    place.chmod(folder)

    driver.put("a", Secret("1"))

    assert stat.S_IMODE((place / f".{NAME}.lock").stat().st_mode) == lock


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("writers", [(1001, 1002), (1002, 1001)])
def test_two_users_write(writers: tuple[int, int]) -> None:
    """Two users of one group write by turns, and the file stays in that group."""
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, 0, 2000)
    folder.chmod(0o775)
    environ = {"TAILORSECRETS_FILE_KEY": key_files.generate()}

    def write_as(user: int) -> None:
        os.setgroups([2000])
        os.setgid(user)
        os.setuid(user)
        driver = store_type().open(target_in(folder, environ=environ))
        driver.put(f"by-{user}", Secret("1"))
        os.chown(folder / NAME, -1, 2000)
        (folder / NAME).chmod(0o660)

    for user in (*writers, *writers):
        process = FORK.Process(target=write_as, args=(user,))
        process.start()
        process.join(30)
        assert process.exitcode == 0
    status = (folder / NAME).stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (2000, 0o660)
    shutil.rmtree(folder)


def test_what_a_killed_writer_left(tmp_path: Path) -> None:
    """The next write takes away the unfinished file of a writer that was killed, and nothing else."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    others = (f".{NAME}.other", "x.tmp", f".{NAME}.old.123-0123abcd.tmp")  # the last: of a store NAME.old
    for name in (f".{NAME}.123-0123abcd.tmp", *others):
        (tmp_path / name).write_text("junk")

    driver.put("a", Secret("2"))

    assert not (tmp_path / f".{NAME}.123-0123abcd.tmp").exists()
    assert all((tmp_path / name).exists() for name in others)


def test_another_program_changes_the_file(tmp_path: Path) -> None:
    """A change that git makes during a transaction is not overwritten: the transaction is a Conflict."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    older = (tmp_path / NAME).read_bytes()
    driver.put("a", Secret("2"))

    def write() -> None:
        with driver.transaction():
            driver.put("a", Secret("3"))
            (tmp_path / NAME).write_bytes(older)

    with pytest.raises(Conflict):
        write()

    assert text(driver, "a") == "1"


def test_key_files_are_made_once(tmp_path: Path) -> None:
    """Making a file that is there already leaves it as it is."""
    path = str(tmp_path / "key")

    disk.create(path, b"1")
    disk.create(path, b"2")

    assert disk.read(path)[0] == b"1"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("number", range(1, 134))
def test_every_disk_error_has_a_meaning(tmp_path: Path, number: int) -> None:
    """Each error number explains as one of our errors, and the hint says what the system said."""
    error = OSError(number, os.strerror(number), "/a/file")

    problem = opened(tmp_path).explain(error, "put")

    assert issubclass(problem.kind, SecretsError)
    assert problem.kind is not SecretsError
    assert os.strerror(number) in problem.hint


def seconds(folder: Path) -> float:
    """Return the processor time that one process takes to read one secret."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tailorsecrets.driver import Target\n"
        "from tailorsecrets_file import tailorsecrets_stores\n"
        "environ = {'XDG_CONFIG_HOME': sys.argv[1] + '/config'}\n"
        "target = Target(url='', scheme='file', path='secrets.jsonl', base=sys.argv[1], environ=environ)\n"
        "print(next(iter(tailorsecrets_stores())).open(target).get('w/v/name-7').value.reveal())\n"
        "heavy = {'filelock', 'platformdirs', 'pyrage', 'cryptography.hazmat.primitives.kdf.argon2', 'pluggy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", script, folder], check=True, capture_output=True)
    assert done.stdout == b"7\n"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_one_get_of_ten_thousand(tmp_path: Path) -> None:
    """A process that reads one secret of 10,000 takes at most twice as long as one of 10, and loads no more."""
    folders = {number: tmp_path / str(number) for number in (10, 10_000)}
    for number, folder in folders.items():
        folder.mkdir()
        driver = opened(folder)
        with driver.transaction():
            for each in range(number):
                driver.put(f"w/v/name-{each}", Secret(str(each)), stamp="s" * 43)

    runs = [{number: seconds(folder) for number, folder in folders.items()} for _ in range(7)]  # by turns

    assert min(run[10_000] for run in runs) <= 2 * min(run[10] for run in runs)
