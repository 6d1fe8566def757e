"""One reading at a time: one thread of one process reads, the others use what it has read."""

import threading
import time
from collections.abc import Mapping
from typing import NoReturn

import pytest

from support.builders import Clock, snapshot
from suppress import Failure, Settings, Snapshot, StopListUnavailable
from suppress.serving.context import Context
from suppress.serving.limits import ServingLimits
from suppress.serving.single_flight import SingleFlight
from suppress.stores.contract import Lease, StoreError
from suppress.stores.memory import MemoryStore

KEYS = {"sms": "sms-key", "viber": "viber-key"}
READ = {"sms": snapshot("+14155552671")}


def flight(
    store: MemoryStore, *, clock: Clock | None = None, woken: threading.Event | None = None
) -> SingleFlight:
    context = Context(
        settings=Settings(load_timeout=0.2, store=None),
        limits=ServingLimits(poll=0.001),
        store=store,
        opt_outs=None,
        clock=clock or Clock(),
        timer=time.monotonic,
        wake=(woken or threading.Event()).set,
    )
    return SingleFlight(KEYS, context)


def nothing() -> dict[str, Snapshot]:
    return {}


class TestThreads:
    def test_all_who_wait_get_one_result(self) -> None:
        go_on, woken = threading.Event(), threading.Event()
        one = flight(MemoryStore(), woken=woken)

        def read() -> dict[str, Snapshot]:
            assert go_on.wait(10)
            return READ

        reading = one.start(["sms"], read)
        assert one.running("sms") is reading
        assert one.running("viber") is None
        go_on.set()
        assert reading.result(10) is READ
        assert one.running("sms") is None
        assert woken.wait(10)

    def test_all_who_wait_get_one_error(self) -> None:
        one = flight(MemoryStore())
        error = KeyError("sms")

        def read() -> dict[str, Snapshot]:
            raise error

        assert one.start(["sms"], read).exception(10) is error
        assert one.running("sms") is None

    def test_the_end_of_one_that_was_overtaken_leaves_the_later_one(self) -> None:
        go_on, go_on_later = threading.Event(), threading.Event()
        one = flight(MemoryStore())
        first = one.start(["sms", "viber"], lambda: READ if go_on.wait(10) else {})
        later = one.start(["sms"], lambda: READ if go_on_later.wait(10) else {})
        go_on.set()
        first.result(10)
        assert one.running("sms") is later
        assert one.running("viber") is None
        go_on_later.set()
        later.result(10)

    def test_a_forked_process_has_none(self) -> None:
        go_on = threading.Event()
        one = flight(MemoryStore())
        one.start(["sms"], lambda: READ if go_on.wait(10) else {})
        one.after_fork_in_child()
        assert one.running("sms") is None
        go_on.set()


class TestProcesses:
    def test_a_lease_is_held_while_it_reads(self) -> None:
        store, held = MemoryStore(), []

        def read(leases: Mapping[str, Lease]) -> dict[str, Snapshot]:
            held.append({name: lease.name for name, lease in leases.items()})
            for lease in leases.values():
                lease.check()
            return READ

        one = flight(store)
        assert one.exclusive(["viber", "sms"], 0.0, already_read=nothing, read=read) is READ
        assert held == [KEYS]
        with store.exclusive("sms-key", 1):
            pass

    def test_what_another_has_read_meanwhile_is_used(self) -> None:
        store, found = MemoryStore(), dict[str, Snapshot]()
        one = flight(store)
        with store.exclusive("sms-key", 1):
            threading.Timer(0.02, found.update, [READ]).start()
            answer = one.exclusive(["sms"], 0.0, already_read=lambda: found, read=never)
        assert answer == READ

    def test_what_another_has_just_read_is_used_though_its_lease_is_free(self) -> None:
        one = flight(MemoryStore())
        assert one.exclusive(["sms"], 0.0, already_read=lambda: READ, read=never) is READ

    @pytest.mark.parametrize("held", [True, False])
    def test_the_failure_of_another_is_the_answer(self, held: bool) -> None:
        clock, store = Clock(), MemoryStore()
        store.fail("sms-key", Failure(clock.now, clock.now, clock.now, "it is down."))
        one = flight(store, clock=clock)

        def ask(began: float) -> dict[str, Snapshot]:
            return one.exclusive(["sms"], began, already_read=nothing, read=lambda _: READ)

        if held:
            with store.exclusive("sms-key", 1), pytest.raises(StopListUnavailable, match="down"):
                ask(clock.now - 1)
        else:
            with pytest.raises(StopListUnavailable, match="down"):
                ask(clock.now - 1)
            assert ask(clock.now) is READ, "it has failed before"
            clock.now -= 10
            assert ask(clock.now - 1) is READ, "it has failed before the clock was set back"

    def test_another_that_takes_too_long_is_an_error(self) -> None:
        store = MemoryStore()
        with (
            store.exclusive("sms-key", 1),
            pytest.raises(StopListUnavailable, match=r"more than 0\.2 s\. End it"),
        ):
            flight(store).exclusive(["sms"], 0.0, already_read=nothing, read=never)

    def test_where_nothing_can_be_stored_it_reads_without_a_lease(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Full(MemoryStore):
            def exclusive(self, *_arguments: object, **_named: object) -> NoReturn:
                raise StoreError("No space left on device")

        def read(leases: Mapping[str, Lease]) -> dict[str, Snapshot]:
            assert leases == {}
            return READ

        assert flight(Full()).exclusive(["sms"], 0.0, already_read=nothing, read=read) is READ
        (message,) = caplog.messages
        assert "sms cannot be stored in memory (No space left on device); it stays" in message


def never(_leases: object) -> dict[str, Snapshot]:
    pytest.fail("it is read again")


def test_the_limits_are_one_value() -> None:
    with pytest.raises(AttributeError):
        ServingLimits().poll = 1.0  # type: ignore[misc]
