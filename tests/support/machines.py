"""Machines that share a server: processes with folders of their own. What they do in tests.

Each function but the first runs in a process of its own; see `support.children.started`.
"""

import functools
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import suppress
from support.children import KEY
from suppress.stores.limits import SharedLimits
from suppress.stores.shared import SharedStore

PLUGINS = {"postgresql": "postgres", "redis": "redis"}
"""The plugins of servers, by the scheme of their URLs."""


class Machine(NamedTuple):
    """A machine.

    Attributes:
        server: the URL of the server, as this machine reaches it.
        provider: the URL of the provider that has the stop list.
        folder: all of its folders are in this one.
        key: the key of the provider's account.
        timeout: seconds for which it waits for an answer of the server.
    """

    server: str
    provider: str
    folder: Path
    key: str = KEY
    timeout: float = 10.0

    def suppressor(self, *, background: bool = True, **arguments: Any) -> suppress.Suppressor:
        """Return that of a process of this machine."""
        os.environ["XDG_STATE_HOME"] = str(self.folder / "state")
        settings = suppress.Settings(
            sources=("bsg",),
            store=suppress.ServerUrl(self.server),
            local_copy=self.folder / "copies",
            tables={
                "bsg": {"base_url": self.provider, "api_key": self.key, "timeout": 5.0},
                PLUGINS[self.server.partition("://")[0]]: {"timeout": self.timeout},
            },
            **arguments,
        )
        return suppress.Suppressor(settings, background=background)


def screen(pipe: Connection, machine: Machine, numbers: list[str]) -> None:
    """Screen once when told to, and send the allowed or the error."""
    pipe.send("ready")
    pipe.recv()
    try:
        pipe.send(machine.suppressor().filter_recipients(numbers, "sms"))
    except suppress.SuppressError as error:
        pipe.send(f"{type(error).__name__}: {error}")


def watch(pipe: Connection, machine: Machine, number: str, options: dict[str, Any]) -> None:
    """Ask again and again whether the number is suppressed, and report each change.

    None stands for an answer that is an error; its time is that of the last one that was none.
    """
    one = machine.suppressor(**options)
    before: object = ""
    answered = time.time()
    while True:
        try:
            found: bool | None = one.is_suppressed(number, "sms")
        except suppress.StopListUnavailable:
            found = None
        else:
            answered = time.time()
        if found != before:
            pipe.send((found, answered))
            before = found
        time.sleep(0.002)


def add(pipe: Connection, machine: Machine, numbers: list[str]) -> None:
    """Opt people out one by one when told to; tell of each, and of what failed.

    Once more told, end with the one who is being added.
    """
    one = machine.suppressor()
    pipe.send("ready")
    pipe.recv()
    for number in numbers:
        try:
            one.add([number], "sms")
        except suppress.StoreUnavailable as error:
            pipe.send((number, str(error)))
            time.sleep(0.05)
        else:
            pipe.send((number, None))
        if pipe.poll():
            break
    pipe.send("done")
    time.sleep(60)  # what is to be told to the provider is told meanwhile


def refresh(pipe: Connection, machine: Machine, lease: float) -> None:
    """Refresh when told to, under a lease of some seconds; tell of that, then of the list."""
    limited = functools.partial(SharedStore, limits=SharedLimits(lease=lease))
    with mock.patch("suppress.stores.shared.SharedStore", limited):
        one = machine.suppressor(background=False)
    pipe.send("ready")
    pipe.recv()
    try:
        pipe.send(sorted(one.refresh("sms")["sms"].numbers))
    except suppress.SuppressError as error:
        pipe.send(f"{type(error).__name__}: {error}")
    while True:
        pipe.send(sorted(one.snapshot("sms").numbers))
        pipe.recv()
