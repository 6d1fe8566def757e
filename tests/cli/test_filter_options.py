"""`suppress filter` with its options: the command as it is typed, against a list in a file."""

import csv
import json
import os
import re
import resource
import signal
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import pytest

from support import commands
from support.builders import environ_of_list
from support.commands import COMMAND, Done
from suppress.numbers.problem import Problem
from suppress.screening.reasons import by_reason

SMS, ANN, BOB = "+14155552671", "+14155552672", "+442079460959"
OLD_CAIRO, NEW_CAIRO = "+20105715722", "+201005715722"
"""One line before and after a change of plan; the old form has a possible length still."""

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A stop list in a file, and a store that has it already."""
    return environ_of_list(tmp_path_factory.mktemp("home"), f"{BOB[:-1]}1\n{SMS}\n".encode())


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder of temporary files."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@pytest.fixture
def run(environ: dict[str, str], folder: Path, temporary: Path) -> Run:
    def running(
        *arguments: str,
        stdin: str = "",
        stdout: int | IO[bytes] = subprocess.PIPE,
    ) -> Done:
        return commands.run(
            ["filter", "--channel", "sms", *arguments],
            cwd=folder,
            env=environ | {"TMPDIR": str(temporary)},
            stdin=stdin.encode(),
            stdout=stdout,
        )

    return running


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def error_of(done: Done, status: int) -> str:
    """The message with which it ended, which is the last line."""
    errors = done.stderr.decode()
    assert done.returncode == status, errors
    assert "Traceback" not in errors
    assert not done.stdout
    error = errors.splitlines()[-1]
    assert error.startswith("Error: ")
    return error


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
@pytest.mark.parametrize(
    "option", ["-o", "--suppressed", "--invalid", "--decisions", "--receipt", "--in-place"]
)
def test_no_output_follows_a_link_of_another_user(run: Run, folder: Path, option: str) -> None:
    (folder / "victim").write_text(f"{ANN}\n")
    folder.chmod(0o1777)
    (folder / "out").symlink_to("victim")
    os.chown(folder / "out", 12345, -1, follow_symlinks=False)
    arguments = ("out", option) if option == "--in-place" else (option, "out")
    error = error_of(run(*arguments, stdin=f"{ANN}\n"), 5)
    assert error.startswith("Error: out cannot be written: the link ")
    assert error.endswith("/out belongs to another user. Give the path that it leads to.")
    assert contents(folder) == {"victim": f"{ANN}\n", "out": f"{ANN}\n"}


class TestSummary:
    def test_invalid_rows_by_reason(self, run: Run) -> None:
        stdin = f"{ANN}\n{SMS}\n4155552672\n4.42E+11\nn/a\n(415) 555-2672\n12\nunknown\n?\n-\n"
        lines = run(stdin=stdin).stderr.decode().splitlines()
        assert lines[0] == "10 recipients: 1 allowed, 1 suppressed, 8 invalid."
        # Most frequent first, and with the fix.
        digits = (
            "are digits without a plus: add --default-region XX, or --default-region international"
        )
        assert lines[1:-1] == [
            "  4 are not phone numbers: correct them, or leave them out.",
            f"  3 {digits} if they carry calling codes.",
            "  1 was cut by a spreadsheet: export the column as text.",
        ]
        assert re.fullmatch(r"The sms stop list of file has 2 numbers .* ago\.", lines[-1])

    def test_many_are_counted_over_all_pieces(self, run: Run) -> None:
        done = run(stdin="4155552672\n" * 11_204 + "n/a\n")
        assert b"\n  11,204 are digits without a plus: " in done.stderr
        assert b"\n  1 is not a phone number: correct it, or leave it out.\n" in done.stderr

    def test_of_one(self, run: Run) -> None:
        done = run(stdin=f"{ANN}\n")
        assert done.stderr.startswith(b"1 recipient: 1 allowed, 0 suppressed, 0 invalid.\nThe sms")

    @pytest.mark.parametrize("problem", Problem)
    @pytest.mark.parametrize("count", [1, 1204])
    def test_every_reason_has_its_sentence_and_fix(self, problem: Problem, count: int) -> None:
        (line,) = by_reason({problem: count})
        verbs = "is|was|has" if count == 1 else "are|were|have"
        assert re.fullmatch(rf"{count:,} ({verbs}) [^:]+: [^:]+\.", line)


class TestDecisions:
    def test_a_row_for_each_recipient(self, run: Run, folder: Path) -> None:
        content = f'name,phone\nA,{SMS}\n"B\n",+1 415 555 2672\nC,=1+1\nD,"x ""y"",\r\nz"\n'
        (folder / "in.csv").write_bytes(content.encode())
        done = run("in.csv", "--column", "phone", "-o", "out", "--decisions", "decisions.csv")
        assert done.returncode == 0, done.stderr
        path = folder / "decisions.csv"
        assert path.read_bytes().splitlines()[0] == (
            b"line,number,outcome,e164,reason,source,entry,since"
        )
        first, *others = [tuple(each.values()) for each in table_of(path)]
        assert first[:-1] == (
            *("2", SMS, "suppressed", SMS, "listed for sms by file (line 2)", "file", "line 2"),
        )
        assert others == [
            ("3", "+1 415 555 2672", "allowed", ANN, "not listed for sms", "", "", ""),
            ("5", "=1+1", "invalid", "", "not a phone number", "", "", ""),
            ("6", 'x "y",\r\nz', "invalid", "", "not a phone number", "", "", ""),
        ]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_several_numbers_of_a_row_stand_together(self, run: Run, folder: Path) -> None:
        (folder / "in.csv").write_text(
            f"phone,mobile\nn/a,{ANN}\n,{BOB}\n{ANN},{SMS}\nn/a,?\n{ANN},{BOB}\n"
        )
        columns = ("--column", "phone", "--column", "mobile")
        done = run("in.csv", *columns, "--decisions", "d.csv", "--receipt", "r.json")
        assert done.stdout == f"phone,mobile\nn/a,{ANN}\n,{BOB}\n{ANN},{BOB}\n".encode()
        found = [
            (each["number"], each["outcome"], each["e164"]) for each in table_of(folder / "d.csv")
        ]
        assert found == [
            (f"n/a; {ANN}", "allowed", ANN),
            (BOB, "allowed", BOB),
            (f"{ANN}; {SMS}", "suppressed", SMS),
            ("n/a; ?", "invalid", ""),
            (f"{ANN}; {BOB}", "allowed", ANN),
        ]
        receipt = json.loads((folder / "r.json").read_bytes())
        assert receipt["counts"] == {"allowed": 3, "suppressed": 1, "invalid": 1}
        assert receipt["columns"] == ["phone", "mobile"]

    def test_of_any_type(self, run: Run, folder: Path) -> None:
        values = [14155552672, 14155552672.0, None, True, {"a": [1]}, ["x"], "\u00e9", -1]
        lines = [json.dumps({"to": value}) for value in values]
        done = run("--column", "to", "--decisions", "d.csv", stdin="\n".join(lines))
        assert done.returncode == 0, done.stderr
        assert [each["number"] for each in table_of(folder / "d.csv")] == [
            *("14155552672", "14155552672.0", "", "true", '{"a":[1]}', '["x"]', "\u00e9", "-1")
        ]
        # Nothing but what is no number: such a row is invalid, and no error.
        done = run("--column", "to", stdin='{"to": {"a": 1}}')
        assert done.stderr.startswith(b"1 recipient: 0 allowed, 0 suppressed, 1 invalid.\n")

    def test_it_does_not_appear_when_the_input_is_broken(self, run: Run, folder: Path) -> None:
        (folder / "d.csv").write_text("old\n")
        done = run("--decisions", "d.csv", "-o", "out", stdin=f"{ANN}\n" * 25_000 + "\0\n")
        assert "line 25001" in error_of(done, 4)
        assert contents(folder) == {"d.csv": "old\n"}


class TestMaxInvalid:
    @pytest.mark.parametrize(
        "bound",
        ["", "x", "-1", "1.5", "%", "101%", "1,000", "1e3", "1 %", "\u0661", ".5%", "9" * 99],
    )
    def test_nonsense_is_refused(self, run: Run, folder: Path, bound: str) -> None:
        done = run("--max-invalid", bound, "-o", "out", stdin=f"{ANN}\n")
        assert "--max-invalid" in error_of(done, 2)
        assert contents(folder) == {}

    @pytest.mark.slow
    def test_nothing_is_written_when_more_are_invalid(
        self, run: Run, folder: Path, temporary: Path
    ) -> None:
        (folder / "no").write_text("old\n")
        beside = ("--suppressed", "no", "--invalid", "bad", "--decisions", "d", "--receipt", "r")
        for out in ((), ("-o", "out"), ("-o", "/dev/stdout")):
            stdin = f"{ANN}\n{SMS}\n" * 10_000 + "n/a\n" * 210
            done = run("--max-invalid", "1%", *out, *beside, stdin=stdin)
            error = error_of(done, 6)
            assert error == (
                "Error: 210 of 20,210 recipients are invalid, and the limit is 1%. Nothing was "
                "written. Correct them, or raise --max-invalid."
            )
            # The reasons say what there is to mend.
            assert b"\n  210 are not phone numbers: " in done.stderr
            assert contents(folder) == {"no": "old\n"}
            assert contents(temporary) == {}

    @pytest.mark.slow
    def test_everything_is_written_when_no_more_are(self, run: Run, folder: Path) -> None:
        stdin = f"{ANN}\n{SMS}\n" * 20_000 + "n/a\n" * 2
        for out in ((), ("-o", "/dev/stdout"), ("-o", "out")):
            done = run("--max-invalid", "2", *out, "--invalid", "bad", stdin=stdin)
            assert done.returncode == 0, done.stderr
            allowed = (folder / "out").read_bytes() if "out" in out else done.stdout
            assert allowed == f"{ANN}\n".encode() * 20_000
            assert (folder / "bad").read_text() == "n/a\n" * 2

    @pytest.mark.slow
    def test_a_full_disk_where_the_rows_are_held(self, environ: dict[str, str]) -> None:
        done = subprocess.run(
            [COMMAND, "filter", "--channel", "sms", "--max-invalid", "0"],
            env=environ,
            input=f"{ANN}\n".encode() * 20_000,
            capture_output=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16)),
        )
        error = error_of(done, 5)
        assert error.startswith("Error: A temporary file cannot be written: File too large.")
        assert "TMPDIR" in error

    def test_standard_output_that_is_full(self, run: Run) -> None:
        with Path("/dev/full").open("wb") as full:
            done = run("--max-invalid", "0", stdin=f"{ANN}\n", stdout=full)
        assert b"Error: Standard output cannot be written: No space left" in done.stderr
        assert done.returncode == 5

    @pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.slow
    def test_a_signal_leaves_nothing_of_what_is_held(
        self, environ: dict[str, str], folder: Path, temporary: Path, sent: signal.Signals
    ) -> None:
        with subprocess.Popen(
            [COMMAND, "filter", "--channel", "sms", "--max-invalid", "0", "--decisions", "d"],
            env=environ | {"TMPDIR": str(temporary)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            # More than a pipe holds, so that it is known to have read some of it.
            process.stdin.write(f"{ANN}\n".encode() * 100_000)
            process.stdin.flush()
            process.send_signal(sent)
            assert process.wait(60) == 128 + sent
            assert process.stdout.read() == b""
        assert contents(folder) == {}
        assert contents(temporary) == {}


class TestOnce:
    def test_the_first_row_of_each_person(self, run: Run, folder: Path) -> None:
        rows = [
            *(f"{ANN},1", f"{SMS},2", "+1 (415) 555-2672,3", f"{OLD_CAIRO},4", "n/a,5"),
            *(f"{NEW_CAIRO},6", f"{BOB},7", f"{SMS},8", "n/a,9", f"{ANN},10"),
        ]
        beside = ("--suppressed", "no", "--invalid", "bad", "--decisions", "d", "--receipt", "r")
        content = "\n".join(["phone,n", *rows]) + "\n"
        (folder / "in.csv").write_text(content)
        done = run("in.csv", "--once", *beside)
        assert done.stdout.decode().splitlines() == ["phone,n", rows[0], rows[3], rows[6]]
        # Nobody else is left out.
        assert (folder / "no").read_text() == f"phone,n\n{SMS},2\n{SMS},8\n"
        assert (folder / "bad").read_text() == "phone,n\nn/a,5\nn/a,9\n"
        assert done.stderr.startswith(
            b"10 recipients: 6 allowed, 2 suppressed, 2 invalid.\n"
            b"  3 repeated: left out, since earlier rows have their numbers.\n"
        )
        told = table_of(folder / "d")
        assert [each["line"] for each in told if "left out" in each["reason"]] == ["4", "7", "11"]
        assert sum(each["outcome"] == "allowed" for each in told) == 6
        receipt = json.loads((folder / "r").read_bytes())
        assert receipt["repeated"] == 3
        assert receipt["counts"] == {"allowed": 6, "suppressed": 2, "invalid": 2}
        done = commands.run(["verify", "r", "in.csv"], cwd=folder, check=True)
        assert b": 6 allowed, 2 suppressed, 2 invalid; 3 repeated." in done.stdout

    def test_over_all_pieces(self, run: Run) -> None:
        numbers = [f"+1415555{n:04}" for n in range(2671, 9000)]
        stdin = "\n".join(numbers * 5)
        done = run("--once", stdin=stdin)
        assert done.stdout.decode().split() == numbers[1:]
        assert b"\n  25,312 repeated: " in done.stderr

    def test_without_it_nobody_is_left_out(self, run: Run) -> None:
        done = run(stdin=f"{ANN}\n{ANN}\n")
        assert done.stdout == f"{ANN}\n{ANN}\n".encode()
        assert b"repeated" not in done.stderr
        assert b"\n  0 repeated.\n" in run("--once", stdin=f"{ANN}\n").stderr


class TestInPlace:
    CONTENT = f"{ANN}\n{SMS}\nn/a\n"

    @pytest.fixture
    def path(self, folder: Path) -> Path:
        path = folder / "in.txt"
        path.write_text(self.CONTENT)
        return path

    def test_it_replaces_the_input(self, run: Run, folder: Path, path: Path) -> None:
        path.chmod(0o640)
        before = path.stat().st_ino
        done = run("in.txt", "--in-place", "--suppressed", "no")
        assert (done.returncode, done.stdout) == (0, b"")
        assert contents(folder) == {"in.txt": f"{ANN}\n", "no": f"{SMS}\n"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert path.stat().st_ino != before
        assert stat.S_IMODE((folder / "no").stat().st_mode) == 0o600

    def test_a_link_is_followed(self, run: Run, folder: Path, path: Path) -> None:
        link = folder / "link"
        link.symlink_to(path)
        assert run("link", "--in-place").returncode == 0
        assert link.is_symlink()
        assert path.read_text() == f"{ANN}\n"

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs another owner")
    def test_it_keeps_its_owner(self, run: Run, path: Path) -> None:
        os.chown(path, 1234, 4321)
        assert run("in.txt", "--in-place").returncode == 0
        assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)

    @pytest.mark.parametrize(
        ("arguments", "status", "message"),
        [
            (["in.txt", "--in-place", "-o", "out"], 2, "--in-place and --output exclude"),
            (["in.txt", "--in-place", "-o", "-"], 2, "--in-place and --output exclude"),
            (["in.txt", "--in-place", "--invalid", "./in.txt"], 2, "--invalid names the input"),
            (["--in-place"], 2, "not standard input"),
            (["-", "--in-place"], 2, "not standard input"),
            (["/dev/null", "--in-place"], 2, "/dev/null is not one"),
            (["none.txt", "--in-place"], 4, "none.txt cannot be read"),
            (["in.txt", "--in-place", "--max-invalid", "0"], 6, "1 of 3 recipients are invalid"),
            (["in.txt", "--in-place", "--format", "csv", "--column", "x"], 4, "not in the header"),
            (["in.txt", "--in-place", "--suppressed", "no/where"], 5, "no/where cannot be written"),
        ],
    )
    def test_refused_it_leaves_the_input(
        self,
        run: Run,
        folder: Path,
        path: Path,
        arguments: Sequence[str],
        status: int,
        message: str,
    ) -> None:
        assert message in error_of(run(*arguments, stdin=self.CONTENT), status)
        assert contents(folder) == {"in.txt": self.CONTENT}

    @pytest.mark.parametrize("change", ["append", "replace"])
    @pytest.mark.slow
    def test_what_changes_meanwhile_is_not_lost(
        self, environ: dict[str, str], folder: Path, path: Path, change: str
    ) -> None:
        """Another program is at work on the file while it is read."""
        read, write = os.pipe()
        # It waits to write the suppressed rows, of which there are more than a pipe holds.
        path.write_text(f"{SMS}\n" * 40_000)
        with subprocess.Popen(
            [COMMAND, "filter", "in.txt", "--channel", "sms", "--in-place", "--suppressed", "-"],
            env=environ,
            cwd=folder,
            stdout=write,
            stderr=subprocess.PIPE,
        ) as process:
            os.close(write)
            with os.fdopen(read, "rb") as reader:
                assert reader.read(5) == SMS[:5].encode()
                if change == "append":
                    with path.open("a") as stream:
                        stream.write(f"{ANN}\n")
                else:
                    (folder / "new").write_text(f"{ANN}\n")
                    (folder / "new").replace(path)
                reader.read()
            assert process.stderr is not None
            error = process.stderr.read().decode()
        assert process.returncode == 4, error
        assert ("changed" if change == "append" else "was replaced") in error
        assert path.read_text().endswith(f"{ANN}\n")
        assert [each.name for each in folder.iterdir()] == ["in.txt"]


class TestOutputsThatNameTheInput:
    @pytest.fixture(autouse=True)
    def files(self, folder: Path) -> None:
        (folder / "in.txt").write_text(f"{ANN}\n{SMS}\n")
        (folder / "link").symlink_to("in.txt")
        (folder / "hard").hardlink_to(folder / "in.txt")

    @pytest.mark.parametrize(
        "option", ["-o", "--suppressed", "--invalid", "--decisions", "--receipt"]
    )
    @pytest.mark.parametrize("place", ["in.txt", "./in.txt", "link", "hard"])
    def test_they_are_refused(self, run: Run, folder: Path, option: str, place: str) -> None:
        before = contents(folder)
        error = error_of(run("in.txt", option, place), 2)
        assert f"{option} names the input".replace("-o ", "--output ") in error
        assert ("--in-place" in error) == (option == "-o")
        assert contents(folder) == before

    @pytest.mark.slow
    def test_as_standard_input(self, environ: dict[str, str], folder: Path) -> None:
        before = contents(folder)
        with (folder / "in.txt").open("rb") as stream:
            command = [COMMAND, "filter", "--channel", "sms", "-o", "in.txt"]
            done = subprocess.run(
                command, cwd=folder, env=environ, stdin=stream, capture_output=True, check=False
            )
        assert "--output names the input" in error_of(done, 2)
        assert contents(folder) == before

    def test_two_outputs_are_told_apart_from_it(self, run: Run, folder: Path) -> None:
        assert "the same file" in error_of(run("in.txt", "-o", "d", "--decisions", "./d"), 2)
        # A file that is no output of today is no input either.
        assert run("link", "-o", "out").returncode == 0
        assert (folder / "out").read_text() == f"{ANN}\n"


class TestReport:
    """`--report`: a page beside the allowed rows."""

    CAMPAIGN = f"phone\n{SMS}\n{ANN}\nx\n".encode()

    def test_it_is_written_with_the_rows(self, run: Run, folder: Path) -> None:
        pytest.importorskip("jinja2")
        pytest.importorskip("babel")
        (folder / "in.csv").write_bytes(self.CAMPAIGN)
        options = "-o", "out.csv", "--receipt", "receipt.json", "--report", "report.html"
        done = run("in.csv", *options)
        assert done.returncode == 0, done.stderr
        assert (folder / "out.csv").read_text() == f"phone\n{ANN}\n"
        page = (folder / "report.html").read_text()
        assert "1 of 3 recipients may be messaged" in page
        assert "in.csv" in page
        digest = json.loads((folder / "receipt.json").read_bytes())["digest"]
        assert digest in page
        if os.name == "posix":
            assert stat.S_IMODE((folder / "report.html").stat().st_mode) == 0o600
