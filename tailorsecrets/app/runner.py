"""How bodies and webhooks run: in a plain thread, or in an event loop of asyncio or trio.

Dispatch is written once, as coroutines that await only the methods of a Runner. Those of ``BlockingRunner`` never
suspend, so ``run_blocking`` runs such a coroutine to its end without an event loop.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar, cast

from tailorsecrets.app.posting import PostRequest, PostResult, apost, post
from tailorsecrets.errors import ConfigError
from tailorsecrets.references.resolving import ParsedHeaders, Reader, aresolve, resolve
from tailorsecrets.secret import Secret

T = TypeVar("T")
Job = Callable[[], Coroutine[Any, Any, T]]


class Runner(Protocol):
    """The operations that differ between a thread and an event loop."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Return the result of *function*, which is plain or async."""

    async def resolve(self, secrets: Reader, headers: ParsedHeaders) -> dict[str, Secret]:
        """Return *headers* with the references filled in."""
        ...

    async def post(self, request: PostRequest) -> PostResult:
        """Send *request*."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Return the results of *jobs*, in order."""
        ...


class BlockingRunner:
    """Runs in the caller's thread, one job after the other; an async body runs in a new event loop."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Call *function* here, and run it to its end."""
        result = function(*args, **parts)
        return _finish(result) if inspect.isawaitable(result) else result

    async def resolve(self, secrets: Reader, headers: ParsedHeaders) -> dict[str, Secret]:
        """Read in this thread."""
        return resolve(secrets, headers)

    async def post(self, request: PostRequest) -> PostResult:
        """Send from this thread."""
        return post(request)

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)  # noqa: ASYNC251  # there is no event loop

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Run one after the other."""
        return [await job() for job in jobs]


class AsyncRunner:
    """Runs in the caller's event loop, all jobs at once; a plain body gets a thread."""

    async def call(self, function: Callable[..., Any], *args: Any, **parts: Any) -> Any:
        """Call an async *function* here, a plain one in a thread."""
        from anyio import to_thread

        if inspect.iscoroutinefunction(function):
            return await function(*args, **parts)
        (result,) = await to_thread.run_sync(
            lambda: [function(*args, **parts)]
        )  # in a list: trio refuses a bare coroutine
        return await result if inspect.isawaitable(result) else result

    async def resolve(self, secrets: Reader, headers: ParsedHeaders) -> dict[str, Secret]:
        """Read without blocking the loop."""
        return await aresolve(secrets, headers)

    async def post(self, request: PostRequest) -> PostResult:
        """Send without blocking the loop."""
        return await apost(request)

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        from anyio import sleep

        await sleep(seconds)

    async def all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """Run all at once."""
        from anyio import create_task_group

        results: dict[int, T] = {}

        async def keep(index: int, job: Job[T]) -> None:
            results[index] = await job()

        async with create_task_group() as group:
            for index, job in enumerate(jobs):
                group.start_soon(keep, index, job)
        return [results[index] for index in range(len(jobs))]


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of *coroutine*, which awaits only a BlockingRunner."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise AssertionError("a BlockingRunner never suspends")


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
        "emit, call or start cannot run an async body inside an event loop", hint="await aemit, acall or astart"
    )
