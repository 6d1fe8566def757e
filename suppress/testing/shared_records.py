"""The suite of a shared record of opt-outs."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from suppress.opt_outs.contract import Replaced
from suppress.opt_outs.shared import SharedRecord
from suppress.testing.leases import LeaseContract
from suppress.testing.records import ANN, BOB, RecordContract, append

Joining = Callable[[], SharedRecord]


class SharedRecordContract(RecordContract, LeaseContract):
    """Tests of a shared record; subclass it, and give the fixture `joining`."""

    @pytest.fixture
    def joining(self) -> Joining:
        """A function that gives a machine's handle, each time to the same record.

        The record is empty at first, as after the plugin has made what it needs.
        """
        raise NotImplementedError("give a fixture named `joining`")

    @pytest.fixture
    def opening(self, joining: Joining) -> Joining:
        """Handles for the tests that every record has to pass."""
        return joining

    @pytest.fixture
    def holders(self, joining: Joining) -> tuple[SharedRecord, SharedRecord]:
        """Return the handles of two machines."""
        return joining(), joining()

    def test_says_which_record_it_is(self, joining: Joining) -> None:
        """The same to all machines, from the first change on."""
        one, other = joining(), joining()
        append(one, "add", ANN)
        assert one.identity()
        assert other.identity() == one.identity()
        append(other, "add", BOB)
        assert one.identity() == other.identity() == joining().identity()

    def test_shows_no_password(self, joining: Joining) -> None:
        """It is shown in messages."""
        where = joining().where
        assert "://" in where
        assert ":" not in where.partition("://")[2].rpartition("@")[0]

    def test_tells_of_news(self, joining: Joining) -> None:
        """Of changes by others, also of those between two calls, and of a forgotten person."""
        one, other = joining(), joining()
        assert one.news(0)
        assert not one.news(0.05)
        last = append(other, "add", ANN)
        assert one.news(10)
        assert not one.news(0.05)
        other.forget([last], {}, made_at=1.0, expected=last)
        assert one.news(10)
        assert [each.action for each in one.changes_since(None)] == ["add", "forget"]

    def test_news_end_the_wait(self, joining: Joining) -> None:
        """Whoever waits already is told as well."""
        one, other = joining(), joining()
        assert one.news(0)
        told = threading.Event()

        def wait() -> None:
            while not one.news(30):
                pass
            told.set()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        append(other, "add", ANN)
        assert told.wait(10)
        thread.join(10)

    def test_many_may_be_held_at_once(self, joining: Joining) -> None:
        """And none keeps the record from being read or written."""
        one = joining()
        with ExitStack() as stack:
            for place in range(3):
                stack.enter_context(one.exclusive(f"delivery-{place}", 30.0))
            append(one, "add", ANN)
        assert len(list(joining().changes_since(None))) == 1

    def test_goes_on_after_it_was_closed(self, joining: Joining) -> None:
        """And after it was told to forget connections, as in a forked process."""
        one = joining()
        append(one, "add", ANN)
        one.close()
        append(one, "add", BOB)
        one.close()
        one.after_fork_in_child()
        assert [each.people.numbers[0] for each in one.changes_since(None)] == [ANN, BOB]
        with pytest.raises(Replaced):
            list(one.changes_since(1))
        one.close()
