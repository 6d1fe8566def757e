"""Every error ends a command with one message and the exit status of its kind."""

from pathlib import Path

import pytest

from support.command_line import FILTER, GOOD, SMS, Run, names, refuses

REFUSED: list[tuple[tuple[str, ...], bytes, dict[str, str], int, str]] = [
    # Called wrongly, or set wrongly.
    (("filtr",), b"", {}, 2, "No such command 'filtr'"),
    (("filter",), GOOD, {}, 2, "Missing option '--channel'"),
    (("check", "--channel", "sms"), GOOD, {}, 2, "Missing argument 'NUMBER'"),
    (("check", "+1", "415", "555", "2671", "--channel", "sms"), b"", {}, 2, r"\(415\*{5}71\)"),
    ((*FILTER, "--colunm", "x"), GOOD, {}, 2, "No such option.*--colunm"),
    ((*FILTER, "--format", "xlsx"), GOOD, {}, 2, "'xlsx' is not one of"),
    ((*FILTER, "--default-region", "UK"), GOOD, {}, 2, "'UK'"),
    (("filter", "--channel", "smss", "-o", "out"), GOOD, {}, 2, "'smss'.*sms, viber"),
    (("check", SMS, "--channel", "smss"), b"", {}, 2, "'smss'.*sms, viber"),
    (("refresh", "--channel", "smss"), b"", {}, 2, "'smss'.*sms, viber"),
    (FILTER, GOOD, {"unset": "BSG_API_KEY"}, 2, "BSG_API_KEY"),
    (FILTER, GOOD, {"unset": "BSG_API_KEY", "BSG_BASE_URL": ""}, 2, "BSG_"),
    (FILTER, GOOD, {"SUPPRESS_TTL": "soon"}, 2, "SUPPRESS_TTL"),
    (FILTER, GOOD, {"SUPPRESS_SOURCES": "bgs"}, 2, "SUPPRESS_SOURCES.*'bgs'.*bsg"),
    (FILTER, GOOD, {"SUPPRESS_CONFIG": "missing.toml"}, 2, "missing.toml cannot be read"),
    (FILTER, GOOD, {"BSG_BASE_URL": "http://example.org"}, 2, "BSG_BASE_URL"),
    (("filter", "--channel", "sms", "-o", "a", "--invalid", "./a"), GOOD, {}, 2, "the same file"),
    (("filter", "--channel", "sms", "-o", "a", "--suppressed", "a"), GOOD, {}, 2, "the same file"),
    (("filter", "--channel", "sms", "--suppressed", "-"), GOOD, {}, 2, "the same file"),
    (
        (*FILTER, "--channel", "viber"),
        *(GOOD, {}, 2, "--channel is given 2 times, but only one value can be used. Give it once"),
    ),
    (("check", SMS, "--channel", "sms", "--channel", "sms"), b"", {}, 2, "--channel is given 2"),
    ((*FILTER, "--output", "two"), GOOD, {}, 2, "-o/--output is given 2 times"),
    # The stop list is unavailable.
    (FILTER, GOOD, {"BSG_API_KEY": "test_wrong"}, 3, "refused the API key.*BSG_API_KEY"),
    (("check", SMS, "--channel", "sms"), b"", {"BSG_API_KEY": "test_wrong"}, 3, "BSG_API_KEY"),
    (("refresh", "--json"), b"", {"BSG_API_KEY": "test_wrong"}, 3, "refused the API key"),
    # The input cannot be read.
    (
        # Two outputs may both be /dev/null: it gets as far as to the input.
        ("filter", "x", "--channel", "sms", "-o", "/dev/null", "--invalid", "/dev/null"),
        *(b"", {}, 4, "x cannot be read"),
    ),
    ((*FILTER, "missing.csv"), b"", {}, 4, "missing.csv cannot be read: No such file"),
    ((*FILTER, "/"), b"", {}, 4, "/ cannot be read: Is a directory"),
    ((*FILTER, "/proc/self/mem"), b"", {}, 4, "/proc/self/mem cannot be read: Input/output"),
    (FILTER, b"phone,name\n1\n", {}, 4, "line 2: it has 1 field,"),
    (FILTER, b"+14155552671,A\n", {}, 4, "line 1: a number stands where"),
    (FILTER, b"a,b\n", {}, 4, "line 1: which column"),
    (FILTER, b"+14155552673\n\xff\n", {}, 4, "line 2: it is not UTF-8"),
    ((*FILTER, "--column", "x"), b"phone\n1\n", {}, 4, "'x' is not in the header"),
    (("check", "n/a", "--channel", "sms"), b"", {}, 4, "n/a: not a phone number"),
    (("check", "4155552671", "--channel", "sms"), b"", {}, 4, r"415\*{5}71: digits without a plus"),
    # The output cannot be written.
    (("filter", "--channel", "sms", "-o", "missing/out"), GOOD, {}, 5, "missing/.*: No such file"),
    (("filter", "--channel", "sms", "-o", "."), GOOD, {}, 5, "cannot be written: Is a directory"),
    ((*FILTER[:5], "--suppressed", "missing/no"), GOOD, {}, 5, "missing/.*: No such file"),
]


@pytest.mark.parametrize(("arguments", "stdin", "settings", "status", "message"), REFUSED)
def test_errors_have_a_status_and_one_message(
    run: Run,
    folder: Path,
    arguments: tuple[str, ...],
    stdin: bytes,
    settings: dict[str, str],
    status: int,
    message: str,
) -> None:
    refuses(run(*arguments, stdin=stdin, **settings), status, message)
    assert names(folder) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("filter", "--channel", "sms"),
        ("check", SMS, "--channel", "sms"),
        ("check", SMS, "--channel", "sms", "--json"),
        ("status",),
        ("status", "--json"),
        ("plugins",),
        ("opt-outs", "--json"),
    ],
)
def test_a_full_disk_ends_a_command_cleanly(run: Run, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(*arguments, stdin=GOOD, stdout=full)
    refuses(done, 5, "cannot be written: No space left on device")
