"""The module's functions for asyncio: the same, but awaited, and the loop goes on meanwhile.

Each runs in a thread of the loop's default executor. With a `Suppressor` of your own, do
the same: `await asyncio.to_thread(suppressor.screen, numbers, channel)`.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from suppress import default
from suppress.errors import SuppressError
from suppress.tracebacks import stripped

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    @functools.wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except SuppressError as error:
            bare = stripped(error)
        del args, kwargs
        raise bare

    return twin


add = _awaited(default.add)
filter_recipients = _awaited(default.filter_recipients)
is_suppressed = _awaited(default.is_suppressed)
refresh = _awaited(default.refresh)
remove = _awaited(default.remove)
screen = _awaited(default.screen)
