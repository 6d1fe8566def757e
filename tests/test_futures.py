"""The outcome of a call, handed to those who wait for it."""

from concurrent.futures import Future

import pytest

from suppress.futures import resolve


def test_a_result() -> None:
    future: Future[int] = Future()
    resolve(future, lambda: 3)
    assert future.result(0) == 3


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_error_of_any_kind(error: type[BaseException]) -> None:
    future: Future[int] = Future()

    def call() -> int:
        raise error

    resolve(future, call)
    assert isinstance(future.exception(0), error)
