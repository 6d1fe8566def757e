"""Text from elsewhere is shown as one line, without orders to a terminal and numbers."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import pytest

import suppress
from support import commands
from support.builders import Clock, ListSource, environ_of_list, listed
from suppress.numbers.mask import mask
from suppress.printable import printable

ORDERS = "\x1b[2J\x9b31m\r\nERROR forged \u202e\u2028\ud800\0"
NUMBER = "+14155552671"
HOSTILE = [ORDERS, NUMBER, 14155552671, f"4\u200b1{NUMBER}", "9" * 10**7, "\x1b" * 10**7, 10**4000]


def is_safe(text: str) -> bool:
    return text.isprintable() and len(text) < 3000 and not any(each in text for each in SHOWN)


SHOWN = (NUMBER[1:], "4155552671", "9" * 7)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+1 415", "+1 415"),
        ("Łódź, 東京 😀", "Łódź, 東京 😀"),
        ("a\x1b[2Jb\nc\ud800", r"a\x1b[2Jb\nc\ud800"),
        ("", ""),
        ("a" * 22 + "b" * 99, "a" * 17 + " ... " + "b" * 8),
    ],
)
def test_it_is_one_line(text: str, shown: str) -> None:
    assert printable(text, 30) == shown


def test_a_long_text_keeps_its_ends() -> None:
    found = printable("begin" + "." * 10**6 + "end")
    assert found.startswith("begin..")
    assert found.endswith("..end")
    assert len(found) == 2000


@pytest.mark.parametrize("text", HOSTILE)
def test_a_mask_is_safe(text: str | int) -> None:
    assert is_safe(mask(text))


def suppressor(source: ListSource, **more: Any) -> suppress.Suppressor:
    settings = suppress.Settings(sources=("list",), **more)
    return suppress.Suppressor(settings, plugins=[source], background=False)


@pytest.mark.parametrize("id_", HOSTILE, ids=range(len(HOSTILE)))
class TestAnId:
    def test_of_an_entry_that_cannot_be_read(
        self, id_: str | int, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        source = ListSource([suppress.Entry("n/a", {"sms"}, id_)])
        made = suppressor(source, store=tmp_path / "store", ttl=0.0)
        with pytest.raises(suppress.StopListUnavailable, match="the entry with id") as raised:
            made.snapshot("sms")
        failure = made.status().channels["sms"].failure
        assert failure is not None
        assert is_safe(str(raised.value))
        assert is_safe(failure.message)
        assert all(map(is_safe, caplog.messages))

    def test_of_a_row_that_is_no_number(self, id_: str | int) -> None:
        source = ListSource([suppress.Entry("5", {"sms"}, id_)])
        source.strict = True  # type: ignore[attr-defined]
        with pytest.raises(suppress.StopListUnavailable, match="5: not a phone number") as raised:
            suppressor(source, store=None).snapshot("sms")
        assert is_safe(str(raised.value))

    def test_of_one_who_is_listed(self, id_: str | int, tmp_path: Path) -> None:
        source = ListSource([suppress.Entry("+14155552670", {"sms"}, id_)])
        for _ in range(2):  # read, and from the store
            made = suppressor(source, store=tmp_path / "store")
            (decision,) = made.screen(["+14155552670"], "sms")
            assert is_safe(decision.reason)
            assert len(decision.reason) < 100
            assert len(str(decision.origins[0].id)) <= 10_000


def test_the_integer_of_an_entry_is_shown(tmp_path: Path) -> None:
    made = suppressor(ListSource([suppress.Entry(NUMBER, {"sms"}, 9_392_897)]), store=None)
    (decision,) = made.screen([NUMBER], "sms")
    assert decision.reason == "listed for sms by list (entry 9392897)"


@pytest.mark.parametrize("kind", [RuntimeError, suppress.SourceError])
def test_what_a_source_says(
    kind: type[Exception], caplog: pytest.LogCaptureFixture, clock: Clock, tmp_path: Path
) -> None:
    source = ListSource(listed(NUMBER))
    made = suppress.Suppressor(
        suppress.Settings(sources=("list",), store=tmp_path / "store"),
        plugins=[source],
        background=False,
        clock=clock,
    )
    made.snapshot("sms")
    source.failure = kind(ORDERS + "x" * 10**7)
    clock.now += 1000
    made.snapshot("sms")
    assert "using the copy" in caplog.text
    assert all(map(is_safe, caplog.messages))
    with pytest.raises(suppress.StopListUnavailable) as raised:
        made.refresh("sms")
    assert is_safe(str(raised.value))


def test_every_error_and_every_record(caplog: pytest.LogCaptureFixture) -> None:
    for kind in (suppress.SuppressError, suppress.UnknownChannel, suppress.InputError):
        assert str(kind(ORDERS)) == printable(ORDERS)
    logging.getLogger("suppress").warning("%s and %s", Path(ORDERS), suppress.SourceError(ORDERS))
    assert all(map(str.isprintable, caplog.messages))


@pytest.mark.slow
def test_names_of_files_on_a_terminal(tmp_path: Path) -> None:
    environ = environ_of_list(tmp_path, b"+14155552670\n")
    name = tmp_path / "a\x1b[2J\nWarning: forged \x9b31m.csv"
    name.write_text("phone\n1,2\n")
    receipt = tmp_path / "receipt.json"
    (tmp_path / "one.txt").write_text("+14155552671\n")
    for arguments in (
        ["filter", name, "--channel", "sms"],
        ["filter", f"{name}.none", "--channel", "sms"],
        ["filter", tmp_path / "one.txt", "--channel", "sms", "-o", tmp_path / "no\x1b" / "o"],
        ["verify", name, name],
        ["add", "--file", name, "--channel", "sms"],
        ["check", "\x1b[2J", "--channel", "sms"],
        ["check", "+14155552671", "--channel", "\x1b[2J\nforged"],
        ["filter", "--channel", "sms", "\x1b[2J", "\x1b\nforged"],
    ):
        done = commands.run_text([str(each) for each in arguments], env=environ)
        assert done.returncode in (2, 4, 5), arguments
        assert "Error: " in done.stderr
        assert "\\x1b" in done.stderr
        assert "\x1b" not in done.stderr + done.stdout
        assert "\nWarning: forged" not in done.stderr
    assert not receipt.exists()


@pytest.mark.slow
def test_a_receipt_of_another_is_no_order_to_a_terminal(tmp_path: Path) -> None:
    environ = environ_of_list(tmp_path, b"+14155552670\n")
    (tmp_path / "one.txt").write_text("+14155552671\n")
    receipt = tmp_path / "receipt.json"
    snapshot = suppressor(ListSource(listed(NUMBER)), store=None).snapshot("sms")
    named = {ORDERS.replace("\ud800", ""): snapshot.read_at}
    hostile = dataclasses.replace(snapshot, sources_read_at=named)
    made = suppress.Screening(["+14155552671"], hostile).receipt()
    receipt.write_bytes(made.to_json())
    for as_json in ([], ["--json"]):
        done = commands.run_text(
            ["verify", str(receipt), str(tmp_path / "one.txt"), *as_json], env=environ
        )
        assert done.stdout
        assert not {"\x1b", "\x9b", "\u202e"}.intersection(done.stdout + done.stderr)
