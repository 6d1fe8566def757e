"""Errors without suppress's own frames, whose variables are the numbers of people.

A report of an error may show the variables of every frame. What went wrong, and what to do,
is in the message of an error of suppress; the frames of a plugin that failed stay.
"""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from suppress.errors import SuppressError

P = ParamSpec("P")
T = TypeVar("T")


def without_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Let errors of suppress leave a function without the frames that they passed."""

    @functools.wraps(function)
    def outermost(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except SuppressError as error:
            bare = stripped(error)
        del args, kwargs  # this frame is shown, too
        try:
            raise bare
        finally:
            del bare

    return outermost


def stripped(error: SuppressError) -> SuppressError:
    """The same error, it and what it came from without the frames of suppress."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        foreign = None if isinstance(each, SuppressError) else _foreign(each.__traceback__)
        each.__traceback__ = foreign
        each = each.__cause__ or each.__context__
    return error


def _foreign(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is not suppress's own."""
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != "suppress":
            break
        traceback = traceback.tb_next
    return traceback
