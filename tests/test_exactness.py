"""Every faster way gives exactly the answers of the plain phonenumbers loop."""

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from differential import REGIONS, differences, reference, texts
from suppress.numbers import plan, rules
from suppress.numbers.bulk import OVERFLOW, e164_all
from suppress.numbers.e164 import e164
from suppress.numbers.rules import LEAD, Numbering

SOME_REGIONS = (None, "US", "GB", "AR", "BR", "IT", "RU", "MX", "CI", "SM")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Numbering:
    """Rules that nobody has derived yet."""
    made = Numbering()
    monkeypatch.setattr("suppress.numbers.bulk.NUMBERING", made)
    monkeypatch.setattr("suppress.numbers.e164.NUMBERING", made)
    return made


def some(region: str | None, count: int, seed: int = 1) -> list[str]:
    return list(itertools.islice(texts(region, random.Random(seed)), count))


@pytest.mark.parametrize("region", REGIONS, ids=str)
def test_made_up_texts(region: str | None) -> None:
    assert differences(region, some(region, 40)) == []


@pytest.mark.parametrize("region", SOME_REGIONS, ids=str)
def test_more_texts_of_some_regions(region: str | None) -> None:
    assert differences(region, some(region, 600, seed=2)) == []


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.text("0123456789+ -.()/[]", max_size=24),
            st.from_regex(r"\A(tel:)?\+?[0-9]{2,17}\Z"),
        ),
        max_size=8,
    ),
    st.sampled_from(SOME_REGIONS),
)
def test_random_texts(given: list[str], region: str | None) -> None:
    assert differences(region, given) == []


@given(st.lists(st.one_of(st.integers(), st.integers(10**6, 10**16)), max_size=8))
def test_random_integers(given: list[int]) -> None:
    bulk = e164_all(given, "US")
    for place, number in enumerate(given):
        expected = reference(f"+{number}", None) if number > 0 else None
        assert (bulk.text(place), e164(number, "US")) == (expected, expected)


def test_everything_in_one_list() -> None:
    class Text(str):
        __slots__ = ()

    given: list[Any] = [
        *("+14155552671", 14155552671, None, True, 2.5, "", "a\nb", Text("(415) 555-2671")),
        *(10**30, -1, "+" + "1" * 251, "1" * 251, b"+14155552671", 2**63, "+1415555\n2671"),
        *("+1" + "5" * 8 + " " * 240, "\n", "tel:+14155552671", "415555267\u0661"),
    ]
    bulk = e164_all(given, "US")
    assert [bulk.text(place) for place in range(len(given))] == [e164(each, "US") for each in given]
    assert bulk.text(0) == bulk.text(1) == bulk.text(7) == bulk.text(17) == "+14155552671"


def test_nothing_to_normalize() -> None:
    assert len(e164_all([]).values) == 0


def test_numbers_that_do_not_fit_64_bits() -> None:
    given = ["+375" + "9" * 17, "+14155552671"]
    bulk = e164_all(given)
    assert bulk.values.tolist() == [OVERFLOW, 14155552671]
    assert [bulk.text(0), bulk.text(1)] == [e164(each) for each in given] == given


def test_threads_that_derive_the_same_rules(fresh: Numbering) -> None:
    given = some("AR", 400)
    expected = [reference(text, "AR") for text in given]

    def answers(_thread: int) -> list[str | None]:
        return [e164(text, "AR") for text in given]

    with ThreadPoolExecutor(8) as pool:
        assert all(each == expected for each in pool.map(answers, range(8)))


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("_without_national_prefix", lambda _plan, number: number),
        ("_behind_international_prefix", lambda _plan, _number: None),
        ("_better", lambda _plan, _number, _rest: False),
        ("_better", lambda _plan, _number, _rest: True),
        ("_is_too_long", lambda _plan, _number: False),
        ("_may_serve", lambda _plan, _length: True),
        ("_may_serve", lambda _plan, _length: False),
        ("_possible_lengths", lambda _plan, number: [len(number)]),
    ],
)
def test_a_wrong_rule_is_noticed(
    fresh: Numbering, monkeypatch: pytest.MonkeyPatch, method: str, wrong: Callable[..., object]
) -> None:
    monkeypatch.setattr(plan.Plan, method, wrong)
    monkeypatch.setattr(rules, "_hold", lambda *_arguments: True)
    assert any(differences(region, some(region, 3000)) for region in SOME_REGIONS[1:])


def test_a_phonenumbers_that_parses_otherwise_is_asked(
    fresh: Numbering, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def otherwise(text: str, region: str | None) -> str | None:
        found = reference(text, region)
        return found and f"{found[:-1]}0"

    assert fresh.rule("14155552671", 0) == 0
    monkeypatch.setattr("suppress.numbers.rules.parsed", otherwise)
    monkeypatch.setattr("suppress.numbers.bulk.parsed", otherwise)
    monkeypatch.setattr("suppress.numbers.e164.parsed", otherwise)
    assert e164("+442079460958") == "+442079460950"
    assert fresh.rule("14155552671", 0) == fresh.rule("02079460958", fresh.forms("GB"))
    assert e164("+14155552671") == "+14155552670"
    assert e164_all(["+442079460958", "+14155552671"]).text(0) == "+442079460950"
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"phonenumbers {phonenumbers.__version__} parses otherwise than")
    assert said.endswith("it is asked about every number, which is slower. Use a later suppress.")


def test_what_is_not_understood_is_asked(fresh: Numbering, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("GB")
    assert metadata is not None
    monkeypatch.setattr(metadata, "_mutable", True)
    monkeypatch.setattr(metadata, "national_prefix_for_parsing", r"0(?!1)")
    monkeypatch.setattr(plan, "plan_of_code", plan.plan_of_code.__wrapped__)
    assert differences("GB", some("GB", 300)) == []
    number = "02079460958"
    assert fresh.rule(number, fresh.forms("GB")) == rules.ASK_PARSER


def test_most_numbers_are_settled_without_the_parser(fresh: Numbering) -> None:
    asked = 0
    for region in REGIONS[1:]:
        example = phonenumbers.example_number(region or "")
        assert example is not None
        digits = str(example.country_code) + phonenumbers.national_significant_number(example)
        asked += fresh.rule(digits, 0) == rules.ASK_PARSER
    assert asked <= len(REGIONS) // 100
    assert LEAD < 10
