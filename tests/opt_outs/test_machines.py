"""Machines that share a record: each answers from its copy, and misses nobody."""

import functools
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import Clock, ListSource, wait_for
from support.shared_records import FolderRecord, RecordPlugin
from support.takers import Taker
from suppress import (
    ConfigurationError,
    StopListUnavailable,
    StoreUnavailable,
    Suppressor,
)
from suppress.testing.records import change

ANN, BOB, CY, DEE = "+14155552671", "+14155552672", "+14155552673", "+14155552674"


class Machine:
    """A machine with a folder of its own; its processes are suppressors."""

    def __init__(self, folder: Path, clock: Clock, source: ListSource) -> None:
        self.copies = folder / "copies"
        self.store = folder / "store"
        self.clock = clock
        self.source = source
        self.plugin = RecordPlugin()
        self.one = self.process()

    def process(self, **arguments: Any) -> Suppressor:
        """Return a process of this machine, with a clock to move unless it has threads."""
        given: dict[str, Any] = {
            "background": False,
            "clock": self.clock,
            "timer": self.clock,
            "store": self.store,
            "ttl": 300.0,
            "max_stale": 3600.0,
            "opt_outs": f"test://{self.store.parent.parent / 'server'}",
            "local_copy": self.copies,
            "sources": ["list"],
        }
        if arguments.get("background"):
            given |= {"clock": time.time, "timer": time.monotonic}
        return Suppressor(plugins=[self.source, self.plugin], **given | arguments)

    @property
    def copy(self) -> Path:
        """The folder of the copy."""
        (found,) = self.copies.iterdir()
        return found

    @property
    def calls(self) -> list[str]:
        """The calls of the server so far, by all processes of this machine."""
        return [call for each in self.plugin.made for call in each.calls]

    def lists(self, *numbers: str, **arguments: Any) -> list[bool]:
        """Return who is suppressed, as a process that starts now says."""
        one = self.process(**arguments)
        return [one.is_suppressed(each, "sms") for each in numbers]


@pytest.fixture
def server(tmp_path: Path) -> FolderRecord:
    (tmp_path / "server").mkdir()
    return FolderRecord(tmp_path / "server" / "record")


@pytest.fixture
def source() -> Taker:
    return Taker(DEE)


@pytest.fixture
def machine(server: FolderRecord, tmp_path: Path, clock: Clock, source: Taker) -> Machine:
    return Machine(tmp_path / "first", clock, source)


@pytest.fixture
def other(server: FolderRecord, tmp_path: Path, clock: Clock, source: Taker) -> Machine:
    return Machine(tmp_path / "other", clock, source)


class TestInForce:
    def test_on_all_machines_and_for_new_ones(self, machine: Machine, other: Machine) -> None:
        assert other.lists(ANN) == [False]
        assert machine.one.add([ANN], "sms") == 1
        assert machine.one.is_suppressed(ANN, "sms")
        other.clock.now += 1
        assert other.one.is_suppressed(ANN, "sms")
        assert machine.lists(ANN, BOB, DEE) == [True, False, True]
        assert other.one.add([ANN], "sms") == 0
        other.one.remove([ANN], "sms")
        machine.clock.now += 1
        assert not machine.one.is_suppressed(ANN, "sms")
        assert [each.action for each in machine.one.history(ANN)] == ["add", "add", "remove"]

    def test_within_a_second_where_a_thread_follows(self, machine: Machine, other: Machine) -> None:
        one = other.process(background=True)
        assert not one.is_suppressed(ANN, "sms")
        wait_for(lambda: "news" in other.calls)
        for number in (ANN, BOB, CY):
            machine.process(background=True).add([number], "sms")
            added = time.monotonic()
            wait_for(functools.partial(one.is_suppressed, number, "sms"))
            assert time.monotonic() - added < 1

    def test_no_answer_asks_the_server(self, machine: Machine, server: FolderRecord) -> None:
        one = machine.process(background=True)
        one.is_suppressed(ANN, "sms")
        asking: set[threading.Thread] = set()
        machine.plugin.made[-1].before = lambda _name: asking.add(threading.current_thread())
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            one.is_suppressed(ANN, "sms")
        assert threading.current_thread() not in asking
        assert len(asking) == 1, "the thread that follows"

    def test_the_processes_of_a_machine_ask_the_server_once(self, machine: Machine) -> None:
        processes = [machine.process() for _ in range(5)]
        for each in processes:
            each.is_suppressed(ANN, "sms")
        assert machine.calls.count("identity") == 1
        machine.clock.now += 1
        for each in processes:
            each.is_suppressed(ANN, "sms")
        assert machine.calls.count("identity") == 2


class TestUnreachable:
    def test_the_copy_answers_until_it_is_too_old(
        self, machine: Machine, other: Machine, server: FolderRecord, clock: Clock
    ) -> None:
        machine.one.add([ANN], "sms")
        assert other.one.is_suppressed(ANN, "sms")
        server.cut()
        clock.now += 3600
        assert other.lists(ANN, BOB) == [True, False]
        assert other.one.is_suppressed(ANN, "sms")
        clock.now += 1
        for one in (other.one, other.process()):
            with pytest.raises(StopListUnavailable, match=r"copied to this machine 3601 s ago"):
                one.is_suppressed(BOB, "sms")
        server.mend()
        clock.now += 5
        assert other.lists(ANN, BOB) == [True, False]
        assert not other.one.is_suppressed(BOB, "sms")

    def test_nothing_is_sent_without_a_copy(self, machine: Machine, server: FolderRecord) -> None:
        server.cut()
        with pytest.raises(StopListUnavailable, match="the server does not answer"):
            machine.one.is_suppressed(ANN, "sms")
        server.mend()
        machine.clock.now += 5
        assert not machine.one.is_suppressed(ANN, "sms")

    def test_a_clock_that_was_set_back_makes_no_copy_younger(
        self, machine: Machine, server: FolderRecord, clock: Clock
    ) -> None:
        machine.one.is_suppressed(ANN, "sms")
        server.cut()
        clock.now -= 10
        with pytest.raises(StopListUnavailable):
            machine.process().is_suppressed(ANN, "sms")

    def test_an_opt_out_that_cannot_be_written_holds_in_its_process(
        self, machine: Machine, server: FolderRecord
    ) -> None:
        machine.one.is_suppressed(ANN, "sms")
        server.cut()
        with pytest.raises(StoreUnavailable, match=r"holds in this process alone\. Then add it"):
            machine.one.add([ANN], "sms")
        assert machine.one.is_suppressed(ANN, "sms")
        server.mend()
        assert machine.lists(ANN) == [False]
        machine.one.add([ANN], "sms")
        assert machine.lists(ANN) == [True]

    def test_an_opt_out_that_was_written_all_the_same_is_found(
        self, machine: Machine, other: Machine
    ) -> None:
        machine.plugin.made[-1].lost = True
        assert machine.one.add([ANN], "sms") == 1
        assert len(other.process().history(ANN)) == 1

    def test_one_that_may_be_written_is_said_to_be(
        self, machine: Machine, other: Machine, server: FolderRecord
    ) -> None:
        machine.one.is_suppressed(ANN, "sms")
        handle = machine.plugin.made[-1]
        handle.lost = True
        names: list[str] = []

        def cut_behind_append(name: str) -> None:
            names.append(name)
            if names[-2:] == ["append", "changes_since"]:
                server.cut()

        handle.before = cut_behind_append
        with pytest.raises(StoreUnavailable, match=r"may be written all the same.*process alone"):
            machine.one.add([ANN], "sms")
        server.mend()
        assert other.lists(ANN) == [True]

    def test_a_silent_server_holds_up_nobody_for_long(
        self, machine: Machine, server: FolderRecord, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = machine.process(clock=time.time, timer=time.monotonic)
        assert not one.is_suppressed(ANN, "sms")
        ended = threading.Event()

        def wait(_name: str) -> None:
            ended.wait(30)

        machine.plugin.made[-1].before = wait
        wait_for(lambda: time.time() - (machine.copy / "opt-outs.seen").stat().st_mtime > 1)
        for most in (3, 0.5):  # the second one does not wait
            started = time.monotonic()
            assert not one.is_suppressed(ANN, "sms")
            assert time.monotonic() - started < most
        ended.set()
        assert "has not answered within 2 s" in caplog.text


class TestAges:
    def test_a_list_that_may_have_no_age_is_asked_for_each_time(
        self, machine: Machine, other: Machine, server: FolderRecord
    ) -> None:
        one = other.process(ttl=0, max_stale=0)
        assert not one.is_suppressed(ANN, "sms")
        machine.one.add([ANN], "sms")
        other.clock.now += 0.6
        assert one.is_suppressed(ANN, "sms")
        server.cut()
        other.clock.now += 0.6
        with pytest.raises(StopListUnavailable, match="SUPPRESS_MAX_STALE is 0 s"):
            one.is_suppressed(BOB, "sms")

    def test_the_status_tells_the_age_of_the_copy(
        self, machine: Machine, server: FolderRecord, clock: Clock
    ) -> None:
        machine.one.is_suppressed(ANN, "sms")
        assert machine.process().status().opt_outs == suppress.CopyStatus("test://record", 0.0)
        server.cut()
        clock.now += 60
        found = machine.process().status()
        why = "the server does not answer"
        assert found.opt_outs == suppress.CopyStatus("test://record", 60.0, why)
        assert found.health() is suppress.Health.UNAVAILABLE


class TestDoubt:
    """The copy, the record and the folder can each be other than they were."""

    def test_a_copy_that_lost_changes_does_not_serve(
        self, machine: Machine, server: FolderRecord
    ) -> None:
        """As after a power cut: the note beside it knows of a change that the copy lacks."""
        machine.one.add([BOB], "sms")
        shutil.copy(machine.copy / "opt-outs.sqlite3", "before")
        machine.one.add([ANN], "sms")
        machine.clock.now += 1
        assert machine.lists(ANN) == [True]
        shutil.copy("before", machine.copy / "opt-outs.sqlite3")
        server.cut()
        with pytest.raises(StopListUnavailable, match="the server does not answer"):
            machine.process().is_suppressed(ANN, "sms")
        server.mend()
        assert machine.lists(ANN, BOB) == [True, True]

    def test_a_copy_that_was_read_too_early_takes_nobody_back(
        self, machine: Machine, server: FolderRecord
    ) -> None:
        """A process that is slow puts it in the place of a later one."""
        machine.one.add([BOB], "sms")
        shutil.copy(machine.copy / "opt-outs.sqlite3", "before")
        shutil.copy(machine.copy / "opt-outs.seen", "seen")
        reader = machine.process()
        machine.one.add([ANN], "sms")
        assert reader.is_suppressed(ANN, "sms")
        shutil.copy("before", machine.copy / "opt-outs.sqlite3")
        shutil.copy("seen", machine.copy / "opt-outs.seen")
        machine.clock.now += 0.6
        assert reader.is_suppressed(ANN, "sms")
        assert machine.one.is_suppressed(ANN, "sms")

    def test_after_a_start_of_the_system_everything_is_copied_again(
        self, machine: Machine, server: FolderRecord, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The copy does not wait for the disk, so a power cut may have torn it."""
        machine.one.add([ANN], "sms")
        assert machine.lists(ANN) == [True]
        monkeypatch.setattr("suppress.opt_outs.seen.boot", lambda: b"another")
        server.cut()
        with pytest.raises(StopListUnavailable, match="the server does not answer"):
            machine.process().is_suppressed(ANN, "sms")
        server.mend()
        before = (machine.copy / "opt-outs.sqlite3").stat().st_ino
        assert machine.lists(ANN, BOB) == [True, False]
        assert (machine.copy / "opt-outs.sqlite3").stat().st_ino != before

    @pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(5000), None])
    def test_a_copy_that_is_damaged_is_made_again(
        self, machine: Machine, server: FolderRecord, content: bytes | None
    ) -> None:
        machine.one.add([ANN], "sms")
        machine.lists(ANN)
        path = machine.copy / "opt-outs.sqlite3"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        server.cut()
        with pytest.raises(StopListUnavailable):
            machine.process().is_suppressed(ANN, "sms")
        server.mend()
        assert machine.lists(ANN, BOB) == [True, False]
        machine.clock.now += 5
        assert machine.one.is_suppressed(ANN, "sms")

    def test_changes_that_were_damaged_are_copied_again(
        self, machine: Machine, server: FolderRecord, caplog: pytest.LogCaptureFixture
    ) -> None:
        machine.one.add([ANN], "sms")
        path = machine.copy / "opt-outs.sqlite3"
        content = path.read_bytes()
        assert ANN.encode() in content
        path.write_bytes(content.replace(ANN.encode(), BOB.encode()))
        assert machine.lists(ANN, BOB) == [True, False]
        assert "it is made again from test://" in caplog.text
        path.write_bytes(content.replace(ANN.encode(), BOB.encode()))
        server.cut()
        with pytest.raises(StopListUnavailable):
            machine.process().is_suppressed(ANN, "sms")

    def test_a_record_that_lost_changes_is_refused(
        self, machine: Machine, other: Machine, server: FolderRecord
    ) -> None:
        """Nobody who has opted out is lost with a backup that is too old."""
        machine.one.add([BOB], "sms")
        shutil.copy(server.folder / "opt-outs.sqlite3", "backup")
        machine.one.add([ANN], "sms")
        machine.lists(ANN)
        shutil.copy("backup", server.folder / "opt-outs.sqlite3")
        machine.clock.now += 1
        assert machine.lists(ANN) == [True]
        machine.clock.now += 3600
        with pytest.raises(StopListUnavailable, match="lacks changes that were made in it before"):
            machine.process().is_suppressed(ANN, "sms")
        (machine.copy / "opt-outs.sqlite3").unlink()
        with pytest.raises(StopListUnavailable, match="lacks changes that were made in it before"):
            machine.process().is_suppressed(ANN, "sms")
        assert other.lists(ANN, BOB) == [False, True], "it has never seen them"

    def test_a_record_that_lost_changes_can_be_accepted(
        self, machine: Machine, server: FolderRecord, caplog: pytest.LogCaptureFixture
    ) -> None:
        machine.one.add([BOB], "sms")
        shutil.copy(server.folder / "opt-outs.sqlite3", "backup")
        machine.one.add([ANN], "sms")
        assert not machine.one.reset_opt_outs()
        shutil.copy("backup", server.folder / "opt-outs.sqlite3")
        assert machine.one.reset_opt_outs()
        assert machine.lists(ANN, BOB) == [False, True]
        (kept,) = machine.copy.glob("opt-outs.before-*.sqlite3")
        assert str(kept) in caplog.text
        assert ANN.encode() in kept.read_bytes()
        assert not machine.process().reset_opt_outs()

    @pytest.mark.parametrize("is_gone", [True, False])
    def test_another_record_is_refused(
        self, machine: Machine, server: FolderRecord, tmp_path: Path, is_gone: bool
    ) -> None:
        """The URL may be that of another database, or the database was emptied."""
        machine.one.add([ANN], "sms")
        machine.lists(ANN)
        server.folder.rename(tmp_path / "another")
        if not is_gone:
            FolderRecord(server.folder)._record.append([change("add", BOB)], expected=None)
        machine.clock.now += 3601
        for _ in range(2):
            why = "it is gone" if is_gone else "not the one that it was before"
            with pytest.raises(StopListUnavailable, match=why):
                machine.process().is_suppressed(BOB, "sms")
            # A machine that was set up again has its mark all the same.
            shutil.rmtree(machine.copies, ignore_errors=True)
        assert machine.process().reset_opt_outs()
        assert machine.lists(ANN, BOB) == [False, not is_gone]

    def test_a_machine_whose_folder_is_gone_copies_again(self, machine: Machine) -> None:
        machine.one.add([ANN], "sms")
        shutil.rmtree(machine.copies, ignore_errors=True)
        assert machine.lists(ANN, BOB) == [True, False]
        assert machine.one.is_suppressed(ANN, "sms")

    def test_opt_outs_of_before_are_not_left_behind(
        self, machine: Machine, source: Taker, tmp_path: Path
    ) -> None:
        before = Suppressor(plugins=[source], store=machine.store, background=False)
        before.add([ANN], "sms")
        with pytest.raises(ConfigurationError, match=re.escape(f"made in {machine.store}, and")):
            machine.process()
        (tmp_path / "home" / "suppress").mkdir(parents=True, exist_ok=True)
        for path in machine.store.glob("opt-outs.*"):
            path.rename(tmp_path / "home" / "suppress" / path.name)
        with pytest.raises(ConfigurationError, match="no longer hold"):
            machine.process(store=None)


class TestForgetting:
    def test_reaches_the_copies(self, machine: Machine, other: Machine) -> None:
        """No file of any machine has the number any more; the opt-out still holds."""
        machine.one.add([ANN, BOB], "sms", by="Eve", reason="She said so.")
        assert other.one.is_suppressed(ANN, "sms")
        assert ANN.encode() in (other.copy / "opt-outs.sqlite3").read_bytes()
        (other.copy / "opt-outs.0123456789abcdef.77.image").write_text(ANN)
        assert machine.one.forget(ANN) == 1
        other.clock.now += 1
        assert [other.one.is_suppressed(each, "sms") for each in (ANN, BOB, CY)] == [1, 1, 0]
        for each in (machine, other):
            for path in each.copy.iterdir():
                assert ANN.encode() not in path.read_bytes()
        assert [each.action for each in other.one.history(ANN)] == ["forget"]
        assert other.lists(ANN, BOB, CY) == [True, True, False]

    def test_can_be_taken_back_on_another_machine(self, machine: Machine, other: Machine) -> None:
        machine.one.add([ANN, BOB], "sms")
        machine.one.forget(ANN)
        assert other.one.is_suppressed(ANN, "sms")
        other.one.remove([ANN], "sms")
        machine.clock.now += 1
        for each in (machine, other):
            assert each.lists(ANN, BOB) == [False, True]
            assert [change.action for change in each.one.history(ANN)] == ["remove"]

    def test_is_known_to_a_machine_that_comes_later(self, machine: Machine, other: Machine) -> None:
        for _ in range(2):
            machine.one.add([ANN], "sms")
            machine.one.add([BOB, CY], "sms")
            machine.one.forget(ANN)
        machine.one.remove([BOB], "sms")
        assert other.lists(ANN, BOB, CY) == [True, False, True]
        assert len(other.one.history(ANN)) == 2
        shutil.copy(other.copy / "opt-outs.sqlite3", "copied")
        machine.one.remove([ANN], "sms")
        other.clock.now += 1
        assert other.lists(ANN, CY) == [False, True]


class TestDelivery:
    def test_by_whichever_machine(
        self, machine: Machine, other: Machine, source: Taker, server: FolderRecord
    ) -> None:
        machine.one.add([ANN, BOB], "sms")
        other.one.add([CY], "sms")
        assert len(machine.one.waiting()) == len(other.one.waiting()) == 3
        other.one.pass_on()
        assert source.took() == [("add", "sms", (ANN, BOB, CY))]
        machine.one.pass_on()
        assert source.took() == []
        assert machine.one.backlog() == []

    def test_by_one_machine_at_a_time(
        self, machine: Machine, other: Machine, source: Taker
    ) -> None:
        machine.one.add([ANN, BOB, CY, DEE], "sms")
        source.once(lambda: other.one.pass_on(patience=5.0))
        machine.one.pass_on()
        assert source.took() == [("add", "sms", (ANN, BOB, CY)), ("add", "sms", (DEE,))]

    def test_a_machine_that_was_stopped_for_too_long_delivers_no_more(
        self, machine: Machine, other: Machine, source: Taker, server: FolderRecord
    ) -> None:
        """The rest is told by another machine."""
        numbers = [f"+4479{place:08d}" for place in range(6)]
        machine.one.add(numbers, "sms")

        def stop() -> None:
            (path,) = (server.folder / "leases").glob("delivery-list-*.lock")
            server.lose(path.name.rsplit(".", 2)[0])
            other.one.pass_on()

        source.once(stop)
        assert machine.one._keeping is not None
        assert machine.one._keeping.delivery.deliver(forced=True) == 1.0
        first, second = tuple(numbers[:3]), tuple(numbers[3:])
        # The first was in the provider's hands already, and twice has the effect of once.
        assert [numbers for _, _, numbers in source.took()] == [first, first, second]
        assert machine.one.backlog() == []
