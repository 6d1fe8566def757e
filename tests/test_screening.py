"""Nobody on the list is let through; nobody else is lost."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress import Outcome, Screening, Snapshot
from suppress.numbers.e164 import e164
from suppress.stop_list.number_set import NumberSet

READ_AT = datetime(2026, 1, 2, tzinfo=UTC)


def snapshot(*numbers: str, unparsed: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(
        channel="sms",
        read_at=READ_AT,
        sources=("bsg", "file"),
        numbers=NumberSet.of(numbers),
        unparsed=frozenset(unparsed),
    )


def test_each_is_allowed_suppressed_or_invalid() -> None:
    numbers = ["+14155552671", "(415) 555-2672", "x", 14155552672, None, "+14155552671"]
    screening = Screening(numbers, snapshot("+14155552672"), default_region="US")
    assert screening.allowed == ["+14155552671", "+14155552671"]
    assert screening.suppressed == ["(415) 555-2672", 14155552672]
    assert screening.invalid == ["x", None]
    assert screening.counts == {"allowed": 2, "suppressed": 2, "invalid": 2}
    assert len(screening) == 6
    assert screening.snapshot.channel == "sms"
    assert repr(screening) == "<Screening on sms: 2 allowed, 2 suppressed, 2 invalid>"


def test_decisions() -> None:
    numbers = ["(415) 555-2671", 14155552672, "x"]
    decisions = list(Screening(numbers, snapshot("+14155552672"), default_region="US"))
    assert [tuple(each) for each in decisions] == [
        ("(415) 555-2671", "allowed", "+14155552671", "not listed for sms"),
        (14155552672, "suppressed", "+14155552672", "listed for sms by bsg or file"),
        ("x", "invalid", None, "not a phone number"),
    ]
    assert decisions[0].outcome is Outcome.ALLOWED


def test_the_allowed_are_the_same_objects() -> None:
    @dataclass
    class Contact:
        phone: str

    contacts = [Contact("+14155552671"), Contact("+14155552672"), Contact("+14155552673")]
    screening = Screening(contacts, snapshot("+14155552672"), key=lambda each: each.phone)
    assert screening.allowed[0] is contacts[0]
    assert screening.allowed[1] is contacts[2]
    assert screening.suppressed == [contacts[1]]


def test_the_key_is_asked_once_each() -> None:
    asked = []

    def key(number: str) -> str:
        asked.append(number)
        return number

    screening = Screening(["+14155552671", "x"], snapshot(), key=key)
    list(screening)
    assert screening.counts["allowed"] == 1
    assert asked == ["+14155552671", "x"]


def test_any_iterable_will_do() -> None:
    numbers = (number for number in ("+14155552671", "+14155552672"))
    assert Screening(numbers, snapshot("+14155552671")).allowed == ["+14155552672"]


@pytest.mark.parametrize("number", ["+14155552671", b"+14155552671"])
def test_one_number_is_no_list(number: Any) -> None:
    with pytest.raises(TypeError, match="a list"):
        Screening(number, snapshot())


@pytest.mark.parametrize(
    ("recipient", "region", "outcome"),
    [
        ("999123456", "DE", "suppressed"),  # the digits as written
        ("9 99-12 34(56)", "DE", "suppressed"),
        ("+49999123456", "DE", "allowed"),  # other digits
        ("999123457", "DE", "allowed"),
        ("0999123456", "DE", "allowed"),
        ("\uff19\uff19\uff19123456", "DE", "suppressed"),
        ("999123456", None, "invalid"),  # cannot be parsed: never allowed
        (14155552671, None, "suppressed"),  # the digits of its E.164 form
        ("(415) 555-2671", "US", "suppressed"),
        ("+" + "37" * 9, None, "suppressed"),
        ("+" + "37" * 8 + "38", None, "allowed"),
    ],
)
def test_an_unparsed_entry_suppresses_the_same_digits(
    recipient: Any, region: str | None, outcome: str
) -> None:
    stop_list = snapshot(unparsed=("999123456", "14155552671", "000", "1" * 5000, "37" * 9))
    (decision,) = Screening([recipient], stop_list, default_region=region)
    assert decision.outcome == outcome


def test_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suppress.screening.AT_ONCE", 3)
    numbers = [f"+1415555267{place % 10}" if place % 4 else "x" for place in range(20)]
    screening = Screening(iter(numbers), snapshot("+14155552671"))
    decisions = list(screening)
    assert [each.recipient for each in decisions] == numbers
    assert screening.suppressed == ["+14155552671"] * 2
    assert [each.recipient for each in decisions if each.outcome == "allowed"] == screening.allowed
    assert all(
        each.e164 == (None if each.recipient == "x" else each.recipient) for each in decisions
    )
    assert screening.counts == {"allowed": 13, "suppressed": 2, "invalid": 5}


def test_numbers_that_do_not_fit_64_bits() -> None:
    listed, other = "+375" + "9" * 17, "+375" + "9" * 16 + "8"
    screening = Screening([f"tel:{listed}", other, listed], snapshot(listed, "+14155552671"))
    assert screening.allowed == [other]
    assert [each.e164 for each in screening] == [listed, other, listed]


NUMBERS = st.one_of(
    st.sampled_from(["+14155552671", "(415) 555-2671", "415-555-2672", "+442079460958", "x", ""]),
    st.integers(min_value=14155552670, max_value=14155552675),
    st.none(),
    st.text(max_size=12),
)


@given(st.lists(NUMBERS), st.sets(st.sampled_from(["+14155552671", "+14155552673"])))
def test_the_outcome_is_that_of_the_plain_loop(numbers: list[Any], stopped: set[str]) -> None:
    expected: dict[str, list[Any]] = {"allowed": [], "suppressed": [], "invalid": []}
    for number in numbers:
        canonical = e164(number, "US")
        outcome = (
            "invalid" if canonical is None else "suppressed" if canonical in stopped else "allowed"
        )
        expected[outcome].append(number)
    screening = Screening(numbers, snapshot(*stopped), default_region="US")
    assert screening.allowed == expected["allowed"]
    assert screening.suppressed == expected["suppressed"]
    assert screening.invalid == expected["invalid"]


class TestSnapshot:
    def test_count_and_digest_are_of_the_numbers(self) -> None:
        one = snapshot("+14155552671", "+14155552672", unparsed=("999",))
        same = Snapshot(
            channel="viber",
            read_at=datetime(2020, 1, 1, tzinfo=UTC),
            sources=("other",),
            numbers=one.numbers,
            unparsed=one.unparsed,
        )
        assert one.count == 3
        assert one.digest == same.digest
        assert len(one.digest) == 64
        assert one.digest != snapshot("+14155552671", "+14155552672", "+999").digest

    def test_nobody_is_shown(self) -> None:
        assert "14155552671" not in repr(snapshot("+14155552671", unparsed=("14155552671",)))

    def test_an_image_is_read_back_or_refused(self) -> None:
        one = snapshot("+14155552671", "+1" + "2" * 19, unparsed=("999",))
        image = b"".join(one.image())
        assert Snapshot.read_image(image) == (one.numbers, one.unparsed)
        for damaged in (b"", image[:20], image[:40], b"+14155552671\n", b"x" + image):
            with pytest.raises(ValueError, match=r"short|no numbers"):
                Snapshot.read_image(damaged)
