"""Replies received, one by one and in a file: who is opted out, where, and on what evidence."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, by_hand
from support.takers import Taker
from suppress import (
    InputError,
    InvalidArgument,
    InvalidNumber,
    Reply,
    Rows,
    Suppressor,
    UnknownChannel,
    receive_reply,
)
from suppress.lists import Added
from suppress.replies import Received, receive_replies

ANN, BOB, CY, DEE = "+14155552672", "+14155552673", "+442079460958", "+442079460959"

FILE = f"""sender,text,received_at,reference
{ANN},STOP,2023-03-01T09:30Z,SM1
{BOB},When do you open?,soon,
{CY},"Please take me off
your list",,
{DEE},START,,
12,hello,,
"""


@pytest.fixture
def made(clock: Clock, tmp_path: Path) -> Suppressor:
    return by_hand(Taker(), clock=clock, store=tmp_path / "store")


@pytest.fixture
def for_all(clock: Clock, tmp_path: Path) -> Suppressor:
    return by_hand(Taker(), clock=clock, store=tmp_path / "store", stop_scope="all")


def received(suppressor: Suppressor, content: str = FILE, **arguments: Any) -> Received:
    rows = Rows(io.BytesIO(content.encode()), name="in.csv", column="sender")
    given = {"text_column": "text", "channels": ["sms"], **arguments}
    return receive_replies(rows, suppressor=suppressor, **given)


def in_force(suppressor: Suppressor) -> set[tuple[str, str]]:
    return {(each.number, each.channel) for each in suppressor.opt_outs()}


def test_a_reply_that_says_so_opts_out(made: Suppressor) -> None:
    assert receive_reply(ANN, "Stop. Thank\u200b you\n", "sms", suppressor=made) is Reply.OPT_OUT
    assert in_force(made) == {(ANN, "sms")}
    (change,) = made.history(ANN)
    assert (change.via, change.reason) == ("reply", "Stop. Thank you")


def test_details_of_the_caller_count(made: Suppressor) -> None:
    receive_reply(ANN, "STOP", "sms", suppressor=made, via="webhook", reason="said so", by="us")
    (change,) = made.history(ANN)
    assert (change.by, change.reason, change.via) == ("us", "said so", "webhook")


@pytest.mark.parametrize(
    ("text", "meaning"), [("START", Reply.OPT_IN), ("HELP", Reply.HELP), ("see you", None)]
)
def test_any_other_reply_changes_nothing(
    made: Suppressor, text: str, meaning: Reply | None
) -> None:
    made.add([ANN], "sms")
    # The number is of no account then.
    assert receive_reply("12", text, "sms", suppressor=made) is meaning
    assert receive_reply(ANN, text, "sms", suppressor=made) is meaning
    assert in_force(made) == {(ANN, "sms")}


def test_a_reply_for_all_channels(for_all: Suppressor) -> None:
    receive_reply(ANN, "STOP", "sms", suppressor=for_all)
    assert in_force(for_all) == {(ANN, "sms"), (ANN, "viber")}
    received(for_all)
    assert {channel for number, channel in in_force(for_all) if number == CY} == {"sms", "viber"}


def test_a_reply_for_all_channels_counts_on_any(for_all: Suppressor) -> None:
    assert receive_reply(ANN, "STOP", "fax", suppressor=for_all) is Reply.OPT_OUT
    assert in_force(for_all) == {(ANN, "sms"), (ANN, "viber")}
    received(for_all, f"sender,text\n{BOB},STOP\n", channels=["fax"])
    assert {channel for number, channel in in_force(for_all) if number == BOB} == {"sms", "viber"}


def test_what_cannot_be_received_is_an_error(made: Suppressor) -> None:
    with pytest.raises(UnknownChannel):
        receive_reply(ANN, "hello", "fax", suppressor=made)
    with pytest.raises(InvalidNumber):
        receive_reply("12", "STOP", "sms", suppressor=made)
    with pytest.raises(InvalidArgument):
        receive_reply(ANN, "STOP", "sms", languages=["xx"], suppressor=made)
    assert in_force(made) == set()


def test_a_file_opts_out_those_who_say_so(made: Suppressor) -> None:
    found = received(made)
    assert in_force(made) == {(ANN, "sms"), (CY, "sms")}
    assert found.opted_out == {"sms": Added(2, 0)}
    lines = {meaning: [row.line for row in rows] for meaning, rows in found.replies.items()}
    assert lines == {Reply.OPT_OUT: [2, 4], Reply.OPT_IN: [6], Reply.HELP: [], None: [3, 7]}
    (change,) = made.history(ANN)
    assert change.wished_at == datetime(2023, 3, 1, 9, 30, tzinfo=UTC)
    assert (change.reason, change.via, change.reference) == ("STOP", "reply", "SM1")
    (change,) = made.history(CY)
    assert change.reason == "Please take me off your list"
    assert received(made).opted_out == {"sms": Added(0, 2)}


def test_a_text_without_an_end_is_cut(made: Suppressor) -> None:
    receive_reply(ANN, "STOP. " + "no " * 300, "sms", suppressor=made)
    (change,) = made.history(ANN)
    assert change.reason is not None
    assert len(change.reason) == 500
    assert change.reason.endswith("...")


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (FILE, {"text_column": "body"}, "in.csv has no column 'body'"),
        (FILE, {"time_column": "when"}, "in.csv has no column 'when'"),
        (f"sender,text\n{ANN},STOP\n12,STOP\n", {}, "line 3"),
        (f"sender,text,since\n{ANN},STOP,soon\n", {}, "line 2.*not a date or time"),
    ],
)
def test_a_doubt_opts_nobody_out(
    made: Suppressor, content: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        received(made, content, **arguments)
    assert in_force(made) == set()


def test_a_file_without_replies(made: Suppressor) -> None:
    assert received(made, "sender,text\n").opted_out == {"sms": Added(0, 0)}
