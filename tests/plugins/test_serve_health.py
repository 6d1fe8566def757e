"""The lists of the service are kept recent, whatever happens to one of them."""

import logging
from typing import Any, cast

import anyio
import pytest

pytest.importorskip("starlette")

import suppress
from support.builders import ListSource, by_hand, listed
from suppress_http.backend import Backend
from suppress_http.health import keep_recent
from suppress_http.limits import HttpLimits

SECRET = "+14155552671"


class Odd:
    """A suppressor that fails at first, in a way that nobody foresaw."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.asked: list[str] = []
        self._real = by_hand(ListSource(listed(SECRET)), store="none")

    def snapshot(self, channel: str) -> suppress.Snapshot:
        self.asked.append(channel)
        if len(self.asked) <= self.failures:
            raise KeyError(SECRET)
        return self._real.snapshot(channel)


def test_an_error_that_nobody_foresaw_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    odd = Odd(3)

    async def keep() -> None:
        backend = Backend(cast("Any", odd), limits=HttpLimits(keep=0.01))
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keep_recent, backend, "sms")
                while len(odd.asked) < 5:
                    await anyio.sleep(0.01)
                tasks.cancel_scope.cancel()

    with caplog.at_level(logging.WARNING, "suppress"):
        anyio.run(keep)
    (record,) = caplog.records
    assert record.getMessage() == "The stop list for sms cannot be kept recent (KeyError)."
    assert vars(record)["code"] == "list_unavailable"
