"""No process is forked while another thread is inside."""

import os
import threading
import time

import pytest

from suppress.opt_outs.gate import Gate

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

GATE = Gate()
"""One for all, since what is registered for a fork stays."""


def forked() -> int:
    """The exit status of a child that goes in and out."""
    child = os.fork()
    if child == 0:
        with GATE.passed():
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_waits_until_the_others_are_out() -> None:
    inside, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def stay() -> None:
        with GATE.passed():
            inside.set()
            assert go_on.wait(10)

    def fork() -> None:
        assert forked() == 7
        done.set()

    staying, forking = threading.Thread(target=stay), threading.Thread(target=fork)
    staying.start()
    assert inside.wait(10)
    with GATE.passed():
        pass  # another need not wait for it
    forking.start()
    assert not done.wait(0.1)
    go_on.set()
    assert done.wait(10)
    staying.join()
    forking.join()


def test_a_fork_is_not_kept_waiting_by_those_who_come_after_it() -> None:
    ended = threading.Event()

    def go_in_and_out() -> None:
        while not ended.is_set():
            with GATE.passed():
                time.sleep(0.001)

    threads = [threading.Thread(target=go_in_and_out, daemon=True) for _ in range(8)]
    for each in threads:
        each.start()
    done = threading.Event()

    def fork() -> None:
        assert forked() == 7
        done.set()

    threading.Thread(target=fork, daemon=True).start()
    assert done.wait(10)
    ended.set()
    for each in threads:
        each.join()


def test_who_forks_from_inside_does_not_wait_for_itself() -> None:
    with GATE.passed():
        assert forked() == 7
    with GATE.passed():
        assert forked() == 7
