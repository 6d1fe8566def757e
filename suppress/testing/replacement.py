"""A stop list in place of the default one, for the tests of applications."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from suppress.default import replace_default
from suppress.hookspecs import hookimpl
from suppress.settings.settings import Settings
from suppress.sources import Progress
from suppress.stop_list.entries import Entry
from suppress.suppressor import Suppressor

NAME = "test"


class _Given:
    """A plugin with one source, whose entries are given."""

    name = NAME
    strict = True

    def __init__(self, listed: dict[str, list[str | int]], region: str | None) -> None:
        self.channels = frozenset(listed)
        self.region = region
        self._listed = listed

    def load(self, channels: frozenset[str], _progress: Progress) -> Iterator[Entry]:
        for channel in channels:
            for number in self._listed[channel]:
                yield Entry(number, {channel})

    @hookimpl
    def suppress_sources(self) -> "_Given":
        return self


@contextmanager
def stop_list(
    *,
    default_region: str | None = None,
    store: Path | None = None,
    **listed: Iterable[str | int],
) -> Iterator[Suppressor]:
    """Put a stop list in place of the default one while the block runs.

    `suppress.screen` and the other functions of the module ask it, on every thread. It reads no
    settings, and touches neither network nor, without a store, disk.

    Args:
        default_region: ISO 3166 region of numbers in national form, or `international`.
        store: a folder for opt-outs, such as pytest's `tmp_path`; without one, `suppress.add`
            and `remove` have nowhere to keep them, and raise.
        listed: the numbers that are listed, by channel; `sms=[]` for a channel with nobody on
            its list. No other channel is served.

    Yields:
        The `Suppressor` that answers meanwhile.

    Raises:
        ConfigurationError: no channel is given, or the region is unknown.
        StopListUnavailable: a listed number is not exactly one phone number.
    """
    settings = Settings(sources=(NAME,), store=store, default_region=default_region)
    given = _Given({channel: list(numbers) for channel, numbers in listed.items()}, default_region)
    suppressor = Suppressor(settings, plugins=[given], background=False)
    suppressor.refresh()
    with replace_default(suppressor):
        yield suppressor
