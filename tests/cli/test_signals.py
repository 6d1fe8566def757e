"""A command that is ended early, by a signal or by a stream that is closed."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.command_line import FILTER, GOOD, NOBODY, SMS, Start, names
from support.commands import COMMAND


@pytest.mark.slow
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
    [
        ("check", NOBODY, "--channel", "sms"),
        ("status", "--json"),
        ("status",),
        ("plugins",),
        ("opt-outs", "--csv"),
    ],
)
@pytest.mark.slow
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
@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("closed", "status", "message"), [("<&-", 4, "Standard input"), (">&-", 5, "standard output")]
)
@pytest.mark.slow
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
