"""Opt-outs made here reach the sources: in order, in batches, all of them, sooner or later."""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, by_hand, limit_bsg, listed
from support.children import started
from support.restarted import start_again
from support.takers import Taker
from suppress import PendingChange, Settings, SourceError, StoreUnavailable, Suppressor
from suppress.opt_outs.contract import RecordError
from suppress.opt_outs.delivery import destination_of
from suppress_bsg.limits import BsgLimits
from suppress_bsg.sandbox import Sandbox, made_up

ANN, BOB, CY, DEE = "+14155552671", "+14155552672", "+14155552673", "+14155552674"


@pytest.fixture
def source() -> Taker:
    return Taker()


@pytest.fixture
def made(source: Taker, clock: Clock, tmp_path: Path) -> Callable[..., Suppressor]:
    def making(*sources: ListSource, **arguments: Any) -> Suppressor:
        return by_hand(*(sources or [source]), clock=clock, store=tmp_path / "store", **arguments)

    return making


@pytest.fixture
def one(made: Callable[..., Suppressor]) -> Suppressor:
    return made()


def number_of(place: int) -> str:
    return f"+4479{place:08d}"


def left(suppressor: Suppressor, name: str = "list") -> list[tuple[str, str]]:
    """Return the changes that wait, in order."""
    return [
        (each.action, each.number)
        for each in suppressor.waiting()
        if each.configured and each.source == name
    ]


def others(suppressor: Suppressor) -> list[tuple[str, str]]:
    """Return the changes that wait for a source or an account that the settings do not have."""
    return [(each.action, each.number) for each in suppressor.waiting() if not each.configured]


def deliver(suppressor: Suppressor, *, forced: bool = False) -> float:
    """Deliver as the background does; the seconds until it does so again."""
    assert suppressor._keeping is not None
    return suppressor._keeping.delivery.deliver(forced=forced)


class TestOrder:
    def test_in_batches_of_neighbours(self, one: Suppressor, source: Taker) -> None:
        numbers = list(map(number_of, range(7)))
        one.add(numbers, "sms")
        one.add([ANN], "viber")
        one.remove(numbers[:3], "sms")
        assert source.calls == [], "add does not wait for a source"
        one.pass_on()
        assert source.took() == [
            ("add", "sms", tuple(numbers[0:3])),
            ("add", "sms", tuple(numbers[3:6])),
            ("add", "sms", tuple(numbers[6:7])),
            ("add", "viber", (ANN,)),
            ("remove", "sms", tuple(numbers[0:2])),
            ("remove", "sms", tuple(numbers[2:3])),
        ]
        assert one.waiting() == []
        one.pass_on()
        assert source.took() == [], "nothing is passed on twice"

    def test_of_one_number_each_step_is_a_call(self, one: Suppressor, source: Taker) -> None:
        for step in (one.add, one.remove, one.add):
            step([ANN], "sms")
        one.pass_on()
        assert source.took() == [(action, "sms", (ANN,)) for action in ("add", "remove", "add")]

    def test_a_number_is_never_twice_in_a_batch(self, one: Suppressor, source: Taker) -> None:
        one.remove([ANN], "sms")
        one.remove([ANN], "sms")
        one.pass_on()
        assert source.took() == [("remove", "sms", (ANN,))] * 2

    def test_what_is_opted_out_already_is_not_passed_on_again(
        self, one: Suppressor, source: Taker
    ) -> None:
        one.add([ANN], "sms")
        one.add([ANN, BOB], "sms")
        one.pass_on()
        one.add([ANN], "sms")
        one.pass_on()
        assert source.took() == [("add", "sms", (ANN, BOB))]

    def test_each_source_that_takes_opt_outs_of_the_channel_is_told(
        self, made: Callable[..., Suppressor]
    ) -> None:
        here, there = Taker(name="here"), Taker(name="there")
        there.channels = ["viber"]
        one = made(here, there, ListSource(name="reads-only"))
        there.down = SourceError("down.")
        one.add([ANN], "sms")
        one.add([ANN], "viber")
        one.pass_on()
        assert here.took() == [("add", "sms", (ANN,)), ("add", "viber", (ANN,))]
        assert there.took() == [("add", "viber", (ANN,))]
        assert {each.source for each in one.waiting()} == {"there"}

    def test_ids_come_from_the_snapshot(self, made: Callable[..., Suppressor]) -> None:
        source = Taker(ANN, BOB, ANN, "17")
        other = ListSource(listed(CY, ANN), name="other")
        one = made(source, other)
        one.remove([ANN, BOB, CY], "sms")
        one.pass_on()
        assert source.ids == {ANN: [0, 2], BOB: [1], CY: []}

    def test_it_is_still_suppressed_while_a_source_lists_it(
        self, made: Callable[..., Suppressor], clock: Clock
    ) -> None:
        source = Taker(ANN)
        one = made(source)
        assert one.remove([ANN], "sms") == {ANN: ("list",)}
        one.pass_on()
        assert one.is_suppressed(ANN, "sms")
        source.entries = []
        one.refresh("sms")
        assert not one.is_suppressed(ANN, "sms")


class TestUnreachable:
    @pytest.mark.parametrize(
        "down", [SourceError("down."), OSError(5, "broken"), ValueError("odd")], ids=repr
    )
    def test_all_is_kept_and_tried_again_by_itself_after_a_rest(
        self, one: Suppressor, source: Taker, clock: Clock, down: Exception
    ) -> None:
        source.down = down
        numbers = list(map(number_of, range(5)))
        one.add(numbers, "sms")
        assert deliver(one) == 30
        assert source.took() == [("add", "sms", tuple(numbers[:3]))], "the rest is not tried"
        assert left(one) == [("add", number) for number in numbers]
        clock.now += 29
        assert deliver(one) == 1
        one.add([ANN], "sms")  # it does not end the rest
        deliver(one)
        assert source.took() == []
        clock.now += 1
        assert deliver(one) == 60, "the rest grows"
        assert len(source.took()) == 1
        source.down = None
        clock.now += 60
        deliver(one)
        assert source.took() == [
            ("add", "sms", tuple(numbers[:3])),
            ("add", "sms", (*numbers[3:], ANN)),
        ]
        assert one.waiting() == []

    def test_pass_on_does_not_wait_for_the_rest_to_end(
        self, one: Suppressor, source: Taker
    ) -> None:
        source.down = SourceError("down.")
        one.add([ANN], "sms")
        one.pass_on()
        source.down = None
        one.pass_on()
        assert source.took() == [("add", "sms", (ANN,))] * 2
        assert one.waiting() == []

    def test_the_rest_has_an_end(self, one: Suppressor, source: Taker) -> None:
        source.down = SourceError("down.")
        one.add([ANN], "sms")
        for _ in range(20):
            one.pass_on()
        assert deliver(one) == 3600

    def test_a_clock_that_was_set_back_prolongs_no_rest(
        self, one: Suppressor, source: Taker, clock: Clock
    ) -> None:
        source.down = SourceError("down.")
        one.add([ANN], "sms")
        clock.now += 20 * 365 * 86400
        one.pass_on()
        clock.now -= 20 * 365 * 86400
        source.down = None
        deliver(one)
        assert one.waiting() == []

    def test_what_waits_is_told(self, one: Suppressor, source: Taker, clock: Clock) -> None:
        source.down = SourceError("down.")
        began = clock.now
        one.add([ANN], "viber")
        clock.now += 7
        one.pass_on()
        one.add([BOB], "sms")
        name, account = destination_of(source)
        assert one.waiting() == [
            PendingChange(
                *(1, name, account, "add", "viber", ANN, began, 1, began + 7, "down.", False),
                configured=True,
            ),
            PendingChange(2, name, account, "add", "sms", BOB, began + 7),
        ]
        assert [(each.channel, each.count, each.tries) for each in one.backlog()] == [
            *(("viber", 1, 1), ("sms", 1, 0)),
        ]

    def test_no_error_shows_a_number(
        self, one: Suppressor, source: Taker, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.down = ValueError(f"cannot add {ANN}")
        one.add([ANN], "sms")
        one.pass_on()
        (waiting,) = one.waiting()
        assert waiting.error is not None
        assert "ValueError: cannot add +141******71" in waiting.error
        assert "waits: ValueError" in caplog.text
        for text in (waiting.error, caplog.text):
            assert ANN[1:] not in text
            assert "55526" not in text

    def test_it_survives_the_process(self, made: Callable[..., Suppressor], source: Taker) -> None:
        source.down = SourceError("down.")
        made().add([ANN], "sms")
        made().pass_on()
        source.down = None
        made().remove([ANN], "sms")
        made().pass_on()
        assert source.took()[-2:] == [("add", "sms", (ANN,)), ("remove", "sms", (ANN,))]


class TestKilled:
    """An interrupt leaves as much behind as a kill at that moment does."""

    @pytest.mark.parametrize("ended", [KeyboardInterrupt, SystemExit])
    def test_before_the_source_has_taken_it(
        self, made: Callable[..., Suppressor], source: Taker, ended: type[BaseException]
    ) -> None:
        made().add([ANN, BOB], "sms")
        source.down = ended()
        with pytest.raises(ended):
            made().pass_on()
        source.down = None
        made().pass_on()
        assert source.took()[1:] == [("add", "sms", (ANN, BOB))]

    def test_between_the_taking_and_the_noting(
        self, made: Callable[..., Suppressor], source: Taker
    ) -> None:
        """It is passed on once more, with what follows behind it, in order."""
        one = made()
        one.add(list(map(number_of, range(5))), "sms")
        one.remove([number_of(0)], "sms")

        def killed() -> None:
            raise KeyboardInterrupt

        source.on_taking = killed
        with pytest.raises(KeyboardInterrupt):
            one.pass_on()
        (first,) = source.took()
        source.on_taking = lambda: None
        made().pass_on()
        assert source.took()[0] == first
        assert made().waiting() == []

    def test_where_it_cannot_be_noted(
        self, one: Suppressor, source: Taker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one.add([ANN], "sms")
        assert one._opt_outs is not None

        def full(ids: Any) -> None:
            raise RecordError("full", "Make room.")

        with monkeypatch.context() as patched:
            patched.setattr(one._opt_outs.record, "acknowledge", full)
            with pytest.raises(StoreUnavailable):
                one.pass_on()
            assert one._keeping is not None
            assert one._keeping.delivery.deliver_later() == 60, "the background goes on"
        one.pass_on()
        assert source.took() == [("add", "sms", (ANN,))] * 3
        assert one.waiting() == []

    @pytest.mark.slow
    def test_for_real(self, tmp_path: Path) -> None:
        numbers = list(map(number_of, range(10)))
        with started(pass_on_until_killed, tmp_path, numbers) as (process, pipe):
            taken = [pipe.recv(), pipe.recv()]
            process.kill()
            process.join()
        source = Taker()
        one = Suppressor(
            plugins=[source], sources=["list"], store=tmp_path / "store", background=False
        )
        one.pass_on()
        rest = [number for _, _, batch in source.took() for number in batch]
        assert rest == numbers[3:], "the second part was not noted, and is passed on once more"
        assert taken == [tuple(numbers[:3]), tuple(numbers[3:6])]


def pass_on_until_killed(pipe: Connection, folder: Path, numbers: list[str]) -> None:
    """Pass on until the second part has been taken, and be killed before it is noted."""
    source = Taker()
    one = Suppressor(plugins=[source], sources=["list"], store=folder / "store", background=False)
    one.add(numbers, "sms")

    def taking() -> None:
        pipe.send(source.calls[-1][2])
        if len(source.calls) == 2:
            threading.Event().wait()

    source.on_taking = taking
    one.pass_on()


class TestRefused:
    def test_one_of_a_thousand_holds_up_nobody_else(
        self, made: Callable[..., Suppressor], caplog: pytest.LogCaptureFixture
    ) -> None:
        source = Taker()
        source.add_at_once = 1000
        numbers = list(map(number_of, range(2500)))
        source.poison = {numbers[777]}
        one = made(source)
        one.add(numbers, "sms")
        one.pass_on()
        assert len(source.calls) < 30, "it is found by halves"
        taken = [
            number
            for _, _, batch in source.took()
            if not source.poison.intersection(batch)
            for number in batch
        ]
        assert taken == [number for number in numbers if number not in source.poison]
        (waiting,) = one.waiting()
        assert waiting.refused
        assert (waiting.number, waiting.error) == (numbers[777], "no such number.")
        assert "refuses an opt-out, which stays in force here: " in caplog.text
        assert numbers[777] not in caplog.text
        assert one.is_suppressed(numbers[777], "sms")

    def test_what_follows_for_the_number_waits(
        self, one: Suppressor, source: Taker, clock: Clock
    ) -> None:
        source.poison = {ANN}
        source.down = SourceError("down.")
        one.add([ANN, BOB], "sms")
        one.add([ANN], "viber")
        one.pass_on()
        one.remove([ANN, BOB], "sms")
        source.down = None
        source.calls.clear()
        one.pass_on()
        assert left(one) == [("add", ANN), ("add", ANN), ("remove", ANN)]
        assert ("remove", "sms", (BOB,)) in source.calls
        assert not any("remove" in call and ANN in call[2] for call in source.calls)
        # The background looks again when the refusal has rested, and not all the time.
        assert deliver(one) == 3600
        source.calls.clear()
        clock.now += 3600
        source.poison = set()
        deliver(one)
        assert source.took() == [
            ("add", "sms", (ANN,)),
            ("add", "viber", (ANN,)),
            ("remove", "sms", (ANN,)),
        ]

    def test_it_rests_while_others_go_on(
        self, one: Suppressor, source: Taker, clock: Clock
    ) -> None:
        source.poison = {ANN}
        one.add([ANN], "sms")
        assert deliver(one) == 3600
        source.calls.clear()
        one.add([BOB], "sms")
        deliver(one)
        assert source.took() == [("add", "sms", (BOB,))]
        clock.now += 3600
        deliver(one)
        assert source.took() == [("add", "sms", (ANN,))]

    def test_an_addition_that_was_refused_is_forgotten_when_it_is_taken_back(
        self, one: Suppressor, source: Taker
    ) -> None:
        source.poison = {ANN}
        one.add([ANN], "sms")
        one.add([ANN], "viber")
        one.pass_on()
        source.poison = set()
        one.remove([ANN], "sms")
        assert left(one) == [("add", ANN)], "the source never had it on that channel"

    def test_a_removal_that_was_refused_is_forgotten_when_it_is_opted_out_again(
        self, one: Suppressor, source: Taker
    ) -> None:
        source.poison = {ANN}
        one.remove([ANN], "sms")
        one.pass_on()
        assert left(one) == [("remove", ANN)]
        one.add([ANN], "sms")
        assert left(one) == [("add", ANN)]

    def test_it_is_not_tried_again_each_time_another_is(
        self, one: Suppressor, source: Taker, clock: Clock
    ) -> None:
        source.poison = {ANN}
        one.add([ANN], "sms")
        one.pass_on()
        source.calls.clear()
        one.add([BOB], "sms")
        one.pass_on()
        assert source.took() == [("add", "sms", (BOB,))]
        clock.now += 3600
        one.pass_on()
        assert source.took() == [("add", "sms", (ANN,))]

    def test_a_removal_that_is_refused_is_told(
        self, one: Suppressor, source: Taker, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.poison = {ANN}
        one.remove([ANN, BOB], "sms")
        one.pass_on()
        assert left(one) == [("remove", ANN)]
        assert "refuses to remove a number: " in caplog.text

    def test_everyone(self, one: Suppressor, source: Taker) -> None:
        numbers = list(map(number_of, range(8)))
        source.poison = set(numbers)
        one.add(numbers, "sms")
        one.pass_on()
        assert [each.refused for each in one.waiting()] == [True] * 8

    def test_a_source_that_goes_down_between_two_halves(
        self, one: Suppressor, source: Taker
    ) -> None:
        source.poison = {ANN}
        one.add([ANN, BOB, CY], "sms")
        one.add([DEE], "viber")

        def goes_down() -> None:
            source.down = SourceError("down.")

        source.on_taking = goes_down
        one.pass_on()  # all three, Ann, Bob and Cy; Bob
        assert source.took() == [
            ("add", "sms", (ANN, BOB, CY)),
            ("add", "sms", (ANN,)),
            ("add", "sms", (BOB, CY)),
            ("add", "viber", (DEE,)),
        ]
        assert [(each.number, each.refused) for each in one.waiting()] == [
            (ANN, True),
            (DEE, False),
        ]


class TestChannels:
    def test_one_that_is_not_served_any_more_holds_up_no_other(
        self, made: Callable[..., Suppressor], source: Taker
    ) -> None:
        one = made()
        one.remove([ANN], "viber")
        one.add([BOB], "viber")
        one.add([BOB], "sms")
        source.channels = ("sms",)
        made().pass_on()
        assert source.took() == [("add", "sms", (BOB,))]
        assert deliver(made()) > 1, "what waits is not asked about all the time"
        source.channels = ("sms", "viber")
        made().pass_on()
        assert source.took() == [("remove", "viber", (ANN,)), ("add", "viber", (BOB,))]


class TestAccounts:
    def test_a_removal_reaches_those_who_were_to_be_told_of_the_number(
        self, made: Callable[..., Suppressor]
    ) -> None:
        """Else the old account would list, later on, what was taken back under the new one."""
        old, new = Taker(identity="old"), Taker(identity="new")
        made(old).add([BOB], "sms")
        made(new).remove([BOB], "sms")
        made(new).pass_on()
        assert new.took() == [("remove", "sms", (BOB,))]
        made(old).pass_on()
        assert old.took() == [("add", "sms", (BOB,)), ("remove", "sms", (BOB,))]

    def test_what_waits_for_another_account_is_not_sent_to_this_one(
        self, made: Callable[..., Suppressor]
    ) -> None:
        mine, yours = Taker(identity="https://one mine"), Taker(identity="https://one yours")
        made(mine).add([ANN], "sms")
        two = made(yours)
        two.add([BOB], "sms")
        assert others(two) == [("add", ANN)]
        assert left(two) == [("add", BOB)]
        two.pass_on()
        assert yours.took() == [("add", "sms", (BOB,))]
        assert others(two) == [("add", ANN)]
        made(mine).pass_on()
        assert mine.took() == [("add", "sms", (ANN,))]

    def test_nothing_of_the_identity_is_kept(
        self, made: Callable[..., Suppressor], tmp_path: Path
    ) -> None:
        made(Taker(identity="https://one.example account-17")).add([ANN], "sms")
        content = (tmp_path / "store" / "opt-outs.sqlite3").read_bytes()
        assert b"list" in content
        assert b"account-17" not in content
        assert b"example" not in content

    def test_a_source_that_takes_no_opt_outs_any_more(
        self, made: Callable[..., Suppressor]
    ) -> None:
        made(Taker()).add([ANN], "sms")
        two = made(ListSource())
        assert deliver(two, forced=True) == math.inf, "nobody looks again and again"
        assert left(two) == [("add", ANN)]

    def test_a_source_that_is_gone(self, made: Callable[..., Suppressor]) -> None:
        made(Taker(name="gone")).add([ANN], "sms")
        other = ListSource(name="other")
        two = made(other)
        two.pass_on()
        assert others(two) == [("add", ANN)]
        assert two.is_suppressed(ANN, "sms"), "whoever opted out is not messaged, whatever is read"


class TestTogether:
    def test_two_that_pass_on_at_once_send_nothing_twice(
        self, made: Callable[..., Suppressor], source: Taker
    ) -> None:
        numbers = list(map(number_of, range(30)))
        suppressors = [made() for _ in range(4)]
        suppressors[0].add(numbers, "sms")
        barrier = threading.Barrier(4)

        def passing(each: Suppressor, forced: bool) -> None:
            barrier.wait()
            deliver(each, forced=forced)

        threads = [
            threading.Thread(target=passing, args=(each, place % 2 == 0))
            for place, each in enumerate(suppressors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [number for _, _, batch in source.took() for number in batch] == numbers

    def test_pass_on_waits_for_one_that_is_at_it(self, one: Suppressor, source: Taker) -> None:
        one.add([ANN], "sms")
        target = destination_of(source)
        name = f"delivery-{target.source}-{target.account}"
        lock = contextlib.ExitStack()
        lock.enter_context(one._store.exclusive(name, lease=60))
        released = threading.Timer(0.2, lock.close)
        released.start()
        one.pass_on()
        released.join()
        assert source.took() == [("add", "sms", (ANN,))]

    def test_the_background_leaves_it_to_one_that_is_at_it(
        self, made: Callable[..., Suppressor], source: Taker
    ) -> None:
        one, two = made(), made()
        one.add([ANN], "sms")

        def meanwhile() -> None:
            assert deliver(two) == 1, "it looks again soon"

        source.once(meanwhile)
        one.pass_on()
        assert source.took() == [("add", "sms", (ANN,))]

    def test_it_happens_by_itself(self, source: Taker, tmp_path: Path) -> None:
        one = Suppressor(plugins=[source], sources=["list"], store=tmp_path)
        taken = threading.Event()
        source.on_taking = taken.set
        one.add([ANN], "sms")
        assert taken.wait(10)

    def test_one_more_while_it_is_passed_on(self, one: Suppressor, source: Taker) -> None:
        one.add([ANN], "sms")

        def meanwhile() -> None:
            one.add([BOB], "sms")
            one.remove([ANN], "sms")

        source.once(meanwhile)
        one.pass_on()
        one.pass_on()
        assert source.took() == [
            ("add", "sms", (ANN,)),
            ("add", "sms", (BOB,)),
            ("remove", "sms", (ANN,)),
        ]


class TestPatience:
    """As commands have it, which nobody wants to wait for."""

    def test_a_source_that_hangs_is_given_up(self, one: Suppressor, source: Taker) -> None:
        go_on = threading.Event()

        def wait() -> None:
            go_on.wait(10)

        source.on_taking = wait
        before = threading.active_count()
        one.add([ANN], "sms")
        began = time.monotonic()
        one.pass_on(patience=0.05)
        assert time.monotonic() - began < 5
        (waiting,) = one.waiting()
        assert waiting.tries == 1
        assert waiting.error == (
            "it has not answered within 0.05 s; `suppress refresh` gives it longer."
        )
        assert one.is_suppressed(ANN, "sms")
        for _ in range(3):
            one.pass_on(patience=0.05)
            (waiting,) = one.waiting()
            assert "'list' has not answered for" in str(waiting.error)
        assert threading.active_count() == before + 1, "one thread is left behind, not four"
        assert source.took() == [("add", "sms", (ANN,))]
        go_on.set()
        while threading.active_count() > before:
            time.sleep(0.001)
        one.pass_on(patience=10)
        assert one.waiting() == []

    def test_nobody_is_waited_for(self, one: Suppressor, source: Taker) -> None:
        one.add([ANN], "sms")
        target = destination_of(source)
        with one._store.exclusive(f"delivery-{target.source}-{target.account}", lease=60):
            began = time.monotonic()
            one.pass_on(patience=10)
            assert time.monotonic() - began < 5
        assert source.took() == []
        assert left(one) == [("add", ANN)]

    def test_who_is_not_waited_for_tells_the_rest_as_well(
        self, made: Callable[..., Suppressor], source: Taker
    ) -> None:
        one, two = made(), made()
        one.add([ANN], "sms")

        def meanwhile() -> None:
            two.add([BOB], "sms")
            two.pass_on(patience=10)

        source.once(meanwhile)
        one.pass_on(patience=10)
        assert source.took() == [("add", "sms", (ANN,)), ("add", "sms", (BOB,))]
        assert one.waiting() == []

    @pytest.mark.parametrize("error", [TimeoutError("late"), SourceError("down."), OSError("no")])
    def test_what_the_source_says_is_kept(
        self, one: Suppressor, source: Taker, error: Exception
    ) -> None:
        source.down = error
        one.add([ANN], "sms")
        one.pass_on(patience=10)
        (waiting,) = one.waiting()
        assert str(error) in str(waiting.error)
        source.down = None
        one.pass_on(patience=10)
        assert one.waiting() == []

    def test_what_is_refused_holds_up_nobody(self, one: Suppressor, source: Taker) -> None:
        source.poison = {BOB}
        one.add([ANN, BOB, CY], "sms")
        one.pass_on(patience=10)
        assert left(one) == [("add", BOB)]


@pytest.fixture
def requests(caplog: pytest.LogCaptureFixture) -> Callable[[str], int]:
    """Count the requests of a kind that the sandbox has served."""
    caplog.set_level(logging.DEBUG, "suppress_bsg.sandbox")
    return lambda path: caplog.messages.count(f"/api/stoplist/{path} answered with 200")


class TestBsg:
    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        with Sandbox(made_up(20)) as server:
            yield server

    def made(self, sandbox: Sandbox, folder: Path) -> Suppressor:
        bsg = {"base_url": sandbox.url, "api_key": "test_passing"}
        settings = Settings(sources=("bsg",), store=folder, tables={"bsg": bsg})
        return Suppressor(settings, background=False)

    def listed(self, sandbox: Sandbox, channel: str = "sms") -> set[str]:
        return {f"+{row.phone}" for row in sandbox.rows if channel in row.channels}

    @pytest.mark.slow
    def test_additions_and_removals_arrive_in_batches(
        self, sandbox: Sandbox, tmp_path: Path, requests: Callable[[str], int]
    ) -> None:
        numbers = list(map(number_of, range(2500)))
        before = self.listed(sandbox)
        one = self.made(sandbox, tmp_path)
        one.add(numbers, "sms")
        one.pass_on()
        assert one.waiting() == []
        assert self.listed(sandbox) == before | set(numbers)
        assert not set(numbers) & self.listed(sandbox, "viber")
        assert requests("attach") == 3
        one.refresh("sms")
        assert one.remove(numbers[:450], "sms").keys() == set(numbers[:450])
        one.pass_on()
        assert one.waiting() == []
        assert self.listed(sandbox) == before | set(numbers[450:])
        assert requests("detach") == 3
        one.refresh("sms")
        assert one.filter_recipients(numbers, "sms") == numbers[:450]

    def test_a_removal_of_what_was_never_read(self, sandbox: Sandbox, tmp_path: Path) -> None:
        one = self.made(sandbox, tmp_path)
        one.snapshot("sms")
        sandbox.attach([int(ANN)], ["sms", "viber"])
        assert one.remove([ANN], "sms") == {ANN: ()}
        one.pass_on()
        assert ANN not in self.listed(sandbox)
        assert ANN in self.listed(sandbox, "viber")

    def test_a_server_that_is_down_and_comes_back(
        self, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_bsg(monkeypatch, BsgLimits(retry_delay=0.001))
        one = self.made(sandbox, tmp_path)
        one.snapshot("sms")
        sandbox.close()
        one.add([ANN, BOB], "sms")
        one.remove([BOB], "sms")
        one.pass_on()
        assert left(one, "bsg") == [("add", ANN), ("add", BOB), ("remove", BOB)]
        assert "cannot be reached" in (one.waiting()[0].error or "")
        assert one.filter_recipients([ANN, BOB], "sms") == [BOB]
        start_again(sandbox)
        self.made(sandbox, tmp_path).pass_on()
        assert one.waiting() == []
        assert ANN in self.listed(sandbox)
        assert BOB not in self.listed(sandbox)

    def test_a_number_that_it_does_not_take(self, sandbox: Sandbox, tmp_path: Path) -> None:
        short = "+4912345"
        one = self.made(sandbox, tmp_path)
        one.add([ANN, short, BOB], "sms")
        one.pass_on()
        assert left(one, "bsg") == [("add", short)]
        assert {ANN, BOB} <= self.listed(sandbox)
        assert one.is_suppressed(short, "sms")
