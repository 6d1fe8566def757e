"""Processes of machines that share opt-outs are killed, forked, and add all at once."""

import contextlib
import itertools
import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from support.builders import ListSource, wait_for
from support.children import started
from support.shared_records import FolderRecord, RecordPlugin
from suppress import StopListUnavailable, Suppressor
from suppress.opt_outs.seen import SeenNote

ANN, BOB = "+14155552671", "+14155552672"


@pytest.fixture
def record(tmp_path: Path) -> FolderRecord:
    (tmp_path / "server").mkdir()
    return FolderRecord(tmp_path / "server" / "record")


def on_machine(folder: Path, name: str, **arguments: Any) -> Suppressor:
    """Return a process of a machine; all machines of the folder share a record."""
    given: dict[str, Any] = {
        "background": False,
        "store": folder / name / "store",
        "local_copy": folder / name / "copies",
        "opt_outs": f"test://{folder / 'server'}",
        "sources": ["list"],
    }
    return Suppressor(plugins=[ListSource(), RecordPlugin()], **given | arguments)


def ask_and_die(pipe: Connection, folder: Path, steps: int) -> None:
    """Ask for somebody, and end as if killed before the given step in the folder of the copy."""
    one = on_machine(folder, "first")
    left = [steps]

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if any(str(folder / "first" / "copies") in str(each) for each in arguments):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

    sys.addaudithook(count)
    one.is_suppressed(ANN, "sms")


def add_some(pipe: Connection, folder: Path, name: str, numbers: list[str]) -> None:
    """Opt people out one by one, and say of each when it holds."""
    one = on_machine(folder, name)
    pipe.send("ready")
    pipe.recv()
    for number in numbers:
        one.add([number], "sms")
        pipe.send(number)


def ask_from_forks(pipe: Connection, folder: Path) -> None:
    """Answer from forked workers of a process that has copied already, as a web server does."""
    one = on_machine(folder, "first", background=True)
    one.is_suppressed(ANN, "sms")
    for _ in range(2):
        if os.fork() == 0:
            pipe.send(one.is_suppressed(ANN, "sms"))
            while not one.is_suppressed(ANN, "sms"):
                time.sleep(0.001)
            pipe.send(time.time())
            os._exit(0)
    for _ in range(2):
        os.wait()


@pytest.mark.slow
def test_a_killed_process_leaves_no_copy_that_misses_somebody(
    record: FolderRecord, tmp_path: Path
) -> None:
    """Whatever the note beside the copy says was seen is in the copy."""
    other = on_machine(tmp_path, "other")
    other.add([BOB], "sms")
    assert on_machine(tmp_path, "first").is_suppressed(BOB, "sms")
    (copy,) = (tmp_path / "first" / "copies").iterdir()
    note = SeenNote(copy)
    numbers, was_copied = [BOB], False
    for steps in itertools.count(0, 4):
        numbers.append(f"+4479{steps:08d}")
        other.add(numbers[-1:], "sms")
        *_, last = record.changes_since(None)
        seen = note.read()
        assert seen is not None
        note.write(seen._replace(at=seen.at - 10))
        with started(ask_and_die, tmp_path, steps) as (process, _):
            process.join(30)
            is_done = process.exitcode == 0
        record.cut()
        seen = note.read()
        expected = numbers if seen and seen.position >= last.position else numbers[:-1]
        was_copied |= expected is numbers and not is_done
        one = on_machine(tmp_path, "first")
        with contextlib.suppress(StopListUnavailable):
            assert all(one.is_suppressed(each, "sms") for each in expected)
        record.mend()
        one = on_machine(tmp_path, "first")
        assert all(one.is_suppressed(each, "sms") for each in numbers[:-1])
        other.forget(numbers[-1])
        if is_done:
            break
    assert was_copied, "one of them was killed behind the note"


@pytest.mark.slow
def test_none_is_lost_of_many_machines_that_add_at_once(
    record: FolderRecord, tmp_path: Path
) -> None:
    """Whoever is killed meanwhile has lost nothing that it was told holds."""
    names = [f"machine {place}" for place in range(4)]
    numbers = {
        name: [f"+4479{place}{each:07d}" for each in range(15)] for place, name in enumerate(names)
    }
    with contextlib.ExitStack() as stack:
        machines = [
            stack.enter_context(started(add_some, tmp_path, name, numbers[name])) for name in names
        ]
        for _, pipe in machines:
            pipe.recv()
        for _, pipe in machines:
            pipe.send("go")
        killed, pipe = machines[0]
        hold = [pipe.recv() for _ in range(5)]
        killed.kill()
        for name, (_, pipe) in list(zip(names, machines, strict=True))[1:]:
            hold += [pipe.recv() for _ in numbers[name]]
    for name in (names[0], names[1], "another"):
        one = on_machine(tmp_path, name)
        # The copy of another process may be up to a second old.
        wait_for(lambda: one.filter_recipients([*hold, BOB], "sms") == [BOB])  # noqa: B023


def test_forked_processes_follow_the_record(record: FolderRecord, tmp_path: Path) -> None:
    """One of them waits for news again, for all of them."""
    with started(ask_from_forks, tmp_path) as (_, pipe):
        assert [pipe.recv(), pipe.recv()] == [False, False]
        on_machine(tmp_path, "other").add([ANN], "sms")
        added = time.time()
        assert max(pipe.recv(), pipe.recv()) - added < 1
