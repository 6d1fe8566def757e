"""The command line, as it is typed: bytes in and out, exit statuses, one message for an error.

The commands run as processes of their own, against a sandbox of BSG's API over HTTP.
"""

import csv
import hashlib
import io
import json
import os
import random
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import phonenumbers
import pytest

from support import commands
from support.builders import row
from support.commands import COMMAND, Done
from suppress import Outcome
from suppress.numbers.readings import readings
from suppress_bsg.sandbox import Sandbox, made_up

KEY = "test_right"
SMS, VIBER, BOTH, NOBODY = "+14155552671", "+14155552672", "+442079460958", "+442079460959"
FIXED = [
    row(1, int(SMS), "sms"),
    row(2, int(VIBER), "viber"),
    row(3, int(BOTH), "sms", "viber"),
]

Environment = Mapping[str, str]
Run = Callable[..., Done]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox([*FIXED, *made_up(700)], api_key=KEY) as running:
        yield running


def environ_of(url: str, home: Path, store: Path) -> dict[str, str]:
    """All of a command's environment, but for where Python finds its modules."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "BSG_BASE_URL": url,
        "BSG_API_KEY": KEY,
        "SUPPRESS_STORE": str(store),
    } | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store for the tests that need a snapshot, and do not care who has read it."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def environ(server: Sandbox, tmp_path: Path, shared_store: Path) -> dict[str, str]:
    return environ_of(server.url, tmp_path / "home", shared_store)


@pytest.fixture
def run(environ: dict[str, str], folder: Path) -> Run:
    def running(
        *arguments: str,
        stdin: bytes = b"",
        stdout: int | IO[bytes] = subprocess.PIPE,
        unset: str = "",
        **more: str,
    ) -> Done:
        settings = {name: value for name, value in environ.items() if name != unset} | more
        return commands.run(arguments, stdin=stdin, stdout=stdout, cwd=folder, env=settings)

    return running


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refuses(done: Done, status: int, message: str) -> None:
    """It ended with the status and that one message, and wrote nothing."""
    errors = done.stderr.decode()
    assert done.returncode == status, errors
    assert "Traceback" not in errors
    assert "\x1b" not in errors
    *usage, error = errors.splitlines()
    assert error.startswith("Error: "), errors
    # click tells how a command is called above what is wrong with the call.
    assert not usage or (status == 2 and usage[0].startswith("Usage: ")), errors
    assert re.search(message, error), error
    assert not done.stdout


ALLOWED, SUPPRESSED, INVALID = Outcome.ALLOWED, Outcome.SUPPRESSED, Outcome.INVALID
INPUTS: dict[str, tuple[bytes, list[tuple[bytes, Outcome | None]]]] = {
    "in.txt": (
        b"",
        [
            (b"+44 20 7946 0958\r\n", SUPPRESSED),
            (b"+14155552672\r\n", ALLOWED),
            (b"\r\n", None),
            (b"  +1 (415) 555-2671 \n", SUPPRESSED),
            (b"n/a\n", INVALID),
            (b"14155552671\n", SUPPRESSED),
            (b"14155552672\n", INVALID),
            (b"+14155552672\n", ALLOWED),
            (b"tel:+44-20-7946-0959", ALLOWED),
        ],
    ),
    "in.csv": (
        b'\xef\xbb\xbfname,"Phone Number"\r\n',
        [
            (b'"Ann ""A"" Lee",+1 (415) 555-2671\r\n', SUPPRESSED),
            (b'Bob,"+14155552672"\r\n', ALLOWED),
            (b'"two\r\n\r\nlines, one row",+442079460958\n', SUPPRESSED),
            (b"\n", None),
            (b"Zo\xc3\xab,\n", INVALID),
            (b'"a\nb",+442079460959\r\n', ALLOWED),
            (b"Ann,+14155552671", SUPPRESSED),
        ],
    ),
    "in.tsv": (
        b"phone\tname\n",
        [
            (b"+14155552672\tBob, the second\n", ALLOWED),
            (b'+14155552671\t"A\tB"\n', SUPPRESSED),
            (b"\tC\n", INVALID),
        ],
    ),
    "in.jsonl": (
        b"",
        [
            (b'{"phone": 14155552671, "name": "Ann"}\n', SUPPRESSED),
            (b' {"name":"Bob","phone":"+1 415 555 2672"}\r\n', ALLOWED),
            (b'{"phone": 14155552672.0}\n', ALLOWED),
            (b'{"phone": null}\n', INVALID),
            (b"\n", None),
            (b'{"phone": "+442079460959", "x": {"y": "\\n"}}', ALLOWED),
        ],
    ),
}
COLUMNS = {
    "in.csv": "Numbers were taken from the column 'Phone Number'\\.\n",
    "in.tsv": "Numbers were taken from the column 'phone'\\.\n",
    "in.jsonl": "Numbers were taken from the column 'phone'\\.\n",
}


def content_of(name: str, *outcomes: Outcome | None) -> bytes:
    header, rows = INPUTS[name]
    return header + b"".join(raw for raw, outcome in rows if outcome in outcomes)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    ("arguments", "by_stdin"),
    [(["NAME", "-o", "out"], False), (["-"], True), (["-o", "out"], True), (["NAME"], False)],
)
def test_filter_gives_rows_byte_for_byte(
    run: Run, folder: Path, name: str, arguments: list[str], by_stdin: bool
) -> None:
    content = content_of(name, ALLOWED, SUPPRESSED, INVALID, None)
    (folder / name).write_bytes(content)
    done = run(
        "filter",
        *(name if each == "NAME" else each for each in arguments),
        *("--channel", "sms", "--suppressed", "suppressed", "--invalid", "invalid"),
        stdin=content if by_stdin else b"",
    )
    assert done.returncode == 0, done.stderr
    allowed = (folder / "out").read_bytes() if "out" in arguments else done.stdout
    assert allowed == content_of(name, ALLOWED)
    assert (folder / "suppressed").read_bytes() == content_of(name, SUPPRESSED)
    assert (folder / "invalid").read_bytes() == content_of(name, INVALID)
    assert (folder / name).read_bytes() == content
    if "out" in arguments:
        assert done.stdout == b""
    assert names(folder) == {name, "suppressed", "invalid", "out"} - ({"out"} - {*arguments})
    found = [outcome for _, outcome in INPUTS[name][1]]
    # All of it: neither colour codes nor a progress bar.
    assert re.fullmatch(
        rf"{sum(1 for each in found if each)} recipients: {found.count(ALLOWED)} allowed, "
        rf"{found.count(SUPPRESSED)} suppressed, {found.count(INVALID)} invalid\.\n"
        r"(  \d (is|are) .*: .*\.\n)+"
        r"The sms stop list of bsg has \d+ numbers and was read \d+ (s|min) ago\.\n"
        rf"{COLUMNS.get(name, '')}",
        done.stderr.decode(),
    )


def test_filter_screens_for_the_channel(run: Run) -> None:
    everyone = f"{SMS}\n{VIBER}\n{BOTH}\n{NOBODY}\n".encode()
    viber = run("filter", "--channel", "viber", stdin=everyone)
    assert viber.stdout == f"{SMS}\n{NOBODY}\n".encode()
    assert b"The viber stop list of bsg has" in viber.stderr


def test_filter_takes_column_format_and_region(run: Run, folder: Path) -> None:
    (folder / "in.dat").write_bytes(b"a;b;c\n1;(415) 555-2671;3\n1;(415) 555-2673;3\n")
    done = run(
        *("filter", "in.dat", "--channel", "sms", "--column", "b", "--format", "csv"),
        *("--default-region", "us"),
    )
    assert done.stdout == b"a;b;c\n1;(415) 555-2673;3\n"
    done = run(
        *("filter", "in.dat", "--channel", "sms", "--column", "b"), SUPPRESS_DEFAULT_REGION="US"
    )
    assert done.stdout == b"a;b;c\n1;(415) 555-2673;3\n"


def test_filter_tells_when_a_region_is_missing(run: Run) -> None:
    hint = (
        b"  1 is digits without a plus: add --default-region XX, or --default-region international"
    )
    national = b"n/a\n(415) 555-2671\n"
    assert hint in run("filter", "--channel", "sms", stdin=national).stderr
    assert hint not in run("filter", "--channel", "sms", stdin=b"n/a\n").stderr
    done = run("filter", "--channel", "sms", "--default-region", "US", stdin=national)
    assert hint not in done.stderr


def test_filter_takes_the_format_that_is_named(run: Run, folder: Path) -> None:
    (folder / "in.csv").write_bytes(GOOD)
    done = run("filter", "in.csv", "--channel", "sms", "--format", "text")
    assert done.stdout == f"{NOBODY}\n".encode()


@pytest.mark.parametrize("content", [b"", b"phone,name\n", b"\n\n"])
def test_filter_of_nobody(run: Run, content: bytes) -> None:
    done = run("filter", "--channel", "sms", stdin=content)
    assert done.returncode == 0
    assert done.stdout == content.strip(b"\n") + b"\n" * bool(content.strip())
    assert done.stderr.startswith(b"0 recipients: 0 allowed, 0 suppressed, 0 invalid.\n")


def test_filter_gives_what_the_reference_gives(run: Run, server: Sandbox) -> None:
    dice = random.Random(7)
    style = phonenumbers.PhoneNumberFormat
    styles = [style.E164, style.INTERNATIONAL, style.NATIONAL, style.RFC3966]
    texts = []
    for entry in made_up(900, seed=1) + list(server.rows):
        parsed = phonenumbers.parse(f"+{entry.phone}")
        text = phonenumbers.format_number(parsed, dice.choice(styles))
        odd = [f"00{entry.phone}", f"011{entry.phone}", f"{entry.phone}", f" +{entry.phone} x12"]
        odd += [text[:-3], text + "0", f"({text}", text.replace("1", "\uff11"), f"{text};ext=1", ""]
        texts += [text, dice.choice(odd)]
    dice.shuffle(texts)
    assert len(texts) > 3000

    stops = {
        e164
        for each in server.rows
        if "sms" in each.channels
        for e164 in readings(f"+{each.phone}")
    }
    content, expected = io.StringIO(), io.StringIO()
    whole, loop = csv.writer(content), csv.writer(expected)
    counts = {"allowed": 0, "suppressed": 0, "invalid": 0}
    for each in (whole, loop):
        each.writerow(["n", "phone"])
    for place, text in enumerate(texts):
        whole.writerow([place, text])
        found = readings(text, "US")
        outcome = "invalid" if not found else "allowed" if stops.isdisjoint(found) else "suppressed"
        counts[outcome] += 1
        if outcome == "allowed":
            loop.writerow([place, text])
    assert min(counts.values()) > 100
    done = run(
        *("filter", "--channel", "sms", "--default-region", "US"),
        stdin=content.getvalue().encode(),
    )
    assert done.stdout == expected.getvalue().encode()
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    assert f"{len(texts):,} recipients: {told}." in done.stderr.decode()


def test_filter_gives_a_receipt(run: Run, folder: Path) -> None:
    # More rows than are screened at once.
    lines = [f"{number},{BOTH}" for number in (SMS, NOBODY, "n/a") for _ in range(5_000)]
    (folder / "in.csv").write_text("phone,to\n" + "\n".join(lines) + "\n")
    (folder / "cut.csv").write_text("phone,x\n" + "\n".join(lines[:-1]) + "\n")
    arguments = ("filter", "in.csv", "--channel", "sms", "-o", "out", "--receipt")
    assert run(*arguments, "receipt.json").returncode == 0
    receipt = json.loads((folder / "receipt.json").read_bytes())
    assert receipt["counts"] == {"allowed": 5_000, "suppressed": 5_000, "invalid": 5_000}
    assert receipt["columns"] == ["phone"]
    numbers = [line.removesuffix(f",{BOTH}") for line in lines]
    digested = "".join(f"{json.dumps(number)}\n" for number in numbers).encode()
    assert receipt["recipients"]["digest"] == hashlib.sha256(digested).hexdigest()
    status = json.loads(run("status", "--json").stdout)["channels"][0]
    assert receipt["snapshot"]["digest"] == status["digest"]
    assert run("verify", "receipt.json", "in.csv").returncode == 0
    assert run("verify", "receipt.json", "cut.csv").returncode == 1
    # Another column than the one that would be taken: the receipt remembers it.
    named = ("filter", "in.csv", "--channel", "sms", "--column", "to", "-o", "out", "--receipt")
    assert run(*named, "to.json").returncode == 0
    assert run("verify", "to.json", "in.csv").returncode == 0
    assert run("verify", "to.json", "in.csv", "--column", "phone").returncode == 1
    refuses(run(*arguments, "out"), 2, "the same file")
    assert run("filter", "--channel", "sms", "-o", "out", "--receipt", "-").stdout.startswith(b"{")


@pytest.fixture
def device(tmp_path: Path) -> Callable[[str], str]:
    """A device that nobody else uses, where broken code could put a file in place of it."""

    def making(name: str) -> str:
        real = Path("/dev", name)
        if not os.access("/dev", os.W_OK):
            return str(real)
        own = tmp_path / name
        try:
            os.mknod(own, stat.S_IFCHR | 0o666, real.stat().st_rdev)
            own.write_bytes(b"")
        except PermissionError:
            pytest.skip("devices cannot be made here")
        return str(own)

    return making


def test_filter_writes_to_devices(run: Run, folder: Path, device: Callable[[str], str]) -> None:
    done = run(
        *("filter", "--channel", "sms", "-o", device("null"), "--suppressed", "/dev/stdout"),
        stdin=f"{SMS}\n{NOBODY}\nx\n".encode(),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{SMS}\n".encode()
    assert names(folder) == set()


def test_an_output_on_a_full_disk(run: Run, folder: Path, device: Callable[[str], str]) -> None:
    full = device("full")
    done = run("filter", "--channel", "sms", "-o", full, "--suppressed", "no", stdin=GOOD)
    refuses(done, 5, "cannot be written: No space left on device")
    assert names(folder) == set()


GOOD = f"{SMS}\n{NOBODY}\n".encode()
FILTER = ("filter", "--channel", "sms", "-o", "out", "--suppressed", "no", "--invalid", "bad")
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
        *(GOOD, {}, 2, "--channel is given 2 times, and only one would be used. Give it once"),
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
    (FILTER, b"phone,name\n1\n", {}, 4, "line 2: it has 1 fields"),
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


def test_two_outputs_that_a_link_makes_the_same(run: Run, folder: Path) -> None:
    (folder / "link").symlink_to("out")
    done = run("filter", "--channel", "sms", "-o", "out", "--invalid", "link", stdin=GOOD)
    refuses(done, 2, "the same file")
    assert names(folder) == {"link"}


@pytest.mark.parametrize("place", ["out", "/dev/stdout", "hard"])
def test_standard_output_that_goes_to_the_same_file(run: Run, folder: Path, place: str) -> None:
    """`--suppressed out > out` would leave the suppressed alone where the allowed belong."""
    with (folder / "out").open("wb") as out:
        (folder / "hard").hardlink_to(folder / "out")
        done = run("filter", "--channel", "sms", "--suppressed", place, stdin=GOOD, stdout=out)
    refuses(done, 2, "the same file")
    assert (folder / "out").read_bytes() == b""


def test_allowed_and_suppressed_in_one_pipe(run: Run) -> None:
    done = run("filter", "--channel", "sms", "--suppressed", "/dev/stdout", stdin=GOOD)
    refuses(done, 2, "the same file")


@pytest.mark.parametrize(
    "arguments",
    [
        ("filter", "--channel", "sms"),
        ("check", SMS, "--channel", "sms"),
        ("check", SMS, "--channel", "sms", "--json"),
        ("status",),
        ("status", "--json"),
        ("plugins",),
    ],
)
def test_a_full_disk_ends_a_command_cleanly(run: Run, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(*arguments, stdin=GOOD, stdout=full)
    refuses(done, 5, "cannot be written: No space left on device")


@pytest.mark.parametrize("bad", [b"\xff\n", b'"\n', b"1,2\n"])
def test_outputs_stay_as_they_were_when_the_run_fails(run: Run, folder: Path, bad: bytes) -> None:
    before = {"out": b"old\n", "no": b"older\n"}
    for name, content in before.items():
        (folder / name).write_bytes(content)
    # Far more rows than are screened at once, so that there is something to take back.
    done = run(*FILTER, "--column", "phone", stdin=b"phone\n" + GOOD + b"n/a\n" * 25_000 + bad)
    refuses(done, 4, "line 25004: ")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("number", "channel", "status", "outcome", "reason"),
    [
        (SMS, "sms", 1, "suppressed", "listed for sms by bsg (entry 1, since 2022-04-18)"),
        ("+1 (415) 555-2671", "viber", 0, "allowed", "not listed for viber"),
        (
            "tel:+44-20-7946-0958",
            "viber",
            1,
            "suppressed",
            "listed for viber by bsg (entry 3, since 2022-04-18)",
        ),
    ],
)
def test_check(run: Run, number: str, channel: str, status: int, outcome: str, reason: str) -> None:
    done = run("check", number, "--channel", channel)
    assert done.returncode == status
    e164 = BOTH if "44" in number else SMS
    assert re.fullmatch(
        rf"\{e164}: {outcome}; {re.escape(reason)}, read \d+ (s|min) ago\n", done.stdout.decode()
    )
    assert done.stderr == b""
    done = run("check", number, "--channel", channel, "--json")
    assert done.returncode == status
    document = json.loads(done.stdout)
    snapshot, origins = document.pop("snapshot"), document.pop("origins")
    added_at = "2022-04-18T19:22:16Z"
    assert origins == [
        {"source": "bsg", "id": {SMS: 1, BOTH: 3}[e164], "added_at": added_at, "listed_as": None}
        for _ in range(status)
    ]
    assert document == {"channel": channel, "outcome": outcome, "e164": e164, "reason": reason}
    assert snapshot["sources"] == ["bsg"]
    assert snapshot["channel"] == channel
    assert re.fullmatch("[0-9a-f]{64}", snapshot["digest"])


def test_check_in_national_form(run: Run) -> None:
    arguments = ("check", "(415) 555-2671", "--channel", "sms")
    assert run(*arguments, "--default-region", "US").returncode == 1
    assert run(*arguments, SUPPRESS_DEFAULT_REGION="us").returncode == 1
    done = run(*arguments, "--json")
    assert done.returncode == 4
    document = json.loads(done.stdout)
    assert document["outcome"] == "invalid"
    assert document["e164"] is None
    assert document["reason"] == "digits without a plus: say whose they are"


@pytest.fixture
def own_store(tmp_path: Path) -> str:
    return str(tmp_path / "own store")


def test_refresh_and_status(run: Run, server: Sandbox, own_store: str) -> None:
    def status(**settings: str) -> tuple[dict[str, Any], str]:
        done = run("status", "--json", SUPPRESS_STORE=own_store, **settings)
        assert done.returncode == 0
        document = json.loads(done.stdout)
        states = {each["channel"]: each["state"] for each in document["channels"]}
        human = run("status", SUPPRESS_STORE=own_store, **settings)
        assert human.returncode == 0
        assert b"\x1b" not in human.stdout
        for channel, state in states.items():
            assert re.search(rf"{channel} .*{state}", human.stdout.decode())
        assert (b"suppress refresh" in human.stderr) == ("missing" in states.values())
        assert document["phonenumbers"] == phonenumbers.__version__
        assert f"with phonenumbers {phonenumbers.__version__}." in human.stdout.decode()
        return document, ",".join(f"{name}={state}" for name, state in sorted(states.items()))

    assert status()[1] == "sms=missing,viber=missing"
    done = run("refresh", "--channel", "viber", SUPPRESS_STORE=own_store)
    assert re.fullmatch(r"viber: \d+ numbers from bsg\n", done.stdout.decode())
    assert done.stderr == b""
    assert status()[1] == "sms=missing,viber=fresh"

    arguments = ("refresh", "--json", "--channel", "sms", "--channel", "viber")
    done = run(*arguments, SUPPRESS_STORE=own_store)
    assert done.returncode == 0
    assert done.stderr == b""
    refreshed = json.loads(done.stdout)
    # A number and its form after a change of plan are one.
    counts = {
        channel: len(
            {
                readings(each.phone, "international")[0]
                for each in server.rows
                if channel in each.channels
            }
        )
        for channel in ("sms", "viber")
    }
    assert {channel: each["count"] for channel, each in refreshed.items()} == counts

    document, states = status()
    assert states == "sms=fresh,viber=fresh"
    assert (document["ttl"], document["max_stale"], document["store"]) == (300, 3600, own_store)
    for each in document["channels"]:
        for name in ("count", "digest", "sources", "read_at", "unparsed"):
            assert each[name] == refreshed[each["channel"]][name]
        assert each["age"] >= refreshed[each["channel"]]["age"]
    assert status(SUPPRESS_TTL="0")[1] == "sms=stale,viber=stale"
    assert status(SUPPRESS_TTL="0", SUPPRESS_MAX_STALE="0")[1] == "sms=expired,viber=expired"


def test_refresh_without_a_store(run: Run) -> None:
    done = run("refresh", SUPPRESS_STORE="none")
    assert re.fullmatch(
        r"sms: \d+ numbers from bsg\nviber: \d+ numbers from bsg\n", done.stdout.decode()
    )
    assert b"Nothing was stored" in done.stderr


def test_the_stored_snapshot_serves_while_the_server_is_down(tmp_path: Path) -> None:
    """A second command asks nobody; one that has to ask tells what is wrong."""
    store = tmp_path / "store"
    with Sandbox(FIXED, api_key=KEY) as server:
        environ = environ_of(server.url, tmp_path / "home", store)
        commands.run(["refresh"], env=environ, check=True)
    # The server's port is nobody's now.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.url.split(":")[-1])))
    check = ["check", SMS, "--channel", "sms"]
    done = commands.run(check, env=environ)
    assert done.returncode == 1
    assert done.stderr == b""

    # What has to ask tries for some seconds; so all of them try at once.
    def start(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=environ | settings,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    (tmp_path / "in.txt").write_bytes(GOOD)
    nothing = {"SUPPRESS_TTL": "0", "SUPPRESS_MAX_STALE": "0"}
    with (
        start(*check, SUPPRESS_TTL="0") as stale,
        start(*FILTER, "in.txt", **nothing) as expired,
        start(*FILTER, "in.txt", SUPPRESS_STORE=str(tmp_path / "new")) as missing,
        start("refresh", "--json") as refresh,
    ):
        out, err = stale.communicate(timeout=60)
        assert stale.returncode == 1
        assert out.startswith(SMS.encode() + b": suppressed")
        # On a slow machine it waits for the others no longer than it has patience.
        assert re.match(
            rb"Warning: .*has failed to refresh since .*; using the copy from .*cannot be reached"
            rb"|Warning: .* is still being read\. Until then",
            err,
        )
        for process, message in (
            (expired, "cannot be reached.*SUPPRESS_MAX_STALE"),
            (missing, "cannot be reached.*Check BSG_BASE_URL.*Nothing may be sent"),
            (refresh, "cannot be reached"),
        ):
            out, err = process.communicate(timeout=60)
            refuses(Done(process.args, process.returncode, out, err), 3, message)
    assert names(tmp_path) - {"home", "new"} == {"in.txt", "store"}
    assert not list((tmp_path / "new").glob("*.snapshot"))


def test_plugins(run: Run) -> None:
    document = json.loads(run("plugins", "--json").stdout)
    found = {each["name"]: each for each in document["plugins"]}
    assert found["bsg"]["sources"] == [{"name": "bsg", "channels": ["sms", "viber"]}]
    assert found["bsg"]["commands"] == ["login", "sandbox", "demo"]
    assert found["file"]["sources"] == []
    assert all(each["error"] is None and each["version"] for each in found.values())
    human = run("plugins").stdout.decode()
    assert re.search(r"bsg .*source bsg for sms, viber", human)
    assert re.search(r"file .*nothing under the settings", human)
    assert "\x1b" not in human


def test_plugins_tells_which_settings_are_wrong(run: Run) -> None:
    message = "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing."
    done = run("plugins", unset="BSG_API_KEY")
    assert message in done.stdout.decode()
    found = json.loads(run("plugins", "--json", unset="BSG_API_KEY").stdout)["plugins"]
    assert {each["name"]: each["error"] for each in found} == {"bsg": message, "file": None}


@pytest.fixture
def broken(tmp_path: Path, environ: dict[str, str]) -> dict[str, str]:
    """The setting under which a plugin is installed that cannot be imported."""
    site = tmp_path / "site"
    info = site / "suppress_broken-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: suppress-broken\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[suppress]\nbroken = suppress_broken\n")
    (site / "suppress_broken.py").write_text("raise RuntimeError('see [/etc/it] or [bold] it')\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), environ.get("PYTHONPATH")]))}


def test_a_broken_plugin_is_shown(run: Run, broken: dict[str, str]) -> None:
    done = run("plugins", "--json", **broken)
    assert done.returncode == 0
    (found,) = (each for each in json.loads(done.stdout)["plugins"] if each["name"] == "broken")
    assert found["version"] == "1.5"
    assert found["error"] == "RuntimeError: see [/etc/it] or [bold] it"
    done = run("plugins", **broken)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"broken .*1\.5 .*RuntimeError: see \[/etc/it\] or \[bold\] it", done.stdout.decode()
    )


@pytest.mark.parametrize("sources", ["", "broken", "bsg,broken"])
def test_nothing_is_screened_without_a_broken_plugin(
    run: Run, folder: Path, broken: dict[str, str], sources: str
) -> None:
    done = run(*FILTER, stdin=GOOD, SUPPRESS_SOURCES=sources, **broken)
    warning, _, error = done.stderr.partition(b"\n")
    assert b"'broken' cannot be imported" in warning
    refuses(
        Done(done.args, done.returncode, done.stdout, error),
        2,
        "'broken' cannot be imported.*SUPPRESS_SOURCES",
    )
    assert names(folder) == set()


def test_a_broken_plugin_that_is_not_asked_for(run: Run, broken: dict[str, str]) -> None:
    done = run("filter", "--channel", "sms", stdin=GOOD, SUPPRESS_SOURCES="bsg", **broken)
    assert done.returncode == 0
    assert done.stdout == f"{NOBODY}\n".encode()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ((), ["filter", "check", "refresh", "status", "plugins", "demo", "sandbox", "--version"]),
        (
            ("filter",),
            [
                *("--channel", "--column", "--format", "--default-region", "--output"),
                *("--suppressed", "--invalid", "--receipt", "[INPUT]", "standard input"),
                *("--decisions", "--max-invalid", "--once", "--in-place"),
            ],
        ),
        (("check",), ["--channel", "--default-region", "--json", "NUMBER", "exit status"]),
        (("refresh",), ["--channel", "--json"]),
        (("status",), ["--json", "fresh", "stale", "expired", "missing"]),
        (("plugins",), ["--json"]),
        (("demo",), []),
        (("sandbox",), ["--port", "--size", "--file", "--latency", "--require-key"]),
        (("login",), ["standard input", "delete the file"]),
    ],
)
def test_help(run: Run, command: tuple[str, ...], options: list[str]) -> None:
    # Neither a key nor any other setting is needed for it.
    done = run(*command, "--help", unset="BSG_API_KEY", SUPPRESS_TTL="soon")
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode()
    assert text.startswith("Usage: " + " ".join(["suppress", *command]))
    assert [each for each in options if each not in " ".join(text.split())] == []
    assert run(*command, "-h", unset="BSG_API_KEY").stdout == done.stdout
    assert "\x1b" not in text


@pytest.fixture
def start(environ: dict[str, str], folder: Path) -> Callable[..., subprocess.Popen[bytes]]:
    def starting(
        *arguments: str, stdout: int = subprocess.PIPE, stdin: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=environ,
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )

    return starting


Start = Callable[..., subprocess.Popen[bytes]]


def test_a_pipe_that_is_closed_early(start: Start, folder: Path) -> None:
    """`suppress filter ... | head -1`, with more output than a pipe holds."""
    line = f"{NOBODY},{'x' * 1000}\n".encode()
    (folder / "in.csv").write_bytes(b"phone,x\n" + line * 1000 + SMS.encode() + b",y\n")
    arguments = ("filter", "in.csv", "--channel", "sms", "--suppressed", "no")
    with start(*arguments, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"phone,x\n"
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
    assert names(folder) == {"in.csv"}


@pytest.mark.parametrize(
    "arguments",
    [("check", NOBODY, "--channel", "sms"), ("status", "--json"), ("status",), ("plugins",)],
)
def test_a_pipe_that_nobody_reads(start: Start, arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with start(*arguments, stdin=subprocess.DEVNULL, stdout=write) as process:
        os.close(write)
        assert process.stderr is not None
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_cleanly(
    start: Start, folder: Path, sent: signal.Signals, status: int
) -> None:
    (folder / "out").write_bytes(b"old\n")
    with start(*FILTER) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout is not None
        # More than a pipe holds, so that it is known to have read some, and to wait for more.
        process.stdin.write(GOOD + b"\n" * 300_000)
        process.stdin.flush()
        process.send_signal(sent)
        assert process.wait(60) == status
        assert process.stdout.read() == b""
        assert b"Traceback" not in process.stderr.read()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"out": b"old\n"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory by /proc")
@pytest.mark.slow
def test_rows_are_streamed(start: Start, folder: Path) -> None:
    """Ten times the rows take no more memory."""

    def peak() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])

    # Numbers that are quickly found to be none, but for some; 10 MB of rows in all.
    piece = (f"{NOBODY},{'x' * 60}\n" + f"n/a,{'x' * 60}\n" * 99).encode()
    with start(*FILTER) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"phone,x\n" + piece * 150)
        process.stdin.flush()
        first = peak()
        process.stdin.write(piece * 1350)
        process.stdin.flush()
        last = peak()
        process.stdin.close()
        assert process.wait(60) == 0
        assert b"150,000 recipients: 1,500 allowed" in process.stderr.read()
    assert last - first < 15_000, f"{first:,} and {last:,} kB"
    assert (folder / "out").read_bytes().count(b"\n") == 1501


@pytest.mark.parametrize(
    ("closed", "status", "message"), [("<&-", 4, "Standard input"), (">&-", 5, "standard output")]
)
def test_a_standard_stream_that_is_closed(
    environ: dict[str, str], folder: Path, closed: str, status: int, message: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"{COMMAND}" filter --channel sms {closed}'],
        input=GOOD,
        capture_output=True,
        cwd=folder,
        env=environ,
        check=False,
    )
    assert done.returncode == status
    assert done.stderr.decode().splitlines() == [f"Error: {message} is closed."]


def test_a_plugin_whose_hooks_fail_is_named(run: Run, broken: dict[str, str]) -> None:
    """It is in nobody's way but its own, and nothing is screened without it."""
    module = Path(broken["PYTHONPATH"].split(os.pathsep)[0]) / "suppress_broken.py"
    module.write_text(
        "import suppress\n"
        "@suppress.hookimpl\n"
        "def suppress_commands():\n    raise RuntimeError('no commands')\n"
        "@suppress.hookimpl\n"
        "def suppress_sources(settings):\n    raise RuntimeError('no sources')\n"
    )
    done = run("--help", **broken)
    assert done.returncode == 0
    assert b"demo" in done.stdout
    assert b"'broken' cannot offer its commands (RuntimeError: no commands)" in done.stderr
    refuses(run("status", **broken), 2, "'broken' cannot offer its sources .*no sources")
    assert b"no commands" in run("plugins", **broken).stdout
