"""The suite of a store."""

import dataclasses
import functools
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import NO_OPT_OUTS, OptedOut
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Lease, LeaseLost, Store
from suppress.testing.leases import LEASE, NAME, OTHER_NAME, LeaseContract, soon
from suppress.testing.snapshots import contents, read

KEY, OTHER_KEY = NAME, OTHER_NAME
FAILURE = Failure(since=1.5, began=2.5, ended=3.5, message="The source is down.")

Opening = Callable[[], Store]
Damage = Callable[[str], None]


class StoreContract(LeaseContract):
    """Tests of a store; subclass it, and give the fixture `opening`.

    Where what is stored leaves the process, give the fixture `damages` as well; where the handles
    are on different machines, the fixture `lag`.
    """

    @pytest.fixture
    def opening(self) -> Opening:
        """Return a function that opens a handle, always to the same store, which is empty at first.

        Each call stands for another process. Where a store cannot be shared by processes, it
        returns the same handle each time.
        """
        raise NotImplementedError("give a fixture named `opening`")

    @pytest.fixture
    def damages(self) -> Sequence[Damage]:
        """Return functions that damage what is stored under a key, each in another way."""
        return ()

    @pytest.fixture
    def holders(self, opening: Opening) -> tuple[Store, Store]:
        """Return two handles."""
        return opening(), opening()

    def test_is_empty_at_first(self, opening: Opening) -> None:
        """A new store has no snapshot, no failure, and a name for messages."""
        store = opening()
        assert store.latest(KEY) is None
        assert store.failure(KEY) is None
        assert store.describe()

    def test_keeps_every_attribute(self, opening: Opening) -> None:
        """A snapshot comes back as it was published, through this handle and another one."""
        snapshot, store = read("+14155552671", "+14155552672"), opening()
        for found in (publish(store, snapshot), store.latest(KEY), opening().latest(KEY)):
            assert found is not None
            assert contents(found) == contents(snapshot)

    def test_keeps_an_empty_list(self, opening: Opening) -> None:
        """A list on which nobody is listed is a list."""
        snapshot = dataclasses.replace(
            read(), numbers=NumberSet.of(()), unread=frozenset(), further=0
        )
        publish(opening(), snapshot)
        found = opening().latest(KEY)
        assert found is not None
        assert found.count == 0

    def test_gives_the_same_object_until_another_is_published(
        self, opening: Opening, lag: float
    ) -> None:
        """A snapshot is opened once, and is then known by its identity."""
        one, two = opening(), opening()
        published = publish(one, read("+14155552671"))
        assert one.latest(KEY) is published
        first = two.latest(KEY)
        one.notify()
        publish(one, read("+14155552673"), OTHER_KEY)
        assert two.latest(KEY) is first
        publish(one, read("+14155552672"))
        assert soon(lag, lambda: two.latest(KEY) is not first)

    def test_replaces_a_snapshot_as_a_whole(self, opening: Opening, lag: float) -> None:
        """The new one has nothing of the old one, which still serves its holders."""
        one, two = opening(), opening()
        publish(one, read("+14155552671", "+14155552672"))
        before = two.latest(KEY)
        publish(one, after := read("+14155552673"))
        assert before is not None
        for store in (one, two, opening()):
            assert soon(lag, functools.partial(has, store, after))
        assert "+14155552671" in before.numbers

    def test_keeps_keys_apart(self, opening: Opening) -> None:
        """A change under one key leaves another untouched."""
        store = opening()
        publish(store, first := read("+14155552671"))
        publish(store, read("+14155552672"), OTHER_KEY)
        store.fail(OTHER_KEY, FAILURE)
        assert has(opening(), first)
        assert store.failure(KEY) is None

    def test_leaves_out_opt_outs_made_here(self, opening: Opening) -> None:
        """They have a record of their own, and would be kept for longer than they hold."""
        here = OptedOut.of(["+14155552679"])
        published = publish(opening(), read("+14155552671").with_opted_out(here))
        found = opening().latest(KEY)
        assert found is not None
        assert found.opted_out == published.opted_out == NO_OPT_OUTS
        assert found.count == published.count == read("+14155552671").count

    def test_a_reader_sees_one_snapshot_or_the_other(self, opening: Opening) -> None:
        """A mixture never appears, however reading and publishing meet."""
        lists = [read("+14155552671"), read("+14155552672", "+14155552673")]
        possible = [contents(each) for each in lists]
        publish(opening(), lists[0])
        done = threading.Event()

        def look() -> bool:
            store, whole = opening(), True
            while not done.is_set():
                found = store.latest(KEY)
                whole &= found is not None and contents(found) in possible
            return whole

        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(look) for _ in range(3)]
            try:
                store = opening()
                for place in range(40):
                    publish(store, lists[place % 2])
            finally:
                done.set()
            assert all(each.result() for each in looks)

    def test_keeps_a_failure_until_a_snapshot_is_published(
        self, opening: Opening, lag: float
    ) -> None:
        """The latest failure counts, and a reading ends it."""
        one, two = opening(), opening()
        for store in (one, two):
            assert store.latest(KEY) is None
        one.fail(KEY, FAILURE)
        assert one.failure(KEY) == FAILURE
        assert soon(lag, lambda: two.failure(KEY) == FAILURE)
        later = Failure(since=1.5, began=4.5, ended=5.5, message="Still down: \N{SNOWMAN}.")
        two.fail(KEY, later)
        assert two.failure(KEY) == later
        assert soon(lag, lambda: one.failure(KEY) == later)
        assert one.latest(KEY) is None
        publish(one, read("+14155552671"))
        assert one.failure(KEY) is None
        assert soon(lag, lambda: two.failure(KEY) is None)

    @pytest.mark.parametrize("change", ["publish", "fail", "notify"])
    def test_tells_every_handle_of_a_change(
        self, opening: Opening, change: str, lag: float
    ) -> None:
        """The version differs after each change, and not otherwise.

        One beside the store is announced on its own machine alone.
        """
        one, two = opening(), opening()
        publish(one, first := read("+14155552671"))
        for store in (one, two):
            assert soon(lag, functools.partial(has, store, first))
        before = one.version(), two.version()
        assert (one.version(), two.version()) == before
        if change == "publish":
            publish(one, read("+14155552672"))
        elif change == "fail":
            one.fail(KEY, FAILURE)
        else:
            one.notify()
        assert one.version() != before[0]
        if change != "notify" or lag == 0:
            assert soon(lag, lambda: two.version() != before[1])

    def test_a_change_is_in_force_before_it_is_told(self, opening: Opening, lag: float) -> None:
        """A reader must not take the old snapshot for that of the new version."""
        one, two = opening(), opening()
        publish(one, snapshot := read("+14155552671"))
        assert soon(lag, lambda: two.latest(KEY) is not None)
        seen = two.version(), two.latest(KEY)
        done = threading.Event()

        def look() -> None:
            nonlocal seen
            while not done.is_set():
                if (version := two.version()) != seen[0]:
                    seen = version, two.latest(KEY)

        def sees(further: int) -> bool:
            return seen[1] is not None and seen[1].further == further

        with ThreadPoolExecutor(1) as pool:
            pool.submit(look)
            try:
                for further in range(2, 30 if lag == 0 else 8):
                    publish(one, dataclasses.replace(snapshot, further=further))
                    while seen[0] != two.version():
                        time.sleep(0)
                    assert soon(lag, functools.partial(sees, further))
            finally:
                done.set()

    def test_a_lost_lease_changes_nothing(self, opening: Opening) -> None:
        """Another holder may be publishing meanwhile."""
        store = opening()
        publish(store, first := read("+14155552671"))
        with store.exclusive(KEY, LEASE) as ended:
            pass
        with pytest.raises(LeaseLost):
            ended.check()
        self._refuses(store, ended)
        with store.exclusive(KEY, LEASE):
            self._refuses(store, ended)
        with store.exclusive(OTHER_KEY, LEASE) as other:
            self._refuses(store, other)
        assert has(opening(), first)

    @staticmethod
    def _refuses(store: Store, lease: Lease) -> None:
        with pytest.raises(LeaseLost):
            store.publish(KEY, read("+14155552672"), lease)
        with pytest.raises(LeaseLost):
            store.repair(KEY, lease)

    def test_never_serves_a_damaged_snapshot(
        self, opening: Opening, damages: Sequence[Damage], lag: float
    ) -> None:
        """A damaged snapshot counts as none; the next one is kept, after a repair or without."""
        for repaired in (True, False):
            for damage in damages:
                publish(opening(), read("+14155552671"))
                damage(KEY)
                store = opening()
                assert store.latest(KEY) is None
                assert store.latest(KEY) is None
                if repaired:
                    with store.exclusive(KEY, LEASE) as lease:
                        store.repair(KEY, lease)
                    assert opening().latest(KEY) is None
                publish(store, read("+14155552671"))
                for each in (store, opening()):
                    assert soon(lag, functools.partial(has, each, read("+14155552671")))

    def test_repairs_nothing_that_is_whole(self, opening: Opening) -> None:
        """A repair leaves a good snapshot: another holder may have replaced the damaged one."""
        store = opening()
        publish(store, read("+14155552671"))
        with store.exclusive(KEY, LEASE) as lease:
            store.repair(KEY, lease)
            store.repair(KEY, lease)
        assert opening().latest(KEY) is not None

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_serves_on_both_sides_of_a_fork(self, opening: Opening) -> None:
        """A lease of the parent does not stop the child."""
        store = opening()
        publish(store, read("+14155552671"))
        with store.exclusive(OTHER_KEY, LEASE) as lease:
            child = os.fork()
            if child == 0:
                os._exit(0 if _serves_after_fork(store) else 1)
            assert os.waitpid(child, 0)[1] == 0
            lease.check()
        found = store.latest(KEY)
        assert found is not None
        assert "+14155552671" in found.numbers


def _serves_after_fork(store: Store) -> bool:
    try:
        store.after_fork_in_child()
        with store.exclusive(KEY, LEASE):
            found = store.latest(KEY)
            return found is not None and "+14155552671" in found.numbers
    except BaseException:  # noqa: BLE001 - nothing may go on as if this were the parent
        return False


def has(store: Store, snapshot: Snapshot) -> bool:
    """Tell whether the store has a snapshot that is equal in every attribute."""
    found = store.latest(KEY)
    return found is not None and contents(found) == contents(snapshot)


def publish(store: Store, snapshot: Snapshot, key: str = KEY) -> Snapshot:
    """Publish the snapshot under a lease of its own."""
    with store.exclusive(key, LEASE, wait=30) as lease:
        return store.publish(key, snapshot, lease)
