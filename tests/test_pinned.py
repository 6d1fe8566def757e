"""A pinned list gives the answers of its moment, in whatever process it is unpickled."""

import pickle
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import ListSource, by_hand, listed
from suppress import PinnedList, Screening, SuppressError
from suppress.screening.campaign import View
from suppress.stop_list.opted_out import OptedOut
from suppress.stop_list.run import Readings, Run

A, B, C, D = "+14155552671", "+14155552672", "+442079460959", "+14155552674"
NUMBERS = [
    *(A, B, C, D, "+14155552675", "+14155552676", "12345", "54321", "(415) 555-2671", None, "x"),
    *("+2290197123456", "+22997123456", 14155552674, "0044 20 7946 0959", "+123"),
]


@pytest.fixture
def suppressor(tmp_path: Path) -> suppress.Suppressor:
    """Have a list, a number without a reading, and opt-outs: one taken back, one forgotten."""
    source = ListSource(listed(A, C, "12345", "+22997123456"))
    one = by_hand(source, store=tmp_path / "store")
    one.add([B, D], "sms", by="Eve")
    one.add(["+14155552675"], "sms")
    one.remove(["+14155552675"], "sms")
    one.forget(D)
    return one


def answers(view: View, numbers: list[Any] = NUMBERS) -> list[tuple[str, str | None, str]]:
    screening = Screening(numbers, view.snapshot, reader=view.reader)
    return [(str(each.outcome), each.e164, each.reason) for each in screening]


def there(pinned: PinnedList) -> PinnedList:
    """Return the list as another process has it."""
    return pickle.loads(pickle.dumps(pinned))  # type: ignore[no-any-return]


def test_all_answers_are_the_same_after_a_journey(suppressor: suppress.Suppressor) -> None:
    pinned = PinnedList.of(suppressor, "sms", default_region="US")
    arrived = there(pinned)
    screening = suppressor.screen(NUMBERS, "sms", default_region="US")
    expected = [(str(each.outcome), each.e164, each.reason) for each in screening]
    assert answers(pinned.look()) == answers(arrived.look()) == expected
    assert {outcome for outcome, _, _ in expected} == {"allowed", "suppressed", "invalid"}
    assert [outcome for outcome, _, _ in expected[:5]] == [*["suppressed"] * 4, "allowed"]
    view = arrived.look()
    assert view.at == pinned.look().at
    assert view.snapshot.digest == suppressor.snapshot("sms").digest
    assert view.snapshot.count == suppressor.snapshot("sms").count
    assert view.reader.convention == pinned.look().reader.convention


def test_what_happens_later_is_not_in_it(suppressor: suppress.Suppressor) -> None:
    pinned = PinnedList.of(suppressor, "sms")
    before = answers(pinned.look())
    suppressor.add(["+14155552676"], "sms")
    assert suppressor.is_suppressed("+14155552676", "sms")
    assert answers(pinned.look()) == answers(there(pinned).look()) == before


@pytest.mark.slow
def test_the_rules_of_reading_go_with_it(tmp_path: Path) -> None:
    rows = tmp_path / "rows.tsv"
    rows.write_text(
        "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\nUS-1\tUS\t1415\t11\t4\t3\t777\t2020-01-01\n"
    )
    for setting in (False, rows):
        one = by_hand(
            ListSource(listed("+14157772671")), store=None, renumbering=setting, possible_only=False
        )
        pinned = there(PinnedList.of(one, "sms", default_region="international"))
        expected = "suppressed" if setting else "allowed"
        assert answers(pinned.look(), [A, "441234"])[0][0] == expected
        assert answers(pinned.look(), ["441234"])[0][0] == "allowed"


def test_opt_outs_without_a_reading_go_with_it(suppressor: suppress.Suppressor) -> None:
    run = Run.of((1,), (0.0,), ("+54321",), Readings.united([]))
    view = PinnedList.of(suppressor, "sms").look()
    snapshot = view.snapshot.with_opted_out(OptedOut((run,)))
    arrived = there(PinnedList(view._replace(snapshot=snapshot))).look()
    assert answers(arrived, ["54321", "54322"])[0][0] == "suppressed"
    assert answers(arrived, ["54321", "54322"])[1][0] == "invalid"


def test_a_list_can_travel_on(suppressor: suppress.Suppressor) -> None:
    pinned = PinnedList.of(suppressor, "sms")
    assert answers(there(there(pinned)).look()) == answers(pinned.look())


@pytest.mark.parametrize("part", [0, 1, 2])
def test_damaged_bytes_are_refused(suppressor: suppress.Suppressor, part: int) -> None:
    restore, parts = PinnedList.of(suppressor, "sms").__reduce__()
    damaged = list(parts)
    damaged[part] = damaged[part][:40] + bytes([damaged[part][40] ^ 1]) + damaged[part][41:]
    with pytest.raises(SuppressError, match="damaged on its way"):
        restore(*damaged)


def test_damaged_opt_outs_are_refused(suppressor: suppress.Suppressor) -> None:
    restore, (*parts, people) = PinnedList.of(suppressor, "sms").__reduce__()
    people = [each.copy() for each in people]
    people[4][0] += 1
    with pytest.raises(SuppressError, match="its opt-outs do not match"):
        restore(*parts, people)


@pytest.mark.parametrize("library", ["suppress.pinned.__version__", "phonenumbers.__version__"])
def test_other_versions_are_refused(
    suppressor: suppress.Suppressor, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    sent = pickle.dumps(PinnedList.of(suppressor, "sms"))
    monkeypatch.setattr(library, "0.1")
    with pytest.raises(SuppressError, match=r"0\.1.*Install the same versions on both sides"):
        pickle.loads(sent)


def test_nothing_of_it_is_shown(suppressor: suppress.Suppressor) -> None:
    pinned = PinnedList.of(suppressor, "sms")
    key = pinned.look().snapshot.opted_out.forgotten.key
    assert key
    assert repr(key) not in repr(pinned)
    assert A[1:] not in repr(pinned)


def test_frames_are_screened_against_it(suppressor: suppress.Suppressor) -> None:
    pl = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    pinned = there(PinnedList.of(suppressor, "sms", default_region="US"))
    frame = pl.DataFrame({"phone": [A, B, "+14155552675", "x"], "home": [None, None, "", C]})
    assert pinned.filter_frame(frame, column="phone")["phone"].to_list() == ["+14155552675"]
    screened = pinned.screen_frame(frame, column=["phone", "home"])
    assert screened["outcome"].to_list() == ["suppressed", "suppressed", "allowed", "suppressed"]
