"""The awaited functions: the event loop goes on, and who is cancelled leaves nothing behind."""

import asyncio
import gc
import inspect
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.aio
from support.builders import Clock, GatedSource, ListSource, by_hand, listed
from suppress import SourceError, StopListUnavailable, Suppressor

LISTED, OTHER, REPLIER = "+14155552671", "+14155552672", "+14155552673"


@pytest.fixture
def source() -> Iterator[GatedSource]:
    source = GatedSource(LISTED)
    yield source
    source.open.set()


@pytest.fixture(autouse=True)
def default(source: GatedSource, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Suppressor:
    one = by_hand(source, clock=clock, store=None, default_region="US")
    monkeypatch.setattr("suppress.default._made", one)
    return one


def test_the_loop_goes_on_while_the_list_is_read(source: GatedSource) -> None:
    async def main() -> list[str]:
        source.shut()
        screening = asyncio.create_task(
            suppress.aio.filter_recipients([LISTED, OTHER], "sms", default_region="US")
        )
        while not source.begun.is_set():
            await asyncio.sleep(0.001)
        # The loop runs, or nobody would open the gate.
        source.open.set()
        return await screening

    assert asyncio.run(main()) == [OTHER]


def test_all_have_a_twin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = ListSource(listed(LISTED))
    one = by_hand(source, store=tmp_path)
    monkeypatch.setattr("suppress.default._made", one)

    async def main() -> None:
        assert await suppress.aio.is_suppressed(LISTED, "sms")
        assert (await suppress.aio.screen([OTHER], "sms")).counts["allowed"] == 1
        assert (await suppress.aio.refresh("sms"))["sms"].count == 1
        assert await suppress.aio.add([OTHER], "sms") == 1
        assert await suppress.aio.is_suppressed(OTHER, "sms")
        said = await suppress.aio.receive_reply(REPLIER, "STOP", "sms", reference="SM1")
        assert said is suppress.Reply.OPT_OUT
        assert await suppress.aio.is_suppressed(REPLIER, "sms")
        assert await suppress.aio.receive_reply(REPLIER, "Hello", "sms") is None
        (change,) = await suppress.aio.history(REPLIER)
        assert (change.via, change.reference) == ("reply", "SM1")
        with pytest.raises(suppress.InvalidNumber):
            await suppress.aio.receive_reply("12", "STOP", "sms")
        assert await suppress.aio.remove([LISTED, OTHER], "sms") == {
            LISTED: ("list",),
            OTHER: (),
        }
        with pytest.raises(suppress.UnknownChannel):
            await suppress.aio.filter_recipients([OTHER], "smss")

    asyncio.run(main())


def test_cancelled_calls_leave_the_machine_to_others(source: GatedSource) -> None:
    async def main() -> list[str]:
        source.shut()
        for _ in range(3):
            screenings = [
                asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms")) for _ in range(200)
            ]
            refreshes = [asyncio.create_task(suppress.aio.refresh("sms")) for _ in range(40)]
            while not source.begun.is_set():
                await asyncio.sleep(0.001)
            for each in (*screenings, *refreshes):
                each.cancel()
        began = time.monotonic()
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        names = [each.name for each in threading.enumerate()]
        assert names.count("suppress") < 80
        source.open.set()
        allowed = await suppress.aio.filter_recipients(numbers=[LISTED, OTHER], channel="sms")
        assert time.monotonic() - began < 5
        return allowed

    assert asyncio.run(main()) == [OTHER]


def test_a_channel_that_waits_holds_up_no_other(source: GatedSource, clock: Clock) -> None:
    async def main() -> bool:
        await suppress.aio.refresh("viber")
        source.shut()
        waiting = [
            asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms")) for _ in range(100)
        ]
        await asyncio.sleep(0)
        found = await suppress.aio.is_suppressed(OTHER, "viber")
        source.open.set()
        assert not any(await asyncio.gather(*waiting))
        return found

    assert asyncio.run(main()) is False


@pytest.mark.slow
def test_all_who_wait_get_the_error(source: GatedSource, caplog: pytest.LogCaptureFixture) -> None:
    source.failure = SourceError("it is down")

    async def main() -> list[Any]:
        source.shut()
        calls = [asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms")) for _ in range(9)]
        await asyncio.sleep(0.01)
        calls[0].cancel()
        source.open.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(main())
    assert isinstance(found[0], asyncio.CancelledError)
    assert {type(each) for each in found[1:]} == {StopListUnavailable}
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_function_of_ones_own_in_a_thread(default: Suppressor) -> None:
    numbers = [LISTED, OTHER]
    awaited = suppress.aio.in_thread(default.filter_recipients, numbers, channel="sms")
    assert asyncio.run(awaited) == [OTHER]


def test_documentation_and_names_are_those_of_the_functions() -> None:
    names = [
        "add",
        "filter_recipients",
        "is_suppressed",
        "receive_reply",
        "refresh",
        "remove",
        "screen",
        "status",
    ]
    for name in names:
        twin, function = getattr(suppress.aio, name), getattr(suppress, name)
        assert twin.__doc__ == function.__doc__
        assert inspect.iscoroutinefunction(twin)
