"""The origins of numbers: the source, the entry there, and the time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from support.builders import Clock, ListSource, by_hand
from suppress import Entries, Entry, Origin, Screening, Suppressor
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import value_of
from suppress.numbers.readings import read as read_number
from suppress.sources import load
from suppress.stop_list.entry_details import EntryDetails
from suppress.stop_list.entry_readings import EntryReadings
from suppress.stop_list.origins import NO_ORIGINS, Origins, OriginsBuilder
from suppress.stop_list.snapshot import Snapshot

ANN, BOB, CY = "+14155552671", "+14155552672", "+442079460958"
OVERFLOW = "+35812345678901234567"  # does not fit 64 bits: no phone number is so long
ODD = "999123"  # the digits of what is not a phone number
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


def gathered(*sources: tuple[str, Sequence[tuple[str, Any, datetime | None]]]) -> Origins:
    """The origins of (number, id, added at) of some sources."""
    builder = OriginsBuilder()
    for name, entries in sources:
        rows = EntryDetails.of(
            len(entries), [each[1] for each in entries], [each[2] for each in entries]
        )
        places = [place for place, each in enumerate(entries) if each[0].startswith("+")]
        builder.add(
            name,
            np.array([value_of(entries[place][0]) for place in places], np.uint64),
            np.array(places, np.int64),
            rows,
            listed_as=np.zeros(len(places), np.uint64),
        )
        for place, (number, *_) in enumerate(entries):
            if place not in places:
                builder.add_unread(name, number, place, rows)
    return builder.origins()


def of(origins: Origins, number: str) -> tuple[Origin, ...]:
    """The entries of a number, or of the digits of what is none."""
    return origins.of(number) if number.startswith("+") else origins.of_digits(number)


def read(origins: Origins) -> Origins:
    return Origins.read(b"".join(origins.image()))


IDS: list[tuple[Any, Any]] = [
    (17, 17),
    (0, 0),
    (2**63 - 1, 2**63 - 1),
    (2**63, 2**63),
    (10**30, 10**30),
    (-1, -1),
    (-(2**63), -(2**63)),
    (-(10**30), -(10**30)),
    (None, None),
    ("", ""),
    ("row 3", "row 3"),
    ("17", "17"),
    ('"\n\\', '"\n\\'),
    ("ключ\0", "ключ\0"),
    ("\ud800", "\\ud800"),
    (True, 1),
    (1.5, "1.5"),
]


@pytest.mark.parametrize(("given", "shown"), IDS, ids=repr)
@pytest.mark.parametrize("number", [ANN, ODD])
@pytest.mark.parametrize("among", [(), (1, 2), ("a", "b"), (None,), (10**40, -3)], ids=repr)
def test_an_id_comes_back_as_it_was(number: str, among: Any, given: Any, shown: Any) -> None:
    others = [(BOB, id_, None) for id_ in among]
    origins = gathered(("crm", [*others, (number, given, None), *others]))
    for each in (origins, read(origins)):
        (found,) = of(each, number)
        assert found == Origin("crm", shown)
        assert type(found.id) is type(shown)
        # Entries that say the same are told once.
        assert [origin.id for origin in each.of(BOB)] == [*among]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON.astimezone(timezone(timedelta(hours=-5))), NOON),
        (NOON.replace(microsecond=999_999), NOON),
        (NOON.replace(microsecond=999_999, tzinfo=None), NOON),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(1901, 1, 1, tzinfo=UTC), datetime(1901, 1, 1, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
        (datetime.max.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        # What is no time in UTC is none.
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), None),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), None),
    ],
    ids=str,
)
@pytest.mark.parametrize("number", [ANN, ODD])
@pytest.mark.parametrize("among", [(), (NOON,), (NOON.replace(tzinfo=None), None)], ids=str)
def test_a_time_comes_back_in_utc_to_the_second(
    number: str, among: Any, given: datetime | None, shown: datetime | None
) -> None:
    origins = gathered(("crm", [(number, 1, given), *((BOB, 2, each) for each in among)]))
    for each in (origins, read(origins)):
        assert of(each, number) == (Origin("crm", 1, shown),)


def test_several_sources_and_entries_of_one_number() -> None:
    origins = gathered(
        ("one", [(BOB, 1, None), (ANN, 2, NOON), (ODD, 3, None)]),
        ("two", [(ANN, "a", None), (ODD, None, NOON), (ANN, "b", NOON)]),
    )
    for each in (origins, read(origins), read(read(origins))):
        assert set(each.of(ANN)) == {
            Origin("one", 2, NOON),
            Origin("two", "a"),
            Origin("two", "b", NOON),
        }
        assert each.of_digits(ODD) == (Origin("one", 3), Origin("two", None, NOON))
        assert each.of(BOB) == (Origin("one", 1),)
        assert each.of(CY) == ()
        assert each.of("+0") == each.of_digits("999") == each.of_digits("") == ()


def test_many_numbers_each_find_their_own() -> None:
    entries = [(f"+4479{place:08d}", place, None) for place in range(5000)]
    origins = read(gathered(("one", entries[::2]), ("two", entries[::-3])))
    for number, place, _ in entries:
        wanted = [("one", place)] * (place % 2 == 0) + [("two", place)] * (place % 3 == 1)
        assert sorted((each.source, each.id) for each in origins.of(number)) == wanted


def test_nothing() -> None:
    for each in (NO_ORIGINS, read(NO_ORIGINS), gathered(("one", []))):
        assert each.of(ANN) == each.of_digits(ODD) == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda image: b"",
        lambda image: image[:10],
        lambda image: image[:-1],
        lambda image: image + b"\0",
        lambda image: b"suppress" + image[8:],
        lambda image: image[:8] + b"\xff" * 8 + image[16:],
        lambda image: image[:8] + (2).to_bytes(8, "little") + image[16:],
        lambda image: bytes(len(image)),
    ],
)
def test_a_damaged_image(damage: Any) -> None:
    image = b"".join(gathered(("crm", [(ANN, "a", NOON), (ODD, 1, None)])).image())
    assert Origins.read(image).of(ANN)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Origins.read(damage(image))


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Origin("crm"), "crm"),
        (Origin("crm", 17), "crm (entry 17)"),
        (Origin("crm", "row 3"), "crm (row 3)"),
        (Origin("crm", None, NOON), "crm (since 2024-02-29)"),
        (Origin("crm", 17, NOON), "crm (entry 17, since 2024-02-29)"),
        (Origin("crm", "row 3", NOON), "crm (row 3, since 2024-02-29)"),
        # A text of a source's may be anything, the number as well.
        (Origin("crm", ANN), "crm (+141******71)"),
        (Origin("crm", "a\n\x1b[31mb"), r"crm (a\n\x1b[31mb)"),
        (Origin("crm", "x" * 1000), f"crm ({'x' * 24} ... {'x' * 11})"),
        (Origin("crm", 14155552671), "crm (entry 141******71)"),
        (Origin("crm", 17, listed_as=ANN), "crm (entry 17)"),
    ],
)
def test_in_words(origin: Origin, said: str) -> None:
    assert str(origin) == said


class AmericanSource(ListSource):
    """A list of numbers in the national form of the United States."""

    region = "US"


def loaded(*sources: ListSource) -> Snapshot:
    return load(sources, {"sms"}, convention=Convention(), clock=Clock())["sms"]


def why(snapshot: Snapshot, number: str, region: str | None = None) -> tuple[Origin, ...]:
    return snapshot.why(read_number(number, Convention(region)), number)


class TestLoaded:
    def test_each_source_its_own(self) -> None:
        one = ListSource(
            [
                Entry(ANN, {"sms"}, 17, NOON),
                Entry("+1 415 555 2671", {"viber"}, 18),
                Entry(int(ANN), {"sms", "viber"}, 19),
            ]
        )
        two = AmericanSource([Entry("(415) 555-2671", {"sms"}, "row 3")], name="two")
        snapshot = loaded(one, two)
        assert snapshot.count == 1
        assert set(why(snapshot, ANN)) == {
            Origin("list", 17, NOON),
            Origin("list", 19),
            Origin("two", "row 3"),
        }
        assert why(snapshot, BOB) == ()

    def test_the_form_that_an_entry_has(self) -> None:
        """It is told where it is another form of the line than the recipient's."""
        source = ListSource([Entry("+229 61234567", {"sms"}, 5, NOON)])
        snapshot = loaded(source)
        assert why(snapshot, "+2290161234567") == (Origin("list", 5, NOON, "+22961234567"),)
        assert why(snapshot, "+22961234567") == (Origin("list", 5, NOON, "+22961234567"),)
        assert why(loaded(ListSource([Entry("+2290161234567", {"sms"}, 5)])), "+22961234567") == (
            Origin("list", 5),
        )

    @pytest.mark.parametrize(
        "number",
        [
            22961234567,
            "22961234567",
            "+22961234567",
            "0022961234567",
            "+229 61 23 45 67",
            "'+22961234567",
            "+22961234567 (Ann)",
        ],
    )
    def test_a_reason_says_how_two_forms_meet(self, number: str | int) -> None:
        source = ListSource([Entry(number, {"sms"}, 5, NOON)], name="bsg")
        for decision in Screening(["+2290161234567", "+229 61234567"], loaded(source)):
            assert decision.reason == (
                "listed for sms by bsg (entry 5, since 2024-02-29) as +22961234567, "
                "which is +2290161234567 since 2024-11-30"
            )

    def test_the_forms_of_a_number_that_was_possible_as_it_was(self) -> None:
        source = ListSource([Entry("+5215598765432", {"sms"}, 5)])
        snapshot = loaded(source)
        assert why(snapshot, "+525598765432") == (Origin("list", 5, None, "+5215598765432"),)

    @pytest.mark.parametrize(
        "number",
        [
            "1 212 5552671",
            "1212 555 2671",
            "+1 415 555 2671 / 2672",
            "415 5552671 415 5552672",
            "0049886051/67670",
        ],
    )
    def test_all_readings_are_listed(self, number: str) -> None:
        """This includes readings of which bulk reading is not certain."""
        snapshot = loaded(AmericanSource([Entry(number, {"sms"}, 5)]))
        wanted = {each.e164 for each in read_number(number, Convention("US")).readings}
        assert wanted
        assert set(snapshot.numbers) == wanted

    @pytest.mark.parametrize(
        "number",
        [
            "+442079460100-199",
            "2025550100-2025550199",
            "+4420794601**",
            "+44 20 79..",
            "201XXXXXXX",
            "201NXXXXXX",
            "+4420*",
        ],
    )
    def test_a_range_or_wildcard_of_a_provider_lists_nobody_else(self, number: str) -> None:
        snapshot = loaded(ListSource([Entry(number, {"sms"}, 5), Entry(ANN, {"sms"}, 6)]))
        digits = "".join(filter(str.isdigit, number))
        assert set(snapshot.numbers) == {ANN}
        assert snapshot.unread == {digits}
        assert snapshot.count == 2
        assert why(snapshot, digits) == (Origin("list", 5),)

    def test_many_at_once(self) -> None:
        """Entries say the same as one by one, whatever their ids and times are."""
        numbers = [f"+4479{place:08d}" for place in range(70_000)]
        times = [NOON, None] * 35_000
        many = Entries(
            numbers=numbers, channels={"sms"}, ids=range(1, 70_001), added_at=times, id_word="line"
        )
        source = ListSource([])
        source.instead = lambda: [
            Entry(ANN, {"sms"}, 17),
            many,
            Entries(numbers=(BOB, "999 123456"), channels={"sms"}, ids=("a", None)),
            Entries(numbers=[CY], channels={"viber"}),
            Entries(numbers=[], channels={"sms"}),
            Entry(BOB, {"sms"}, 18),
        ]
        snapshot = loaded(source)
        assert snapshot.count == 70_003
        assert why(snapshot, ANN) == (Origin("list", 17),)
        assert set(why(snapshot, BOB)) == {Origin("list", "a"), Origin("list", 18)}
        assert why(snapshot, CY) == ()
        assert snapshot.unread == {"999123456"}
        for place in (0, 1, 32_767, 32_768, 69_999):
            wanted = Origin("list", f"line {place + 1}", times[place])
            assert why(snapshot, numbers[place]) == (wanted,)
        image = Origins.read(b"".join(snapshot.origins.image()))
        assert image.of(numbers[1]) == (Origin("list", "line 2"),)

    def test_what_has_no_reading(self) -> None:
        """It is found by its digits, however the recipient wrote them."""
        source = ListSource([Entry("999 123456", {"sms"}, 5, NOON), Entry("999123456", {"sms"}, 6)])
        snapshot = loaded(source)
        found = (Origin("list", 5, NOON), Origin("list", 6))
        assert snapshot.unread == {"999123456"}
        assert why(snapshot, "999-123-456", "DE") == found
        assert why(snapshot, "+999123456") == found
        assert why(snapshot, "+49 999 123456") == ()

    def test_numbers_beyond_64_bits(self) -> None:
        snapshot = loaded(ListSource([Entry(OVERFLOW, {"sms"}, 10**30, NOON)]))
        assert why(snapshot, OVERFLOW) == (Origin("list", 10**30, NOON),)

    def test_odd_ids_lose_nobody(self) -> None:
        """The ids that a source gives to its entries do not decide who is suppressed."""
        numbers = [f"+4479{place:08d}" for place in range(len(IDS))]
        entries = [
            Entry(number, {"sms"}, given) for number, (given, _) in zip(numbers, IDS, strict=True)
        ]
        snapshot = loaded(ListSource(entries))
        assert snapshot.count == len(IDS)
        for number, (_, shown) in zip(numbers, IDS, strict=True):
            assert why(snapshot, number) == (Origin("list", shown),)

    def test_they_change_no_digest(self) -> None:
        plain = loaded(ListSource([Entry(ANN, {"sms"})]))
        told = loaded(ListSource([Entry(ANN, {"sms"}, 17, NOON)], name="crm"))
        assert plain.digest == told.digest


def test_they_are_kept_in_the_store(tmp_path: Path) -> None:
    source = ListSource(
        [
            Entry(ANN, {"sms"}, "row 3", NOON),
            Entry(OVERFLOW, {"sms"}, -1),
            Entry("999 123", {"sms"}, 7),
        ]
    )

    def made() -> Suppressor:
        return by_hand(source, store=tmp_path)

    made().refresh("sms")
    one = made()
    numbers = [ANN, OVERFLOW, "+999123", "+49999123", BOB, "x"]
    decisions = list(one.screen(numbers, "sms", default_region="DE"))
    assert len(source.loads) == 1
    assert [each.origins for each in decisions] == [
        (Origin("list", "row 3", NOON),),
        (Origin("list", -1),),
        (Origin("list", 7),),
        (),
        (),
        (),
    ]
    assert decisions[0].reason == "listed for sms by list (row 3, since 2024-02-29)"
    (decision,) = one.screen(["999123"], "sms", default_region="DE")
    assert decision.origins == (Origin("list", 7),)


def test_an_origin_goes_into_json() -> None:
    origin = Origin("crm", "x", NOON)
    encoded = ["crm", "x", "2024-02-29T12:00:00Z", None]
    assert msgspec.json.decode(msgspec.json.encode(origin)) == encoded


@pytest.mark.parametrize("stored", [False, True])
def test_every_row_is_given_in_parts(stored: bool) -> None:
    builder = OriginsBuilder()
    ann, bob, cy = map(value_of, (ANN, BOB, CY))
    builder.add(
        "one",
        np.array([bob, ann, cy], np.uint64),
        np.array([0, 1, 1]),
        EntryDetails.of(2, [7, "crm-8"], [NOON, None]),
        further=np.array([False, False, True]),
    )
    line = EntryDetails.of(1, [3], None, "line")
    builder.add("two", np.array([ann], np.uint64), np.array([0]), line)
    origins = read(builder.origins()) if stored else builder.origins()
    rows = []
    for part in origins.parts(size=2):
        columns = part.values.tolist(), part.further.tolist(), *origins.details(part)
        rows += [(*row[:4], str(row[4])) for row in zip(*columns, strict=True)]
    assert sorted(rows) == [
        (ann, False, "one", "crm-8", "NaT"),
        (ann, False, "two", "line 3", "NaT"),
        (bob, False, "one", 7, "2024-02-29T12:00:00"),
        (cy, True, "one", "crm-8", "NaT"),
    ]
    assert [row[0] for row in rows] == [ann, ann, bob, cy]
    assert [part.values.tolist() for part in origins.parts("two", size=1)] == [[ann]]
    assert list(origins.parts("three")) == []
    assert origins.of(CY) == (Origin("one", "crm-8"),)


def test_the_first_reading_of_an_entry_is_told_from_the_others() -> None:
    """Digits may be national, or begin with a calling code: that of the region comes first."""
    reader = Reader(Convention("DE"))
    given = ["4915112345678", "15112345679", "+14155552671"]
    found = reader.read_all(given)
    readings = EntryReadings.of(found, reader)
    builder = OriginsBuilder()
    builder.add(
        *("crm", readings.values, readings.places, EntryDetails.of(3, given, None)),
        further=readings.further(found, reader),
    )
    (part,) = builder.origins().parts()
    rows = zip(part.values.tolist(), part.further.tolist(), strict=True)
    assert sorted(rows) == [
        (14155552671, False),
        (15112345679, True),
        (4915112345678, False),
        (4915112345679, False),
        (494915112345678, True),
    ]
