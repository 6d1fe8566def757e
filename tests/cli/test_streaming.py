"""Recipients that take their time to come: who opts out meanwhile is suppressed all the same."""

import functools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.builders import Clock, ListSource, environ_of_list, listed, stored_by_hand
from support.commands import COMMAND, run, run_text
from suppress import Settings, SourceError, StopListUnavailable, Suppressor, UnknownChannel
from suppress.cli import command_line
from suppress.cli.limits import CommandLimits

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+14155552673"


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(LISTED))


@pytest.fixture
def made(source: ListSource, clock: Clock, tmp_path: Path) -> Callable[..., Suppressor]:
    return functools.partial(stored_by_hand, source, clock, tmp_path / "store")


class TestScreening:
    def test_who_opts_out_while_recipients_come_is_suppressed(
        self, made: Callable[..., Suppressor]
    ) -> None:
        one = made()

        def people() -> Iterator[str]:
            yield from (LISTED, ANN, BOB)
            one.add([BOB], "sms")

        assert one.filter_recipients(people(), "sms") == [ANN]

    def test_who_opts_out_while_their_numbers_are_looked_up_is_suppressed(
        self, made: Callable[..., Suppressor]
    ) -> None:
        one = made()

        def number_of(name: str) -> str:
            if name == "bob":
                one.add([ANN], "sms")
            return {"ann": ANN, "bob": BOB}[name]

        screening = one.screen(["ann", "bob"], "sms", key=number_of)
        assert screening.allowed == ["bob"]
        assert screening.receipt().snapshot.opted_out == 1

    def test_a_list_that_gets_too_old_meanwhile_answers_nothing(
        self, made: Callable[..., Suppressor], clock: Clock, source: ListSource
    ) -> None:
        one = made()
        one.refresh("sms")
        source.failure = SourceError("it is down")

        def people() -> Iterator[str]:
            yield ANN
            clock.now += 3601

        with pytest.raises(StopListUnavailable, match="longer than SUPPRESS_MAX_STALE"):
            one.filter_recipients(people(), "sms")

    def test_a_channel_that_there_is_not_is_known_before_they_come(
        self, made: Callable[..., Suppressor]
    ) -> None:
        one = made()

        def people() -> Iterator[str]:
            if one.settings.ttl:
                pytest.fail("nobody need come")
            yield ANN

        with pytest.raises(UnknownChannel):
            one.filter_recipients(people(), "smss")


class TestAFileThatIsBeingWritten:
    """Whoever writes it goes on while it is waited for."""

    @pytest.fixture
    def paused(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        paused: list[float] = []

        def sleep(seconds: float) -> None:
            paused.append(seconds)
            if seconds:
                with Path("in.txt").open("a") as file:
                    file.write(f"{BOB[-1]}\n")

        monkeypatch.setattr("suppress.cli.input.time.sleep", sleep)
        return paused

    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
        """Run a command, for which an input has to be unchanged for ten minutes."""
        for name, value in environ_of_list(tmp_path, f"{LISTED}\n".encode()).items():
            monkeypatch.setenv(name, value)
        words = [*arguments, "--channel", "sms"]
        return CliRunner().invoke(command_line, words, obj=CommandLimits(quiet=600.0))

    @pytest.mark.slow
    def test_the_last_row_of_a_campaign(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paused: list[float]
    ) -> None:
        Path("in.txt").write_text(f"{ANN}\n{BOB[:-1]}")
        done = self.run(tmp_path, monkeypatch, "filter", "in.txt", "-o", "out")
        assert done.exit_code == 4
        assert "in.txt changed while it was read" in done.stderr
        assert not Path("out").exists()
        done = self.run(tmp_path, monkeypatch, "filter", "in.txt", "-o", "out")
        assert done.exit_code == 0
        assert Path("out").read_text() == f"{ANN}\n{BOB}\n"
        assert len([each for each in paused if each]) == 1, "a last row with an end is whole"

    @pytest.mark.slow
    def test_a_list_of_opt_outs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paused: list[float]
    ) -> None:
        Path("in.txt").write_text(f"{ANN}\n")
        done = self.run(tmp_path, monkeypatch, "add", "--file", "in.txt")
        assert done.exit_code == 4
        assert "in.txt changed while it was read" in done.stderr
        assert self.run(tmp_path, monkeypatch, "check", ANN).exit_code == 0, "nobody is opted out"


class TestAnErrorInTheMiddle:
    """The stop list is in a file; the campaign has a row that cannot be read, far behind."""

    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        environ = environ_of_list(tmp_path, f"{LISTED}\n".encode())
        rows = [LISTED, *[ANN] * 11_000, "\0"]
        (tmp_path / "in.txt").write_text("\n".join(rows))
        return environ

    def test_files_stay_as_they_were(self, environ: dict[str, str], tmp_path: Path) -> None:
        options = ["-o", "--suppressed", "--invalid", "--receipt", "--decisions"]
        for each in options:
            (tmp_path / each).write_text("as it was")
        words = [word for each in options for word in (each, f"./{each}")]
        done = run(["filter", "in.txt", "--channel", "sms", *words], cwd=tmp_path, env=environ)
        assert (done.returncode, done.stdout) == (4, b"")
        assert {(tmp_path / each).read_text() for each in options} == {"as it was"}

    @pytest.mark.parametrize(("pipefail", "status"), [(True, 4), (False, 0)])
    @pytest.mark.slow
    def test_a_pipe_has_rows_and_pipefail_tells(
        self, environ: dict[str, str], tmp_path: Path, *, pipefail: bool, status: int
    ) -> None:
        script = f"{COMMAND} filter in.txt --channel sms | cat"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {script}" if pipefail else script],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            check=False,
        )
        assert done.returncode == status
        assert set(done.stdout.split()) == {ANN.encode()}

    def test_with_max_invalid_a_pipe_has_nothing(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        words = ["in.txt", "--channel", "sms", "--max-invalid", "100%"]
        done = run(["filter", *words], cwd=tmp_path, env=environ)
        assert (done.returncode, done.stdout) == (4, b"")


@pytest.mark.slow
def test_the_command_sees_who_opts_out_while_a_pipe_is_read(tmp_path: Path) -> None:
    environ = environ_of_list(tmp_path, f"{LISTED}\n".encode())
    numbers = [f"+1415555{number:04}" for number in range(2000)]
    one = Suppressor(
        Settings(
            store=Path(environ["SUPPRESS_STORE"]),
            tables={"file": {"path": environ["SUPPRESS_FILE_PATH"], "quiet": 0}},
        ),
        background=False,
    )
    receipt, output = tmp_path / "receipt.json", tmp_path / "allowed.txt"
    rows = "".join(f"{number}\n" for number in numbers * 10)
    with (
        output.open("wb") as stdout,
        subprocess.Popen(
            [COMMAND, "filter", "--channel", "sms", "--receipt", str(receipt)],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(rows.encode())
        process.stdin.flush()
        until = time.monotonic() + 20
        while not output.stat().st_size and time.monotonic() < until:
            time.sleep(0.01)
        one.add([BOB], "sms")
        process.stdin.write(f"{BOB}\n{ANN}\n".encode())
        process.stdin.close()
    assert process.returncode == 0
    allowed = output.read_text().split()
    assert len(allowed) > 20_000 - 20
    assert allowed[-1] == ANN
    document = json.loads(receipt.read_bytes())
    assert document["snapshot"]["opted_out"] == 0
    assert [each["snapshot"]["opted_out"] for each in document["later"]] == [1]
    after = document["later"][0]["after"]
    assert after <= len(allowed) - 1
    (tmp_path / "in.txt").write_text(rows + f"{BOB}\n{ANN}\n")
    done = run_text(["verify", str(receipt), str(tmp_path / "in.txt")], env=environ)
    assert done.returncode == 0, done.stderr
    assert f"From recipient {after + 1:,} on" in done.stdout
