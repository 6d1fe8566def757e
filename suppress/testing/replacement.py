"""A stop list in place of the default one, for the tests of applications."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from suppress.default import replace_default
from suppress.errors import SourceError, StopListUnavailable
from suppress.hookspecs import hookimpl
from suppress.opt_outs.contract import Record, RecordError
from suppress.opt_outs.marks import Marks
from suppress.opt_outs.memory import MemoryRecord
from suppress.opt_outs.places import record_in
from suppress.settings.settings import Settings
from suppress.sources import Progress
from suppress.stop_list.entries import Entry
from suppress.stores.folder import FolderStore
from suppress.suppressor import Suppressor

NAME = "test"


class _Given:
    """A plugin with one source, whose entries are given."""

    name = NAME
    strict = True

    def __init__(self, listed: Mapping[str, Iterable[str | int]], region: str | None) -> None:
        self._listed = {channel: list(numbers) for channel, numbers in listed.items()}
        self.channels = frozenset(self._listed)
        self.region = region

    def load(self, channels: frozenset[str], _progress: Progress) -> Iterator[Entry]:
        for channel in channels:
            for number in self._listed[channel]:
                yield Entry(number, {channel})

    @hookimpl
    def suppress_sources(self) -> "_Given":
        return self


class _Unreadable:
    """A source that cannot be read."""

    name = NAME
    identity = "unavailable"

    def __init__(self, channels: Iterable[str]) -> None:
        self.channels = frozenset(channels)

    def load(self, _channels: frozenset[str], _progress: Progress) -> NoReturn:
        raise SourceError("this test has made it unavailable.")


class _RefusingRecord:
    """A record of opt-outs that takes no change while a test says so."""

    def __init__(self, record: Record) -> None:
        self.refuses = False
        self._record = record

    def __getattr__(self, name: str) -> Any:
        if self.refuses and name in ("append", "forget"):
            raise RecordError(
                "this test has made it unavailable", "End the block of `store_unavailable`."
            )
        return getattr(self._record, name)


class Replacement(Suppressor):
    """The `Suppressor` that answers in place of the default one in a test.

    `stop_list` yields it. It has every method of a `Suppressor`, and two to test what your
    application does while something is unavailable.
    """

    def __init__(self, settings: Settings, listed: Mapping[str, Iterable[str | int]]) -> None:
        record: Record = MemoryRecord()
        if isinstance(folder := settings.store, Path):
            # No mark outside the folder: it ends with the test, and is not missed then.
            record = record_in(folder, FolderStore(folder), Marks(folder, of_user=False))
        self._refusing = _RefusingRecord(record)
        super().__init__(
            settings,
            plugins=[_Given(listed, settings.default_region)],
            background=False,
            record=cast("Record", self._refusing),
        )

    @contextlib.contextmanager
    def unavailable(self) -> Iterator[None]:
        """Make the stop lists of all channels unavailable while the block runs.

        It is as with a source that fails, and no snapshot that may serve: every question and
        `refresh` raise `StopListUnavailable`, and `status` shows a missing list and its failure.
        Opt-outs do not need the list: `add`, `receive_reply`, `history` and `forget` work, and
        `remove` raises `StopListUnavailable`.
        """
        calendar = self._calendar
        self._calendar = calendar.reading([_Unreadable(self.channels)])
        try:
            # So that the status tells of it before the first question.
            with contextlib.suppress(StopListUnavailable):
                self.refresh()
            yield
        finally:
            self._calendar = calendar
            self._announce()

    @contextlib.contextmanager
    def store_unavailable(self) -> Iterator[None]:
        """Refuse every change of the opt-outs while the block runs, as with a full disk.

        `add` and `receive_reply` raise `StoreUnavailable`, and the opt-out holds in this process
        alone; `remove` and `forget` raise it, and do nothing. Screening goes on.
        """
        refused, self._refusing.refuses = self._refusing.refuses, True
        try:
            yield
        finally:
            self._refusing.refuses = refused


@contextlib.contextmanager
def stop_list(
    *,
    default_region: str | None = None,
    stop_scope: str = "channel",
    store: str | Path | None = None,
    **listed: Iterable[str | int],
) -> Iterator[Replacement]:
    """Put a stop list in place of the default one while the block runs.

    `suppress.screen` and the other functions of the module ask it, on every thread. Opt-outs are
    kept in memory until the block ends. It reads no settings, and touches neither network nor,
    without a store, disk.

    Args:
        default_region: ISO 3166 region of numbers in national form, or `international`.
        stop_scope: whether a reply that opts out holds for the `channel` on which it came, or for
            `all` channels.
        store: a folder for the list and the opt-outs, such as pytest's `tmp_path`, for a test
            across several processes or blocks; None to keep them in memory.
        listed: the numbers that are listed, by channel; `sms=[]` for a channel with nobody on
            its list. No other channel is served.

    Yields:
        The `Suppressor` that answers meanwhile; its `unavailable()` and `store_unavailable()`
        are blocks in which it cannot.

    Raises:
        TypeError: one text is given for a channel, in place of a list.
        ConfigurationError: no channel is given, or the region is unknown.
        StopListUnavailable: a listed number is not exactly one phone number.
    """
    for channel, numbers in listed.items():
        if isinstance(numbers, str | bytes):
            raise TypeError(
                f"{channel} needs a list of numbers, but is one text. Put it in a list."
            )
    settings = Settings(
        sources=(NAME,),
        store=None if store is None else Path(store),
        default_region=default_region,
        stop_scope=stop_scope,
    )
    suppressor = Replacement(settings, listed)
    suppressor.refresh()
    with replace_default(suppressor):
        yield suppressor
