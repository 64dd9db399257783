"""The two worlds that bodies and webhooks run in: a plain thread, or an event loop of asyncio or trio.

Dispatch is written once, as coroutines that await nothing but the methods of a World. In ``Blocking`` those are done
when they return, so ``drive`` brings a coroutine to its end without an event loop.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar, cast

from tailorsecrets.app.posting import Answer, Post, apost, post
from tailorsecrets.errors import ConfigError
from tailorsecrets.references.resolving import Parsed, Reader, aresolve, resolve
from tailorsecrets.secret import Secret

T = TypeVar("T")
Job = Callable[[], Coroutine[Any, Any, T]]


class World(Protocol):
    """How things are done here."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Return what *function*, plain or async, gives."""

    async def resolve(self, secrets: Reader, headers: Parsed) -> dict[str, Secret]:
        """Return *headers* with the references filled in."""
        ...

    async def post(self, request: Post) -> Answer:
        """Send *request*."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Return what *jobs* give, in order."""
        ...


class Blocking:
    """In the caller's thread, one thing after the other; an async body gets an event loop of its own."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Call *function* here, and see it to its end."""
        result = function(*args, **parts)
        return _finish(result) if inspect.isawaitable(result) else result

    async def resolve(self, secrets: Reader, headers: Parsed) -> dict[str, Secret]:
        """Read here."""
        return resolve(secrets, headers)

    async def post(self, request: Post) -> Answer:
        """Send from here."""
        return post(request)

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)  # noqa: ASYNC251  # there is no event loop

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Do one after the other."""
        return [await job() for job in jobs]


class Concurrent:
    """In the caller's event loop, together; a plain body gets a thread."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Call an async *function* here, a plain one in a thread."""
        from anyio import to_thread

        if inspect.iscoroutinefunction(function):
            return await function(*args, **parts)
        (result,) = await to_thread.run_sync(lambda: [function(*args, **parts)])  # trio lets no bare coroutine through
        return await result if inspect.isawaitable(result) else result

    async def resolve(self, secrets: Reader, headers: Parsed) -> dict[str, Secret]:
        """Read without blocking the loop."""
        return await aresolve(secrets, headers)

    async def post(self, request: Post) -> Answer:
        """Send without blocking the loop."""
        return await apost(request)

    async def sleep(self, seconds: float) -> None:
        """Let others run."""
        from anyio import sleep

        await sleep(seconds)

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Do all at once."""
        from anyio import create_task_group

        results: dict[int, T] = {}

        async def keep(index: int, job: Job[T]) -> None:
            results[index] = await job()

        async with create_task_group() as group:
            for index, job in enumerate(jobs):
                group.start_soon(keep, index, job)
        return [results[index] for index in range(len(jobs))]


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what *coroutine*, whose world is Blocking, gives."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise AssertionError("nothing in a blocking world waits for an event loop")


def _finish(awaitable: Awaitable[T]) -> T:
    import anyio

    entered = False

    async def waiting() -> T:
        nonlocal entered
        entered = True
        return await awaitable

    try:
        return anyio.run(waiting)
    except RuntimeError:
        if entered:
            raise
    if isinstance(awaitable, Coroutine):
        awaitable.close()
    raise ConfigError(
        "an async body was called by emit, call or start inside an event loop", hint="await aemit, acall or astart"
    )
