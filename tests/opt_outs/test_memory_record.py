"""The record in memory keeps the contract."""

import os
import signal
import threading
import time

import pytest

from suppress.opt_outs.contract import Changes
from suppress.opt_outs.memory import MemoryRecord
from suppress.opt_outs.people import People, Person
from suppress.testing import RecordContract
from suppress.testing.records import Opening


class TestMemoryRecord(RecordContract):
    @pytest.fixture
    def opening(self) -> Opening:
        record = MemoryRecord()
        return lambda: record


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_is_forked_meanwhile_has_all_of_a_change() -> None:
    record, inside = MemoryRecord(), threading.Event()
    people = People.of([Person("+14155552671")])
    changes = [Changes("add", channel, people, 1000.0) for channel in ("sms", "viber")]

    def prepare(_position: int) -> None:
        inside.set()
        time.sleep(0.1)

    def append() -> None:
        record.append(changes, expected=None, prepare=prepare)

    thread = threading.Thread(target=append)
    thread.start()
    inside.wait()
    if (child := os.fork()) == 0:
        found = 0
        signal.alarm(10)
        try:
            found = len(list(record.changes_since(None)))
        finally:
            os._exit(found)
    _, status = os.waitpid(child, 0)
    thread.join()
    assert os.waitstatus_to_exitcode(status) == len(changes)
