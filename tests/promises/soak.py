"""A soak: processes that screen, refresh, opt out and are killed, while the list changes.

    python -m promises.soak --seconds 600 --processes 8

It ends with status 1 if anybody was let through who was listed before the last completed
refresh began (plus one second) or who was opted out, or if an opt-out was lost.
"""

import argparse
import itertools
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
from typing import Any

import suppress
from support.children import CONTEXT, KEY, suppressor
from suppress_bsg.sandbox import Sandbox, made_up

FIRST = 14155550000
"""The numbers that the soak is about begin here; each comes on the list sooner or later."""

NUMBERS = 2_000
GRACE = 1.0
"""Seconds after a refresh within which every process has to use what it has read."""

OPTIONS = {"ttl": 3.0, "max_stale": 60.0, "background": True}


def screen(pipe: Connection, url: str, store: Path, seed: int) -> None:
    """Screen all the numbers again and again; tells when that began, and who was allowed."""
    dice = random.Random(seed)
    one = suppressor(url, store, **OPTIONS)
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


def refresh(pipe: Connection, url: str, store: Path, seed: int) -> None:
    """Refresh again and again; tells when each began and that it is done."""
    dice = random.Random(seed)
    one = suppressor(url, store, **OPTIONS)
    while True:
        began = time.time()
        try:
            one.refresh("sms")
        except suppress.StopListUnavailable:
            pipe.send(("not refreshed", began))
        else:
            pipe.send(("refreshed", began, time.time()))
        time.sleep(dice.random() / 2)


def opt_out(pipe: Connection, url: str, store: Path, seed: int) -> None:
    """Opt numbers out one by one; tells of each that has been."""
    dice = random.Random(seed)
    one = suppressor(url, store, **OPTIONS)
    while True:
        number = f"+{FIRST + dice.randrange(NUMBERS)}"
        if one.add([number], "sms"):
            pipe.send(("opted out", number, time.time()))
        time.sleep(dice.random())


@dataclass
class Soak:
    """The events so far, and what they say about each screening."""

    sandbox: Sandbox
    store: Path
    dice: random.Random
    seeds: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    listed: dict[int, float] = field(default_factory=dict)
    opted_out: dict[str, float] = field(default_factory=dict)
    refreshes: list[tuple[float, float]] = field(default_factory=list)
    screened: list[tuple[float, list[str]]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    workers: dict[Connection, tuple[BaseProcess, Callable[..., None]]] = field(default_factory=dict)

    def start(self, work: Callable[..., None]) -> None:
        here, there = CONTEXT.Pipe()
        arguments = there, self.sandbox.url, self.store, next(self.seeds)
        process = CONTEXT.Process(target=work, args=arguments, daemon=True)
        process.start()
        there.close()
        self.workers[here] = process, work

    def listen(self, seconds: float) -> None:
        """Take what the workers tell; start another for each that is gone."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for pipe in multiprocessing.connection.wait(list(self.workers), left):
                assert isinstance(pipe, Connection)
                try:
                    self.hear(*pipe.recv())
                except (EOFError, OSError):
                    process, work = self.workers.pop(pipe)
                    process.join()
                    if process.exitcode != -9:
                        self.wrong.append(f"{work.__name__} ended with {process.exitcode}")
                    self.start(work)

    def hear(self, what: str, *details: Any) -> None:
        self.counts[what] += 1
        if what == "screened":
            began, allowed, count = details
            self.counts["decisions"] += count
            self.screened.append((began, allowed))
        elif what == "refreshed":
            self.refreshes.append(details)
        elif what == "opted out":
            self.opted_out[details[0]] = details[1]

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
        for began, allowed in self.screened:
            if began > ripe:
                continue
            before = max(
                (start for start, end in self.refreshes if end < began - GRACE), default=0.0
            )
            for number in allowed:
                if self.listed.get(int(number), began) < before:
                    self.wrong.append(f"{number} was let through: listed before the refresh")
                if self.opted_out.get(number, began) < began:
                    self.wrong.append(f"{number} was let through: opted out")
        self.screened = [each for each in self.screened if each[0] > ripe]
        self.refreshes = self.refreshes[-200:]

    def kill_one(self) -> None:
        process, work = self.dice.choice(list(self.workers.values()))
        process.kill()
        self.counts[f"killed: {work.__name__}"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--entries", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(made_up(options.entries), api_key=KEY, latency=0.01) as sandbox,
    ):
        os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))
        soak = Soak(sandbox, Path(folder), random.Random(options.seed))
        for work in (*[screen] * options.processes, refresh, refresh, opt_out, opt_out):
            soak.start(work)
        until, next_kill = time.monotonic() + options.seconds, 0.0
        while time.monotonic() < until:
            soak.listen(0.2)
            soak.change_the_list()
            soak.judge()
            if time.monotonic() > next_kill:
                soak.kill_one()
                next_kill = time.monotonic() + soak.dice.random()
            if soak.dice.random() < 0.01:
                soak.counts["outages"] += 1
                sandbox.close()
                soak.listen(soak.dice.random() * 3)
                sandbox.start()
        soak.listen(3)
        soak.judge()
        for process, _ in soak.workers.values():
            process.kill()
        check_opt_outs(soak)
        for what, count in sorted(soak.counts.items()):
            print(f"{count:>12,} {what}")
        print(f"{len(soak.listed):>12,} listed meanwhile")
    for each in soak.wrong[:20]:
        print(f"WRONG: {each}")
    print(f"{len(soak.wrong)} wrong")
    sys.exit(bool(soak.wrong))


def check_opt_outs(soak: Soak) -> None:
    """Each that was told of is in force, and known to the source once all was passed on."""
    one = suppressor(soak.sandbox.url, soak.store)
    lost = one.filter_recipients(soak.opted_out, "sms")
    one.pass_on()
    waiting = len(one.waiting())
    known = {f"+{each.phone}" for each in soak.sandbox.rows if "sms" in each.channels}
    soak.wrong += [f"the opt-out of {number} is lost" for number in lost]
    soak.wrong += [f"{number} was not passed on" for number in soak.opted_out.keys() - known]
    if waiting:
        soak.wrong.append(f"{waiting} opt-outs still wait")


if __name__ == "__main__":
    main()
