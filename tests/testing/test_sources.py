"""The suite for sources fails for a source that loses somebody without a word."""

import ast
import contextlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed, Skipped

import suppress
from support.builders import ListSource, listed
from suppress import Entries, Entry, Progress, Source, SourceError
from suppress.testing import SourceContract

TESTS = Path(__file__).parents[1]
LISTED, OTHER = "+14155552671", "+442079460958"
NATIONAL = "(415) 555-2671"


class TestListContract(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return ListSource(listed(LISTED))

    @pytest.fixture
    def failing_source(self) -> Source:
        failing = ListSource()

        def in_the_middle() -> Iterator[Entry]:
            yield Entry(LISTED, {"sms"})
            raise SourceError("The connection is lost.")

        failing.instead = in_the_middle
        return failing


def failed(source: Source, failing_source: Source | None = None) -> set[str]:
    """The tests of the suite that a source does not pass."""
    given = {"source": source, "failing_source": failing_source}
    found = set()
    for name, test in inspect.getmembers(SourceContract(), inspect.ismethod):
        if name.startswith("test_"):
            arguments = {each: given[each] for each in inspect.signature(test).parameters}
            try:
                test(**arguments)
            except (AssertionError, Failed):
                found.add(name)
            except Skipped:
                assert failing_source is None
    return found


def other_channel(channel: str) -> Source:
    return ListSource([Entry(LISTED, {"sms"}), Entry(OTHER, {channel})])


@pytest.mark.parametrize("channel", ["SMS", " sms", "sms ", "Viber"])
def test_a_channel_in_another_spelling(channel: str) -> None:
    assert "test_spells_channels_as_its_own" in failed(other_channel(channel))
    both = ListSource([Entry(LISTED, {"sms", channel})])
    assert failed(both) == {"test_spells_channels_as_its_own"}


@pytest.mark.parametrize("channels", [{"email"}, {"smss", "mail"}, ()])
def test_an_entry_on_no_channel_that_is_served(channels: Any) -> None:
    source = ListSource([Entry(LISTED, {"sms"}), Entry(OTHER, channels)])
    assert failed(source) == {"test_serves_a_channel_of_each_entry"}


def test_an_entry_may_be_on_other_channels_as_well() -> None:
    assert failed(ListSource([Entry(LISTED, {"sms", "email"})])) == set()


@pytest.mark.parametrize("number", [NATIONAL, "020 7946 0958", "4155552671", 4155552671])
def test_a_national_number_without_a_region(number: str | int) -> None:
    assert failed(ListSource(listed(LISTED, number))) == {"test_gives_numbers_that_can_be_read"}


def test_national_numbers_with_a_region() -> None:
    class National(ListSource):
        region = "US"

    assert failed(National(listed(NATIONAL, LISTED, 4155552672))) == set()


class Swallowing:
    """Gives what it has when it meets an error."""

    name = "short"
    channels = frozenset({"sms"})

    def load(self, channels: frozenset[str], progress: Progress) -> list[Entry]:
        read = []
        with contextlib.suppress(Exception):
            for entry in self.rows():
                read.append(entry)
                progress(len(read), None)
        return read

    def rows(self) -> Iterator[Entry]:
        yield from listed(LISTED, OTHER)


class Broken(Swallowing):
    def rows(self) -> Iterator[Entry]:
        yield from listed(LISTED)
        raise ConnectionError


def test_a_failure_in_the_middle_that_is_a_short_list() -> None:
    good = ListSource(listed(LISTED))
    assert failed(good, Broken()) == {"test_fails_when_it_cannot_read_everyone"}


def test_an_error_of_progress_that_is_a_short_list() -> None:
    assert failed(Swallowing()) == {"test_stops_when_progress_raises"}


def test_many_at_once_are_looked_at_one_by_one() -> None:
    class AtOnce(ListSource):
        def load(self, channels: frozenset[str], progress: Progress) -> Any:
            yield Entries(numbers=[LISTED, NATIONAL], channels={"sms"})

    assert failed(AtOnce()) == {"test_gives_numbers_that_can_be_read"}


def test_without_a_failing_source_a_test_is_skipped() -> None:
    with pytest.raises(Skipped, match="failing_source"):
        SourceContract().test_fails_when_it_cannot_read_everyone(None)


@pytest.mark.slow
def test_every_source_that_comes_with_suppress_is_made_to_fail() -> None:
    trees = [ast.parse(path.read_text()) for path in TESTS.rglob("test_*.py")]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in classes:
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        if bases & {"SourceContract", "OptOutContract"}:
            given = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            assert "failing_source" in given, node.name


def test_the_suites_are_public() -> None:
    assert suppress.testing.SourceContract is SourceContract
