"""Numbers of types whose methods say something else: what counts is what they are."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.builders import ListSource, listed, snapshot
from suppress import Suppressor
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import QuickReader, normalize, plain_readings
from suppress.numbers.handed_in import digits_of
from suppress.numbers.readings import read
from suppress.numbers.single import may_not_be_single
from suppress.screening.receipt import lines_of
from suppress.screening.screening import Screening
from suppress.stop_list.number_set import NumberSet

LISTED, ANN = "+14155552671", "+14155552672"


def lying(kind: type, pretended: Any) -> type:
    """A subclass of which every method answers for another value."""

    def method(name: str) -> Callable[..., Any]:
        return lambda _self, *given, **named: getattr(pretended, name)(*given, **named)

    kept = {"__class__", "__new__", "__init__", "__getattribute__", "__setattr__", "__delattr__"}
    kept |= {"__doc__", "__init_subclass__", "__subclasshook__", "__dir__", "__class_getitem__"}
    names = [name for name in dir(kind) if name not in kept and callable(getattr(kind, name))]
    return type(f"Lying{kind.__name__}", (kind,), {name: method(name) for name in names})


Text = lying(str, ANN)
Integer = lying(int, int(ANN))
Float = lying(float, float(ANN))
Fixed = lying(Decimal, Decimal(ANN))
Several = lying(tuple, (ANN,))


class Pretender:
    """No text, but says that it is one."""

    @property
    def __class__(self) -> type:
        return str

    @__class__.setter
    def __class__(self, kind: type) -> None:
        pass


TEXTS = [
    LISTED,
    "+1 (415) 555-2671",
    "+1 415 555 2671 / +44 20 7946 0958",
    "tel:+14155552671",
    "+14155552671.0",
    "415 555 2671",
    "+14155552671 Ann",
    "+229 61234567 x",
    "+٤٤٢٠٧٩٤٦٠١٢٣",
    "+14155552671\n+442079460958",
    "+1415555267[0-9]",
    f"+14155552671{' ' * 300}",
    "n/a",
    "",
]


@pytest.mark.parametrize("region", [None, "US", "international"])
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_way_to_read_takes_the_text_itself(text: str, region: str | None) -> None:
    convention = Convention(region)
    ways: list[Callable[[Any], Any]] = [
        lambda number: read(number, convention),
        lambda number: read(number, convention, QuickReader),
        lambda number: Reader(convention).read(number),
        lambda number: plain_readings(number, convention),
        lambda number: [Reader(convention).read_all([number, LISTED, number])],
        lambda number: [Reader(convention).read_all([number, LISTED, 7])],
        lambda number: faults(number, Reader(convention)),
        lambda number: may_not_be_single([number]),
        lambda number: lines_of([number, 7]),
        lambda number: next(iter(Screening([[number, 1]], snapshot(LISTED), key=lambda x: x[0])))[
            1:
        ],
        digits_of,
    ]
    for way in ways:
        assert repr(way(Text(text))) == repr(way(text))


def faults(number: Any, reader: Reader) -> list[tuple[int, str]]:
    return list(reader.faults(reader.read_all([number])))


def test_it_takes_nobody_elses_place() -> None:
    """A text with a line end in it is two lines among those that are read at once."""
    numbers = [Text(f"n/a\n{ANN}"), LISTED, ANN, LISTED, Text(f"{LISTED}{' ' * 300}"), ANN]
    screening = Screening(numbers, snapshot(LISTED))
    assert [decision.outcome for decision in screening] == [
        *("allowed", "suppressed", "allowed", "suppressed", "suppressed", "allowed")
    ]


@pytest.mark.parametrize("among", [[], [ANN], [None, ANN]], ids=str)
@pytest.mark.parametrize(
    "number",
    [
        Text(LISTED),
        Integer(LISTED),
        Float(LISTED),
        Fixed(LISTED),
        Several([LISTED]),
        np.str_(LISTED),
        np.float64(LISTED),
    ],
    ids=lambda number: type(number).__name__,
)
def test_screening(number: Any, among: list[Any]) -> None:
    screening = Screening([number, *among], snapshot(LISTED))
    assert [each is number for each in screening.suppressed] == [True]
    (decision, *_) = screening
    assert decision.e164 == LISTED


def test_a_tuple_has_the_members_that_it_has() -> None:
    numbers = [Several([ANN, LISTED]), (ANN,), Several([]), (LISTED,)]
    screening = Screening(numbers, snapshot(LISTED))
    assert [decision.outcome for decision in screening] == [
        *("suppressed", "allowed", "invalid", "suppressed")
    ]


def test_opt_outs_and_entries(tmp_path: Path) -> None:
    source = ListSource(listed(Text(LISTED), Text("+229 61234567")))
    one = Suppressor(plugins=[source], sources=["list"], store=tmp_path, background=False)
    assert one.is_suppressed(LISTED, "sms")
    assert one.is_suppressed("+2290161234567", "sms")
    assert not one.is_suppressed(ANN, "sms")
    assert one.is_suppressed(Text(LISTED), "sms")
    one.add([Text("+442079460958")], "sms")
    assert one.is_suppressed("+442079460958", "sms")
    assert not one.is_suppressed(ANN, "sms")
    one.remove([Text("+442079460958")], "sms")
    assert not one.is_suppressed("+442079460958", "sms")


def test_one_number() -> None:
    assert normalize(Text(LISTED)) == LISTED
    assert Text(LISTED) in NumberSet.of([LISTED])
    assert Text(LISTED) not in NumberSet.of([ANN])


def test_what_only_says_that_it_is_a_text_is_invalid() -> None:
    assert isinstance(Pretender(), str)
    screening = Screening([Pretender(), ANN, Pretender()], snapshot(LISTED))
    assert screening.counts == {"allowed": 1, "suppressed": 0, "invalid": 2}
