"""Errors without the frames of suppress, whose variables hold phone numbers.

An error report may show the variables of every frame. The message of an error already says
what went wrong and what to do. The frames of a plugin that failed stay.
"""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from suppress.errors import SuppressError

P = ParamSpec("P")
T = TypeVar("T")


def without_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise errors of suppress without the frames they passed."""

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
    """Remove the frames of suppress from an error and from its causes; return it."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        foreign = None if isinstance(each, SuppressError) else _foreign(each.__traceback__)
        each.__traceback__ = foreign
        each = each.__cause__ or each.__context__
    return error


def _foreign(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame on that is not of suppress."""
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != "suppress":
            break
        traceback = traceback.tb_next
    return traceback
