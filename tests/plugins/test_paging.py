"""Offset pages of a list that others edit: everyone who stays on it is read."""

import bisect
import itertools
import operator
import random
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suppress import SourceError
from suppress_bsg.limits import BsgLimits
from suppress_bsg.paging import Page, read_all

LIMIT = 20
LIMITS = BsgLimits(page_size=LIMIT)
"""A page small enough for edits to cross its borders often."""


class Server:
    """A sorted list behind offset pages, edited before each answer as a test wants it."""

    def __init__(self, size: int, edit: Callable[["Server"], None] = lambda _server: None) -> None:
        self.entries = list(range(0, size * 10, 10))
        self.stayed = set(self.entries)
        self.offsets: list[int] = []
        self._edit = edit
        self._lock = threading.Lock()

    def fetch(self, offset: int) -> Page[int]:
        with self._lock:
            self._edit(self)
            self.offsets.append(offset)
            entries = tuple(self.entries[offset : offset + LIMIT])
            return Page(offset, entries, len(self.entries))

    def add(self, entry: int) -> None:
        if entry not in self.entries:
            bisect.insort(self.entries, entry)

    def remove(self, place: int, count: int = 1) -> None:
        self.stayed.difference_update(self.entries[place : place + count])
        del self.entries[place : place + count]


def read(
    fetch: Callable[[int], Page[int]],
    *,
    in_flight: int = 4,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> list[int]:
    return read_all(fetch, in_flight=in_flight, progress=progress, limits=LIMITS)


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize(
    ("size", "requests"),
    [(0, 1), (1, 1), (19, 1), (20, 2), (21, 2), (38, 2), (39, 3), (40, 3), (57, 3), (58, 4)],
)
def test_a_quiet_list_is_read_once(size: int, requests: int, in_flight: int) -> None:
    server = Server(size)
    assert read(server.fetch, in_flight=in_flight) == server.entries
    assert sorted(server.offsets) == list(range(0, requests * (LIMIT - 1), LIMIT - 1))


def test_progress_grows_to_the_total() -> None:
    told: list[tuple[int, int | None]] = []
    read(Server(100).fetch, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[0] == (20, 100)
    assert told[-1] == (100, 100)


def test_a_removal_between_two_pages_hides_nobody() -> None:
    """Pages end to end would step over the entry at place 20."""

    def edit(server: Server) -> None:
        if len(server.offsets) == 1:
            server.remove(0)

    server = Server(60, edit)
    got = read(server.fetch, in_flight=1)
    assert server.stayed <= set(got)
    assert 190 in got
    assert len(server.offsets) < 8, "bridged, not read again"


def test_an_addition_between_two_pages_reads_nobody_twice() -> None:
    def edit(server: Server) -> None:
        if len(server.offsets) == 1:
            server.add(5)

    server = Server(60, edit)
    got = read(server.fetch, in_flight=1)
    assert server.stayed <= set(got)
    assert len(got) == len(set(got))


def test_a_list_that_grows_past_the_last_page_is_followed() -> None:
    def edit(server: Server) -> None:
        if len(server.offsets) == 2:
            for entry in range(1000, 1100):
                server.add(entry)

    server = Server(30, edit)
    assert server.stayed <= set(read(server.fetch))


def test_a_list_that_shrinks_to_nothing() -> None:
    def edit(server: Server) -> None:
        if len(server.offsets) == 2:
            server.remove(0, 1000)

    server = Server(100, edit)
    read(server.fetch, in_flight=1)
    assert not server.stayed


@settings(max_examples=300, deadline=None)
@given(
    size=st.sampled_from([0, 1, 19, 20, 21, 39, 100, 700]),
    often=st.sampled_from([0.02, 0.2, 1.0]),
    in_flight=st.sampled_from([1, 4]),
    seed=st.integers(0, 2**32),
)
@pytest.mark.slow
def test_whoever_stays_is_read_however_the_list_is_edited(
    size: int, often: float, in_flight: int, seed: int
) -> None:
    chance = random.Random(seed)

    def edit(server: Server) -> None:
        if chance.random() >= often:
            return
        for _ in range(chance.choice([1, 1, 1, 3, 30])):
            if chance.random() < 0.5 and server.entries:
                server.remove(chance.choice([0, chance.randrange(len(server.entries))]))
            else:
                server.add(chance.randrange(size * 10 + 10) // 10 * 10 + 5)

    server = Server(size, edit)
    try:
        got = read(server.fetch, in_flight=in_flight)
    except SourceError:
        return
    assert server.stayed <= set(got)
    assert len(got) == len(set(got))


def test_an_edited_list_is_seldom_given_up() -> None:
    """One entry is removed at the front between any two pages."""

    def edit(server: Server) -> None:
        if server.offsets:
            server.remove(0)

    server = Server(700, edit)
    assert server.stayed <= set(read(server.fetch))


def test_an_entry_that_moves_to_where_it_was_read_already_is_not_missed() -> None:
    """The order is not stable, but the total tells that somebody was not read."""

    def edit(server: Server) -> None:
        if len(server.offsets) == 1:
            server.entries.remove(300)
            server.entries.insert(0, 300)

    server = Server(60, edit)
    assert server.stayed <= set(read(server.fetch))


class Replaced(NamedTuple):
    """An entry: a new one of the same person has a new id, and the same phone."""

    id: int
    phone: int


class ById:
    """A list sorted by id, up or down, that is edited before each answer as a test wants it."""

    def __init__(self, size: int, *, down: bool, edit: Callable[["ById"], None]) -> None:
        self.chance = random.Random(size)
        self.ids = itertools.count(1, 3)
        phones = self.chance.sample(range(10**6), size)
        self.entries = [Replaced(next(self.ids), phone) for phone in phones]
        self.stayed = set(phones)
        self.offsets: list[int] = []
        self._down, self._edit = down, edit
        self._lock = threading.Lock()

    def fetch(self, offset: int) -> Page[Replaced]:
        with self._lock:
            self._edit(self)
            self.offsets.append(offset)
            entries = self.entries[::-1] if self._down else self.entries
            return Page(offset, tuple(entries[offset : offset + LIMIT]), len(entries))

    def read(self, in_flight: int) -> set[int]:
        keys = operator.attrgetter("id"), operator.attrgetter("phone")
        found = read_all(
            self.fetch,
            in_flight=in_flight,
            progress=lambda _done, _total: None,
            limits=LIMITS,
            stable_keys=keys,
            growing=keys[0],
        )
        return {each.phone for each in found}

    def replace(self, phone: int) -> None:
        self.entries = [each for each in self.entries if each.phone != phone]
        self.entries.append(Replaced(next(self.ids), phone))

    def add(self) -> None:
        self.entries.append(Replaced(next(self.ids), self.chance.randrange(10**6, 10**7)))

    def remove(self) -> None:
        if self.entries:
            self.stayed.discard(self.entries.pop(self.chance.randrange(len(self.entries))).phone)


class TestReplacedEntries:
    @pytest.mark.parametrize("removed", [False, True])
    @pytest.mark.parametrize("added", [0, 1, 2])
    def test_one_that_moves_to_the_front_behind_the_reader(self, added: int, removed: bool) -> None:
        """Newest first: its new entry is on a page that was read, its old one on none."""

        def edit(server: ById) -> None:
            if len(server.offsets) == 1:
                server.replace(server.entries[5].phone)
                for _ in range(added):
                    server.add()
                if removed:
                    server.remove()

        server = ById(60, down=True, edit=edit)
        assert server.stayed <= server.read(in_flight=1)
        assert len(server.offsets) < 8, "it was read once"

    @pytest.mark.parametrize("added", [0, 1])
    def test_one_that_moves_to_the_end_behind_the_reader(self, added: int) -> None:
        """Oldest first: with several pages in flight the last one may come before others."""
        server = ById(60, down=False, edit=lambda _: None)
        is_last_read = threading.Event()
        fetch = server.fetch

        def in_another_order(offset: int) -> Page[Replaced]:
            if offset == 19:
                is_last_read.wait(1)
                server.replace(server.entries[25].phone)
                for _ in range(added):
                    server.add()
            page = fetch(offset)
            if offset == 57:
                is_last_read.set()
            return page

        server.fetch = in_another_order  # type: ignore[method-assign]
        assert server.stayed <= server.read(in_flight=4)

    @settings(max_examples=300, deadline=None)
    @given(
        size=st.sampled_from([19, 20, 21, 39, 100, 300]),
        often=st.sampled_from([0.1, 0.5, 1.0]),
        in_flight=st.sampled_from([1, 4]),
        down=st.booleans(),
        seed=st.integers(0, 2**32),
    )
    @pytest.mark.slow
    def test_whoever_stays_is_read_however_entries_are_replaced(
        self, size: int, often: float, in_flight: int, down: bool, seed: int
    ) -> None:
        chance = random.Random(seed)

        def edit(server: ById) -> None:
            if chance.random() >= often:
                return
            for _ in range(chance.choice([1, 2, 3, 12])):
                kind = chance.choice(["replace", "replace", "add", "remove"])
                if kind == "replace" and server.entries:
                    server.replace(chance.choice(server.entries).phone)
                elif kind == "add":
                    server.add()
                else:
                    server.remove()

        server = ById(size, down=down, edit=edit)
        try:
            read = server.read(in_flight)
        except SourceError:
            return
        assert server.stayed <= read

    @pytest.mark.parametrize("down", [True, False])
    def test_a_list_that_is_emptied(self, down: bool) -> None:
        def edit(server: ById) -> None:
            if len(server.offsets) == 2:
                server.entries, server.stayed = [], set()

        server = ById(100, down=down, edit=edit)
        server.read(in_flight=1)
        assert not server.stayed

    @pytest.mark.slow
    def test_more_that_is_new_than_one_answer_has(self) -> None:
        def edit(server: ById) -> None:
            for _ in range(2 * LIMIT):
                server.add()

        with pytest.raises(SourceError, match="edited faster than it can be read"):
            ById(60, down=True, edit=edit).read(in_flight=1)


class TestGivesUp:
    def test_an_order_that_differs_from_page_to_page_of_a_list_that_grows(self) -> None:
        first, second = list(range(20)), [19, *range(30, 45), 3, *range(45, 48)]

        def fetch(offset: int) -> Page[int]:
            entries = (first + second[1:])[:20] if offset == 0 else second
            return Page(offset, entries, 39 if offset else 38)

        with pytest.raises(SourceError, match="order is not stable"):
            read(fetch)

    def test_an_order_that_is_not_stable(self) -> None:
        chance = random.Random(1)

        def edit(server: Server) -> None:
            chance.shuffle(server.entries)

        with pytest.raises(SourceError, match=f"It was read {LIMITS.reads} times"):
            read(Server(500, edit).fetch)

    @pytest.mark.parametrize("size", [45, 100])
    @pytest.mark.slow
    def test_an_order_that_is_not_stable_on_few_pages(self, size: int) -> None:
        """Whatever is read then has everyone in it; by chance alone it may pass."""
        given_up = 0
        for seed in range(50):
            chance = random.Random(seed)
            server = Server(size, lambda server, chance=chance: chance.shuffle(server.entries))  # type: ignore[misc]
            try:
                got = read(server.fetch)
            except SourceError:
                given_up += 1
            else:
                assert set(got) == server.stayed
        assert given_up > 40

    def test_a_list_edited_faster_than_it_is_read(self) -> None:
        entries = iter(range(10**9))

        def fetch(offset: int) -> Page[int]:
            return Page(offset, [next(entries) for _ in range(LIMIT)], offset + LIMIT + 100)

        with pytest.raises(SourceError, match="edited faster than it can be read"):
            read(fetch)

    @pytest.mark.parametrize(
        ("size", "total"), [(0, 1), (5, 4), (5, 6), (5, 1000), (20, 5), (45, 44), (45, 46), (45, 0)]
    )
    def test_a_total_that_lies(self, size: int, total: int) -> None:
        server = Server(size)

        def fetch(offset: int) -> Page[int]:
            return Page(offset, server.fetch(offset).entries, total)

        with pytest.raises(SourceError, match=f"total is {total}"):
            read(fetch)

    def test_an_offset_that_is_ignored(self) -> None:
        with pytest.raises(SourceError):
            read(lambda offset: Page(offset, range(LIMIT), 100))

    def test_a_limit_that_is_ignored(self) -> None:
        def more(offset: int) -> Page[int]:
            return Page(offset, range(LIMIT + 1), LIMIT + 1)

        with pytest.raises(SourceError, match="21 entries where 20 were asked for"):
            read(more)

        def fewer(offset: int) -> Page[int]:
            return Page(offset, range(offset, offset + 10), 100)

        with pytest.raises(SourceError, match="total is 100"):
            read(fewer)

    def test_bridges_are_bounded(self) -> None:
        asked: list[int] = []

        def fetch(offset: int) -> Page[int]:
            asked.append(offset)
            first = offset if offset == 0 else len(asked) * 1000
            return Page(offset, range(first, first + LIMIT), 10_000)

        with pytest.raises(SourceError):
            read(fetch)
        planned = 1 + -(-10_000 // (LIMIT - 1))
        assert len(asked) <= LIMITS.reads * (planned + planned + LIMITS.max_extra_pages)


def test_what_fetch_raises_passes_through() -> None:
    server = Server(500)

    def fetch(offset: int) -> Page[int]:
        if offset > 100:
            raise SourceError("the network is down.")
        return server.fetch(offset)

    with pytest.raises(SourceError, match="the network is down"):
        read(fetch)
    assert len(server.offsets) < 20, "nothing more is asked for"


class TestInFlight:
    def _most(self, server: Server, throttled: Sequence[int], in_flight: int) -> list[int]:
        """The requests under way at each request."""
        lock = threading.Lock()
        running = 0
        seen: list[int] = []

        def fetch(offset: int) -> Page[int]:
            nonlocal running
            with lock:
                running += 1
                seen.append(running)
            page = server.fetch(offset)
            threading.Event().wait(0.002)
            with lock:
                running -= 1
            return Page(page.offset, page.entries, page.total, offset in throttled)

        read(fetch, in_flight=in_flight)
        return seen

    def test_several_pages_at_once(self) -> None:
        seen = self._most(Server(2000), [], 4)
        assert max(seen) == 4

    def test_fewer_after_one_was_throttled(self) -> None:
        server = Server(2000)
        seen = self._most(server, [19 * 10, 19 * 12], 4)
        assert max(seen[:10]) == 4
        assert max(seen[40:]) == 1
