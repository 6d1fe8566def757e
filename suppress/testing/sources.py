"""The suite of a source."""

import itertools

import pytest

from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import digits_of
from suppress.sources import Source, TakesOptOuts, check, load
from suppress.stop_list.entries import Entries, Entry


class SourceContract:
    """Tests of a source; subclass it, and give the fixture `source`."""

    @pytest.fixture
    def source(self) -> Source:
        """The source to test, with at least one entry on its list."""
        raise NotImplementedError("give a fixture named `source`")

    def test_is_a_source(self, source: Source) -> None:
        """It has a name and channels that suppress can use."""
        check(source)

    def test_gives_entries(self, source: Source) -> None:
        """What it gives are entries with something to read in each."""
        entries = _entries(source, frozenset(source.channels))
        assert entries, "the source that the fixture gives has to list somebody"
        for entry in entries:
            assert isinstance(entry, Entry)
            assert digits_of(entry.number)
            assert not isinstance(entry.channels, str)

    def test_serves_each_channel_alone(self, source: Source) -> None:
        """Asked for one channel, it gives the same people as when asked for all."""
        everything = _entries(source, frozenset(source.channels))
        for channel in source.channels:
            alone = _entries(source, frozenset({channel}))
            assert _listed(alone, channel) == _listed(everything, channel)

    def test_can_be_read_again(self, source: Source) -> None:
        """A second read of a list that did not change gives the same people."""
        channels = frozenset(source.channels)
        first, second = _entries(source, channels), _entries(source, channels)
        for channel in channels:
            assert _listed(first, channel) == _listed(second, channel)

    def test_makes_snapshots(self, source: Source) -> None:
        """Its list can be loaded, and says whom it is from."""
        snapshots = load([source], source.channels, convention=Convention(), clock=lambda: 0.0)
        for channel, snapshot in snapshots.items():
            assert snapshot.channel == channel
            assert snapshot.sources == (source.name,)

    def test_reports_progress_in_order(self, source: Source) -> None:
        """Where it reports progress, what was read never shrinks or passes the total."""
        reports: list[tuple[int, int | None]] = []
        list(
            source.load(
                frozenset(source.channels), lambda done, total: reports.append((done, total))
            )
        )
        for done, total in reports:
            assert done >= 0
            assert total is None or done <= total


class OptOutContract(SourceContract):
    """Tests of a source that takes opt-outs; subclass it, and give the fixture `number` as well."""

    @pytest.fixture
    def number(self) -> str:
        """A number (E.164) that is not on the list, and that the tests may put there."""
        raise NotImplementedError("give a fixture named `number`")

    def test_says_how_many_opt_outs_it_takes(self, source: Source) -> None:
        """It takes one at a time at least."""
        assert isinstance(source, TakesOptOuts)
        assert source.add_at_once >= 1
        assert source.remove_at_once >= 1

    def test_takes_opt_outs_twice_as_once(self, source: Source, number: str) -> None:
        """To add or remove a number again is the same as to do it once."""
        assert isinstance(source, TakesOptOuts)
        for channel in source.channels:
            before = _listed(_entries(source, frozenset({channel})), channel)
            for _ in range(2):
                source.add([number], channel)
            added = _entries(source, frozenset({channel}))
            assert _listed(added, channel) == before | {digits_of(number)}
            ids = [each.id for each in added if digits_of(each.number) == digits_of(number)]
            for _ in range(2):
                source.remove({number: [each for each in ids if each is not None]}, channel)
            assert _listed(_entries(source, frozenset({channel})), channel) == before


def _entries(source: Source, channels: frozenset[str]) -> list[Entry]:
    """Everything that the source gives, one by one."""
    entries: list[Entry] = []
    for given in source.load(channels, lambda _done, _total: None):
        if isinstance(given, Entries):
            ids = itertools.repeat(None) if given.ids is None else given.ids
            rows = zip(given.numbers, ids, strict=given.ids is not None)
            entries += [Entry(number, given.channels, id_) for number, id_ in rows]
        else:
            entries.append(given)
    return entries


def _listed(entries: list[Entry], channel: str) -> set[str]:
    return {digits_of(entry.number) for entry in entries if channel in entry.channels}
