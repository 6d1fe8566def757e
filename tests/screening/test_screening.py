"""Nobody on the list is let through; nobody else is lost."""

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.builders import READ_AT, Clock, ListSource, by_hand, snapshot
from suppress import Entry, Origin, Outcome, Screening, Snapshot, Suppressor
from suppress.numbers.bulk import BATCH_SIZE
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import table
from suppress.numbers.mask import mask
from suppress.numbers.problem import Problem
from suppress.numbers.readings import read
from suppress.sources import load

A, B, C = "+14155552671", "+14155552672", "+442079460959"


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
        ("+999123456", "DE", "suppressed"),  # the same digits
        ("+49999123456", "DE", "allowed"),  # other digits
        ("999123457", "DE", "allowed"),
        ("0999123456", "DE", "allowed"),
        ("\uff19\uff19\uff19123456", "DE", "suppressed"),
        ("999123456", None, "suppressed"),  # though it is invalid besides
        ("999123457", None, "invalid"),
        (999123456, None, "suppressed"),
        (999123456.0, None, "suppressed"),
        (14155552671, None, "suppressed"),  # the digits of its E.164 form
        ("(415) 555-2671", "US", "suppressed"),
        ("+" + "37" * 9, None, "suppressed"),
        ("+" + "37" * 8 + "38", None, "invalid"),
    ],
)
def test_an_entry_without_a_reading_suppresses_the_same_digits(
    recipient: Any, region: str | None, outcome: str
) -> None:
    stop_list = snapshot(unread=("999123456", "14155552671", "000", "1" * 5000, "37" * 9))
    (decision,) = Screening([recipient], stop_list, default_region=region)
    assert decision.outcome == outcome


@pytest.mark.slow
def test_more_than_a_batch() -> None:
    numbers = [f"+1415555267{place % 10}" if place % 4 else "x" for place in range(BATCH_SIZE + 20)]
    screening = Screening(iter(numbers), snapshot("+14155552671"))
    decisions = list(screening)
    assert [each.recipient for each in decisions] == numbers
    assert set(screening.suppressed) == {"+14155552671"}
    assert [each.recipient for each in decisions if each.outcome == "allowed"] == screening.allowed
    assert all(
        each.e164 == (None if each.recipient == "x" else each.recipient) for each in decisions
    )
    assert screening.counts == Counter(str(each.outcome) for each in decisions)
    assert sum(screening.counts.values()) == len(numbers)
    for place in (0, 1, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 19):
        assert screening.explained(place)[0] == decisions[place].reason


def test_no_number_is_taken_for_one_that_differs_by_a_multiple_of_2_to_the_64th() -> None:
    listed = "+14155552671"
    others = [f"+{int(listed) + 2**64}", int(listed) + 2**64, float(2**64)]
    screening = Screening([*others, listed], snapshot(listed))
    assert screening.invalid == others
    assert screening.suppressed == [listed]


NUMBERS = st.one_of(
    st.sampled_from(["+14155552671", "(415) 555-2671", "415-555-2672", "+442079460958", "x", ""]),
    st.integers(min_value=14155552670, max_value=14155552675),
    st.none(),
    st.text(max_size=12),
)


@settings(deadline=None)  # rules are derived when they are first needed
@given(st.lists(NUMBERS), st.sets(st.sampled_from(["+14155552671", "+14155552673"])))
@pytest.mark.slow
def test_the_outcome_is_that_of_the_plain_loop(numbers: list[Any], stopped: set[str]) -> None:
    expected: dict[str, list[Any]] = {"allowed": [], "suppressed": [], "invalid": []}
    for number in numbers:
        readings = read(number, Convention("US")).readings
        is_listed = any(each.e164 in stopped for each in readings)
        is_valid = any(each.allows for each in readings)
        outcome = "suppressed" if is_listed else "allowed" if is_valid else "invalid"
        expected[outcome].append(number)
    screening = Screening(numbers, snapshot(*stopped), default_region="US")
    assert screening.allowed == expected["allowed"]
    assert screening.suppressed == expected["suppressed"]
    assert screening.invalid == expected["invalid"]


LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460958"


def loaded(*entries: Entry) -> Snapshot:
    """The stop list of a provider."""
    source = ListSource(entries, name="bsg")
    return load([source], {"sms"}, convention=Convention(), clock=Clock())["sms"]


class TestSeveralNumbersOfOneRecipient:
    @pytest.mark.parametrize(
        ("numbers", "outcome", "e164", "reason"),
        [
            ((ANN, BOB), "allowed", ANN, "not listed for sms"),
            ((ANN, LISTED), "suppressed", LISTED, "listed for sms by bsg or file"),
            ((LISTED, ANN), "suppressed", LISTED, "listed for sms by bsg or file"),
            ((None, "x", LISTED), "suppressed", LISTED, "listed for sms by bsg or file"),
            ((None, "x", ANN), "allowed", ANN, "not listed for sms"),
            (("x", None), "invalid", None, "not a phone number"),
            ((None,), "invalid", None, "no number was given"),
            ((), "invalid", None, "no number was given"),
            # Suppressed by one that would be invalid alone.
            ((ANN, "14155552671"), "suppressed", LISTED, "listed for sms by bsg or file"),
            (("14155552672",), "invalid", ANN, "digits without a plus: say whose they are"),
        ],
    )
    def test_one_that_is_listed_decides_and_one_that_is_valid_is_enough(
        self, numbers: tuple[Any, ...], outcome: str, e164: str | None, reason: str
    ) -> None:
        rows: list[dict[str, Any]] = [{"numbers": BOB}, {"numbers": numbers}, {"numbers": (BOB,)}]
        screening = Screening(rows, snapshot(LISTED), key=operator.itemgetter("numbers"))
        first, decision, last = screening
        assert tuple(decision) == (rows[1], outcome, e164, reason)
        assert decision.recipient is rows[1]
        assert first.outcome == last.outcome == "allowed"
        assert screening.counts[outcome] == (3 if outcome == "allowed" else 1)
        expected = 0 if e164 is None else int(e164)
        assert screening.first_readings().tolist() == [int(BOB), expected, int(BOB)]

    def test_of_nobody(self) -> None:
        assert Screening([(), ()], snapshot()).invalid == [(), ()]


class Foreign:
    """No type that a number can have."""


class NAType:
    """Named like the missing value of pandas."""


class TestTypes:
    @pytest.mark.parametrize(
        ("recipients", "name"),
        [
            ([b"+14155552671"], "bytes"),
            ([{"phone": ANN}, {"phone": BOB}], "dict"),
            ([Foreign(), Foreign()], "Foreign"),
            ([[ANN]], "list"),
            ([Foreign(), b""], "Foreign, bytes"),
            ([None, b"+14155552671", True, NAType()], "bytes"),
            ([(b"+14155552671", None), ()], "bytes"),
        ],
    )
    def test_a_list_without_anything_that_could_be_a_number_is_refused(
        self, recipients: list[Any], name: str
    ) -> None:
        with pytest.raises(
            TypeError, match=f"None of the recipients is a number; .* {name}.* key="
        ):
            Screening(recipients, snapshot())

    @pytest.mark.parametrize(
        "recipients",
        [
            [],
            [None, None],
            [float("nan"), float("nan")],
            [NAType()],
            [True, False, np.True_],
            ["", " "],
            [Decimal("NaN")],
            ["n/a"],
            [0, -1],
            [phonenumbers.FrozenPhoneNumber(phonenumbers.PhoneNumber(44, 1))],
            # One that could be a number is among them.
            [b"+14155552671", "n/a"],
            [Foreign(), {}, 0],
        ],
        ids=lambda recipients: ", ".join(type(each).__name__ for each in recipients) or "none",
    )
    def test_what_is_missing_or_no_number_is_invalid(self, recipients: list[Any]) -> None:
        assert Screening(recipients, snapshot(LISTED)).invalid == recipients

    @pytest.mark.parametrize(
        "made",
        [
            int,
            np.int64,
            np.uint64,
            float,
            np.float64,
            Decimal,
            lambda e164: phonenumbers.parse(str(e164)),
            lambda e164: phonenumbers.FrozenPhoneNumber(phonenumbers.parse(str(e164))),
            np.str_,
        ],
    )
    @pytest.mark.parametrize("among", [[], [BOB, None, 1.5, b""]], ids=repr)
    def test_other_types_of_numbers(self, made: Callable[[str], Any], among: list[Any]) -> None:
        listed, ann = made(LISTED), made(ANN)
        screening = Screening([listed, *among, ann], snapshot(LISTED))
        assert len(screening.suppressed) == 1
        assert screening.suppressed[0] is listed
        assert screening.allowed[-1] is ann
        assert len(screening.allowed) == 1 + (BOB in among)
        assert [each.e164 for each in screening][:: len(among) + 1] == [LISTED, ANN]

    def test_an_array(self) -> None:
        numbers = np.array([int(LISTED), int(ANN)])
        assert Screening(numbers, snapshot(LISTED)).allowed == [int(ANN)]

    def test_the_reason_names_the_type(self) -> None:
        decisions = list(Screening([b"+14155552671", 1.5, ANN], snapshot()))
        assert decisions[0].reason == f"{Problem.WRONG_TYPE.words}, but bytes"
        assert decisions[1].reason == f"{Problem.WRONG_TYPE.words}, but float"


class TestReadings:
    def test_of_digits_without_a_plus(self) -> None:
        """A German number, or an American one with its calling code."""
        stop_list = loaded(Entry("+15123456789", {"sms"}, 1))
        numbers = ["15123456789", "+4915123456789", "015123456789", "0015123456789"]
        decisions = list(Screening(numbers, stop_list, default_region="DE"))
        reason = "listed for sms by bsg (entry 1)"
        assert [tuple(each)[1:] for each in decisions] == [
            (
                "suppressed",
                "+4915123456789",
                f"{reason}, if its digits begin with a calling code",
            ),
            ("allowed", "+4915123456789", "not listed for sms"),
            ("allowed", "+4915123456789", "not listed for sms"),
            ("suppressed", "+15123456789", reason),
        ]
        german, american = "+4915123456789", "+15123456789"
        assert [each.readings for each in decisions] == [
            (german, american),
            (german,),
            (german,),
            (american,),
        ]
        assert [each.origins for each in decisions] == [
            (Origin("bsg", 1),),
            (),
            (),
            (Origin("bsg", 1),),
        ]

    def test_of_the_regions_own_numbers_there_is_no_doubt(self) -> None:
        stop_list = loaded(Entry("+15123456789", {"sms"}, 1))
        (decision,) = Screening(["15123456789"], stop_list, default_region="US")
        assert decision.reason == "listed for sms by bsg (entry 1)"

    @pytest.mark.parametrize("entry", ["+229 61234567", "22961234567", 22961234567])
    @pytest.mark.parametrize("recipient", ["+2290161234567", "+229 61234567"])
    def test_of_an_entry_in_a_form_before_a_change_of_plan(
        self, entry: str | int, recipient: str
    ) -> None:
        stop_list = loaded(Entry(entry, {"sms"}, 5, READ_AT))
        (decision,) = Screening([recipient], stop_list)
        reason = "listed for sms by bsg (entry 5, since 2026-01-02) as +22961234567"
        assert tuple(decision)[1:] == (
            "suppressed",
            "+2290161234567",
            f"{reason}, which is +2290161234567 since 2024-11-30",
        )
        assert decision.origins == (Origin("bsg", 5, READ_AT, "+22961234567"),)

    def test_of_a_recipient_in_a_form_before_a_change_of_plan(self) -> None:
        stop_list = loaded(Entry("+2290161234567", {"sms"}, 5))
        (decision,) = Screening(["+229 61234567"], stop_list)
        assert decision.outcome == "suppressed"
        assert decision.reason.endswith(", which is +2290161234567 since 2024-11-30")
        assert decision.origins == (Origin("bsg", 5),)

    def test_of_several_numbers_in_one_text(self) -> None:
        (decision,) = Screening([f"{ANN} / {LISTED}"], snapshot(LISTED))
        assert decision.outcome == "suppressed"
        assert decision.e164 == ANN
        assert decision.readings == (ANN, LISTED)

    def test_the_first_ones_of_all(self) -> None:
        numbers = [ANN, "x", "(415) 555-2671", "0044 20 7946 0958", None, f"{BOB} STOP"]
        for size in (6, 4):
            screening = Screening(numbers[:size], snapshot(LISTED), default_region="US")
            expected = [each.e164 for each in screening]
            assert screening.first_readings().tolist() == [int(each or 0) for each in expected]
        assert Screening([], snapshot()).first_readings().tolist() == []


def test_problems_count_the_invalid_by_reason() -> None:
    numbers = [
        *(None, "", "x", "n/a", "14155552672", "4.4E+11", "+4420794XXXXX", "+1415555", b""),
        *("14155552671", ANN, ("x", None), ("x", ANN)),
    ]
    screening = Screening(numbers, snapshot(LISTED))
    assert screening.problems == {
        Problem.NO_NUMBER: 2,
        Problem.NOT_A_NUMBER: 3,
        Problem.WITHOUT_PLUS: 1,
        Problem.CUT: 1,
        Problem.MASKED: 1,
        Problem.TOO_SHORT: 1,
        Problem.WRONG_TYPE: 1,
    }
    assert sum(screening.problems.values()) == screening.counts["invalid"]
    assert Screening([ANN], snapshot(LISTED)).problems == {}


class TestADayWhenAPlanChanges:
    """Rows of one's own tell that Liverpool's 0151 is London's 0207 from 2030-02-03 on."""

    NEW = "+442072345678"

    @pytest.fixture
    def rows(self, tmp_path: Path) -> Path:
        path = tmp_path / "rows.tsv"
        path.write_text(
            "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\n"
            "GB-2030\tGB\t44151\t12\t2\t3\t207\t2030-02-03\n"
        )
        return path

    def test_takes_effect_in_what_is_running(self, tmp_path: Path, rows: Path) -> None:
        clock = Clock()
        midnight = datetime(2030, 2, 3, tzinfo=UTC).timestamp()
        clock.now = midnight - 1
        entries = [Entry("+441512345678", {"sms"}, 1), Entry("+442072345670", {"sms"}, 2)]
        source = ListSource(entries)

        def made() -> Suppressor:
            return by_hand(source, clock=clock, store=tmp_path / "store", renumbering=rows)

        one = made()
        one.add(["+441512345679"], "sms")
        # Other forms of those who are listed, and of one who was opted out.
        new = [self.NEW, "+441512345670", "+442072345679"]
        old = ["+441512345678", "+441512345679"]
        assert one.filter_recipients([*old, *new], "sms") == new
        assert not one.is_suppressed(self.NEW, "sms")
        before = one.screen(new, "sms").receipt()
        assert len(source.loads) == 1
        clock.now = midnight
        for each in (one, made()):
            assert each.filter_recipients([*old, *new], "sms") == []
            assert each.is_suppressed(self.NEW, "sms")
        (decision,) = one.screen([self.NEW], "sms")
        assert decision.reason.endswith(f"as +441512345678, which is {self.NEW} since 2030-02-03")
        assert decision.masked_reason.endswith(
            f"as +441*******78, which is {mask(self.NEW)} since 2030-02-03"
        )
        # Read again though the snapshot was young, and filed under another name.
        assert len(source.loads) == 2
        after = one.screen(new, "sms").receipt()
        assert after.renumbering != before.renumbering
        assert len(list((tmp_path / "store").glob("sms-*.snapshot"))) == 2


class TestSnapshot:
    def test_count_and_digest_are_of_the_numbers(self) -> None:
        one = snapshot("+14155552671", "+14155552672", unread=("999",))
        same = Snapshot(
            channel="viber",
            read_at=datetime(2020, 1, 1, tzinfo=UTC),
            sources=("other",),
            numbers=one.numbers,
            unread=one.unread,
        )
        assert one.count == 3
        assert one.digest == same.digest
        assert len(one.digest) == 64
        assert one.digest != snapshot("+14155552671", "+14155552672", "+999").digest

    def test_nobody_is_shown(self) -> None:
        assert "14155552671" not in repr(snapshot("+14155552671", unread=("14155552671",)))

    def test_an_image_is_read_back_or_refused(self) -> None:
        one = snapshot("+14155552671", "+" + "9" * 19, unread=("999",))
        image = b"".join(one.image())
        assert Snapshot.read_image(image) == (one.numbers, one.unread)
        for damaged in (b"", image[:20], image[:40], b"+14155552671\n", b"x" + image):
            with pytest.raises(ValueError, match=r"short|no numbers"):
                Snapshot.read_image(damaged)


class TestLines:
    """The line of each recipient: two forms of one are equal."""

    @pytest.mark.parametrize("region", [None, "international", "US"])
    def test_both_forms_of_a_line_are_one(self, region: str | None) -> None:
        pairs = [change.examples for change in table().changes if change.examples]
        numbers = [f"+{each}" for pair in pairs for each in pair]
        lines = Screening(numbers, snapshot(A), default_region=region).lines()
        assert lines.reshape(-1, 2)[:, 0].tolist() == lines.reshape(-1, 2)[:, 1].tolist()
        assert lines[1::2].tolist() == [int(new) for _, new in pairs]

    def test_lines_of_others_differ(self) -> None:
        numbers = [B, C, "n/a", A, (B, C), (), ("n/a", C)]
        screening = Screening(numbers, snapshot())
        digits = [int(each or 0) for each in (B, C, None, A, B, None, C)]
        assert screening.lines().tolist() == screening.first_readings().tolist() == digits
