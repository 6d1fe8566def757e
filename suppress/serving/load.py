"""Reading stop lists from their sources, in bounded time."""

import threading
from collections.abc import Callable, Collection, Sequence

from suppress.errors import StopListUnavailable
from suppress.hanging import Calls, Hanging, Overdue
from suppress.numbers.convention import Convention
from suppress.sources import ReadingFailed, Source
from suppress.sources import load as load_all
from suppress.stop_list.snapshot import Snapshot

Report = Callable[[str, int, int | None], None]
"""Told how far a reading is: a source's name, entries read, and entries in all if known."""


class Loader:
    """Reads the channels of some sources.

    Args:
        sources: where to read.
        convention: how numbers are to be read.
        timeout: seconds after which a reading is given up.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        convention: Convention,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._sources = sources
        self._convention = convention
        self._timeout = timeout
        self._clock = clock
        self._calls = Calls()

    def sources_of(self, *channels: str) -> list[str]:
        """Return the names of the sources that serve any of the channels."""
        return [each.name for each in self._sources if not set(channels).isdisjoint(each.channels)]

    def load(self, channels: Collection[str], progress: Report) -> dict[str, Snapshot]:
        """Read the channels from all sources that serve them.

        Raises:
            StopListUnavailable: a source failed, took longer than the timeout, or hangs since
                an earlier reading.
        """
        current = ""
        given_up = threading.Event()

        def report(name: str, done: int, total: int | None) -> None:
            if given_up.is_set():
                raise TimeoutError
            progress(name, done, total)

        def begins(name: str) -> None:
            nonlocal current
            current = name

        def read() -> dict[str, Snapshot]:
            return load_all(
                self._sources,
                channels,
                convention=self._convention,
                clock=self._clock,
                progress=report,
                begins=begins,
            )

        asked = self.sources_of(*channels)
        try:
            return self._calls.call(read, self._timeout, sources=asked, current=lambda: current)
        except Overdue:
            given_up.set()
            raise ReadingFailed(
                f"The stop lists of {' and '.join(sorted(channels))} were not read within "
                f"{self._timeout:g} s (SUPPRESS_LOAD_TIMEOUT): the source {current!r} takes "
                "longer. Try again later, or allow more time."
            ) from None
        except Hanging as error:
            # Another process may well be able to read it: the source has not failed.
            raise StopListUnavailable(str(error)) from None
        except RuntimeError as error:
            raise StopListUnavailable(f"The stop list cannot be read: {error}.") from error
