"""A list of one's own: what is exactly one number, and what is refused with its line."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ValidationResult

from suppress import Settings, StopListUnavailable, Suppressor
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.readings import readings

Case = tuple[str, str | None]


def faults(texts: Sequence[object], region: str | None) -> dict[int, str]:
    reader = Reader(Convention(region))
    return dict(reader.faults(reader.read_all(texts)))


WILDCARDS = [
    "201XXXXXXX",
    "201NXXXXXX",
    "201-555-XXXX",
    "+4420794601**",
    "+4420*",
    "+44207946012*",
    "+4930123XX",
    "+4930123x",
    "+4930123*",
    "+4930123%",
    "+4930123_",
    "+4930123?",
    "+4930123??",
    "+4930123#",
    "+493012..",
    "+4930123...",
    "+4930123\u2026",
    "+49301234[0-9]",
    "+49301234[0123,5]",
    "+49301234\\d{3}",
    "+49301234{3}",
    "^+4930123$",
    "+4930123---",
]

SEVERAL = [
    "+442079460100-199",
    "2025550100-2025550199",
    "+442079460100 - +442079460199",
    "+442079460100..+442079460199",
    "+442079460100..199",
    "+493012345..99",
    "+493012345--99",
    "+493012345~99",
    "+493012345 bis 99",
    "+493012345\u201399, 98",
    "+442079460100 to 0199",
    "+44 20 7946 0123 / 0124",
    "+44 20 7946 0123/24",
    "+49 30 123456 / 57",
    "+442079460123 +442079460124",
    "+442079460123,+442079460124",
    "442079460123;442079460124",
    "202-555-0147; 0148",
    "+442079460123 x442079460124",
    "+442079460123 (mobile) +442079460124 (home)",
    "+442079460123 after 18:00",
    "+44 20 7946 0123 0124",
]

ONE = [
    "+442079460123 (Ann)",
    "+442079460123 STOP",
    "Ann: +442079460123",
    "Maxx +442079460123",
    "+442079460123 - Ann",
    "'+442079460123",
    '="+442079460123"',
    "tel:+442079460123",
    "p:+442079460123",
    "whatsapp:+442079460123",
    "442079460123@s.whatsapp.net",
    "https://wa.me/442079460123",
    "+44 (0)20 7946 0123",
    "+44.20.7946.0123",
    "+44\u00a020\u00a07946\u00a00123",
    "\u202a+442079460123\u202c",
    "+44207946O123",
    "+442079460123.0",
    "0044 20 7946 0123",
    "+442079460123 / +44 20 7946 0123",
]


@pytest.mark.parametrize("region", ["international", None, "DE", "US"])
def test_wildcards_and_ranges_are_no_number(region: str | None) -> None:
    texts = [*WILDCARDS, *SEVERAL]
    found = faults(texts, region)
    assert [text for place, text in enumerate(texts) if place not in found] == []
    for place, why in found.items():
        assert texts[place] not in why or sum(map(str.isdigit, texts[place])) < 7


@pytest.mark.parametrize("region", ["international", None, "DE", "GB"])
def test_marks_beside_one_number_do_no_harm(region: str | None) -> None:
    assert faults(ONE, region) == {}
    for text in ONE:
        assert readings(text, region)[0] == "+442079460123"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("030/1234567", "DE"),
        ("089 / 123456-78", "DE"),
        ("+49 (0) 30 / 123456-78", None),
        ("+49 171/1234567", None),
        ("202/555-0147", "US"),
        ("202.555.0147", "US"),
        ("1-800-FLOWERS", "US"),
        ("202-555-0147 x 12", "US"),
        ("+1 (202) 555-0147 #12", None),
        ("tel:+1-202-555-0147;ext=12", None),
        ("442079460123.0", "international"),
        ("4.42079460123E+11", "international"),
    ],
)
def test_one_number_as_people_write_it(text: str, region: str | None) -> None:
    assert faults([text], region) == {}


@pytest.mark.parametrize(
    ("text", "region", "why"),
    [
        ("442079460123", None, "digits without a plus"),
        ("442079460123.0", None, "digits without a plus"),
        ("020 7946 0123", None, "digits without a plus"),
        ("4.4E+11", "international", "cut by a spreadsheet"),
        ("n/a", "GB", "not a phone number"),
        ("", "GB", "no number"),
        (None, "GB", "no number"),
        (True, "GB", "not text"),
    ],
)
def test_what_is_no_number(text: object, region: str | None, why: str) -> None:
    assert why in faults([text], region)[0]


def written(region: str) -> Iterator[Case]:
    """The numbers of a region in the forms that phonenumbers writes, with their regions."""
    kinds = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    for kind, extension in itertools.product(kinds, (None, "12")):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or (
            phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE
        ):
            continue
        number.extension = extension
        for form in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
            text = phonenumbers.format_number(number, form)
            yield from ((text, None), (text, region), (text, "international"))
        yield phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region
        for other in ("US", "GB", "DE", "AU"):
            yield phonenumbers.format_out_of_country_calling_number(number, other), other
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for text in (e164, f"'{e164}", f"{e164} (Ann)", f"{e164}.0", f"00{e164[1:]}"):
            yield text, None
        yield e164, region
        yield e164[1:], "international"


@pytest.mark.slow
def test_every_region_in_every_form() -> None:
    cases: dict[str | None, list[str]] = {}
    for region in phonenumbers.SUPPORTED_REGIONS:
        for text, read_as in written(region):
            cases.setdefault(read_as, []).append(text)
    assert sum(map(len, cases.values())) > 10_000
    for read_as, texts in cases.items():
        assert [(texts[place], why) for place, why in faults(texts, read_as).items()] == []


@pytest.mark.parametrize(
    "lines",
    [
        ["+442079460123", "+44 20 7946 0123 / 0124", "n/a"],
        ["+442079460123", "n/a", "+44 20 7946 0123 / 0124"],
        ["+442079460123", "+4930123*", "", "\xff"],
        ["+442079460123", "442079460124"],
        ["+442079460123", "+49301234[0-9]", "+442079460124 +442079460125"],
    ],
)
@pytest.mark.parametrize("before", [0, 50_000])
def test_the_first_faulty_line_is_named(tmp_path: Path, lines: list[str], before: int) -> None:
    path = tmp_path / "list.txt"
    good = [f"+4420{place:08}" for place in range(79460000, 79460000 + before)]
    path.write_bytes("\n".join([*good, *lines]).encode("latin-1"))
    suppressor = Suppressor(Settings(store=None, tables={"file": {"path": str(path), "quiet": 0}}))
    with pytest.raises(StopListUnavailable, match=rf"list\.txt, line {before + 2}: ") as caught:
        suppressor.refresh("sms")
    assert "79460" not in str(caught.value).replace(str(tmp_path), "")
