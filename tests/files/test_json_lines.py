"""JSON lines: the key of the number, its values, and any lines byte for byte."""

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.files import BOM, LIMITS, A, B, numbers, rows_of
from suppress import InputError, Rows


def test_several_keys() -> None:
    content = b'{"home": 1, "work": "2"}\n{"work": null, "home": 3}\n'
    rows, found = rows_of(content, columns=["work", "home"])
    assert rows.columns == ("work", "home")
    assert [row.number for row in found] == [("2", 1), (None, 3)]
    assert [row.numbers for row in found] == [("2", 1), (3,)]
    for broken, message in (
        (b'{"home": 1}\n', "line 3: it has no key 'work'"),
        (b'{"home": 1, "work": 2, "home": 3}\n', "line 3: it has the key 'home' twice"),
    ):
        with pytest.raises(InputError, match=message):
            rows_of(content + broken, columns=["work", "home"])


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        # Each row may have other keys.
        (['{"id": 7}', '{"id": 8, "to": "+14155552671"}', '{"to": "+442079460958"}'], "to"),
        (['{"mobile": null, "id": "A"}', '{"id": "B"}'], "mobile"),
        (['{"only": "x"}'], "only"),
    ],
)
def test_the_key_of_rows_with_other_keys(lines: list[str], keys: str) -> None:
    rows = Rows(io.BytesIO("\n".join(lines).encode()), name="a.jsonl")
    assert rows.columns == (keys,)


def test_a_mark_and_a_backslash() -> None:
    content = BOM + b'{"phone": "+14155552671", "x": "\\n"}\n'
    assert numbers(content) == [A]
    with pytest.raises(InputError, match="line 1: it has the key 'phone' twice"):
        rows_of(
            content.replace(b'"x"', b'"\\u0070hone"').replace(b'"\\n"', SOME.join([b'"', b'"']))
        )


def test_an_object_behind_plain_values() -> None:
    plain = b'"+14155552671"\n' * LIMITS.sample_rows
    with pytest.raises(InputError, match=f"line {LIMITS.sample_rows + 1}: it is a JSON object"):
        rows_of(plain + b'{"phone": 1}\n', "a.jsonl")
    with pytest.raises(InputError, match="line 1: it is not a JSON object with the key 'phone'"):
        rows_of(b'"+14155552671"\n{"phone": 1}\n', "a.jsonl")


JSON_KEYS = b'{"id": 1, "phone": "+14155552671"}\n{"phone": "+442079460958", "mobile": 2}\n'


SOME = A.encode()


def test_a_json_key_is_told_once_for_the_whole_file() -> None:
    assert numbers(JSON_KEYS, default_region="US") == [A, B]
    assert numbers(b'{"x": "%s"}\n{"x": 2, "phone": null}\n{"x": "%s"}\n' % (SOME, SOME)) == [
        *(SOME.decode(), 2, SOME.decode())
    ]
    assert numbers(b'{"phone": 1, "other": 2}\n{"other": 4, "phone": 3}\n', column="other") == [
        2,
        4,
    ]


def test_json_keys_that_are_named() -> None:
    assert numbers(b'{"phone": 1, "b": 2}\n{"b": 4, "phone": 3}\n', "a.jsonl", "b") == [2, 4]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("14155552671", 14155552671),
        ('"14155552671"', "14155552671"),
        ("14155552671.0", 14155552671.0),
        ("1.4155552671e10", 1.4155552671e10),
        ("-5", -5),
        ("null", None),
        ("true", True),
        ("[1]", [1]),
        ('" +1\\u0034 "', " +14 "),
    ],
)
@pytest.mark.slow
def test_json_values_are_kept_as_they_are(value: str, number: object) -> None:
    for line in (f'{{"phone": {value}}}', value):
        (found,) = numbers(line.encode(), "a.jsonl")
        assert found == number
        assert type(found) is type(number)


def test_what_is_no_doubled_key() -> None:
    content = rb"""{"phone": "1", "x": {"phone": 2}, "y": "phone"}
{"x": {"phone": 2, "phone": 3}, "phone": "\u0031", "Phone": 4}"""
    assert numbers(content, "a.jsonl", "phone") == ["1", "1"]


def test_json_that_is_no_object_has_no_key() -> None:
    with pytest.raises(InputError, match=r"line 2: .*not a JSON object with the key 'phone'"):
        rows_of(b'{"phone": 1}\n"2"\n', "a.jsonl", column="phone")


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_any_json_lines_come_back(values: list[str]) -> None:
    raws = [msgspec.json.encode({"phone": value, "n": place}) for place, value in enumerate(values)]
    _, found = rows_of(b"\n".join(raws), "a.jsonl", column="phone")
    assert [row.number for row in found] == values
    assert [row.raw.removesuffix(b"\n") for row in found] == raws
