"""A store that machines share: each answers from its copy, whatever happens to the server."""

import dataclasses
import functools
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.builders import Clock, ListSource, listed, wait_for
from support.remotes import FolderRemote, RemotePlugin
from suppress import (
    Failure,
    Held,
    ServerUrl,
    Settings,
    Snapshot,
    StopListUnavailable,
    StoreError,
    Suppressor,
)
from suppress.stores.copying import Copier
from suppress.stores.image import Header
from suppress.stores.limits import SharedLimits
from suppress.stores.shared import SharedStore
from suppress.testing import StoreContract
from suppress.testing.leases import LEASE
from suppress.testing.snapshots import contents, read
from suppress.testing.stores import KEY, OTHER_KEY, Damage, Opening, has, publish

QUICK = SharedLimits(news=0.05, poll=0.02, seen=30.0, retry=0.05)
FAILURE = Failure(since=1.5, began=2.5, ended=3.5, message="The source is down.")


@pytest.fixture
def server(tmp_path: Path) -> FolderRemote:
    return FolderRemote(tmp_path / "server")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., SharedStore]:
    """Return a function that opens a store on a machine, which is a name."""

    def opening(name: str = "one", **limits: float) -> SharedStore:
        remote = FolderRemote(tmp_path / "server")
        given = QUICK._replace(**limits)
        return SharedStore(remote, tmp_path / name, given)

    return opening


def down(server: FolderRemote) -> None:
    (server.folder / "down").touch()


def up(server: FolderRemote) -> None:
    (server.folder / "down").unlink()


def remote_of(store: SharedStore) -> FolderRemote:
    assert isinstance(store._remote, FolderRemote)
    return store._remote


class TestOneMachine(StoreContract):
    """Processes that share a copy."""

    @pytest.fixture
    def opening(self, machine: Callable[..., SharedStore]) -> Opening:
        return machine


class TestManyMachines(StoreContract):
    @pytest.fixture
    def opening(self, machine: Callable[..., SharedStore]) -> Opening:
        names = iter(range(1_000))
        return lambda: machine(f"machine{next(names)}")

    @pytest.fixture
    def lag(self) -> float:
        return 1.0

    @pytest.fixture
    def damages(self, server: FolderRemote) -> list[Damage]:
        return [lambda key: server.damage(key, "head"), lambda key: server.damage(key, "part")]


class TestCopy:
    def test_an_answer_asks_no_server(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        store = machine(news=30.0)
        publish(store, read("+14155552671"))
        store.latest(KEY)
        remote_of(store).calls.clear()
        for _ in range(100):
            store.version()
            assert store.latest(KEY) is not None
            store.failure(KEY)
        assert set(remote_of(store).calls) <= {"news"}

    def test_what_is_published_reaches_a_machine_within_a_second(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        one, two = machine("one"), machine("two")
        assert two.latest(KEY) is None
        for place in range(3):
            published = publish(one, read(f"+1415555267{place}"))
            began = time.monotonic()
            wait_for(functools.partial(has, two, published))
            assert time.monotonic() - began < 1

    def test_one_process_of_a_machine_copies_for_all(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        processes = [machine("two") for _ in range(4)]
        for each in processes:
            each.latest(KEY)

        def calls(name: str) -> list[int]:
            return [remote_of(each).calls.count(name) for each in processes]

        def is_one_listening() -> bool:
            before = calls("news")
            time.sleep(4 * QUICK.news)
            return sum(map(int.__gt__, calls("news"), before)) == 1

        # Until there is a first sign of life, each listens for itself.
        wait_for(is_one_listening)
        publish(machine("one"), published := read("+14155552671"))
        wait_for(lambda: all(has(each, published) for each in processes))
        assert sum(map(bool, calls("part"))) == 1

    def test_another_process_listens_once_the_one_that_did_is_gone(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        processes = [machine("two")]
        processes[0].latest(KEY)
        wait_for(lambda: "news" in remote_of(processes[0]).calls)
        second = machine("two")
        second.latest(KEY)
        time.sleep(0.2)
        assert "news" not in remote_of(second).calls
        processes.clear()
        gc.collect()
        wait_for(lambda: "news" in remote_of(second).calls)

    def test_others_listen_while_the_one_that_does_is_stopped(
        self, machine: Callable[..., SharedStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = threading.Event()
        with monkeypatch.context() as patched:
            patched.setattr(FolderRemote, "news", lambda self, timeout: release.wait(30))
            stopped = machine("two")
            stopped.latest(KEY)
            wait_for(lambda: stopped._watch._lock is not None)
            time.sleep(0.1)
        second = machine("two", seen=0.1)
        second.latest(KEY)
        wait_for(lambda: "news" in remote_of(second).calls)
        release.set()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_leaves_the_listening_to_its_parent(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        parent = machine("two")
        parent.latest(KEY)
        wait_for(lambda: "news" in remote_of(parent).calls)
        if (child := os.fork()) == 0:
            try:
                parent.after_fork_in_child()
                remote_of(parent).calls.clear()
                gc.collect()
                parent.latest(KEY)
                time.sleep(0.3)
                os._exit(1 if "news" in remote_of(parent).calls else 0)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        second = machine("two")
        second.latest(KEY)
        time.sleep(0.2)
        assert "news" not in remote_of(second).calls

    def test_a_key_that_another_process_uses_is_copied(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        listening, other = machine("two"), machine("two")
        listening.latest(OTHER_KEY)
        wait_for(lambda: "news" in remote_of(listening).calls)
        other.latest(KEY)
        publish(machine("one"), published := read("+14155552671"))
        wait_for(lambda: has(other, published))
        assert "part" in remote_of(listening).calls

    def test_while_another_process_listens_the_first_use_asks_no_server(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        publish(machine("one"), published := read("+14155552671"))
        listening = machine("two")
        assert has(listening, published), "the first use looks"
        wait_for(lambda: listening._watch.want(KEY))
        second = machine("two")
        assert has(second, published)
        assert "head" not in remote_of(second).calls

    def test_the_first_use_waits_no_longer_than_the_limit(
        self, machine: Callable[..., SharedStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish(machine("one"), read("+14155552671"))
        release = threading.Event()
        monkeypatch.setattr(FolderRemote, "head", lambda self, key: release.wait(30) and None)
        began = time.monotonic()
        assert machine("two", first_look=0.1).latest(KEY) is None
        assert time.monotonic() - began < 5
        release.set()

    def test_it_is_copied_again_if_it_is_replaced_meanwhile(
        self, machine: Callable[..., SharedStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = machine("one")
        publish(one, read("+14155552671"))
        part = FolderRemote.part

        def replaced(remote: FolderRemote, key: str, digest: str) -> Iterator[bytes]:
            monkeypatch.setattr(FolderRemote, "part", part)
            with one.exclusive(KEY, LEASE) as lease:
                one._remote.discard(KEY, lease.remote)  # type: ignore[attr-defined]
            publish(one, read("+14155552672"))
            return part(remote, key, digest)

        monkeypatch.setattr(FolderRemote, "part", replaced)
        assert has(machine("two"), read("+14155552672"))

    def test_a_mark_that_nobody_renews_ends_the_copying(
        self, machine: Callable[..., SharedStore], tmp_path: Path
    ) -> None:
        store = machine()
        store.latest(KEY)
        assert store._watch.wanted() == [KEY]
        old = time.time() - QUICK.wanted - 10
        os.utime(tmp_path / "one" / f"{KEY}.wanted", (old, old))
        assert store._watch.wanted() == []

    def test_nothing_in_the_folder_is_for_others(
        self, machine: Callable[..., SharedStore], tmp_path: Path
    ) -> None:
        store = machine()
        publish(store, read("+14155552671"))
        store.latest(KEY)
        wait_for((tmp_path / "one" / "listening").exists)
        for path in (tmp_path / "one").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path

    def test_its_thread_ends_with_the_store(self, machine: Callable[..., SharedStore]) -> None:
        store = machine()
        store.latest(KEY)
        thread = store._listening._thread
        assert thread is not None
        assert thread.is_alive()
        del store
        gc.collect()
        wait_for(lambda: not thread.is_alive())


class TestLease:
    def test_a_machine_that_gets_it_sees_what_was_just_published(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        """Else it would read the list again, before the news comes."""
        one, two = machine("one"), machine("two", news=30.0)
        assert two.latest(KEY) is None
        published = publish(one, read("+14155552671"))
        with two.exclusive(KEY, LEASE):
            assert has(two, published)

    def test_one_that_was_lost_publishes_nothing(
        self,
        machine: Callable[..., SharedStore],
        server: FolderRemote,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The reading is kept on its machine alone, until the later one is there."""
        one, two = machine("one", news=30.0), machine("two")
        publish(one, first := read("+14155552671"))
        assert has(one, first)
        second = later(first, "+14155552672")
        with one.exclusive(KEY, LEASE) as lease:
            server.lose(KEY)
            publish(two, later(second, "+14155552673"))
            one.publish(KEY, second, lease)
            assert "is kept on this machine alone" in caplog.text
            assert has(machine("three"), later(second, "+14155552673"))
            assert has(one, second)
        with one.exclusive(KEY, LEASE):
            wait_for(functools.partial(has, one, later(second, "+14155552673")))

    def test_one_that_was_lost_replaces_no_later_copy(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        one, two = machine("one"), machine("two")
        publish(one, first := read("+14155552671"))
        assert has(one, first)
        with one.exclusive(KEY, LEASE) as lease:
            server.lose(KEY)
            publish(two, newest := later(first, "+14155552673"))
            wait_for(functools.partial(has, one, newest))
            assert contents(one.publish(KEY, first, lease)) == contents(newest)
        assert has(one, newest)

    def test_one_that_was_lost_replaces_no_copy_that_is_made_at_that_moment(
        self,
        machine: Callable[..., SharedStore],
        server: FolderRemote,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The thread that listens may copy a later one after it was asked for."""
        one, two = machine("one", news=30.0), machine("two")
        publish(one, first := read("+14155552671"))
        assert has(one, first)
        second = later(first, "+14155552672")
        newest = later(second, "+14155552673")
        asks, answers = Copier.is_later_here, []

        def is_later_here(self: Copier, key: str, header: Header) -> bool:
            answers.append(asks(self, key, header))
            if len(answers) == 1:
                self.copy(key)
            return answers[-1]

        with one.exclusive(KEY, LEASE) as lease:
            server.lose(KEY)
            publish(two, newest)
            monkeypatch.setattr(Copier, "is_later_here", is_later_here)
            assert contents(one.publish(KEY, second, lease)) == contents(newest)
        assert answers[0] is False
        assert has(one, newest)

    def test_a_machine_asks_only_so_often_while_another_holds_it(
        self, machine: Callable[..., SharedStore]
    ) -> None:
        one, two = machine("one"), machine("two", retry=30.0)
        two.latest(KEY)
        with one.exclusive(KEY, LEASE):
            for _ in range(10):
                with pytest.raises(Held), two.exclusive(KEY, LEASE):
                    pass
            assert remote_of(two).calls.count("exclusive") == 1
        publish(one, read("+14155552671"))
        wait_for(lambda: two.latest(KEY) is not None)
        with two.exclusive(KEY, LEASE):
            pass


class TestLost:
    """The server cannot be reached."""

    def test_the_copy_serves(
        self,
        machine: Callable[..., SharedStore],
        server: FolderRemote,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        publish(machine("one"), published := read("+14155552671"))
        two = machine("two")
        assert has(two, published)
        down(server)
        assert has(two, published)
        assert has(machine("two"), published)
        wait_for(lambda: not two._reachable)
        assert "cannot be used now" in caplog.text
        up(server)
        wait_for(lambda: "can be used again" in caplog.text)
        assert "test://server" in caplog.text

    def test_a_list_is_read_for_this_machine_alone(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        one, two = machine("one"), machine("two")
        publish(one, first := read("+14155552671"))
        assert has(one, first)
        assert has(two, first)
        down(server)
        with one.exclusive(KEY, LEASE) as lease:
            with pytest.raises(Held), machine("one").exclusive(KEY, LEASE):
                raise AssertionError("two holders on one machine")
            lease.check()
            here = one.publish(KEY, later(first, "+14155552672"), lease)
        assert has(machine("one"), here)
        assert has(two, first)
        up(server)
        time.sleep(0.3)
        assert has(one, here), "an older one from the server does not replace it"
        publish(two, newest := later(here, "+14155552673"))
        wait_for(lambda: has(one, newest))

    def test_the_reading_is_kept_here_if_it_is_lost_at_the_last_moment(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        one = machine("one")
        publish(one, first := read("+14155552671"))
        assert has(one, first)
        with one.exclusive(KEY, LEASE) as lease:
            down(server)
            here = one.publish(KEY, later(first, "+14155552672"), lease)
        assert has(one, here)
        with one.exclusive(KEY, LEASE) as lease:
            assert contents(one.publish(KEY, first, lease)) == contents(here), "it is older"

    def test_other_names_are_not_held_without_it(
        self, machine: Callable[..., SharedStore], server: FolderRemote
    ) -> None:
        """Opt-outs would be delivered twice."""
        store = machine()
        store.latest(KEY)
        down(server)
        for name in ("delivery-bsg-x", OTHER_KEY):
            with pytest.raises(StoreError, match="does not answer"), store.exclusive(name, LEASE):
                raise AssertionError("held")
        with pytest.raises(StoreError):
            store.fail(KEY, FAILURE)
        assert store.failure(KEY) == FAILURE


class TestDamage:
    def test_in_the_server_is_reported_once_and_sent_again(
        self,
        machine: Callable[..., SharedStore],
        server: FolderRemote,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        publish(machine("one"), first := read("+14155552671"))
        server.damage(KEY, "part")
        two = machine("two", look=0.05)
        assert two.latest(KEY) is None
        time.sleep(0.3)
        assert len([each for each in caplog.messages if "is damaged" in each]) == 1
        with two.exclusive(KEY, LEASE) as lease:
            two.publish(KEY, first, lease)
        assert has(machine("three"), first), "the same parts were sent again"
        publish(two, first)
        assert remote_of(two).calls.count("discard") == 1


def later(snapshot: Snapshot, *numbers: str) -> Snapshot:
    return dataclasses.replace(read(*numbers), read_at=snapshot.read_at + timedelta(seconds=10))


class TestSuppressor:
    def made(self, source: ListSource, clock: Clock, server: FolderRemote, name: str) -> Suppressor:
        settings = Settings(
            sources=(source.name,),
            store=ServerUrl(f"test://{server.folder}"),
            local_copy=server.folder.parent / name,
        )
        return Suppressor(
            settings,
            plugins=[source, RemotePlugin()],
            background=False,
            clock=clock,
            timer=clock,
        )

    def test_one_machine_reads_for_all(self, server: FolderRemote) -> None:
        clock, source = Clock(), ListSource(listed("+14155552671"))
        machines = [self.made(source, clock, server, str(place)) for place in range(3)]
        for each in machines:
            assert each.is_suppressed("+14155552671", "sms")
        assert len(source.loads) == 1

    def test_a_machine_that_lost_server_and_source_goes_on_until_max_stale(
        self, server: FolderRemote
    ) -> None:
        clock, source = Clock(), ListSource(listed("+14155552671"))
        one = self.made(source, clock, server, "one")
        assert one.is_suppressed("+14155552671", "sms")
        down(server)
        source.failure = OSError("no network")
        clock.now += 3000
        assert one.is_suppressed("+14155552671", "sms")
        clock.now += 1000
        with pytest.raises(StopListUnavailable):
            one.is_suppressed("+14155552671", "sms")

    def test_a_refresh_without_the_server_is_kept_on_this_machine(
        self, server: FolderRemote, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock, source = Clock(), ListSource(listed("+14155552671"))
        self.made(source, clock, server, "one").snapshot("sms")
        down(server)
        clock.now += 10
        source.entries = listed("+14155552672")
        self.made(source, clock, server, "one").refresh("sms")
        assert self.made(source, clock, server, "one").is_suppressed("+14155552672", "sms")
        assert len(source.loads) == 2
        assert "stays in memory alone" not in caplog.text
        up(server)
        assert self.made(source, clock, server, "two").is_suppressed("+14155552671", "sms")
