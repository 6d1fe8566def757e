"""The functions of suppress for asyncio: awaited, while the event loop goes on.

Each runs in a thread of suppress, so that the default executor of the loop stays free for
others. However many tasks wait for a stop list, one thread waits for all of them, and a
cancelled task leaves nothing behind. Use `in_thread` for the methods of your own `Suppressor`.
"""

import asyncio
import contextvars
import functools
import inspect
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from suppress import default
from suppress.errors import SuppressError
from suppress.replies.receiving import receive_reply as _receive_reply
from suppress.stop_list.snapshot import Snapshot
from suppress.tracebacks import stripped
from suppress.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

# Calls that may wait for a server hold up no answer from a list that is there.
_ANSWERS, _LISTS, _OTHERS = Workers(8), Workers(32), Workers(32)

_waiting: weakref.WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[str, asyncio.Task[Snapshot]]
] = weakref.WeakKeyDictionary()
"""The task that waits for a channel's stop list, by event loop and channel."""


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread of suppress, as `asyncio.to_thread` does in another."""
    return await _run(_OTHERS, function, *args, **kwargs)


async def _run(
    workers: Workers, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    call = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(workers, call)


def _awaited(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make the twin of a function."""

    @functools.wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(function, *args, **kwargs)

    return twin


def _awaited_when_listed(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make the twin of a function that needs the stop list of its channel."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        await until_listed(signature.bind(*args, **kwargs).arguments["channel"])
        return await _run(_ANSWERS, function, *args, **kwargs)

    return twin


def _bare(twin: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make errors leave a twin without the frames of suppress, which hold numbers."""

    @functools.wraps(twin)
    async def outermost(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await twin(*args, **kwargs)
        except SuppressError as error:
            bare = stripped(error)
        del args, kwargs
        raise bare

    return outermost


async def until_listed(channel: str) -> None:
    """Wait until the channel's stop list is there, together with all who wait for it."""
    waiting = _waiting.setdefault(asyncio.get_running_loop(), {})

    def drop(task: asyncio.Task[Any]) -> None:
        del waiting[channel]
        if not task.cancelled():
            task.exception()  # everybody who still waits gets it

    if channel not in waiting:
        reading = _run(_LISTS, lambda: default.default_suppressor().snapshot(channel))
        waiting[channel] = asyncio.create_task(reading)
        waiting[channel].add_done_callback(drop)
    await asyncio.shield(waiting[channel])


add = _bare(_awaited(default.add))
filter_recipients = _bare(_awaited_when_listed(default.filter_recipients))
forget = _bare(_awaited(default.forget))
history = _bare(_awaited(default.history))
is_suppressed = _bare(_awaited_when_listed(default.is_suppressed))
receive_reply = _bare(_awaited(_receive_reply))
refresh = _bare(_awaited(default.refresh))
remove = _bare(_awaited(default.remove))
screen = _bare(_awaited_when_listed(default.screen))
status = _bare(_awaited(default.status))
