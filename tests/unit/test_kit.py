"""The parts that plugins share: statuses, sign-in, text, pages, side-cars and the lock."""

import os
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import grpc
import pytest

from tailorsecrets import errors, kit
from tailorsecrets.driver import PerProcess
from tailorsecrets.secret import Secret

CANARY = "canary-value"


@pytest.mark.parametrize("status", HTTPStatus)
def test_each_http_status_has_a_meaning(status: HTTPStatus) -> None:
    """A status of the server's side is never taken for a missing or denied secret, and none is without a meaning."""
    kind = kit.http_kind(status)
    assert kind is not errors.SecretsError
    assert (kind is errors.NotFound) == (status in {404, 410})
    assert (kind is errors.Denied) == (status == 403)
    assert status < 500 or kind in {errors.Unavailable, errors.Unsupported}


def test_a_grpc_status_that_is_no_answer() -> None:
    """Each failure of gRPC has a meaning; OK and a name that gRPC does not have are errors of the caller."""
    assert all(kit.grpc_kind(code.name) for code in grpc.StatusCode if code is not grpc.StatusCode.OK)
    assert kit.grpc_kind("UNAVAILABLE") is errors.Unavailable
    for wrong in ("OK", "unavailable"):
        with pytest.raises(KeyError):
            kit.grpc_kind(wrong)


def test_a_problem_of_an_answer() -> None:
    """A Problem has the kind of the status, its number as the code, and the pause that the headers ask for."""
    problem = kit.http_problem(429, {"retry-AFTER": "3"}, hint="wait", reason="too many")
    assert problem == (errors.Throttled, "wait", 3.0, "too many", "HTTP 429")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-4"}, 0.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        (None, None),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:50 GMT"}, 9.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str] | None, seconds: float | None) -> None:
    """Seconds and dates are read, never below zero; other texts give None."""
    assert kit.retry_after(headers) == seconds


class Refused(Exception):
    """The store does not accept the login."""


class Counter:
    """A store that accepts only the logins from number *first* on."""

    def __init__(self, first: int) -> None:
        self.first, self.logins = first, 0
        self.sign_in = kit.SignIn(self.log_in, lambda exc: isinstance(exc, Refused))

    def log_in(self) -> int:
        """Return the next login."""
        self.logins += 1
        return self.logins

    def read(self) -> str:
        """Read with the login."""
        return self.sign_in.call(self.answer)

    def answer(self, login: int) -> str:
        """Accept *login* or not."""
        if login < self.first:
            raise Refused
        return f"with {login}"


def test_sign_in_once() -> None:
    """Sixteen threads share one login, and a refused login is replaced once for all of them."""
    store = Counter(first=2)
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: store.read(), range(64))) == {"with 2"}
    assert store.logins == 2
    assert "2" not in repr(store.sign_in)


def test_a_second_refusal_is_raised() -> None:
    """A login that is refused again is not tried a third time, and other exceptions sign nobody in."""
    store = Counter(first=9)
    with pytest.raises(Refused):
        store.read()
    assert store.logins == 2
    with pytest.raises(ZeroDivisionError):
        store.sign_in.call(lambda login: login / 0)
    assert store.logins == 2


def test_a_login_that_cannot_be_replaced() -> None:
    """A given token that is refused is not sent again."""
    sent: list[str] = []

    def refuse(login: str) -> None:
        sent.append(login)
        raise Refused

    with pytest.raises(Refused):
        kit.again_after_login(lambda: "given", refuse, lambda exc: isinstance(exc, Refused), lambda _: False)
    assert sent == ["given"]


def test_text() -> None:
    """Octets in UTF-8 read as they are; others are Corrupt, and the error shows nothing of them."""
    assert kit.as_text(b"\xef\xbb\xbf \xc3\xa9\r\n") == Secret("\ufeff \u00e9\r\n")
    with pytest.raises(errors.Corrupt) as caught:
        kit.as_text(CANARY.encode() + b"\xff")
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inside = [frame for frame in report.stack if frame.filename == kit.as_text.__code__.co_filename]
    assert inside
    assert CANARY not in "".join(str(frame.locals) for frame in inside)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_pages() -> None:
    """All pages are walked, each when it is needed."""
    asked: list[str] = []

    def page(token: str) -> tuple[list[str], str | None]:
        asked.append(token)
        return {"": (["a", "b"], "2"), "2": ([], "3"), "3": (["c"], None)}[token]

    walk = kit.walk_pages(page)
    assert [next(walk), next(walk), asked] == ["a", "b", [""]]
    assert [*walk, *asked] == ["c", "", "2", "3"]


def test_a_page_that_fails() -> None:
    """The failure of a later page is raised, after what came before it."""

    def page(token: str) -> tuple[list[str], str]:
        if token:
            raise Refused
        return ["a"], "2"

    walk = kit.walk_pages(page)
    assert next(walk) == "a"
    with pytest.raises(Refused):
        next(walk)


def test_pages_in_a_circle() -> None:
    """A store whose pages lead back to an earlier one is unavailable, not an endless list."""
    with pytest.raises(errors.Unavailable):
        list(kit.walk_pages(lambda token: ([token], "2" if token != "2" else "1")))


@pytest.mark.parametrize("of", ["17", Secret("value")])
def test_a_side_car(of: str | Secret) -> None:
    """A side-car has the stamp and tags of the write that it was made for."""
    car = kit.SideCar()
    text = car.text(of, stamp="stamp", tags={"team": "payments"})
    assert car.read(text, of) == ("stamp", {"team": "payments"})
    assert car.is_one(car.name("default/api/key"))
    assert not car.is_one("default/api/key")
    assert "value" not in text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"of": 1}', '{"of": "18", "key": "", "stamp": "s"}'])
def test_a_side_car_of_another_write(text: str) -> None:
    """A side-car of another write, or a damaged one, has no effect."""
    car = kit.SideCar()
    assert car.read(text, "18") == ("", {})
    assert car.read(car.text("17", stamp="stamp"), "18") == ("", {})
    assert car.read(car.text(Secret("old"), stamp="stamp"), Secret("new")) == ("", {})


def test_the_lock_of_threads(tmp_path: Path) -> None:
    """One writer at a time, also where each thread has its own driver; a late one gets Unavailable."""
    path, inside, most = str(tmp_path / "lock"), list[int](), list[int]()

    def write(number: int) -> None:
        with kit.locked(path, 10):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))
    assert set(most) == {1}
    with kit.locked(path, 1), ThreadPoolExecutor(1) as thread:
        late = thread.submit(lambda: next(held(path)))
        assert isinstance(late.exception(), errors.Unavailable)
    with kit.locked(path, 0.1):
        assert Path(path).stat().st_mode & 0o777 == 0o600


def held(path: str) -> Iterator[None]:
    """Hold the lock until the iterator is closed."""
    with kit.locked(path, 0.05, what="the store"):
        yield


def hold(path: str, ready: "threading.Event", done: "threading.Event") -> None:
    """Hold the lock in another process."""
    with kit.locked(path, 5):
        ready.set()
        done.wait(10)


def test_the_lock_of_processes(tmp_path: Path) -> None:
    """A writer in another process is waited for, and named in the error."""
    path, context = str(tmp_path / "lock"), get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(path, ready, done))
    other.start()
    assert ready.wait(30)
    with pytest.raises(errors.Unavailable, match=r"another writer holds the store; waited up to 0[.]05 s"):
        next(held(path))
    done.set()
    with kit.locked(path, 10):
        other.join()


def test_who_waited_for_a_failed_attempt_fails_too() -> None:
    """Threads that wait while one makes a client that cannot be made get its failure, not an attempt each."""
    started, go, attempts = threading.Event(), threading.Event(), list[int]()

    def make() -> int:
        attempts.append(1)
        started.set()
        go.wait(10)
        raise Refused

    things = PerProcess(make)

    def get(_: int) -> str:
        try:
            things.get()
        except Refused:
            return "refused"
        return "made"

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(get, 0)
        assert started.wait(10)
        others = [threads.submit(get, number) for number in range(1, 8)]
        while threads._work_queue.qsize() or sum(each.running() for each in others) < 7:
            pass
        threading.Event().wait(0.1)  # until all of them wait for the lock
        go.set()
        assert {each.result() for each in (first, *others)} == {"refused"}
    assert len(attempts) == 1
    assert get(0) == "refused"
    assert len(attempts) == 2


def test_two_threads_drop_one_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them drops it; the other one does not drop the thing that was made after it."""
    at_work, go_on, getpid = threading.Event(), threading.Event(), os.getpid
    things = PerProcess(partial(next, count(1)))
    first, names = things.get(), list[str]()

    def slowly() -> int:
        names.append(threading.current_thread().name)
        if names.count("slow") == 2:  # the thing is known to be the current one
            at_work.set()
            go_on.wait(0.5)
        return getpid()

    monkeypatch.setattr(os, "getpid", slowly)
    dropped = list[int | None]()
    slow = threading.Thread(target=lambda: dropped.append(things.drop(first)), name="slow")
    slow.start()
    assert at_work.wait(10)
    dropped.append(things.drop(first))
    second = things.get()
    go_on.set()
    slow.join()
    assert (sorted(dropped, key=str), things.get(), second) == ([1, None], 2, 2)
