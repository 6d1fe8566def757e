"""Functions that tests run in processes of their own.

The processes are forked from one that has imported suppress and runs nothing else, so fifty
of them start at once.
"""

import contextlib
import itertools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import phonenumbers

import suppress
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention

KEY = "test_children"
NOBODY = "+14155550199"

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["suppress", "suppress_bsg.source", "suppress_postgres.record"])


def suppressor(url: str, store: Path | str, **arguments: Any) -> suppress.Suppressor:
    """Return a `Suppressor` that reads a sandbox's list, with a folder or a server as its store."""
    tables = {"bsg": {"base_url": url, "api_key": KEY, "timeout": 5.0}}
    background = arguments.pop("background", False)
    settings = suppress.Settings(
        sources=("bsg",),
        store=suppress.ServerUrl(store) if isinstance(store, str) else store,
        tables=tables,
        **arguments,
    )
    return suppress.Suppressor(settings, background=background)


@contextlib.contextmanager
def started(
    target: Callable[..., object], *arguments: Any
) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection]]:
    """Run the function in a process; yield that and the other end of its first argument, a pipe."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(there, *arguments))
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        process.kill()
        process.join()
        here.close()


def screen(pipe: Connection, url: str, store: Path, numbers: list[str], options: Any) -> None:
    """Screen once when told to, and send the allowed or the error."""
    pipe.recv()
    try:
        pipe.send(suppressor(url, store, **options).filter_recipients(numbers, "sms"))
    except suppress.SuppressError as error:
        pipe.send(f"{type(error).__name__}: {error}")


def fail_for_ever(pipe: Connection, url: str, store: Path) -> None:
    """Refresh again and again, without success."""
    one = suppressor(url, store)
    while True:
        with contextlib.suppress(suppress.StopListUnavailable):
            one.refresh("sms")
        pipe.send("failed")


def screen_by_the_default(pipe: Connection, environ: dict[str, str], numbers: list[str]) -> None:
    """Screen with the module's functions."""
    os.environ.update(environ)
    pipe.send(suppress.filter_recipients(numbers, "sms"))


def refresh(pipe: Connection, url: str, store: Path) -> None:
    """Refresh, and report it."""
    one = suppressor(url, store)
    pipe.send("begins")
    pipe.send(one.refresh("sms")["sms"].count)


def refresh_and_die(pipe: Connection, url: str, store: Path, steps: int) -> None:
    """Refresh, and end as if killed before the given step in the store."""
    one = suppressor(url, store)
    left = [steps]

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if any(str(store) in str(each) for each in arguments):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

    sys.addaudithook(count)
    one.refresh("sms")
    pipe.send("refreshed")


def watch(pipe: Connection, url: str, store: Path, number: str) -> None:
    """Ask again and again whether the number is suppressed, and report each change."""
    one = suppressor(url, store, ttl=3600.0)
    before = None
    while True:
        found = one.is_suppressed(number, "sms")
        if found != before:
            pipe.send((found, time.time()))
            before = found
        time.sleep(0.001)


def fork_while_loading(pipe: Connection, url: str, store: Path) -> None:
    """Fork while another thread reads the list; the child sends the allowed."""
    one = suppressor(url, store)
    reading = threading.Thread(target=lambda: one.refresh("sms"), daemon=True)
    reading.start()
    pipe.recv()
    if os.fork() == 0:
        pipe.send(("child", os.getpid()))
        pipe.recv()
        pipe.send(one.filter_recipients([NOBODY], "sms"))
        pipe.recv()
        os._exit(0)
    time.sleep(60)


def fork_while_deriving(pipe: Connection, forks: int) -> None:
    """Fork while another thread derives the rules of regions, and report each child.

    Each child reads numbers of two regions, and ends.
    """
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)

    def read_all() -> None:
        for region in regions:
            Reader(Convention(region)).read_all(["0123456789", "+442079460958"])

    thread = threading.Thread(target=read_all, daemon=True)
    thread.start()
    for first, second in itertools.pairwise(regions[-forks - 1 :]):
        if (child := os.fork()) == 0:
            for region in (first, second):
                Reader(Convention(region)).read_all(["0123456789"])
            os._exit(0)
        pipe.send(child)
        os.waitpid(child, 0)
        pipe.send(thread.is_alive())


def prefork(pipe: Connection, url: str, store: Path, numbers: list[str]) -> None:
    """Read the list, then answer from forked workers, as a web server does."""
    one = suppressor(url, store, background=True)
    one.snapshot("sms")
    workers = []
    for _ in range(4):
        if (worker := os.fork()) == 0:
            os.read(pipe.fileno(), 1)  # whatever worker, a byte each
            pipe.send((os.getpid(), one.filter_recipients(numbers, "sms")))
            os._exit(0)
        workers.append(worker)
    pipe.send("forked")
    for worker in workers:
        os.waitpid(worker, 0)


def keep_recent_over_a_fork(pipe: Connection, url: str) -> None:
    """Keep a list recent, then fork; the child sends two times at which it was read.

    Without a store, it is the child that has read it.
    """
    tables = {"bsg": {"base_url": url, "api_key": KEY}}
    one = suppress.Suppressor(
        suppress.Settings(sources=("bsg",), store=None, ttl=0.5, tables=tables)
    )
    one.keep_recent("sms")
    while (first := one.stored("sms")) is None:
        time.sleep(0.01)
    if os.fork() == 0:
        time.sleep(5)
        found = one.stored("sms")
        pipe.send((first.read_at, None if found is None else found.read_at))
        os._exit(0)
    time.sleep(60)
