"""Users of this machine, each a process that does what it is told; only root can make them."""

import contextlib
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import suppress
from support.children import CONTEXT
from suppress.opt_outs.database import Database
from suppress.opt_outs.limits import LIMITS
from suppress.opt_outs.marks import Marks

LISTED, FREE = "+14155552671", "+14155550199"


class User:
    """A user: a user id, its groups, and a process.

    Args:
        pipe: leads to the process.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __call__(self, what: str, *arguments: Any) -> Any:
        """Have something done, and return what came of it, or the error as text."""
        self._pipe.send((what, *arguments))
        assert self._pipe.poll(30), "the user does not answer"
        return self._pipe.recv()


@contextlib.contextmanager
def user(number: int, groups: list[int], home: Path, store: Path, umask: int) -> Iterator[User]:
    """Let a user be there, whose stop list is in a file that root keeps in the home's parent."""
    home.mkdir()
    os.chown(home, number, number)
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_live, args=(there, number, groups, home, store, umask))
    process.start()
    there.close()
    try:
        assert here.poll(30)
        assert here.recv() == "here"
        yield User(here)
    finally:
        process.kill()
        process.join()
        here.close()


def _live(
    pipe: Connection, number: int, groups: list[int], home: Path, store: Path, umask: int
) -> None:
    path = home.parent / "listed.txt"

    def made(where: Path) -> suppress.Suppressor:
        tables = {"file": {"path": str(path), "quiet": 0}}
        settings = suppress.Settings(sources=("file",), store=where, tables=tables, ttl=3600.0)
        return suppress.Suppressor(settings, background=False)

    # Once as root: the modules need not be where the user can read them.
    warm = made(home.parent / f"warm-{number}")
    warm.add([FREE], "viber")
    warm.filter_recipients([LISTED, FREE], "sms")
    warm.refresh()
    made(home.parent / f"warm-{number}").add([LISTED], "viber")
    os.setgroups(groups)
    os.setgid(number)
    os.setuid(number)
    os.umask(umask)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(home)
    os.chdir(home)
    pipe.send("here")
    one: suppress.Suppressor | None = None
    while True:
        what, *arguments = pipe.recv()
        try:
            one = made(store) if one is None else one
            pipe.send(_done(one, store, what, *arguments))
        except Exception as error:  # noqa: BLE001 - the test tells
            pipe.send(f"{type(error).__name__}: {error}")


def _done(one: suppress.Suppressor, store: Path, what: str, *arguments: Any) -> Any:
    if what == "add":
        return one.add(arguments[0], "sms")
    if what == "allowed":
        return one.filter_recipients(arguments[0], "sms")
    if what == "refresh":
        return one.refresh("sms")["sms"].read_at
    if what == "read_at":
        return one.snapshot("sms").read_at
    assert what == "die while writing"
    database = Database(store, contextlib.nullcontext, LIMITS.max_wait, Marks(store))
    with database.writing() as connection:
        connection.execute("UPDATE file SET made = made + 1")
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
