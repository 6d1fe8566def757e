"""The store in memory: the contract, and what is its own."""

import os
import threading

import pytest

from support.builders import Clock, snapshot
from suppress.stores.contract import Failure, Store
from suppress.stores.limits import StoreLimits
from suppress.stores.memory import MemoryStore
from suppress.testing import StoreContract
from suppress.testing.stores import Opening


class TestContract(StoreContract):
    @pytest.fixture
    def opening(self) -> Opening:
        store = MemoryStore()
        return lambda: store


def published(store: Store, key: str) -> None:
    with store.exclusive(key, lease=60) as lease:
        store.publish(key, snapshot("+14155552671"), lease)


def test_a_snapshot_that_nobody_asks_for_goes() -> None:
    """Else a process that runs for years would keep those of every change of numbering plans."""
    clock = Clock()
    store = MemoryStore(StoreLimits(unused_age=100), timer=clock)
    for key in ("unused", "used"):
        published(store, key)
    store.fail("unused", Failure(1, 1, 1, "down."))
    clock.now += 60
    assert store.latest("used") is not None
    clock.now += 60
    published(store, "new")
    assert store.latest("unused") is None
    assert store.failure("unused") is None
    assert store.latest("used") is not None
    assert store.latest("new") is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_a_thread_of_the_parent_holds_is_free_in_the_child() -> None:
    """The thread is not in the child, and cannot give it back."""
    store = MemoryStore()
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with store.exclusive("key", lease=60):
            held.set()
            go_on.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                store.after_fork_in_child()
                published(store, "key")
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        go_on.set()
        thread.join()
