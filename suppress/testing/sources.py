"""The suite of a source."""

import contextlib
import itertools
from collections.abc import Iterable

import phonenumbers
import pytest

from suppress.errors import InvalidNumber, StopListUnavailable
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import normalize
from suppress.numbers.handed_in import digits_of
from suppress.numbers.mask import mask
from suppress.numbers.region import INTERNATIONAL
from suppress.sources import Source, TakesOptOuts, check, load
from suppress.stop_list.entries import Entries, Entry
from suppress.stop_list.snapshot import Snapshot


class SourceContract:
    """Tests of a source; subclass it, and give the fixture `source`.

    Give the fixture `failing_source` as well, unless your source cannot fail: a source that
    meets an error when it has read a part of its list.
    """

    @pytest.fixture
    def source(self) -> Source:
        """The source to test, with at least one entry on its list, and valid numbers alone."""
        raise NotImplementedError("give a fixture named `source`")

    @pytest.fixture
    def failing_source(self) -> Source | None:
        """A source whose list cannot be read to its end; None where that cannot happen."""
        return None

    def test_is_a_source(self, source: Source) -> None:
        """It has a name and channels that suppress can use."""
        check(source)

    def test_gives_entries(self, source: Source) -> None:
        """All that it gives is entries, with digits in each."""
        entries = _entries(source, source.channels)
        assert entries, "the source of the fixture has to list somebody"
        for entry in entries:
            assert isinstance(entry, Entry)
            assert digits_of(entry.number)
            assert not isinstance(entry.channels, str)

    def test_spells_channels_as_its_own(self, source: Source) -> None:
        """An entry for `SMS` is not on the list of `sms`, and nobody would notice."""
        served = {_folded(channel) for channel in source.channels}
        for entry in _entries(source, source.channels):
            for channel in set(entry.channels) - set(source.channels):
                assert _folded(channel) not in served, (
                    f"an entry is for the channel {channel!r}, but the source serves "
                    f"{_names(source.channels)}: spell it in the same way"
                )

    def test_serves_a_channel_of_each_entry(self, source: Source) -> None:
        """An entry for channels that the source does not serve suppresses nobody."""
        for entry in _entries(source, source.channels):
            assert set(entry.channels) & set(source.channels), (
                f"an entry is for {_names(entry.channels) or 'no channel'}, but the source "
                f"serves {_names(source.channels)}"
            )

    def test_gives_numbers_that_can_be_read(self, source: Source) -> None:
        """Each number is valid, as the source's region has it.

        A number in national form without a region is not a number, or is somebody else's.
        """
        region = getattr(source, "region", INTERNATIONAL)
        for entry in _entries(source, source.channels):
            assert _is_valid(entry.number, region), (
                f"{mask(entry.number)} is not a valid number under the region {region!r}. For "
                "numbers in national form, give the source an attribute `region`"
            )

    def test_serves_each_channel_alone(self, source: Source) -> None:
        """Asked for one channel, it gives the same people as when asked for all."""
        everything = _entries(source, source.channels)
        for channel in source.channels:
            alone = _entries(source, {channel})
            assert _listed(alone, channel) == _listed(everything, channel)

    def test_can_be_read_again(self, source: Source) -> None:
        """A second read of a list that did not change gives the same people."""
        first, second = _entries(source, source.channels), _entries(source, source.channels)
        for channel in source.channels:
            assert _listed(first, channel) == _listed(second, channel)

    def test_makes_snapshots(self, source: Source) -> None:
        """Its list can be loaded, and tells its source."""
        for channel, snapshot in _snapshots(source).items():
            assert snapshot.channel == channel
            assert snapshot.sources == (source.name,)

    def test_reports_progress_in_order(self, source: Source) -> None:
        """In its reports of progress, the entries read are never more than the total."""
        for done, total in _reports(source):
            assert done >= 0
            assert total is None or done <= total

    def test_fails_when_it_cannot_read_everyone(self, failing_source: Source | None) -> None:
        """An error in the middle of the list is raised: a part of it is never the list."""
        if failing_source is None:
            pytest.skip("give a fixture `failing_source`, unless the source cannot fail")
        with pytest.raises(StopListUnavailable):
            _snapshots(failing_source)

    def test_stops_when_progress_raises(self, source: Source) -> None:
        """An error of `progress` means that nobody waits any more: the reading ends with one."""
        for place in range(min(len(_reports(source)), 3)):
            progress = _RaisingProgress(place)
            is_swallowed = False
            with contextlib.suppress(Exception):
                list(source.load(frozenset(source.channels), progress))
                is_swallowed = progress.raised
            assert not is_swallowed, "an error of `progress` was swallowed: let it pass"


class _RaisingProgress:
    """Takes some reports of progress, and raises an error at the next."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.raised = False

    def __call__(self, _done: int, _total: int | None) -> None:
        if self._left == 0:
            self.raised = True
            raise TimeoutError
        self._left -= 1


class OptOutContract(SourceContract):
    """Tests of a source that takes opt-outs: those of a source, and some more.

    Subclass it, and give the fixture `number` besides.
    """

    @pytest.fixture
    def number(self) -> str:
        """A number (E.164) that is not on the list, and that the tests may put there."""
        raise NotImplementedError("give a fixture named `number`")

    def test_says_how_many_opt_outs_it_takes(self, source: Source) -> None:
        """It takes at least one at a time."""
        assert isinstance(source, TakesOptOuts)
        assert source.add_at_once >= 1
        assert source.remove_at_once >= 1

    def test_takes_opt_outs_twice_as_once(self, source: Source, number: str) -> None:
        """To add or to remove a number twice has the same effect as once."""
        assert isinstance(source, TakesOptOuts)
        for channel in source.channels:
            before = _listed(_entries(source, {channel}), channel)
            for _ in range(2):
                source.add([number], channel)
            added = _entries(source, {channel})
            assert _listed(added, channel) == before | {digits_of(number)}
            ids = [each.id for each in added if digits_of(each.number) == digits_of(number)]
            for _ in range(2):
                source.remove({number: [each for each in ids if each is not None]}, channel)
            assert _listed(_entries(source, {channel}), channel) == before


def _entries(source: Source, channels: Iterable[str]) -> list[Entry]:
    """Return everything that the source gives, one by one."""
    entries: list[Entry] = []
    for given in source.load(frozenset(channels), lambda _done, _total: None):
        if isinstance(given, Entries):
            ids = itertools.repeat(None) if given.ids is None else given.ids
            rows = zip(given.numbers, ids, strict=given.ids is not None)
            entries += [Entry(number, given.channels, id_) for number, id_ in rows]
        else:
            entries.append(given)
    return entries


def _reports(source: Source) -> list[tuple[int, int | None]]:
    """Return the reports of progress of one reading."""
    reports: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None) -> None:
        reports.append((done, total))

    list(source.load(frozenset(source.channels), progress))
    return reports


def _snapshots(source: Source) -> dict[str, Snapshot]:
    return load([source], source.channels, convention=Convention(), clock=lambda: 0.0)


def _listed(entries: list[Entry], channel: str) -> set[str]:
    return {digits_of(entry.number) for entry in entries if channel in entry.channels}


def _is_valid(number: str | int, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(normalize(number, region)))
    except InvalidNumber:
        return False


def _folded(channel: str) -> str:
    return channel.strip().casefold()


def _names(channels: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(channels)))
