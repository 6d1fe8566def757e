"""Whoever is forgotten leaves no number behind, and stays opted out."""

import contextlib
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from support.builders import Clock, ListSource, by_hand, listed
from support.takers import Taker
from suppress import InvalidNumber, Refused, SourceError, StoreUnavailable, Suppressor
from suppress.opt_outs.fold import Fold
from suppress.opt_outs.image import Images
from suppress.stop_list.forgotten import Forgotten, Trace

ANN, BOB, CY = "+14155552671", "+14155552672", "+442079460958"
GERMAN, EGYPTIAN, EITHER = "+49201001234567", "+201001234567", "201001234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def made(folder: Path, clock: Clock, source: ListSource | None = None) -> Suppressor:
    return by_hand(source or ListSource(listed(CY)), clock=clock, store=folder)


def traces_in(folder: Path, number: str) -> list[str]:
    """The files with the number in any of the forms in which it could be kept."""
    value = int(number)
    forms = [number[1:].encode(), value.to_bytes(8, "little"), value.to_bytes(8, "big")]
    found = []
    for path in folder.iterdir():
        content = path.read_bytes()
        found += [path.name for form in forms if form in content]
    return found


def test_the_opt_out_holds_where_it_was_in_force(folder: Path, clock: Clock) -> None:
    one, two = made(folder, clock), made(folder, clock)
    one.add([ANN, BOB], "sms", reason="for the shared reason")
    one.add([ANN], "viber")
    one.remove([ANN], "viber", reason="hers alone")
    two.snapshot("sms")
    assert traces_in(folder, ANN)
    assert one.forget("+1 (415) 555-2671") == 3
    assert traces_in(folder, ANN) == []
    assert b"hers alone" not in (folder / "opt-outs.sqlite3").read_bytes()
    for each in (one, two, made(folder, clock)):
        assert each.filter_recipients([ANN, BOB, CY], "sms") == []
        assert each.filter_recipients([ANN, BOB], "viber") == [ANN, BOB]
        (decision,) = each.screen([ANN], "sms")
        assert decision.reason == "listed for sms by opt-outs"
        (change,) = each.history(ANN)
        assert (change.action, change.channel, change.number) == ("forget", "sms", "")
        assert change.made_at.timestamp() == clock.now
        assert [each.number for each in each.opt_outs()] == [BOB]
        assert each.snapshot("sms").opted_out.count == 2
        (change,) = each.history(BOB)
        assert change.reason == "for the shared reason"
    assert one.forget(ANN) == 0


def test_the_digest_tells_of_it(folder: Path, clock: Clock) -> None:
    one = made(folder, clock)
    nobody = one.snapshot("sms").digest
    one.add([ANN], "sms")
    with_number = one.snapshot("sms").digest
    one.forget(ANN)
    forgotten = one.snapshot("sms").digest
    assert len({nobody, with_number, forgotten}) == 3
    one.remove([ANN], "sms")
    assert one.snapshot("sms").digest == nobody


@pytest.mark.parametrize("form", ["+2290161234567", "+229 61234567"])
def test_every_form_of_the_line_is_meant(folder: Path, clock: Clock, form: str) -> None:
    clock.now = 1_767_225_600.0  # after the change of the plan
    one = made(folder, clock)
    one.add(["+229 61234567"], "sms")
    assert one.forget(form) == 1
    for each in (one, made(folder, clock)):
        assert each.filter_recipients(["+22961234567", "+2290161234567"], "sms") == []
        assert len(each.history(form)) == 1
    one.remove([form], "sms")
    for each in (one, made(folder, clock)):
        assert each.filter_recipients(["+22961234567"], "sms") == ["+22961234567"]


def test_it_is_taken_back_as_any_opt_out_is(folder: Path, clock: Clock) -> None:
    one, two = made(folder, clock), made(folder, clock)
    one.add([ANN], "sms")
    one.add([ANN], "viber")
    one.forget(ANN)
    assert one.add([ANN], "sms") == 0, "it was in force"
    one.remove([ANN], "sms")
    for each in (one, two, made(folder, clock)):
        assert not each.is_suppressed(ANN, "sms")
        assert each.is_suppressed(ANN, "viber")
    assert [each.action for each in one.history(ANN)] == ["forget", "add", "remove"]
    assert one.add([ANN], "sms") == 1


def test_one_forgotten_twice_is_taken_back_at_once(folder: Path, clock: Clock) -> None:
    one = made(folder, clock)
    for _ in range(2):
        one.add([ANN], "sms")
        one.forget(ANN)
    assert one.snapshot("sms").opted_out.count == 1
    one.remove([ANN], "sms")
    for each in (one, made(folder, clock)):
        assert each.filter_recipients([ANN], "sms") == [ANN]


def test_what_may_be_somebody_elses_number_is_suppressed_and_taken_back_with_the_line(
    folder: Path, clock: Clock
) -> None:
    one = made(folder, clock)
    one.add([EITHER], "sms", default_region="DE")
    assert one.forget(EGYPTIAN) == 0, "hers is the German line"
    assert one.forget(GERMAN) == 1
    assert one.filter_recipients([GERMAN, EGYPTIAN], "sms") == []
    assert one.remove([EGYPTIAN], "sms") == {EGYPTIAN: ("opt-outs",)}
    assert one.filter_recipients([GERMAN, EGYPTIAN], "sms") == []
    one.remove([GERMAN], "sms")
    assert made(folder, clock).filter_recipients([GERMAN, EGYPTIAN], "sms") == [GERMAN, EGYPTIAN]


def test_a_source_is_told_first(folder: Path, clock: Clock) -> None:
    source = Taker()
    one = made(folder, clock, source)
    source.down = SourceError("down.")
    one.add([ANN], "sms")
    one.pass_on()
    one.forget(ANN)
    assert [each.number for each in one.waiting()] == [ANN]
    source.down = None
    one.pass_on()
    assert source.took()[-1] == ("add", "sms", (ANN,))
    assert traces_in(folder, ANN) == []


def test_what_a_source_has_refused_goes_too(folder: Path, clock: Clock) -> None:
    source = Taker()
    one = made(folder, clock, source)
    source.poison = {ANN}
    one.add([ANN, BOB], "sms")
    one.pass_on()
    assert len(one.waiting()) == 1
    one.forget(ANN)
    assert one.waiting() == []
    assert traces_in(folder, ANN) == []
    assert issubclass(Refused, SourceError)


def test_what_a_source_refuses_later_goes_then(folder: Path, clock: Clock) -> None:
    source = Taker()
    one = made(folder, clock, source)
    source.down = SourceError("down.")
    one.add([ANN, BOB], "sms")
    one.pass_on()
    one.forget(ANN)
    source.down, source.poison = None, {ANN, BOB}
    one.pass_on()
    assert [each.number for each in one.waiting()] == [BOB]
    assert traces_in(folder, ANN) == []
    assert one.is_suppressed(ANN, "sms")


def test_the_number_is_in_no_image(folder: Path, clock: Clock) -> None:
    """Not in that of another process either, which is made again without it."""
    numbers = [f"+4479{place:08d}" for place in range(12_000)]
    one, two = made(folder, clock), made(folder, clock)
    one.add(numbers, "sms")
    assert two.is_suppressed(numbers[7], "sms")
    assert "image" in {path.suffix[1:] for path in folder.iterdir()}
    assert two.forget(numbers[7]) == 1
    assert traces_in(folder, numbers[7]) == []
    for each in (one, two, made(folder, clock)):
        assert each.filter_recipients([*numbers, ANN], "sms") == [ANN]
    assert traces_in(folder, numbers[7]) == []


@pytest.mark.slow
def test_the_number_is_in_no_image_that_another_makes_meanwhile(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"+4479{place:08d}" for place in range(12_000)]
    one = made(folder, clock)
    one.add(numbers, "sms")
    for path in folder.glob("*.head"):
        path.unlink()
    save = Images.save

    def late(images: Images, fold: Fold) -> Fold:
        monkeypatch.setattr(Images, "save", save)
        assert one.forget(numbers[7]) == 1
        return save(images, fold)

    monkeypatch.setattr(Images, "save", late)
    for each in (made(folder, clock), one, made(folder, clock)):
        assert each.filter_recipients([numbers[7], numbers[8], BOB], "sms") == [BOB]
        assert traces_in(folder, numbers[7]) == []


def test_the_number_is_in_no_image_that_was_left_unfinished(folder: Path, clock: Clock) -> None:
    one = made(folder, clock)
    one.add([ANN], "sms")
    left = ".opt-outs.4c1753ad95db2b3c.12345.image.0123456789abcdef"
    (folder / left).write_bytes(int(ANN).to_bytes(8, "little"))
    assert left in traces_in(folder, ANN)
    one.forget(ANN)
    assert traces_in(folder, ANN) == []


def test_damage_is_noticed_and_not_written_again(folder: Path, clock: Clock) -> None:
    numbers = [f"+4479{place:08d}" for place in range(12_000)]
    made(folder, clock).add(numbers, "sms")
    path = folder / "opt-outs.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM change WHERE number = ?", (numbers[8],))
    one = made(folder, clock)  # an image is all that it has read
    with pytest.raises(StoreUnavailable, match="damaged"):
        one.forget(numbers[7])
    assert len(one.history(numbers[7])) == 1
    assert one.filter_recipients(numbers, "sms") == []


@pytest.mark.slow
def test_of_many_nobody_is_lost_and_no_one_else_suppressed(folder: Path, clock: Clock) -> None:
    numbers = [f"+4479{place:08d}" for place in range(50)]
    others = [f"+4478{place:08d}" for place in range(5000)]
    one = made(folder, clock)
    one.add(numbers, "sms")
    for number in numbers:
        one.forget(number)
        assert traces_in(folder, number) == []
    for each in (one, made(folder, clock)):
        assert each.filter_recipients([*numbers, *others], "sms") == others
        assert each.snapshot("sms").opted_out.count == 50
        assert all(each.is_suppressed(number, "sms") for number in numbers)


def test_only_a_phone_number_is_forgotten(folder: Path, clock: Clock) -> None:
    with pytest.raises(InvalidNumber):
        made(folder, clock).forget("x")


def test_hashes_need_their_key() -> None:
    values = [14155552671, 442079460958]
    one, other = Forgotten(os.urandom(32)), Forgotten(os.urandom(32))
    assert one.hashed(values[0]) != other.hashed(values[0])
    one = Forgotten(one.key, {one.hashed(values[0]): [Trace(7, 1.0, is_line=True)]})
    assert one.have(np.array(values, np.uint64)).tolist() == [True, False]
    assert one.traces_of(values[0]) == [Trace(7, 1.0, is_line=True)]
    assert not one.traces_of(values[1])
    other = Forgotten(other.key, one.traces)
    assert not other.have(np.array(values, np.uint64)).any()
