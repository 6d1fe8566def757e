"""The user's worst days: broken files, full disks, signals at any moment.

Each fault is caused for real, against the command as it is installed: what comes of it is
a right result, or one short message with an exit status, and never half a file.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from support import commands
from support.builders import environ_of_list
from support.commands import COMMAND
from suppress.atomic import atomic_write
from suppress.cli.signals import end_at_once

pytestmark = pytest.mark.slow

STOPPED, NOBODY = b"+14155552671", b"+442079460959"
BOM = b"\xef\xbb\xbf"
OLD = b"old\n"
MEMORY = 160_000
"""Most kB that a command may take; it takes about half of it for an ordinary file."""


class Ended(NamedTuple):
    status: int
    error: str
    memory: int
    seconds: float


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A stop list in a file, and a store that has it already."""
    return environ_of_list(tmp_path_factory.mktemp("home"), STOPPED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory of commands, with an output of yesterday."""
    path = tmp_path / "work"
    path.mkdir()
    (path / "out").write_bytes(OLD)
    return path


def start(
    arguments: Sequence[object], environ: Mapping[str, str], folder: Path
) -> "subprocess.Popen[bytes]":
    command = [COMMAND, "filter", *map(str, arguments), "--channel", "sms"]
    return subprocess.Popen(
        command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def end(process: "subprocess.Popen[bytes]") -> Ended:
    began, memory = time.monotonic(), 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        # Asked again and again: what the system tells in the end is more, the tests' own.
        if status.exists() and (found := re.search(r"VmHWM:\s+(\d+)", status.read_text())):
            memory = int(found[1])
        time.sleep(0.005)
    assert process.stderr is not None
    with process.stderr:
        error = process.stderr.read().decode()
    return Ended(process.returncode, error, memory, time.monotonic() - began)


def contents(folder: Path) -> dict[str, bytes]:
    """The regular files, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(ended: Ended, status: int, *messages: str | Path) -> None:
    """One short message, and that status."""
    assert ended.status == status, ended.error
    assert "Traceback" not in ended.error, ended.error
    *usage, error = ended.error.splitlines()
    assert error.startswith("Error: ")
    assert len(error) < 500
    assert not usage or status == 2
    assert [each for each in messages if str(each) not in error] == [], error


def table(*numbers: bytes, header: bytes = b"name,phone\n", end: bytes = b"\n") -> bytes:
    return header + b"".join(b"A," + number + end for number in numbers)


BOTH = table(NOBODY, STOPPED)
# What comes out, or else the message. Most kinds of broken rows are in the tests of rows.
INPUTS: dict[str, tuple[bytes | Callable[[], bytes], bytes | str]] = {
    "empty.csv": (b"", "empty.csv is empty: a CSV file begins with a header"),
    "empty.txt": (b"", b""),
    "blank.txt": (b"\n\r\n \n", b""),
    "header.csv": (table(), table()),
    "mark.csv": (
        BOM + b"phone,x\n%s,\n%s,\n" % (STOPPED, NOBODY),
        BOM + b"phone,x\n%s,\n" % NOBODY,
    ),
    "mixed.csv": (
        table(NOBODY, end=b"\r\n") + b"\nA,%s\r\nB,%s" % (STOPPED, NOBODY),
        table(NOBODY, end=b"\r\n") + b"B," + NOBODY,
    ),
    "quoted.csv": (
        b'"a\nb",phone\n"x\n\ny",%s\n"z\n",%s\n' % (STOPPED, NOBODY),
        b'"a\nb",phone\n"z\n",%s\n' % NOBODY,
    ),
    "latin.csv": (BOTH + "Zo\u00eb,1\n".encode("latin-1"), "line 4: it is not UTF-8"),
    "wide.csv": (BOTH.decode().encode("utf-16-be"), "line 1: it looks like UTF-16BE."),
    "doubled.csv": (b"phone,name,phone\n1,2,3\n", "line 1: which column holds the number?"),
    "ragged.csv": (BOTH + b"A\n", "line 4: it has 1 field, but the header has 2"),
    "open.csv": (
        lambda: BOTH + b'"A' + BOTH * 300_000,
        "line 4: it cannot be read as CSV: a field is too",
    ),
    "nul.txt": (NOBODY + b"\n\0\n", "line 2: it has a NUL character"),
    "million.csv": (lambda: b"column," * 1_000_000, "line 1: it is longer than 1,048,576 bytes"),
    "endless.txt": (b"", "line 1: it is longer than 1,048,576 bytes"),
    "large.csv": (
        lambda: table(*[NOBODY] * 20, *[b"1" * 120_000] * 500, NOBODY, STOPPED),
        table(*[NOBODY] * 21),
    ),
    "seats.csv": (
        table(b"12A", b"12B", NOBODY, header=b"name,cell\n"),
        "line 1: which column holds the number?",
    ),
    "mac.txt": (b"\r".join([NOBODY, STOPPED]), "line 1: a carriage return stands in it"),
    "broken.jsonl": (b'{"to": 1}\n{"to": }\n', "line 2: it is not JSON"),
    "deep.jsonl": (b'{"to":' * 100_000, "line 1: it is nested too deeply"),
    "twice.jsonl": (
        b'{"to": "%s", "to": "%s"}\n' % (STOPPED, NOBODY),
        "line 1: it has the key 'to' twice",
    ),
    # A number with marks that nobody sees, and two in one: whatever they are, nothing is sent.
    "marks.txt": (
        "\n".join(
            [
                "\u202a+14155552671\u202c",
                "\u200e+1 415 555 2671",
                "+1415\u200b5552671",
                "+1415\u202d5552671",
                "\ufeff+14155552671",
            ]
        ).encode(),
        b"",
    ),
    "two.txt": (
        b"".join(
            NOBODY + between + STOPPED + b"\n" for between in (b" ", b",", b";", b"/", b" or ")
        ),
        b"",
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input(environ: dict[str, str], folder: Path, name: str) -> None:
    content = INPUTS[name][0]
    (folder / name).write_bytes(content() if callable(content) else content)
    if name == "endless.txt":
        os.truncate(folder / name, 400_000_000)
    arguments = ["filter", name, "-o", "out", "--channel", "sms"]
    done = commands.run(arguments, env=environ, cwd=folder)
    ended = Ended(done.returncode, done.stderr.decode(), 0, 0)
    if name == "mark.csv":
        assert (folder / "out").stat().st_mode & 0o777 == 0o600
    (folder / name).unlink()
    left = contents(folder)
    expected = INPUTS[name][1]
    if isinstance(expected, str):
        refused(ended, 4, name, expected)
        assert left == {"out": OLD}
    else:
        assert ended.status == 0, ended.error
        assert left == {"out": expected}
    assert ended.memory < MEMORY
    assert ended.seconds < 20


# Root may do everything, unless it gives that up.
OBEDIENT = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def test_what_may_not_be_read_or_written(environ: dict[str, str], folder: Path) -> None:
    prefix = OBEDIENT if os.geteuid() == 0 else []
    if prefix and subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root may do everything here")
    (folder / "closed").write_bytes(BOTH)
    (folder / "closed").chmod(0)
    (folder / "locked").mkdir(mode=0o555)
    for arguments, status, message in (
        (("closed", "-o", "out"), 4, "closed cannot be read: Permission denied"),
        (("in.csv", "-o", "locked/out"), 5, "locked/out cannot be written: Permission denied"),
    ):
        (folder / "in.csv").write_bytes(BOTH)
        command = [*prefix, COMMAND, "filter", *arguments, "--channel", "sms"]
        done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, check=False)
        refused(Ended(done.returncode, done.stderr.decode(), 0, 0), status, message)
    (folder / "closed").chmod(0o600)
    assert contents(folder) == {"closed": BOTH, "in.csv": BOTH, "out": OLD}
    assert contents(folder / "locked") == {}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system of its own, where that is allowed."""
    made: list[Path] = []

    def mounting(options: str) -> Path:
        path = tmp_path / options.partition("=")[0]
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "suppress-test", str(path)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("nothing can be mounted here")
        made.append(path)
        return path

    yield mounting
    for path in made:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk(environ: dict[str, str], folder: Path, mounted: Callable[[str], Path]) -> None:
    """Some of the rows fit, but not all; what fits elsewhere does not appear either."""
    disk = mounted("size=256k")
    (disk / "out").write_bytes(OLD)
    (folder / "in.csv").write_bytes(table(*[NOBODY] * 20_000, STOPPED))
    arguments = ["in.csv", "-o", disk / "out", "--suppressed", "no"]
    ended = end(start(arguments, environ, folder))
    refused(ended, 5, disk / "out", "cannot be written: No space left on device")
    assert contents(disk) == {"out": OLD}
    assert contents(folder).keys() == {"in.csv", "out"}


def test_a_disk_that_is_read_only(
    environ: dict[str, str], folder: Path, mounted: Callable[[str], Path]
) -> None:
    disk = mounted("ro")
    (folder / "in.csv").write_bytes(BOTH)
    ended = end(start(["in.csv", "-o", disk / "out"], environ, folder))
    refused(ended, 5, disk / "out", "cannot be written: Read-only file system")


def test_a_disk_that_fails_at_the_last_moment(environ: dict[str, str], folder: Path) -> None:
    site = folder.with_name("site")
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os\n"
        "def fail(descriptor):\n    raise OSError(5, 'Input/output error')\n"
        "os.fsync = fail\n"
    )
    path = os.pathsep.join(filter(None, [str(site), environ.get("PYTHONPATH")]))
    (folder / "in.csv").write_bytes(BOTH)
    ended = end(start(["in.csv", "-o", "out"], environ | {"PYTHONPATH": path}, folder))
    refused(ended, 5, "out cannot be written: Input/output error")
    assert contents(folder) == {"in.csv": BOTH, "out": OLD}


def test_an_input_that_is_the_output(environ: dict[str, str], folder: Path) -> None:
    """`suppress filter in.csv >> in.csv` would read what it writes, for ever."""
    (folder / "in.csv").write_bytes(BOTH)
    with (folder / "in.csv").open("ab") as appended:
        done = subprocess.run(
            [COMMAND, "filter", "in.csv", "--channel", "sms"],
            env=environ,
            cwd=folder,
            check=False,
            stdout=appended,
            stderr=subprocess.PIPE,
        )
    refused(Ended(done.returncode, done.stderr.decode(), 0, 0), 2, "Standard output is the input")
    assert (folder / "in.csv").read_bytes() == BOTH


def test_an_input_that_is_a_pipe(environ: dict[str, str], folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    writer = threading.Thread(target=(folder / "fifo").write_bytes, args=(BOTH,))
    writer.start()
    ended = end(start(["fifo", "-o", "out", "--format", "csv"], environ, folder))
    writer.join(20)
    assert ended.status == 0, ended.error
    assert contents(folder) == {"out": table(NOBODY)}


@pytest.mark.parametrize("change", ["shrinks", "grows", "is rewritten", "is replaced"])
def test_an_input_that_changes_while_it_is_read(
    environ: dict[str, str], folder: Path, change: str
) -> None:
    """It waits for its stop list, which comes from a pipe, with the input open."""
    os.mkfifo(folder / "stopped")
    path = folder / "in.txt"
    content = (NOBODY + b"\n") * 20_000
    path.write_bytes(content)
    settings = {"SUPPRESS_STORE": "none", "SUPPRESS_FILE_PATH": str(folder / "stopped")}
    process = start(["in.txt", "-o", "out"], environ | settings, folder)
    with (folder / "stopped").open("wb") as stopped:
        before = path.stat()
        if change == "is replaced":
            (folder / "new").write_bytes(content[:5])
            (folder / "new").replace(path)
        elif change == "is rewritten":
            with path.open("r+b") as file:
                file.write(content)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        else:
            with path.open("r+b") as file:
                file.truncate(len(content) - 5)
                if change == "grows":
                    file.write(content + NOBODY)
        stopped.write(STOPPED)
    ended = end(process)
    if change == "is replaced":
        assert ended.status == 0, ended.error
        assert (folder / "out").read_bytes() == content
        return
    refused(ended, 4, "in.txt changed while it was read")
    assert contents(folder).keys() == {"in.txt", "out"}
    assert (folder / "out").read_bytes() == OLD


listens = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="tells by /proc when signals are listened to"
)


def wait_until_it_listens(process: "subprocess.Popen[bytes]") -> None:
    """Until the launcher is in charge: Python itself would not catch SIGTERM."""
    bit = 1 << signal.SIGTERM - 1
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:") and int(line.split()[1], 16) & bit:
                return
        time.sleep(0.001)
    pytest.fail("it does not listen to signals")


@listens
@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ((signal.SIGINT,), 130),
        ((signal.SIGTERM,), 143),
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGKILL,), -9),
    ],
)
def test_a_signal_at_any_moment(
    environ: dict[str, str], folder: Path, sent: tuple[signal.Signals, ...], status: int
) -> None:
    """The output is the old one or the new one, and nothing else is left."""
    (folder / "in.csv").write_bytes(table(*[NOBODY, STOPPED] * 15_000))
    new = table(*[NOBODY] * 15_000)
    arguments = ["in.csv", "-o", "out", "--suppressed", "no"]

    def run(*sent: signal.Signals, after: float = 0) -> Ended:
        process = start(arguments, environ, folder)
        wait_until_it_listens(process)
        time.sleep(after)
        for each in sent:
            process.send_signal(each)
        return end(process)

    before = time.monotonic()
    assert run().status == 0
    whole = time.monotonic() - before
    moments = 7
    found: set[int] = set()
    for place in range(moments):
        (folder / "out").write_bytes(OLD)
        ended = run(*sent, after=whole * place / moments)
        found.add(ended.status)
        left = contents(folder)
        out = left.pop("out")
        assert out in {OLD, new}
        if signal.SIGKILL in sent:
            for name in left.keys() - {"in.csv", "no"}:
                assert name.startswith(".")
                (folder / name).unlink()
        else:
            assert left.keys() <= {"in.csv", "no"}
            # A signal may come when everything is done, and only the end is left.
            assert ended.error == "" or out == new
            assert "Traceback" not in ended.error
    assert status in found
    assert found <= {0, status}


def test_a_second_signal_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait until the first one has put everything in order."""
    left: list[dict[str, bytes]] = []

    def leave(status: int) -> None:
        left.append(contents(folder))
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit, match="130"), atomic_write(folder / "out"):
        end_at_once(signal.SIGINT)
    assert left == [{"out": OLD}]


@listens
def test_ctrl_c_is_not_for_what_runs_in_the_background(
    environ: dict[str, str], folder: Path
) -> None:
    """A shell without job control starts it with the signal ignored."""
    (folder / "in.csv").write_bytes(BOTH)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start(["in.csv", "-o", "out"], environ, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until_it_listens(process)
    process.send_signal(signal.SIGINT)
    assert end(process).status == 0
    assert contents(folder) == {"in.csv": BOTH, "out": table(NOBODY)}


@pytest.mark.slow
def test_several_commands_write_one_file(environ: dict[str, str], folder: Path) -> None:
    """The last one wins; what is there is always the whole of one."""
    wholes = []
    for name in ("A", "B"):
        rows = [b"%s,%s\n" % (name.encode(), NOBODY)] * (10_000 if name == "A" else 6_000)
        wholes.append(b"name,phone\n" + b"".join(rows))
        (folder / f"{name}.csv").write_bytes(wholes[-1])
    processes = [start([f"{name}.csv", "-o", "out"], environ, folder) for name in "ABABAB"]
    seen = set()
    while any(process.poll() is None for process in processes):
        seen.add((folder / "out").read_bytes())
        time.sleep(0.01)
    for process in processes:
        assert process.stderr is not None
        with process.stderr:
            assert b"Traceback" not in process.stderr.read()
        assert process.returncode == 0
    assert seen <= {OLD, *wholes}
    assert (folder / "out").read_bytes() in wholes
    assert contents(folder).keys() == {"A.csv", "B.csv", "out"}


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suppress", "--version"], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"suppress, version ")
