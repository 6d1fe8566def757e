"""The outcome of a call, handed to those who wait for it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def resolve(future: Future[T], call: Callable[[], T]) -> None:
    """Make a call, and hand its result or its error to the future."""
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
        future.set_exception(error)
    else:
        future.set_result(result)
