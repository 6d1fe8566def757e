"""Receipts: what was checked against what, so that it can be proved later."""

import enum
import functools
import hashlib
import json
import operator
import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import phonenumbers
import pytest

import suppress
from support import commands
from support.builders import Clock, ListSource, by_hand, listed
from suppress import InputError, Receipt, Suppressor
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import table
from suppress.screening.receipt import ReceiptBuilder, differences, lines_of
from suppress.screening.screening import Screening

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460958"


def made(store: Path | None = None, source: ListSource | None = None) -> Suppressor:
    return by_hand(source or ListSource(listed(LISTED)), store=store, default_region="US")


def receipt_of(numbers: Sequence[Any]) -> Receipt:
    return made().screen(numbers, "sms").receipt()


def digest_by_hand(numbers: Sequence[str | int | list[Any] | None]) -> str:
    """As the documentation says it: each a line of JSON, the whole hashed."""
    lines = "".join(
        json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in numbers
    )
    return hashlib.sha256(lines.encode()).hexdigest()


def test_it_says_what_was_checked_against_what() -> None:
    numbers = [LISTED, ANN, "n/a", ANN]
    assert json.loads(receipt_of(numbers).to_json()) | {"digest": "x"} == {
        "receipt": 3,
        "suppress": suppress.__version__,
        "phonenumbers": phonenumbers.__version__,
        "channel": "sms",
        "screened_at": "2023-11-14T22:13:20Z",
        "default_region": "US",
        "snapshot": {
            "digest": made().snapshot("sms").digest,
            "count": 1,
            "read_at": "2023-11-14T22:13:20Z",
            "sources": {"list": "2023-11-14T22:13:20Z"},
            "opted_out": 0,
        },
        "recipients": {"digest": digest_by_hand(numbers), "count": 4},
        "counts": {"allowed": 2, "suppressed": 1, "invalid": 1},
        "columns": [],
        "possible_only": True,
        "renumbering": table().in_force(date(2023, 11, 14)).digest,
        "repeated": 0,
        "screened_until": "2023-11-14T22:13:20Z",
        "later": [],
        "digest": "x",
    }


def test_of_opt_outs(tmp_path: Path) -> None:
    one = made(tmp_path)
    before = one.screen([ANN], "sms").receipt()
    one.add([ANN, LISTED], "sms")
    after = one.screen([ANN], "sms").receipt()
    assert (after.snapshot.count, after.snapshot.opted_out) == (2, 1), "one is listed as well"
    assert after.snapshot.digest == one.snapshot("sms").digest != before.snapshot.digest
    assert after.counts == {"allowed": 0, "suppressed": 1, "invalid": 0}


def test_of_nobody() -> None:
    receipt = receipt_of([])
    assert receipt.recipients.digest == hashlib.sha256().hexdigest()
    assert receipt.counts == {"allowed": 0, "suppressed": 0, "invalid": 0}
    assert differences(receipt, []) == []


def test_the_own_digest_can_be_made_by_hand() -> None:
    document = json.loads(receipt_of([ANN]).to_json())
    digest = document["digest"]
    document["digest"] = ""
    plain = json.dumps(document, separators=(",", ":"))
    assert hashlib.sha256(plain.encode()).hexdigest() == digest


def digest_of(document: dict[str, Any]) -> str:
    """Its own digest, for one that was edited on purpose."""
    plain = json.dumps(document | {"digest": ""}, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def of_two_lists() -> Receipt:
    """A receipt of four recipients; the stop list was read again before the third."""
    clock = Clock()
    source = ListSource(listed(LISTED))
    one = by_hand(source, clock=clock, store=None)
    first = one.screen([LISTED, ANN], "sms")
    builder = ReceiptBuilder(first.snapshot, first.convention, one.now())
    builder.add(first.numbers, first.counts)
    clock.now += 60
    source.entries = listed(LISTED, BOB)
    one.refresh("sms")
    second = one.screen([BOB, "n/a"], "sms")
    builder.look(second.snapshot, second.convention, one.now())
    builder.add(second.numbers, second.counts)
    return builder.receipt()


def test_of_two_stop_lists() -> None:
    receipt = of_two_lists()
    assert (receipt.snapshot.count, receipt.screened_at.minute) == (1, 13)
    (later,) = receipt.later
    assert (later.after, later.at.minute, later.snapshot.count) == (2, 14, 2)
    assert receipt.screened_until == later.at
    assert receipt.counts == {"allowed": 1, "suppressed": 2, "invalid": 1}
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_a_list_that_stays_the_same_is_named_once() -> None:
    one = made()
    snapshot = one.snapshot("sms")
    builder = ReceiptBuilder(snapshot, Convention(), one.now())
    for minute in range(3):
        moment = datetime(2024, 1, 1, 0, minute, tzinfo=UTC)
        builder.look(snapshot.with_opted_out(snapshot.opted_out), Convention(), moment)
        builder.add([ANN], {"allowed": 1})
    receipt = builder.receipt()
    assert receipt.later == ()
    assert receipt.screened_until == datetime(2024, 1, 1, 0, 2, tzinfo=UTC)


class Kind(str, enum.Enum):  # noqa: UP042 - its text is another one than its value
    ANN = "+14155552672"


class Small(enum.IntEnum):
    ANN = 7


NUMBERS: list[tuple[Any, str | int | list[Any] | None]] = [
    ("+1 (415) 555-2672", "+1 (415) 555-2672"),
    ("", ""),
    ('"quoted"\\ \t\r\n\0\x7f\u2028', '"quoted"\\ \t\r\n\0\x7f\u2028'),
    ("٠١٢ 📞", "٠١٢ 📞"),
    (14155552672, 14155552672),
    (0, 0),
    (-1, -1),
    (10**40, 10**40),
    (10**6000, None),
    ("\ud800", "\\ud800"),
    (None, None),
    (True, None),
    (1.5, None),
    (14155552672.0, 14155552672),
    (np.int64(14155552672), 14155552672),
    (phonenumbers.parse("+14155552672"), "+14155552672"),
    (float("nan"), None),
    (b"+14155552672", None),
    (["+14155552672"], None),
    (("+14155552672", None, 7), ["+14155552672", None, 7]),
    (Kind.ANN, "+14155552672"),
    (Small.ANN, 7),
]
FOREIGN = (bytes, list)
"""A list of nothing but these is refused."""


@pytest.mark.parametrize(("number", "plain"), NUMBERS, ids=range(len(NUMBERS)))
@pytest.mark.parametrize("among", [[], [ANN, 14155552672], [None, "\ud800"]], ids=ascii)
def test_recipients_of_any_type(number: Any, plain: Any, among: list[Any]) -> None:
    numbers = [*among, number, *among]
    if not among and isinstance(number, FOREIGN):
        with pytest.raises(TypeError, match=f"type is {type(number).__name__}\\."):
            receipt_of(numbers)
        return
    receipt = receipt_of(numbers)
    around = ["\\ud800" if each == "\ud800" else each for each in among]
    assert receipt.recipients.digest == digest_by_hand([*around, plain, *around])
    assert receipt.recipients.count == len(numbers)
    assert differences(receipt, iter(numbers)) == []
    assert Receipt.from_json(receipt.to_json()) == receipt


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_in_pieces_it_is_the_same_as_in_one(size: int) -> None:
    numbers = [number for number, _ in NUMBERS if not isinstance(number, FOREIGN)] * 2
    snapshot = made().snapshot("sms")
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    whole = Screening(numbers, snapshot, screened_at=moment).receipt()
    builder = ReceiptBuilder(snapshot, Convention(), moment)
    for start in range(0, len(numbers), size):
        part = Screening(numbers[start : start + size], snapshot)
        builder.add(part.numbers, part.counts)
    assert builder.receipt() == whole


def test_the_key_takes_the_numbers() -> None:
    rows = [{"to": ANN, "name": "Ann"}, {"to": LISTED, "name": "Lee"}]
    receipt = made().screen(rows, "sms", key=lambda each: each["to"]).receipt()
    assert receipt.recipients.digest == digest_by_hand([ANN, LISTED])


def test_it_names_nobody(tmp_path: Path) -> None:
    one = made(tmp_path)
    one.add([BOB], "sms")
    numbers = [LISTED, ANN, BOB, "415 555 2672", 14155552672]
    document = one.screen(numbers, "sms").receipt().to_json().decode()
    for digits in ("4155552", "2079460", "555 2672", "555267"):
        assert digits not in document
    without = re.sub(r'"[0-9a-f]{64}"|"[0-9T:.Z-]+"', "", document)
    assert not re.search(r"\d{4}", without)


class TestVerifying:
    NUMBERS = (LISTED, ANN, BOB, "n/a")

    @pytest.mark.parametrize(
        ("numbers", "said"),
        [
            ([LISTED, ANN, BOB, "n/a"], None),
            ([ANN, LISTED, BOB, "n/a"], "not in that order"),
            ([LISTED, ANN, BOB, "N/A"], "not those who were screened"),
            ([LISTED, ANN, "+44 20 7946 0958", "n/a"], "not those who were screened"),
            ([LISTED, int(ANN), BOB, "n/a"], "not those who were screened"),
            ([LISTED, ANN, BOB, None], "not those who were screened"),
            ([LISTED, ANN, BOB], "There are 3 recipients, but 4 were screened"),
            ([LISTED, ANN, BOB, "n/a", "n/a"], "There are 5 recipients, but 4 were screened"),
            ([LISTED], "There is 1 recipient, but 4 were screened"),
            ([], "There are 0 recipients, but 4 were screened"),
            ([f"{LISTED}\n{ANN}", BOB, "n/a", ""], "not those who were screened"),
        ],
    )
    def test_differences(self, numbers: list[Any], said: str | None) -> None:
        found = differences(receipt_of(self.NUMBERS), numbers)
        assert len(found) == (said is not None)
        assert said is None or said in found[0]
        assert ANN not in "".join(found)

    @pytest.mark.parametrize(
        "path",
        [
            ("suppress",),
            ("phonenumbers",),
            ("channel",),
            ("screened_at",),
            ("default_region",),
            ("snapshot", "digest"),
            ("snapshot", "count"),
            ("snapshot", "read_at"),
            ("snapshot", "sources", "list"),
            ("snapshot", "opted_out"),
            ("recipients", "digest"),
            ("recipients", "count"),
            ("counts", "allowed"),
            ("counts", "suppressed"),
            ("columns",),
            ("possible_only",),
            ("renumbering",),
            ("repeated",),
            ("screened_until",),
            ("later", 0, "after"),
            ("later", 0, "snapshot", "digest"),
            ("digest",),
        ],
        ids=lambda path: ".".join(map(str, path)),
    )
    def test_an_edited_receipt_is_noticed(self, path: tuple[Any, ...]) -> None:
        document = json.loads(of_two_lists().to_json())
        *parents, last = path
        place = document
        for name in parents:
            place = place[name]
        before = place[last]
        if isinstance(before, bool):
            place[last] = not before
        elif isinstance(before, int):
            place[last] = before + 1
        elif isinstance(before, list):
            place[last] = [*before, "x"]
        elif last.endswith(("_at", "_until")) or "sources" in parents:
            place[last] = before.replace("2023", "2022")
        else:
            place[last] = f"{before}x"
        assert place[last] != before
        with pytest.raises(InputError, match="was changed after it was made"):
            Receipt.from_json(json.dumps(document).encode())

    @pytest.mark.parametrize("place", [(), ("snapshot",), ("recipients",), ("later", 0)], ids=str)
    def test_a_field_that_was_added(self, place: tuple[Any, ...]) -> None:
        document = json.loads(of_two_lists().to_json())
        functools.reduce(operator.getitem, place, document)["checked_by"] = "a lawyer"
        for each in (document, {**document, "digest": digest_of(document)}):
            with pytest.raises(InputError, match="not a receipt"):
                Receipt.from_json(json.dumps(each).encode())

    @pytest.mark.parametrize(
        ("field", "first"),
        [
            ("receipt", "9"),
            ("suppressed", "0"),
            ("count", "99"),
            ("list", '"1999-01-01T00:00:00Z"'),
            ("after", "1"),
            ("digest", '"x"'),
            ("screened_at", '"1999-01-01T00:00:00Z"'),
        ],
    )
    def test_a_field_that_is_there_twice(self, field: str, first: str) -> None:
        """A reader that takes the first would read something else."""
        text = of_two_lists().to_json().decode()
        doubled = text.replace(f'"{field}":', f'"{field}": {first}, "{field}":', 1)
        assert doubled != text
        with pytest.raises(InputError, match=f"made: it has '{field}' twice|form 9"):
            Receipt.from_json(doubled.encode())

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            (("counts", "allowed"), 5, "counts do not add up"),
            (("counts",), {"allowed": 4}, "counts do not add up"),
            (("counts", "later"), 0, "counts do not add up"),
            (("recipients", "count"), 5, "counts do not add up"),
            (("counts", "invalid"), -1, "not a receipt"),
            (("repeated",), 3, "more are repeated than are allowed"),
            (("repeated",), -1, "not a receipt"),
            (("snapshot", "opted_out"), 2, "more were opted out than"),
            (("later", 0, "snapshot", "opted_out"), 9, "more were opted out than"),
            (("later", 0, "after"), 5, "not in order"),
            (("snapshot", "count"), -3, "not a receipt"),
            (("screened_at",), "2023-11-14T22:13:20", "not a receipt"),
        ],
        ids=str,
    )
    def test_what_cannot_be(self, path: tuple[Any, ...], value: Any, said: str) -> None:
        document = json.loads(of_two_lists().to_json())
        *parents, last = path
        functools.reduce(operator.getitem, parents, document)[last] = value
        document["digest"] = digest_of(document)
        with pytest.raises(InputError, match=said):
            Receipt.from_json(json.dumps(document).encode())

    def test_one_that_is_nested_too_deeply(self) -> None:
        with pytest.raises(InputError, match="not a receipt"):
            Receipt.from_json(b'{"receipt": 3, "x": ' + b"[" * 200_000)

    def test_its_layout_has_no_part_in_it(self) -> None:
        receipt = receipt_of(self.NUMBERS)
        document = json.loads(receipt.to_json())
        shuffled = dict(reversed(document.items()))
        for text in (json.dumps(shuffled), json.dumps(document, indent=8) + "\n\n"):
            assert Receipt.from_json(text.encode()) == receipt

    @pytest.mark.parametrize(
        "document",
        [b"", b"{}", b"[]", b"null", b"\xff", b"+14155552671\n", b'{"receipt": 1}', b"\x00" * 9],
    )
    def test_what_is_no_receipt(self, document: bytes) -> None:
        with pytest.raises(InputError, match="not a receipt"):
            Receipt.from_json(document)

    @pytest.mark.parametrize(
        ("form", "missing", "added"),
        [
            (2, ("screened_until", "later"), {"screened_until": "2023-11-14T22:13:20Z"}),
            (
                1,
                (
                    "screened_until",
                    "later",
                    *("columns", "possible_only", "renumbering", "repeated"),
                ),
                {"columns": ["phone"]},
            ),
        ],
    )
    def test_one_of_an_earlier_form(
        self, form: int, missing: tuple[str, ...], added: dict[str, Any]
    ) -> None:
        document = json.loads(receipt_of(self.NUMBERS).to_json()) | {"receipt": form}
        for each in missing:
            del document[each]
        document["digest"] = digest_of(document)
        receipt = Receipt.from_json(json.dumps(document).encode())
        assert differences(receipt, self.NUMBERS) == []
        with pytest.raises(InputError, match="was changed"):
            Receipt.from_json(json.dumps(document | added).encode())

    def test_another_form(self) -> None:
        receipt = msgspec.structs.replace(receipt_of([ANN]), receipt=4, suppress="9.0")
        document = json.loads(receipt.to_json()) | {"yet": "unknown"}
        with pytest.raises(
            InputError, match=r"form 4, but only forms 1 to 3 are known\. Use .* made it: 9\.0"
        ):
            Receipt.from_json(json.dumps(document).encode())


def test_lines_are_the_same_alone_and_together() -> None:
    numbers = [number for number, _ in NUMBERS]
    assert lines_of(numbers) == b"".join(lines_of([each]) for each in numbers)
    assert lines_of([]) == b""


class TestCommand:
    def verify(self, *arguments: str) -> commands.DoneInText:
        return commands.run_text(["verify", *arguments], env=os.environ | {"PATH": "/nowhere"})

    @pytest.fixture(autouse=True)
    def files(self, environment: None, tmp_path: Path) -> None:
        """In the working directory, which is the test's own."""
        Path("in.csv").write_text(f"name,mobile\nLee,{LISTED}\nAnn,{ANN}\n")
        Path("other.txt").write_text(f"{ANN}\n{LISTED}\n")
        Path("broken.jsonl").write_text('{"to": "\n')
        receipt = receipt_of([LISTED, ANN])
        Path("receipt.json").write_bytes(receipt.to_json())
        edited = receipt.to_json().replace(b'"allowed": 1', b'"allowed": 2')
        Path("edited.json").write_bytes(edited)

    def test_these_are_the_recipients(self) -> None:
        """No setting and no source is needed for it."""
        done = self.verify("receipt.json", "in.csv")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(
            "2 recipients match the receipt. They were screened for sms at "
            "2023-11-14T22:13:20+00:00"
        )
        assert "1 allowed, 1 suppressed, 0 invalid" in done.stdout

    def test_as_json(self) -> None:
        done = self.verify("receipt.json", "other.txt", "--json")
        assert done.returncode == 1
        answer = json.loads(done.stdout)
        assert answer["verified"] is False
        assert len(answer["differences"]) == 1
        assert answer["receipt"] == json.loads(Path("receipt.json").read_text())

    @pytest.mark.parametrize(
        ("arguments", "status", "said"),
        [
            (["receipt.json", "other.txt"], 1, "not those who were screened"),
            (["edited.json", "in.csv"], 4, "edited.json: The receipt was changed"),
            (["none.json", "in.csv"], 4, "none.json cannot be read: No such file"),
            (["receipt.json", "broken.jsonl"], 4, "broken.jsonl"),
        ],
    )
    def test_its_exit_status_tells(self, arguments: list[str], status: int, said: str) -> None:
        done = self.verify(*arguments)
        assert done.returncode == status
        assert said in (done.stdout if status == 1 else done.stderr)
        assert "Traceback" not in done.stderr
        assert not done.stdout or status == 1
