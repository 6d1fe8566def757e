"""`suppress filter`: rows byte for byte, in every form, to every kind of output."""

import csv
import hashlib
import io
import json
import os
import random
import re
import stat
from collections.abc import Callable
from pathlib import Path

import phonenumbers
import pytest

from support.command_line import (
    BOTH,
    FILTER,
    GOOD,
    NOBODY,
    SMS,
    VIBER,
    Run,
    Start,
    names,
    refuses,
)
from suppress import Outcome
from suppress.numbers.readings import readings
from suppress_bsg.sandbox import Sandbox, made_up

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


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all inputs: those without a line end are waited for once."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in INPUTS:
        (folder / name).write_bytes(content_of(name, ALLOWED, SUPPRESSED, INVALID, None))
    return folder


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    ("arguments", "by_stdin"),
    [(["NAME", "-o", "out"], False), (["-"], True), (["-o", "out"], True), (["NAME"], False)],
)
def test_filter_gives_rows_byte_for_byte(
    run: Run, folder: Path, inputs: Path, name: str, arguments: list[str], by_stdin: bool
) -> None:
    content = (inputs / name).read_bytes()
    done = run(
        "filter",
        *(str(inputs / name) if each == "NAME" else each for each in arguments),
        *("--channel", "sms", "--suppressed", "suppressed", "--invalid", "invalid"),
        stdin=content if by_stdin else b"",
    )
    assert done.returncode == 0, done.stderr
    allowed = (folder / "out").read_bytes() if "out" in arguments else done.stdout
    assert allowed == content_of(name, ALLOWED)
    assert (folder / "suppressed").read_bytes() == content_of(name, SUPPRESSED)
    assert (folder / "invalid").read_bytes() == content_of(name, INVALID)
    assert (inputs / name).read_bytes() == content
    assert names(inputs) == INPUTS.keys()
    if "out" in arguments:
        assert done.stdout == b""
    assert names(folder) == {"suppressed", "invalid", "out"} - ({"out"} - {*arguments})
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.parametrize("bad", [b"\xff\n", b'"\n', b"1,2\n"])
@pytest.mark.slow
def test_outputs_stay_as_they_were_when_the_run_fails(run: Run, folder: Path, bad: bytes) -> None:
    before = {"out": b"old\n", "no": b"older\n"}
    for name, content in before.items():
        (folder / name).write_bytes(content)
    # Far more rows than are screened at once, so that there is something to take back.
    done = run(*FILTER, "--column", "phone", stdin=b"phone\n" + GOOD + b"n/a\n" * 25_000 + bad)
    refuses(done, 4, "line 25004: ")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


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
