"""Guarded sends: nobody on the list is sent a message, and nobody else is left out."""

import asyncio
import functools
import inspect
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import phonenumbers
import pytest

import suppress
from support.builders import ListSource, by_hand
from suppress import (
    Decision,
    InvalidArgument,
    InvalidNumber,
    Outcome,
    SourceError,
    StopListUnavailable,
    Suppressed,
    UnknownChannel,
    guarded_sends,
)
from suppress.testing import stop_list

LISTED, OTHER = "+14155552671", "+14155552672"


@pytest.fixture(autouse=True)
def default() -> Iterator[suppress.Suppressor]:
    with stop_list(sms=[LISTED], viber=[]) as one:
        yield one


@suppress.guard(channel="sms", to="phone")
def send(text: str, phone: object, *, retries: int = 0) -> str:
    """Send a text."""
    return f"{text} sent"


def test_a_send_to_somebody_who_is_not_listed_is_made() -> None:
    assert send("hello", OTHER) == "hello sent"
    assert send(phone=OTHER, text="hello", retries=2) == "hello sent"
    assert send.__name__ == "send"


@pytest.mark.parametrize("number", [LISTED, "(+1) 415 555-2671", 14155552671, (OTHER, LISTED)])
def test_a_send_to_somebody_listed_raises(number: object) -> None:
    with pytest.raises(Suppressed, match="Nothing was sent on sms: listed for sms") as raised:
        send("hello", number)
    decision = raised.value.decision
    assert (decision.recipient, decision.outcome) == (number, Outcome.SUPPRESSED)
    assert raised.value.channel == "sms"
    assert not raised.value.retryable


@pytest.mark.parametrize("number", ["nobody", None, "", [OTHER], {"phone": OTHER}, (None, "")])
def test_a_send_to_what_is_no_number_raises(number: object) -> None:
    with pytest.raises(InvalidNumber):
        send("hello", number)


def test_a_default_for_the_number_is_looked_up_too() -> None:
    @suppress.guard(channel="sms", to="phone")
    def alarm(text: str, phone: str = LISTED) -> None:
        raise AssertionError

    with pytest.raises(Suppressed):
        alarm("fire")


def test_a_call_with_wrong_arguments_is_the_callers_error() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'phone'"):
        send("hello")  # type: ignore[call-arg]


def test_the_number_may_be_among_further_keywords() -> None:
    @suppress.guard(channel="sms", to="phone")
    def deliver(**fields: str) -> str:
        return fields["phone"]

    assert deliver(phone=OTHER) == OTHER
    with pytest.raises(Suppressed):
        deliver(phone=LISTED)
    with pytest.raises(InvalidNumber):
        deliver(fax=OTHER)


class Message:
    """A message, as an app has it."""

    def __init__(self, number: str, via: str) -> None:
        self.number, self.via = number, via


def test_number_and_channel_may_be_taken_from_an_object() -> None:
    def number(message: Message) -> str:
        return message.number

    def via(message: Message) -> str:
        return message.via

    @suppress.guard(channel=via, to=number)
    def deliver(message: Message) -> str:
        return message.number

    assert deliver(Message(LISTED, "viber")) == LISTED
    with pytest.raises(Suppressed):
        deliver(Message(LISTED, "sms"))
    with pytest.raises(UnknownChannel):
        deliver(Message(OTHER, "smss"))


class Sender:
    """A class with guarded methods of each kind."""

    sent: tuple[str, ...] = ()

    @suppress.guard(channel="sms", to="phone")
    def bound(self, phone: str) -> str:
        self.sent += (phone,)
        return phone

    @classmethod
    @suppress.guard(channel="sms", to="phone")
    def of_class(cls, phone: str) -> str:
        return f"{cls.__name__} {phone}"

    @staticmethod
    @suppress.guard(channel="sms", to="phone")
    def alone(phone: str) -> str:
        return phone


def test_methods_are_guarded() -> None:
    sender = Sender()
    assert sender.bound(OTHER) == OTHER
    assert Sender.of_class(OTHER) == f"Sender {OTHER}"
    assert Sender.alone(OTHER) == OTHER
    for method in (sender.bound, sender.of_class, sender.alone):
        with pytest.raises(Suppressed):
            method(LISTED)
    assert sender.sent == (OTHER,)


def test_a_send_may_be_skipped() -> None:
    @suppress.guard(channel="sms", to="phone", on_suppressed="skip", on_invalid="skip")
    def deliver(phone: object) -> str:
        return "sent"

    assert deliver(OTHER) == "sent"
    assert deliver(LISTED) is None
    assert deliver("nobody") is None


def test_a_function_may_take_the_place_of_a_send() -> None:
    seen: list[Decision[Any]] = []

    def by_letter(decision: Decision[Any]) -> str:
        seen.append(decision)
        return "by letter"

    @suppress.guard(channel="sms", to="phone", on_suppressed=by_letter, on_invalid=by_letter)
    def deliver(phone: object) -> str:
        return "sent"

    numbers: list[object] = [OTHER, LISTED, []]
    assert [deliver(each) for each in numbers] == ["sent", "by letter", "by letter"]
    assert [each.outcome for each in seen] == [Outcome.SUPPRESSED, Outcome.INVALID]


def test_a_list_that_cannot_be_read_stops_every_send() -> None:
    source = ListSource()
    source.failure = SourceError("no answer")
    one = by_hand(source, store=None)

    @suppress.guard(
        channel="sms", to="phone", on_suppressed="skip", on_invalid="skip", suppressor=one
    )
    def deliver(phone: str) -> None:
        raise AssertionError

    with pytest.raises(StopListUnavailable) as raised:
        deliver(OTHER)
    assert raised.value.retryable


def test_coroutine_functions_are_guarded(default: suppress.Suppressor) -> None:
    async def by_letter(decision: Decision[Any]) -> str:
        return "by letter"

    @suppress.guard(channel="sms", to="phone")
    async def deliver(phone: str) -> str:
        return "sent"

    @suppress.guard(channel="sms", to="phone", on_suppressed=by_letter, suppressor=default)
    async def write(phone: str) -> str:
        return "sent"

    async def main() -> None:
        assert await deliver(OTHER) == "sent"
        with pytest.raises(Suppressed):
            await deliver(LISTED)
        assert [await write(OTHER), await write(LISTED)] == ["sent", "by letter"]
        with suppress.bypass(reason="confirms an opt-out"):
            assert await deliver(LISTED) == "sent"

    asyncio.run(main())


def test_a_bypass_lets_a_send_pass_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with suppress.bypass(reason="confirms\nan opt-out"):
        assert send("goodbye", LISTED) == "goodbye sent"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == (
        "Sending to +141******71 on sms past the stop list: confirms\\nan opt-out."
    )
    assert (record.channel, record.number) == ("sms", "+141******71")  # type: ignore[attr-defined]
    with pytest.raises(Suppressed):
        send("hello", LISTED)


def test_a_bypass_needs_no_list(default: suppress.Suppressor) -> None:
    @suppress.guard(channel="no such channel", to="phone")
    def deliver(phone: str) -> str:
        return "sent"

    with suppress.bypass(reason="a password"):
        assert deliver(LISTED) == "sent"


def test_a_bypass_ends_with_its_block_however_that_ends() -> None:
    with pytest.raises(ZeroDivisionError), suppress.bypass(reason="a password"):
        _ = 1 / 0
    with pytest.raises(Suppressed):
        send("hello", LISTED)


@suppress.guard(channel="sms", to="phone")
async def send_soon(phone: object) -> str:
    return "sent"


def test_a_task_that_outlives_the_block_is_guarded_again() -> None:
    async def main() -> None:
        block_is_over = asyncio.Event()

        async def work() -> None:
            assert await send_soon(LISTED) == "sent"
            is_through.set()
            await block_is_over.wait()
            await send_soon(LISTED)

        is_through = asyncio.Event()
        with suppress.bypass(reason="a password"):
            task = asyncio.create_task(work())
            await is_through.wait()
        block_is_over.set()
        with pytest.raises(Suppressed):
            await task

    asyncio.run(main())


async def _abandoned() -> AsyncIterator[None]:
    with suppress.bypass(reason="a password"):
        yield


def test_the_end_of_an_abandoned_generator_ends_its_bypass() -> None:
    """The event loop closes it in another task, which has a context of its own."""

    async def main() -> None:
        faults: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
        generator = _abandoned()
        async for _ in generator:
            break
        closing = asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]
        await closing
        with pytest.raises(Suppressed):
            await send_soon(LISTED)
        assert faults == []

    asyncio.run(main())


def test_blocks_may_end_in_any_order() -> None:
    first, second = suppress.bypass(reason="a password"), suppress.bypass(reason="an alarm")
    with first:
        second.__enter__()
    assert send("hello", LISTED) == "hello sent"
    second.__exit__(None, None, None)
    with pytest.raises(Suppressed):
        send("hello", LISTED)


def test_an_inner_block_gives_way_to_the_outer_one(caplog: pytest.LogCaptureFixture) -> None:
    with suppress.bypass(reason="a password"):
        with suppress.bypass(reason="an alarm"):
            send("hello", LISTED)
        send("hello", LISTED)
    assert [record.reason for record in caplog.records] == ["an alarm", "a password"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ((LISTED, 14155552672), "+141******71, 141******72"),
        (phonenumbers.parse(LISTED), "+141******71"),
        (14155552671.0, "141******71"),
        ([LISTED], "list"),
    ],
)
def test_a_bypass_is_logged_without_whole_numbers(
    number: object, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    with suppress.bypass(reason=f"confirms the opt-out of {LISTED}"):
        send("goodbye", number)
    (record,) = caplog.records
    assert record.message == (
        f"Sending to {shown} on sms past the stop list: confirms the opt-out of +141******71."
    )
    assert record.number == shown  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_bypass_needs_a_reason(reason: str) -> None:
    with pytest.raises(InvalidArgument), suppress.bypass(reason=reason):
        raise AssertionError


def test_the_error_can_be_handed_on_and_shows_no_number() -> None:
    with pytest.raises(Suppressed) as raised:
        send("hello", LISTED)
    handed_on = pickle.loads(pickle.dumps(raised.value))
    assert (handed_on.decision, handed_on.channel) == (raised.value.decision, "sms")
    assert "4155552671" not in f"{raised.value!r} {raised.value}"


@pytest.mark.parametrize("number", [LISTED, f"nobody's {LISTED}4155552671"])
@pytest.mark.parametrize(
    "sending",
    [lambda number: send("hello", number), lambda number: asyncio.run(send_soon(number))],
    ids=["function", "coroutine"],
)
def test_an_error_report_shows_no_number(number: str, sending: Callable[[str], str]) -> None:
    """It shows the variables of each frame."""
    with pytest.raises(suppress.SuppressError) as raised:
        sending(number)
    captured = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    (frame,) = (each for each in captured.stack if each.filename == guarded_sends.__file__)
    assert "5552671" not in str(frame.locals)


class Soon:
    """An object that is called and awaited like a coroutine function."""

    async def __call__(self, phone: str) -> str:
        return "sent"


@pytest.mark.parametrize("function", [Soon(), functools.partial(Soon())], ids=["object", "partial"])
def test_an_object_that_is_awaited_is_guarded(function: Callable[..., Any]) -> None:
    soon = suppress.guard(channel="sms", to="phone", on_suppressed="skip")(function)

    async def main() -> list[Any]:
        return [await soon(each) for each in (OTHER, LISTED)]

    assert asyncio.run(main()) == ["sent", None]


def test_a_function_with_arguments_set_is_guarded() -> None:
    def deliver(phone: str, text: str) -> str:
        return f"{text} sent"

    hello = suppress.guard(channel="sms", to="phone")(functools.partial(deliver, text="hello"))
    assert hello(OTHER) == "hello sent"
    with pytest.raises(Suppressed):
        hello(LISTED)


class Unsigned:
    """An object like those builtins of which Python knows no parameters."""

    @property
    def __signature__(self) -> inspect.Signature:
        raise ValueError

    def __call__(self, phone: str) -> None: ...


def _generator(phone: str) -> Iterator[str]:
    yield phone


class Many:
    """An object that is called like a generator function."""

    def __call__(self, phone: str) -> Iterator[str]:
        yield phone


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_generator, "is a generator"),
        (Many(), "Many is a generator"),
        (functools.partial(Many()), "partial is a generator"),
        (Unsigned(), "Unsigned does not say what its parameters are"),
        (lambda **phone: phone, "holds all further keywords"),
        (functools.partial(lambda number: number), "partial has no parameter 'phone'"),
        (classmethod(lambda cls, phone: phone), "below @classmethod"),
        (lambda number: number, "has no parameter 'phone'; its parameters are: number"),
    ],
    ids=[
        *("generator", "generator object", "generator partial", "no signature", "keywords"),
        *("partial", "classmethod", "parameter"),
    ],
)
def test_what_cannot_be_guarded_is_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        suppress.guard(channel="sms", to="phone")(function)


def test_an_unknown_answer_is_refused() -> None:
    with pytest.raises(TypeError, match='on_invalid has to be "raise", "skip" or a function'):
        suppress.guard(channel="sms", to="phone", on_invalid="drop")  # type: ignore[call-overload]


async def _later(phone: str) -> str:
    return phone


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"to": None}, "to has to be the name of a parameter or a function, not None"),
        ({"to": _later}, "to has to be .* a function that is not awaited"),
        ({"channel": ["sms"]}, "channel has to be the name of a channel or a function, not"),
        ({"channel": _later}, "channel has to be .* a function that is not awaited"),
    ],
)
def test_rules_that_can_never_work_are_refused(wrong: dict[str, Any], message: str) -> None:
    """Else each send would be taken for one to what is no number, and be skipped."""
    with pytest.raises(TypeError, match=message):
        suppress.guard(**{"channel": "sms", "to": "phone", **wrong})
