"""Log records: each has a stable code and fields for machines, and none has a phone number."""

import ast
import io
import json
import logging
import re
from pathlib import Path

import pytest

import suppress
from support.builders import Clock, ListSource, by_hand, listed

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for name in ("suppress", "plugins") for path in (ROOT / name).rglob("*.py"))
PAGE = (ROOT / "docs/how-to/monitoring.md").read_text()
LISTED = "+14155552671"


def calls(path: Path) -> list[ast.Call]:
    """Return the calls that log something which operators may see."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "logger"
        and node.func.attr in ("critical", "error", "exception", "info", "warning")
    ]


def test_every_record_has_fields() -> None:
    without = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in MODULES
        for call in calls(path)
        if "extra" not in {each.arg for each in call.keywords}
    ]
    assert without == []


def test_every_code_is_documented() -> None:
    code = "".join(path.read_text() for path in MODULES if calls(path))
    used = set(re.findall(r'"code": "(\w+)"|_fields\("(\w+)"', code))
    documented = re.findall(r"^\| `(\w+)` \| ", PAGE.partition("## Logs")[2], re.MULTILINE)
    assert sorted(documented) == sorted(one or other for one, other in used)


def test_the_fields_of_a_failing_list(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = ListSource(listed(LISTED))
    suppressor = by_hand(source, clock=clock, store="none", ttl=300.0, max_stale=3600.0)
    suppressor.refresh("sms")
    clock.now += 600
    source.failure = suppress.SourceError("It does not answer.")
    suppressor.snapshot("sms")
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["code"], fields["channel"]) == ("list_failing", "sms")
    assert "It does not answer." in fields["error"]
    assert fields["read_at"] == "2023-11-14T22:13:20+00:00"


def test_fields_are_printable(caplog: pytest.LogCaptureFixture) -> None:
    @suppress.guard(channel="sms", to="phone")
    def send(phone: str) -> None:
        return None

    with suppress.bypass(reason=f"\x1b[31mfor {LISTED}"):
        send(LISTED)
    (record,) = caplog.records
    assert vars(record)["reason"] == r"\x1b[31mfor +141******71"
    assert vars(record)["number"] == "+141******71"


def test_fields_with_control_sequences_are_escaped(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("suppress").warning("A file.", extra={"path": "a\x1b[31m\nb", "count": 1})
    (record,) = caplog.records
    assert (vars(record)["path"], vars(record)["count"]) == (r"a\x1b[31m\nb", 1)


def test_structlog_takes_them_over(clock: Clock) -> None:
    structlog = pytest.importorskip("structlog")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logger = logging.getLogger("suppress")
    logger.addHandler(handler)
    try:
        source = ListSource(listed(LISTED, "+1"))
        by_hand(source, clock=clock, store="none").refresh("sms")
    finally:
        logger.removeHandler(handler)
    (entry,) = map(json.loads, stream.getvalue().splitlines())
    assert entry["code"] == "entries_unread"
    assert (entry["channel"], entry["count"], entry["level"]) == ("sms", 1, "warning")
    assert entry["event"].startswith("1 entry of the sms stop list is not a phone number")
