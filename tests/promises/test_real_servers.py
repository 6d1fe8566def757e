"""Machines that share a real server: one reads, all obey, and no fault lets anybody through.

A machine is a process with folders of its own.
"""

import contextlib
import itertools
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import pytest

from support import machines
from support.builders import row, wait_for
from support.children import KEY, NOBODY, started
from support.faulty_server import KEY as FAULTY_KEY
from support.faulty_server import Answer, FaultyServer, Step, item, on
from support.machines import Machine
from support.postgres_server import PostgresServer
from support.redis_server import RedisServer, missing_for_redis
from support.tcp_proxy import TcpProxy
from suppress_bsg.sandbox import Sandbox

pytestmark = [pytest.mark.servers, pytest.mark.slow]

LISTED, LATER, ANN = "+14155552671", "+14155552672", "+14155552673"
PROMPT = 1.0
"""Seconds within which all machines that are connected know."""

RECONNECTED = 6.0
"""Seconds within which a machine is connected again, and knows."""


class Server(Protocol):
    """A server that machines share; `kill` ends it as a power failure would."""

    @property
    def port(self) -> int: ...
    def url(self, port: int | None = None) -> str: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...


@dataclass
class OnPostgres:
    """A database of a PostgreSQL server."""

    server: PostgresServer
    database: str

    @property
    def port(self) -> int:
        return self.server.port

    def url(self, port: int | None = None) -> str:
        return self.server.url(self.database, port)

    def start(self) -> None:
        self.server.start()

    def kill(self) -> None:
        self.server.kill()


@dataclass
class OnRedis:
    """A Redis server."""

    server: RedisServer

    @property
    def port(self) -> int:
        return self.server.port

    def url(self, port: int | None = None) -> str:
        return self.server.url(port=port)

    def start(self) -> None:
        self.server.start()

    def kill(self) -> None:
        self.server.kill()


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "redis":
        if (missing := missing_for_redis()) is not None:
            pytest.skip(missing)
        with RedisServer() as redis:
            yield OnRedis(redis)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database() as name:
        yield OnPostgres(postgres, name)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([row(1, int(LISTED[1:]), "sms")], api_key=KEY) as provider:
        yield provider


@pytest.fixture
def machine(server: Server, sandbox: Sandbox, tmp_path: Path) -> Callable[..., Machine]:
    """Make a machine, which may reach the server through a proxy."""
    names = itertools.count()

    def made(port: int | None = None, provider: FaultyServer | None = None, **more: Any) -> Machine:
        folder = tmp_path / f"machine{next(names)}"
        folder.mkdir()
        if provider is None:
            return Machine(server.url(port), sandbox.url, folder, **more)
        return Machine(server.url(port), provider.url, folder, FAULTY_KEY, **more)

    return made


def heard(pipe: Connection, expected: object, seconds: float = 20.0) -> float:
    """Wait until a watching machine gives an answer, and return the time that it tells."""
    until = time.monotonic() + seconds
    while pipe.poll(max(until - time.monotonic(), 0)):
        found, at = pipe.recv()
        if found is expected:
            return float(at)
    raise AssertionError(f"it never answered {expected}")


def silent(pipe: Connection, seconds: float) -> bool:
    """Tell whether the answer stays the same for some seconds."""
    return not pipe.poll(seconds)


def test_one_of_twenty_machines_reads_the_list(
    machine: Callable[..., Machine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "suppress_bsg.sandbox")
    with contextlib.ExitStack() as stack:
        pipes = [
            stack.enter_context(started(machines.screen, machine(), [LISTED, NOBODY]))[1]
            for _ in range(20)
        ]
        for pipe in pipes:
            assert pipe.recv() == "ready"
        for pipe in pipes:
            pipe.send("go")
        assert [pipe.recv() for pipe in pipes] == [[NOBODY]] * 20
    assert caplog.messages.count("/api/stoplist answered with 200") == 1


def test_what_one_machine_has_read_is_used_by_all_within_a_second(
    machine: Callable[..., Machine], sandbox: Sandbox
) -> None:
    with contextlib.ExitStack() as stack:
        pipes = [
            stack.enter_context(started(machines.watch, machine(), LATER, {"ttl": 3600.0}))[1]
            for _ in range(3)
        ]
        for pipe in pipes:
            heard(pipe, False)
        reader = machine().suppressor(background=False)
        assert not reader.is_suppressed(LATER, "sms")
        sandbox.attach([int(LATER[1:])], ["sms"])
        assert all(silent(pipe, 0.2) for pipe in pipes)
        reader.refresh("sms")
        published = time.time()
        assert max(heard(pipe, True) for pipe in pipes) - published < PROMPT


def test_an_opt_out_is_in_force_on_all_machines_within_a_second(
    machine: Callable[..., Machine],
) -> None:
    with contextlib.ExitStack() as stack:
        pipes = [
            stack.enter_context(started(machines.watch, machine(), ANN, {}))[1] for _ in range(3)
        ]
        for pipe in pipes:
            heard(pipe, False)
        one = machine().suppressor(background=False)
        one.add([ANN], "sms")
        added = time.time()
        assert max(heard(pipe, True) for pipe in pipes) - added < PROMPT
        one.remove([ANN], "sms")
        removed = time.time()
        assert max(heard(pipe, False) for pipe in pipes) - removed < PROMPT


def test_no_opt_out_is_lost_when_the_server_is_killed(
    server: Server, machine: Callable[..., Machine]
) -> None:
    """At any moment: whoever was told that it holds was told right, on every machine."""
    numbers = [[f"+4479{place}{each:07d}" for each in range(10_000)] for place in range(2)]
    with contextlib.ExitStack() as stack:
        _, watching = stack.enter_context(started(machines.watch, machine(), LISTED, {}))
        heard(watching, True)
        adding = [
            stack.enter_context(started(machines.add, machine(), some))[1] for some in numbers
        ]
        for pipe in adding:
            assert pipe.recv() == "ready"
            pipe.send("go")
        outcomes = []
        for _ in range(3):
            outcomes += [outcome for pipe in adding for outcome in until_one_holds(pipe)]
            time.sleep(0.1)
            server.kill()
            time.sleep(1.0)  # longer than a lost connection is tried again
            server.start()
        outcomes += [outcome for pipe in adding for outcome in until_one_holds(pipe)]
        for pipe in adding:
            pipe.send("enough")
            outcomes += told(pipe)
        assert not watching.poll(), "the copy has served all the time"
    hold = [number for number, error in outcomes if error is None]
    assert len(outcomes) > len(hold), "the server was not killed while somebody was added"
    one = machine().suppressor(background=False)
    assert one.filter_recipients([*hold, NOBODY], "sms") == [NOBODY]


Outcome = tuple[str, str | None]
"""Somebody who was to be opted out, and the error if that failed."""


def until_one_holds(pipe: Connection) -> Iterator[Outcome]:
    """Give what a machine tells of those whom it opts out, up to a success from now on."""
    while pipe.poll():
        yield pipe.recv()
    while True:
        outcome = pipe.recv()
        yield outcome
        if outcome[1] is None:
            return


def told(pipe: Connection) -> list[Outcome]:
    """Return what a machine tells of those whom it has opted out, up to its end."""
    found = []
    while (outcome := pipe.recv()) != "done":
        found.append(outcome)
    return found


def test_a_machine_that_is_cut_off_goes_on_with_its_copy_until_that_is_too_old(
    server: Server, machine: Callable[..., Machine]
) -> None:
    max_stale = 8.0
    with TcpProxy(server.port) as proxy, contextlib.ExitStack() as stack:
        cut_off = machine(proxy.port, timeout=2.0)
        ages = {"ttl": 1.0, "max_stale": max_stale}
        _, pipe = stack.enter_context(started(machines.watch, cut_off, ANN, ages))
        heard(pipe, False)
        _, adding = stack.enter_context(started(machines.add, cut_off, [LATER]))
        assert adding.recv() == "ready"
        proxy.cut()
        began = time.time()
        machine().suppressor(background=False).add([ANN], "sms")
        adding.send("go")
        number, error = adding.recv()
        assert number == LATER
        assert error is not None
        assert time.time() - began < 10
        last = heard(pipe, None) - began
        assert 1 < last < max_stale + 1, "it sends nothing any more"
        proxy.heal()
        healed = time.time()
        assert heard(pipe, True) - healed < RECONNECTED
        assert silent(pipe, 0.5)


def test_a_holder_that_was_stopped_for_longer_than_its_lease_publishes_nothing(
    machine: Callable[..., Machine],
) -> None:
    """Another machine has read a later list meanwhile."""
    lease = 1.0
    with FaultyServer([listed(LISTED)], fault=on("/api/stoplist", slowly)) as provider:
        stopped, other = machine(provider=provider), machine(provider=provider)
        with (
            started(machines.refresh, stopped, lease) as (process, pipe),
            started(machines.refresh, other, lease) as (_, later),
        ):
            assert (pipe.recv(), later.recv()) == ("ready", "ready")
            pipe.send("go")
            wait_for(lambda: len(provider.requests("/api/stoplist")) == 1)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGSTOP)
            provider.items.append(listed(LATER))
            later.send("go")
            assert later.recv() == [LISTED, LATER]
            os.kill(process.pid, signal.SIGCONT)
            pipe.recv()
            until = time.monotonic() + PROMPT
            while (serves := pipe.recv()) != [LISTED, LATER] and time.monotonic() < until:
                pipe.send("again")
            assert serves == [LISTED, LATER], "the later list serves there too"
        assert len(provider.requests("/api/stoplist")) == 2
        one = machine(provider=provider).suppressor(background=False)
        assert sorted(one.snapshot("sms").numbers) == [LISTED, LATER]


def slowly(right: Answer) -> Iterator[Step]:
    yield 1.0
    yield right.head() + right.body


def listed(number: str) -> dict[str, Any]:
    return item(int(number[-1]), phone=int(number[1:]))


def test_the_provider_is_told_once_of_each_opt_out(
    machine: Callable[..., Machine], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many machines have it to tell at the same time."""
    numbers = [[f"+4479{place}{each:07d}" for each in range(10)] for place in range(4)]
    taken: Counter[int] = Counter()
    attach = sandbox._stop_list.attach

    def count(phones: list[int], channels: list[str]) -> object:
        taken.update(phones)
        return attach(phones, channels)

    monkeypatch.setattr(sandbox._stop_list, "attach", count)
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(started(machines.add, machine(), some))[1] for some in numbers]
        for pipe in pipes:
            assert pipe.recv() == "ready"
        for pipe in pipes:
            pipe.send("go")
        assert [error for pipe in pipes for _, error in told(pipe)] == [None] * 40
        wait_for(lambda: len(taken) == 40)
    assert set(taken.values()) == {1}
