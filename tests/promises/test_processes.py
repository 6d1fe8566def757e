"""Processes that share a store: one reads, all use it, and whoever is killed leaves no harm."""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import children
from support.builders import row
from support.children import KEY, NOBODY, started, suppressor
from support.restarted import start_again
from suppress_bsg.sandbox import Sandbox

LISTED, LATER = "+14155552671", "+14155552672"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([row(1, 14155552671, "sms")], api_key=KEY) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def listings(caplog: pytest.LogCaptureFixture) -> Any:
    """Counts the pages of the list that the sandbox has served."""
    caplog.set_level(logging.DEBUG, "suppress_bsg.sandbox")
    return lambda: caplog.messages.count("/api/stoplist answered with 200")


def screened(
    sandbox: Sandbox, store: Path, numbers: list[str], processes: int, **options: Any
) -> list[Any]:
    """Return the answers of several processes that screen at once."""
    with contextlib.ExitStack() as stack:
        all_of = [
            stack.enter_context(started(children.screen, sandbox.url, store, numbers, options))
            for _ in range(processes)
        ]
        for _, pipe in all_of:
            pipe.send("go")
        return [pipe.recv() for _, pipe in all_of]


@pytest.mark.slow
def test_fifty_processes_cause_one_read(sandbox: Sandbox, store: Path, listings: Any) -> None:
    everyone = screened(sandbox, store, [LISTED, NOBODY], 50)
    assert everyone == [[NOBODY]] * 50
    assert listings() == 1


def test_those_who_wait_get_the_error_of_the_one_that_failed(
    sandbox: Sandbox, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each would ask a server that is down, one after the other."""
    with Sandbox(api_key="test_another", latency=0.5) as refusing:
        everyone = screened(refusing, store, [NOBODY], 8)
    assert len(set(everyone)) == 1
    assert "StopListUnavailable" in everyone[0]
    assert "refused the API key" in everyone[0]


def test_who_waits_is_not_starved_by_one_that_fails_again_and_again(store: Path) -> None:
    with (
        Sandbox(api_key="test_another", latency=0.2) as refusing,
        started(children.fail_for_ever, refusing.url, store) as (_, pipe),
    ):
        pipe.recv()
        began = time.monotonic()
        (answer,) = screened(refusing, store, [NOBODY], 1)
    assert "refused the API key" in answer
    assert time.monotonic() - began < 5


def test_a_second_process_starts_from_the_store(
    sandbox: Sandbox, store: Path, listings: Any
) -> None:
    suppressor(sandbox.url, store).snapshot("sms")
    assert screened(sandbox, store, [LISTED, NOBODY], 1) == [[NOBODY]]
    assert listings() == 1


def test_a_spawned_process_uses_the_module_and_the_environment(
    sandbox: Sandbox, store: Path, listings: Any
) -> None:
    environ = {
        "BSG_BASE_URL": sandbox.url,
        "BSG_API_KEY": KEY,
        "SUPPRESS_STORE": str(store),
        "SUPPRESS_SOURCES": "bsg",
    }
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        here, there = context.Pipe()
        process = context.Process(
            target=children.screen_by_the_default, args=(there, environ, [LISTED, NOBODY])
        )
        process.start()
        assert here.recv() == [NOBODY]
        process.join()
    assert listings() == 1


class TestRefresh:
    def test_is_used_by_a_running_process_within_a_second(
        self, sandbox: Sandbox, store: Path, listings: Any
    ) -> None:
        with started(children.watch, sandbox.url, store, LATER) as (_, pipe):
            assert pipe.recv()[0] is False
            sandbox.attach([14155552672], ["sms"])
            suppressor(sandbox.url, store).refresh("sms")
            done = time.time()
            assert pipe.poll(5)
            found, at = pipe.recv()
        assert found
        assert at - done < 1
        assert listings() == 2, "one read each; the running process asked for none"

    def test_one_that_is_killed_leaves_no_lock(self, store: Path) -> None:
        with (
            Sandbox(api_key=KEY, latency=60) as slow,
            started(children.refresh, slow.url, store) as (process, pipe),
        ):
            assert pipe.recv() == "begins"
            _wait_for(lambda: bool(list(store.glob("*.lock"))))
            process.kill()
            process.join()
        sandbox = Sandbox([row(1, 14155552671, "sms")], api_key=KEY, port=port_of(slow))
        start_again(sandbox)
        with sandbox:
            assert suppressor(sandbox.url, store).filter_recipients([LISTED], "sms") == []

    @pytest.mark.slow
    def test_one_that_is_killed_at_any_step_leaves_the_old_list_or_the_new_one(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        steps = 0
        outcomes = []
        while True:
            store = tmp_path / f"store-{steps}"
            suppressor(sandbox.url, store).snapshot("sms")
            sandbox.attach([14155552672], ["sms"])
            with started(children.refresh_and_die, sandbox.url, store, steps) as (process, pipe):
                process.join(30)
                refreshed = pipe.poll() and process.exitcode == 0
            sandbox.close()
            # With the server gone, what is in force is what is in the store.
            snapshot = suppressor(sandbox.url, store).snapshot("sms")
            assert set(snapshot.numbers) in ({LISTED}, {LISTED, LATER})
            outcomes.append(len(snapshot.numbers))
            start_again(sandbox)
            sandbox.detach([each.id for each in sandbox.rows if each.phone == 14155552672], ["sms"])
            # No lock is left: what comes next is not held up.
            assert suppressor(sandbox.url, store).refresh("sms")["sms"].count == 1
            if refreshed:
                break
            assert process.exitcode == 9
            steps += 1
        assert steps > 10
        assert outcomes[0] == 1
        assert outcomes[-1] == 2
        assert outcomes == sorted(outcomes), "from one step on, the new list is in force"


class TestFork:
    def test_workers_of_a_forking_server(self, sandbox: Sandbox, store: Path) -> None:
        with started(children.prefork, sandbox.url, store, [LISTED, LATER, NOBODY]) as (_, pipe):
            assert pipe.recv() == "forked"
            sandbox.attach([14155552672], ["sms"])
            suppressor(sandbox.url, store).refresh("sms")
            os.write(pipe.fileno(), b"gogo")
            answers = dict(pipe.recv() for _ in range(4))
        assert len(answers) == 4
        assert list(answers.values()) == [[NOBODY]] * 4

    def test_a_lock_does_not_live_on_in_a_forked_child(self, sandbox: Sandbox, store: Path) -> None:
        """The parent forks in the middle of a read and is killed; the child goes on."""
        with (
            Sandbox(sandbox.rows, api_key=KEY, latency=3) as slow,
            started(children.fork_while_loading, slow.url, store) as (process, pipe),
        ):
            _wait_for(lambda: bool(list(store.glob("*.lock"))))
            pipe.send("fork")
            _, child = pipe.recv()
            try:
                process.kill()
                process.join()
                slow.close()
                with Sandbox(sandbox.rows, api_key=KEY, port=port_of(slow)) as quick:
                    began = time.monotonic()
                    one = suppressor(quick.url, store)
                    assert one.filter_recipients([LISTED, NOBODY], "sms") == [NOBODY]
                    assert time.monotonic() - began < 2
                    pipe.send("screen")
                    assert pipe.recv() == [NOBODY]
            finally:
                os.kill(child, signal.SIGKILL)

    def test_numbers_can_be_read_while_another_thread_derives_their_rules(self) -> None:
        with started(children.fork_while_deriving, 12) as (_, pipe):
            while pipe.poll(10):
                try:
                    child = pipe.recv()
                except EOFError:
                    return
                if not pipe.poll(10):
                    os.kill(child, signal.SIGKILL)
                    pytest.fail("a child hangs at its first number")
                assert pipe.recv(), "a thread is at it"
            pytest.fail("the process hangs")


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.rpartition(":")[2])


def _wait_for(condition: Any) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
