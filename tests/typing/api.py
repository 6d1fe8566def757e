"""The types that callers see. mypy checks this module, and nothing runs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import suppress
import suppress.aio
import suppress.testing


@dataclass(frozen=True)
class Person:
    name: str
    phones: tuple[str, ...]


class Table:
    """A data frame of any library."""


def phones(person: Person) -> tuple[str, ...]:
    return person.phones


def recipients_keep_their_type(people: Iterator[Person], mixed: list[str | int | None]) -> None:
    assert_type(suppress.filter_recipients(["+14155552671"], "sms"), list[str])
    assert_type(suppress.filter_recipients((14155552671,), "sms"), list[int])
    assert_type(suppress.filter_recipients({Decimal(14155552671)}, "sms"), list[Decimal])
    assert_type(
        suppress.filter_recipients(mixed, "sms", default_region="GB"), list[str | int | None]
    )
    assert_type(suppress.filter_recipients(people, "sms", key=phones), list[Person])


def a_screening_is_one_of_its_recipients(people: list[Person]) -> None:
    screening = suppress.screen(people, "sms", key=phones)
    assert_type(screening, suppress.Screening[Person])
    assert_type(screening.allowed, list[Person])
    assert_type(screening.suppressed, list[Person])
    assert_type(screening.invalid, list[Person])
    assert_type(screening.snapshot, suppress.Snapshot)
    for decision in screening:
        assert_type(decision, suppress.Decision[Person])
        assert_type(decision.recipient, Person)
        assert_type(decision.outcome, suppress.Outcome)
        assert_type(decision.e164, str | None)
        assert_type(decision.reason, str)


def a_snapshot_says_when_it_was_read() -> None:
    for channel, snapshot in suppress.refresh().items():
        assert_type(channel, str)
        assert_type(snapshot.count, int)
        assert_type(snapshot.read_at, datetime)
        assert_type(snapshot.sources, tuple[str, ...])
        assert_type(snapshot.digest, str)


def a_status_is_judged() -> None:
    status = suppress.status()
    assert_type(status, suppress.Status)
    assert_type(status.health(["sms"]), suppress.Health)
    for channel, each in status.channels.items():
        assert_type(channel, str)
        assert_type(each, suppress.ChannelStatus)
        assert_type(each.state, suppress.State)
        assert_type(each.age, float | None)
        assert_type(each.failure, suppress.Failure | None)
        assert_type(each.may_serve, bool)


def a_suppressor_has_the_types_of_the_functions(numbers: list[str]) -> None:
    suppressor = suppress.Suppressor()
    assert_type(suppressor.filter_recipients(numbers, "sms"), list[str])
    assert_type(suppressor.screen(numbers, "sms"), suppress.Screening[str])
    assert_type(suppressor.is_suppressed(14155552671, "sms"), bool)
    assert_type(suppressor.refresh("sms"), dict[str, suppress.Snapshot])
    assert_type(suppressor.add(numbers, "sms"), int)


def opt_outs_have_a_history(at: datetime) -> None:
    added = suppress.add(["+14155552671"], "sms", reason="STOP", by="Ann", via="reply", at=at)
    assert_type(added, int)
    for change in suppress.history("+14155552671"):
        assert_type(change, suppress.Change)
    assert_type(suppress.remove(["+14155552671"], "sms"), dict[str, tuple[str, ...]])
    assert_type(suppress.forget("+14155552671"), int)


def the_status_has_each_channel() -> None:
    status = suppress.status()
    assert_type(status, suppress.Status)
    assert_type(status.ttl, float)
    for each in status.channels.values():
        assert_type(each, suppress.ChannelStatus)
        assert_type(each.state, suppress.State)


async def what_is_awaited_has_the_types_of_the_functions(numbers: list[str]) -> None:
    assert_type(await suppress.aio.filter_recipients(numbers, "sms"), list[str])
    assert_type(await suppress.aio.screen(numbers, "sms"), suppress.Screening[str])
    assert_type(await suppress.aio.is_suppressed("+14155552671", "sms"), bool)
    reply = await suppress.aio.receive_reply("+14155552671", "STOP", "sms", reference="SM1")
    assert_type(reply, suppress.Reply | None)
    assert_type(await suppress.aio.in_thread(len, numbers), int)


def a_plugin_has_a_source(settings: suppress.Settings) -> suppress.Source:
    class Source:
        name = "made-up"
        channels = frozenset({"sms"})

        def load(
            self, channels: frozenset[str], progress: suppress.Progress
        ) -> list[suppress.Entry]:
            progress(1, None)
            return [suppress.Entry("+14155552671", {"sms"})]

    return Source()


def errors_are_one_family(error: suppress.SuppressError) -> None:
    if isinstance(error, suppress.UnknownChannel):
        value_error: ValueError = error
        assert value_error is error
    assert_type(error.retryable, bool)


def a_frame_keeps_its_type(table: Table) -> None:
    assert_type(suppress.filter_frame(table, "sms", column="phone"), Table)
    assert_type(suppress.screen_frame(table, "sms", column=["phone", "home"]), Table)


def a_mask_is_an_array_of_booleans(numbers: list[str]) -> None:
    assert_type(suppress.screen(numbers, "sms").mask, NDArray[np.bool_])


def a_test_gets_a_suppressor_that_can_be_unavailable(one: suppress.testing.Replacement) -> None:
    with suppress.testing.stop_list(sms=["+14155552671", 14155552672]) as given:
        assert_type(given, suppress.testing.Replacement)
        with given.unavailable() as nothing:
            assert_type(nothing, None)
    replaced: suppress.Suppressor = one
    replaced.refresh()
