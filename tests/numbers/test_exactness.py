"""Every faster way gives exactly the answers of the reference."""

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from differential import REGIONS, SHARED_PARSE, differences, texts
from suppress.numbers import bulk, damage, derivation, e164, lookup, parsed, plain, plan
from suppress.numbers.bulk import Reader, ReaderLimits
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import plain_readings
from suppress.numbers.equivalence import Renumbering, table
from suppress.numbers.problem import Problem
from suppress.numbers.readings import read
from suppress.numbers.rule import ASK_PARSER, LEAD
from suppress.numbers.rules import Rules

SOME_REGIONS = (
    None,
    "international",
    "US",
    "GB",
    "AR",
    "BR",
    "IT",
    "RU",
    "MX",
    "CI",
    "SM",
    "UA",
    "UZ",
)


@pytest.fixture(autouse=True)
def share_parses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "parse", SHARED_PARSE)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Rules that nobody has derived yet."""
    made = Rules(table())
    for module in (bulk, e164, lookup):
        monkeypatch.setattr(module, "rules_for", lambda _renumbering: made)
    return made


@cache
def some(region: str | None, count: int, seed: int = 1) -> list[str]:
    return list(itertools.islice(texts(region, random.Random(seed)), count))


@pytest.mark.parametrize("region", REGIONS, ids=str)
@pytest.mark.slow
def test_made_up_texts(region: str | None) -> None:
    assert differences(region, some(region, 40)) == []


@pytest.mark.parametrize("region", SOME_REGIONS, ids=str)
@pytest.mark.slow
def test_more_texts_of_some_regions(region: str | None) -> None:
    assert differences(region, some(region, 600, seed=2)) == []


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("UZ", "8447026236"),  # behind a former prefix, or with a calling code
        ("HK", "0(0 995 555 12 34 56"),  # behind 00, which is not written together
        ("IE", "tel:+)1-310-1234"),  # too short, and yet valid
    ],
)
def test_texts_that_differed_once(region: str, text: str) -> None:
    assert differences(region, [text]) == []


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.text("0123456789+ -.()/[]", max_size=24),
            st.text("0123456789+ .,/;xOl'\"\u00a0\u200e\u202a", max_size=24),
            st.from_regex(r"\A(tel:|p:|\+)?\+?[0-9]{2,17}(\.0)?\Z"),
        ),
        max_size=8,
    ),
    st.sampled_from(SOME_REGIONS),
)
@pytest.mark.slow
def test_random_texts(given: list[str], region: str | None) -> None:
    assert differences(region, given) == []


@given(
    st.lists(
        st.one_of(
            st.integers(), st.integers(10**6, 10**16), st.floats(), st.integers(10**6, 10**13)
        ),
        max_size=8,
    ),
    st.sampled_from((None, "US", "international")),
)
@pytest.mark.slow
def test_random_integers_and_decimals(given: list[Any], region: str | None) -> None:
    assert differences(region, given) == []
    assert differences(region, [*given, "+14155552671"]) == []


@pytest.mark.parametrize("region", [None, "US", "international"])
def test_everything_in_one_list(region: str | None) -> None:
    class Text(str):
        __slots__ = ()

    given: list[Any] = [
        *("+14155552671", 14155552671, None, True, 2.5, "", "a\nb", Text("(415) 555-2671")),
        *(10**30, -1, "+" + "1" * 251, "1" * 251, b"+14155552671", 2**63, "+1415555\n2671"),
        *("+1" + "5" * 8 + " " * 240, "\n", "tel:+14155552671", "415555267\u0661", 4155552671.0),
        *("+14155552671" + " " * 250, " " * 250 + ".0", "+" + "4" * 12 + "0" * 250),
    ]
    assert differences(region, given) == []


@pytest.mark.slow
def test_few_texts() -> None:
    for region in (None, "GB", "DE"):
        assert differences(region, some(region, 300, seed=3), ReaderLimits()) == []


def test_nothing_to_read() -> None:
    assert len(Reader(Convention()).read_all([]).values) == 0


@pytest.mark.slow
def test_threads_that_derive_the_same_rules(fresh: Rules) -> None:
    given = some("AR", 400)
    convention = Convention("AR")
    expected = [{int(each.e164) for each in read(text, convention).readings} for text in given]

    def agrees(_thread: int) -> bool:
        found = (plain_readings(text, convention) for text in given)
        return all(
            each is None or set(each) == wanted
            for each, wanted in zip(found, expected, strict=True)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(agrees, range(8)))


MUTATIONS: list[tuple[object, str, Callable[..., object]]] = [
    (plan.Plan, "_without_national_prefix", lambda _plan, number: number),
    (plan.Plan, "_behind_international_prefix", lambda _plan, _number: None),
    (plan.Plan, "_better", lambda _plan, _number, _rest: False),
    (plan.Plan, "_better", lambda _plan, _number, _rest: True),
    (plan.Plan, "_is_too_long", lambda _plan, _number: False),
    (plan.Plan, "_may_serve", lambda _plan, _length: True),
    (plan.Plan, "_may_serve", lambda _plan, _length: False),
    (plan.Plan, "_possible_lengths", lambda _plan, number: [len(number)]),
    # Possible lengths, changes of plans, codes written twice, former prefixes, valid ranges.
    (plan.Plan, "length_problem", lambda _plan, _number: None),
    (derivation.Derivation, "_new_form", lambda _derivation, _digits: None),
    (derivation, "_with_code_once", lambda _number: None),
    (derivation._National, "_behind_former_prefixes", lambda _national, _number: ()),
    (plan, "is_valid", lambda _number: True),
    # What is plain in a text.
    (plain, "_blank_decimals", lambda _characters, _ends: None),
    (lookup.Lookup, "_read_without_plus", lambda _lookup, _places: None),
    (lookup.Lookup, "read_parts", lambda _lookup, _numbers, **_options: None),
]


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    MUTATIONS,
    ids=[f"{place}-{name}" for place, (_, name, _) in enumerate(MUTATIONS)],
)
@pytest.mark.slow
def test_a_wrong_rule_is_noticed(
    fresh: Rules,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    wrong: Callable[..., object],
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    monkeypatch.setattr(Rules, "_hold", lambda *_arguments: True)
    assert any(
        differences(region, some(region, 80, seed))
        for seed, region in itertools.product(range(15), ("GB", "IT", "MX", "UA", None, "US"))
    )


def test_a_phonenumbers_that_parses_otherwise_is_asked(
    fresh: Rules, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert fresh.of("14155552671", Rules.PLUS).first == 0
    parse = parsed.parse

    def otherwise(text: str, region: str | None) -> Any:
        found = parse(text, region)
        if isinstance(found, Problem):
            return found
        other = parse(f"+{found.digits[:-1]}0", None)
        return found if isinstance(other, Problem) else other

    monkeypatch.setattr("suppress.numbers.parsed.parse", otherwise)
    reader = Reader(Convention())
    assert f"+{reader.read_all(['+442079460958']).values.item(0)}" == "+442079460950"
    assert fresh.of("14155552671", Rules.PLUS).first == ASK_PARSER
    assert fresh.of("02079460958", fresh.form("GB")).first == ASK_PARSER
    assert plain_readings("+14155552671", Convention()) is None
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"phonenumbers {phonenumbers.__version__} parses numbers in another way")
    assert said.endswith("it is asked about each number, which is slower. Update suppress.")


@pytest.mark.slow
def test_what_is_not_understood_is_asked(fresh: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("GB")
    assert metadata is not None
    monkeypatch.setattr(metadata, "_mutable", True)
    monkeypatch.setattr(metadata, "national_prefix_for_parsing", r"0(?!1)")
    monkeypatch.setattr(plan, "plan_of_code", plan.plan_of_code.__wrapped__)
    assert differences("GB", some("GB", 300)) == []
    assert fresh.of("02079460958", fresh.form("GB")).first == ASK_PARSER


def test_a_change_of_plan_that_is_not_understood_is_asked(
    fresh: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = table().changes[0]
    odd = type(change)(
        **{
            name: getattr(change, name)
            for name in ("id", "region", "length", "at", "drop", "add", "begins")
        },
        match=r"229(?=6)",
    )
    convention = Convention(renumbering=Renumbering([odd]))
    made = Rules(convention.renumbering)
    for module in (bulk, e164, lookup):
        monkeypatch.setattr(module, "rules_for", lambda _renumbering: made)
    for number in ("+22961234567", "+22971234567"):
        (value,) = Reader(convention).read_all([number]).values.tolist()
        assert [f"+{value}"] * bool(value) == [
            each.e164 for each in read(number, convention).readings
        ]


@pytest.mark.slow
def test_most_numbers_are_settled_without_the_reference(fresh: Rules) -> None:
    asked = 0
    for region in REGIONS[2:]:
        example = phonenumbers.example_number(region or "")
        assert example is not None
        digits = str(example.country_code) + phonenumbers.national_significant_number(example)
        asked += fresh.of(digits, Rules.PLUS).first == ASK_PARSER
    assert asked <= len(REGIONS) // 100
    assert LEAD < 10


def test_parts_are_parts_of_the_text() -> None:
    for region in SOME_REGIONS:
        for text in some(region, 200):
            assert all(part in text for part in damage.parts(text))
