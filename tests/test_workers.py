"""Threads that run calls for others."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait

import pytest

from suppress.workers import Workers


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


class Argument:
    """Something that a call holds."""


def test_calls_run_and_give_what_they_give() -> None:
    workers = Workers(3)
    assert [each.result(5) for each in [workers.submit(divmod, n, 3) for n in range(50)]] == [
        divmod(n, 3) for n in range(50)
    ]
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result(5)
    with pytest.raises(SystemExit):
        workers.submit(sys.exit).result(5)
    assert workers.submit(int, "11", base=2).result(5) == 3


def test_no_more_threads_than_it_may_have_and_no_fewer(gate: threading.Event) -> None:
    workers = Workers(3)
    running = threading.Semaphore(0)

    def call() -> int:
        running.release()
        gate.wait(10)
        return threading.get_ident()

    calls = [workers.submit(call) for _ in range(9)]
    assert all(running.acquire(timeout=5) for _ in range(3))
    assert not running.acquire(timeout=0.05)
    gate.set()
    wait(calls, 5)
    assert len({each.result() for each in calls}) <= 3


def test_a_thread_that_is_free_is_used_again() -> None:
    workers = Workers(8)
    idents = set()
    for _ in range(20):
        idents.add(workers.submit(threading.get_ident).result(5))
        time.sleep(0.002)
    assert len(idents) < 8


def test_a_cancelled_call_leaves_at_once_with_all_that_it_holds(gate: threading.Event) -> None:
    workers = Workers(1)
    workers.submit(gate.wait, 10)
    argument = Argument()
    known = weakref.ref(argument)
    call = workers.submit(repr, argument)
    del argument
    assert call.cancel()
    gc.collect()
    assert known() is None
    later = workers.submit(int)
    gate.set()
    assert later.result(5) == 0
    with pytest.raises(CancelledError):
        call.result(5)


def test_a_forked_process_has_threads_of_its_own(gate: threading.Event) -> None:
    workers = Workers(1)
    workers.submit(gate.wait, 10)
    if (child := os.fork()) == 0:
        try:
            os._exit(7 + workers.submit(int).result(5))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_the_end_of_the_process_waits_for_no_call() -> None:
    code = "import time; from suppress.workers import Workers; Workers(1).submit(time.sleep, 30)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=10)
