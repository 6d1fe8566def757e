"""A soak: processes that screen, refresh, opt out and are killed, while the list changes.

    python -m promises.soak --seconds 600 --processes 8
    python -m promises.soak --store postgres

It ends with status 1 if anybody was let through who was listed before the last completed
refresh began (plus one second) or who was opted out, or if an opt-out was lost.

With a server as the store, there are two machines: processes with folders of their own. What one
of them has read, or an opt-out, is in force on the other within a second. `--store postgres`
starts a server, which is killed and started again meanwhile. While it is down, and until the
machines are connected again, each machine is judged by what happened on it alone.
"""

import argparse
import contextlib
import itertools
import math
import multiprocessing.connection
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import suppress
from support.children import CONTEXT, KEY, suppressor
from support.postgres_server import PostgresServer
from support.restarted import start_again
from suppress_bsg.sandbox import Sandbox, made_up

FIRST = 14155550000
"""The numbers that the soak is about begin here; each comes on the list sooner or later."""

NUMBERS = 2_000
GRACE = 1.0
"""Seconds after a refresh within which every process has to use what it has read."""

RECONNECTING = 5.0
"""Seconds after a server is there again within which every machine is connected."""

OPTIONS = {"ttl": 3.0, "max_stale": 60.0, "background": True}


class Machine(NamedTuple):
    """A machine: folders of its own, and a store, which may be a server."""

    store: Path | str
    folder: Path

    def suppressor(self, url: str, **arguments: Any) -> suppress.Suppressor:
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")
        return suppressor(url, self.store, local_copy=self.folder / "copies", **arguments)


def screen(pipe: Connection, url: str, machine: Machine, seed: int) -> None:
    """Screen all the numbers again and again; tells when that began, and who was allowed."""
    dice = random.Random(seed)
    one = machine.suppressor(url, **OPTIONS)
    numbers = [f"+{FIRST + place}" for place in range(NUMBERS)]
    while True:
        began = time.time()
        try:
            if dice.random() < 0.1:
                number = dice.choice(numbers)
                allowed = [] if one.is_suppressed(number, "sms") else [number]
                pipe.send(("screened", began, allowed, 1))
            else:
                pipe.send(("screened", began, one.filter_recipients(numbers, "sms"), NUMBERS))
        except suppress.StopListUnavailable:
            pipe.send(("nothing sent", began))
        time.sleep(dice.random() / 50)


def refresh(pipe: Connection, url: str, machine: Machine, seed: int) -> None:
    """Refresh again and again; tells when each began and that it is done."""
    dice = random.Random(seed)
    one = machine.suppressor(url, **OPTIONS)
    while True:
        began = time.time()
        try:
            one.refresh("sms")
        except suppress.StopListUnavailable:
            pipe.send(("not refreshed", began))
        else:
            pipe.send(("refreshed", began, time.time()))
        time.sleep(dice.random() / 2)


def opt_out(pipe: Connection, url: str, machine: Machine, seed: int) -> None:
    """Opt numbers out one by one; tells of each that has been."""
    dice = random.Random(seed)
    one = machine.suppressor(url, **OPTIONS)
    while True:
        number = f"+{FIRST + dice.randrange(NUMBERS)}"
        try:
            if one.add([number], "sms"):
                pipe.send(("opted out", number, time.time()))
        except suppress.SuppressError as error:
            if not isinstance(machine.store, str):
                raise
            pipe.send(("not opted out", type(error).__name__))
        time.sleep(dice.random())


class Screened(NamedTuple):
    """A screening: when it began, on which machine, and who was allowed."""

    began: float
    machine: Machine
    allowed: list[str]


class Refreshed(NamedTuple):
    """A completed refresh."""

    began: float
    ended: float
    machine: Machine


@dataclass
class Soak:
    """The events so far, and what they say about each screening."""

    sandbox: Sandbox
    machines: list[Machine]
    dice: random.Random
    server: PostgresServer | None = None
    seeds: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    listed: dict[int, float] = field(default_factory=dict)
    opted_out: dict[str, tuple[float, Machine]] = field(default_factory=dict)
    refreshes: list[Refreshed] = field(default_factory=list)
    screened: list[Screened] = field(default_factory=list)
    apart: list[tuple[float, float]] = field(default_factory=list)
    at_work: set[Connection] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    workers: dict[Connection, tuple[BaseProcess, Callable[..., None], Machine]] = field(
        default_factory=dict
    )

    def start(self, work: Callable[..., None], machine: Machine) -> None:
        here, there = CONTEXT.Pipe()
        arguments = there, self.sandbox.url, machine, next(self.seeds)
        process = CONTEXT.Process(target=work, args=arguments, daemon=True)
        process.start()
        there.close()
        self.workers[here] = process, work, machine

    def listen(self, seconds: float) -> None:
        """Take what the workers tell; start another for each that is gone."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for pipe in multiprocessing.connection.wait(list(self.workers), left):
                assert isinstance(pipe, Connection)
                try:
                    self.hear(self.workers[pipe][2], *pipe.recv())
                    self.at_work.add(pipe)
                except (EOFError, OSError):
                    self.at_work.discard(pipe)
                    process, work, machine = self.workers.pop(pipe)
                    process.join()
                    if process.exitcode != -9:
                        self.wrong.append(f"{work.__name__} ended with {process.exitcode}")
                    self.start(work, machine)

    def hear(self, machine: Machine, what: str, *details: Any) -> None:
        self.counts[what] += 1
        if what == "screened":
            began, allowed, count = details
            self.counts["decisions"] += count
            self.screened.append(Screened(began, machine, allowed))
        elif what == "refreshed":
            began, ended = details
            self.refreshes.append(Refreshed(began, ended, machine))
        elif what == "opted out":
            self.opted_out.setdefault(details[0], (details[1], machine))

    def change_the_list(self) -> None:
        """List some more numbers, and take others off: those that the soak is not about."""
        free = [each for each in range(FIRST, FIRST + NUMBERS) if each not in self.listed]
        some = self.dice.sample(free, min(len(free), self.dice.randrange(3)))
        self.sandbox.attach(some, ["sms"])
        now = time.time()
        self.listed.update(dict.fromkeys(some, now))
        others = [each.id for each in self.sandbox.rows if each.phone // 10_000 != FIRST // 10_000]
        self.sandbox.detach(self.dice.sample(others, min(5, len(others))), ["sms"])

    def judge(self) -> None:
        """Check all screenings that were reported at least two seconds ago."""
        ripe = time.time() - 2 * GRACE
        for each in self.screened:
            if each.began <= ripe:
                self.judge_one(each)
        self.screened = [each for each in self.screened if each.began > ripe]
        self.refreshes = self.refreshes[-200:]

    def judge_one(self, screening: Screened) -> None:
        began, machine, allowed = screening
        refreshes = [
            each.began
            for each in self.refreshes
            if self.in_force(each.ended + GRACE, each.machine, screening, lasts=False)
        ]
        before = max(refreshes, default=0.0)
        for number in allowed:
            if self.listed.get(int(number), began) < before:
                self.wrong.append(f"{number} was let through: listed before the refresh")
            if number in self.opted_out:
                since, by = self.opted_out[number]
                lag = 0.0 if by == machine else GRACE
                if self.in_force(since + lag, by, screening, lasts=True):
                    self.wrong.append(f"{number} was let through: opted out")

    def in_force(self, since: float, by: Machine, screening: Screened, *, lasts: bool) -> bool:
        """Tell whether what a machine did has to be in force in a screening.

        Args:
            since: from when on, if machines are connected.
            by: the machine.
            screening: the screening.
            lasts: whether it was done on the server; else it may have been kept on that machine.
        """
        if since >= screening.began:
            return False
        if by == screening.machine:
            return True
        return not any(
            begin <= since and (begin <= screening.began <= end or (since <= end and not lasts))
            for begin, end in self.apart
        )

    def kill_the_server(self) -> None:
        """Kill the server of the store, and start it again some seconds later."""
        assert self.server is not None
        self.counts["the server was killed"] += 1
        began = time.time()
        self.apart.append((began - GRACE, math.inf))
        self.server.kill()
        self.listen(self.dice.random() * 5)
        self.server.start()
        self.apart[-1] = began - GRACE, time.time() + RECONNECTING

    def kill_one(self) -> None:
        """Kill a worker: mostly one that has done something, however slow the machine is."""
        some = list(self.workers if self.dice.random() < 0.2 else self.at_work)
        if not some:
            return
        process, work, _ = self.workers[self.dice.choice(some)]
        process.kill()
        self.counts[f"killed: {work.__name__}"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--entries", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--store", metavar="URL", help="a server for two machines, or `postgres` to start one"
    )
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with contextlib.ExitStack() as stack:
        # Threads of the last process may still write into it.
        name = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(name))
        server, machines = None, [Machine(folder / "store", folder)]
        if options.store is not None:
            store = options.store
            if store == "postgres":
                server = stack.enter_context(PostgresServer())
                store = server.url(stack.enter_context(server.database()))
            machines = [Machine(store, folder / name) for name in ("one", "two")]
        sandbox = stack.enter_context(Sandbox(made_up(options.entries), api_key=KEY, latency=0.01))
        soak = Soak(sandbox, machines, random.Random(options.seed), server)
        run(soak, options.seconds, options.processes)
        for what, count in sorted(soak.counts.items()):
            print(f"{count:>12,} {what}")
        print(f"{len(soak.listed):>12,} listed meanwhile")
    for each in soak.wrong[:20]:
        print(f"WRONG: {each}")
    print(f"{len(soak.wrong)} wrong")
    sys.exit(bool(soak.wrong))


def run(soak: Soak, seconds: float, processes: int) -> None:
    """Let the workers work for some seconds, disturb them, and judge what they did."""
    machines = itertools.cycle(soak.machines)
    for work in (*[screen] * processes, refresh, refresh, opt_out, opt_out):
        soak.start(work, next(machines))
    until, next_kill = time.monotonic() + seconds, 0.0
    while time.monotonic() < until:
        soak.listen(0.2)
        soak.change_the_list()
        soak.judge()
        if time.monotonic() > next_kill:
            soak.kill_one()
            # With a server, a worker takes longer to begin.
            next_kill = time.monotonic() + soak.dice.random() * len(soak.machines) ** 2
        if soak.dice.random() < 0.01:
            soak.counts["outages"] += 1
            soak.sandbox.close()
            soak.listen(soak.dice.random() * 3)
            start_again(soak.sandbox)
        if soak.server is not None and soak.dice.random() < 0.01:
            soak.kill_the_server()
    soak.listen(3)
    soak.judge()
    for process, _, _ in soak.workers.values():
        process.kill()
    check_opt_outs(soak)


def check_opt_outs(soak: Soak) -> None:
    """Each that was told of is in force everywhere, and known to the source once all was told."""
    for machine in soak.machines:
        one = machine.suppressor(soak.sandbox.url)
        until = time.monotonic() + RECONNECTING
        while (lost := one.filter_recipients(soak.opted_out, "sms")) and time.monotonic() < until:
            time.sleep(0.1)
        soak.wrong += [f"the opt-out of {number} is lost" for number in lost]
    one.pass_on()
    waiting = len(one.waiting())
    known = {f"+{each.phone}" for each in soak.sandbox.rows if "sms" in each.channels}
    soak.wrong += [f"{number} was not passed on" for number in soak.opted_out.keys() - known]
    if waiting:
        soak.wrong.append(f"{waiting} opt-outs still wait")


if __name__ == "__main__":
    main()
