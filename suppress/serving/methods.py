"""The methods of a `Suppressor` that read stop lists, keep them recent, and say how they are."""

from abc import ABC, abstractmethod
from collections.abc import Collection

from suppress.background import Background
from suppress.errors import UnknownChannel
from suppress.serving.load import Report
from suppress.serving.serving import Serving
from suppress.serving.status import Status
from suppress.stop_list.snapshot import Snapshot
from suppress.tracebacks import without_frames


class ServingMethods(ABC):
    """The methods that need nothing but the stop lists.

    Attributes:
        channels: the channels that are served.
    """

    channels: tuple[str, ...]
    _renewing: Background | None
    _kept_recent: set[str]

    @property
    @abstractmethod
    def _serving(self) -> Serving:
        """The stop lists of now."""

    @without_frames
    def refresh(
        self,
        channel: str | Collection[str] | None = None,
        *,
        force: bool = False,
        progress: Report = lambda _name, _done, _total: None,
    ) -> dict[str, Snapshot]:
        """Read stop lists now, however recent the snapshots are; return the snapshots.

        If another process is reading a list, its reading is used, provided that it began later.
        This waits until the reading has ended, be it for `load_timeout`.

        Args:
            channel: one channel or several; None for all that are served.
            force: as for `suppress.refresh`.
            progress: called with a source's name, entries read, and entries in all if known.

        Raises:
            UnknownChannel, StopListUnavailable: as for `suppress.refresh`.
        """
        if channel is None:
            channel = self.channels
        channels = (channel,) if isinstance(channel, str) else tuple(dict.fromkeys(channel))
        for each in channels:
            self._known(each)
        return self._serving.refresh(channels, progress, force=force)

    @without_frames
    def keep_recent(self, *channels: str) -> None:
        """Keep stop lists recent in the background, even while nobody asks, until this is gone.

        Arguments and errors as for `suppress.keep_recent`. One that was made with
        `background=False` keeps nothing recent.
        """
        for each in channels:
            self._known(each)
        if self._renewing is not None:
            self._kept_recent.update(channels or self.channels)
            self._renewing.wake()

    @without_frames
    def snapshot(self, channel: str) -> Snapshot:
        """Return the snapshot that answers for the channel now, read first where need be.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: no snapshot is recent enough, and none can be read, or not within
                ten seconds where the list is kept recent.
        """
        self._known(channel)
        return self._serving.current(channel)

    def stored(self, channel: str) -> Snapshot | None:
        """Return the latest snapshot at hand, however old, without asking a source.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        self._known(channel)
        return self._serving.stored(channel)

    @without_frames
    def status(self) -> Status:
        """Return the state of each channel's stop list, without asking a source.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        return self._serving.status()

    def _known(self, channel: str) -> None:
        if channel not in self.channels:
            raise UnknownChannel.among(channel, self.channels)
