"""An in-house list in a file: how its rows become a stop list, and what is refused."""

import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import suppress.testing
from support.builders import ListSource, listed
from suppress import ConfigurationError, Settings, SourceError, StopListUnavailable, Suppressor
from suppress_file import FileSettings, FileSource, FileSourceLimits

LATER = "+14155552674"
LISTED, OTHER, NATIONAL = "+14155552671", "+14155552672", "(415) 555-2671"


def suppressor_of(path: Path, content: bytes | None = None, **own: Any) -> Suppressor:
    """One whose only source is the file."""
    if content is not None:
        path.write_bytes(content)
    table = {"path": str(path), "quiet": 0, **own}
    return Suppressor(Settings(store=None, tables={"file": table}))


class TestContract(suppress.testing.SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> FileSource:
        path = tmp_path / "list.csv"
        path.write_text(f"name,phone\nA,{LISTED}\nB,{OTHER}\nC,{LISTED}\n")
        return FileSource(FileSettings(path=path, quiet=0), None)

    @pytest.fixture
    def failing_source(self, tmp_path: Path) -> FileSource:
        path = tmp_path / "cut.csv"
        path.write_text(f"name,phone\nA,{LISTED}\nB\nC,{OTHER}\n")
        return FileSource(FileSettings(path=path, quiet=0), None)


@pytest.mark.parametrize(
    ("name", "content", "own"),
    [
        ("list.txt", b"+14155552671\r\n\r\n+442079460958", {}),
        ("list.csv", b"\xef\xbb\xbfname,phone\nA,+14155552671\nB,+442079460958\n", {}),
        ("list.csv", b"a;b\n1;+14155552671\n2;+442079460958\n", {"column": "b"}),
        ("list.tsv", b"name\tphone\nA\t+14155552671\nB\t+442079460958\n", {}),
        ("list.jsonl", b'{"phone": 14155552671}\n{"phone": "+442079460958"}\n', {}),
        ("list.jsonl", b'{"a": 1, "b": 14155552671}\n{"b": 442079460958}\n', {"column": "b"}),
        ("list", b"phone\n+14155552671\n+442079460958\n", {"format": "csv"}),
        ("list.csv", b"+14155552671\n+442079460958\n", {"format": "text"}),
    ],
)
def test_every_form_of_file(
    tmp_path: Path, name: str, content: bytes, own: Mapping[str, Any]
) -> None:
    suppressor = suppressor_of(tmp_path / name, content, **own)
    assert set(suppressor.snapshot("sms").numbers) == {LISTED, "+442079460958"}
    assert suppressor.snapshot("sms").sources == ("file",)
    assert suppressor.filter_recipients([LISTED, OTHER, 442079460958], "sms") == [OTHER]


def test_channels(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    assert suppressor_of(path, LISTED.encode()).channels == ("sms", "viber")
    suppressor = suppressor_of(path, channels=["email", "sms"])
    assert suppressor.channels == ("email", "sms")
    snapshots = suppressor.refresh()
    assert {channel: set(each.numbers) for channel, each in snapshots.items()} == {
        "email": {LISTED},
        "sms": {LISTED},
    }
    with pytest.raises(suppress.UnknownChannel, match="email, sms"):
        suppressor.is_suppressed(LISTED, "viber")


@pytest.mark.parametrize(
    ("general", "own", "number"),
    [
        ("US", None, LISTED),
        (None, "US", LISTED),
        ("GB", "US", LISTED),
        (None, "us", LISTED),
        ("US", "GB", "+444155552671"),
    ],
)
def test_default_region(tmp_path: Path, general: str | None, own: str | None, number: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{NATIONAL}\n")
    table = {"path": str(path), "quiet": 0} | ({} if own is None else {"default_region": own})
    settings = Settings(store=None, default_region=general, tables={"file": table})
    assert set(Suppressor(settings).snapshot("sms").numbers) == {number}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.txt", f"{LISTED}\n\n{NATIONAL}\n", r"list\.txt, line 3: \(415\*{5}71: .*plus"),
        (
            "list.csv",
            f'name,phone\n"A\nB",{LISTED}\nA,{LISTED}\nC,04155552671\n',
            r"line 5: 041\*{6}71: ",
        ),
        ("list.csv", f"name,phone\nA,{LISTED}\nB,\n", r"list\.csv, line 3: .*no number"),
        ("list.csv", f"name,phone\nA,{LISTED}\nB\n", r"list\.csv, line 3: .*1 field, "),
        ("list.jsonl", f'{{"phone": "{LISTED}"}}\n{{"phone": null}}\n', "line 2: .*no number"),
        ("list.jsonl", '{"phone": 14155552671.5}\n', "line 1: .*not text"),
        ("list.jsonl", f'{{"phone": "{LISTED}"}}\n{{"mobile": 1}}\n', "line 2: .*no key 'phone'"),
    ],
)
def test_a_row_that_cannot_be_read_fails_the_load(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    suppressor = suppressor_of(tmp_path / name, content.encode())
    with pytest.raises(StopListUnavailable, match=message) as caught:
        suppressor.filter_recipients([OTHER], "sms")
    assert "'file'" in str(caught.value)
    assert "555" not in str(caught.value).replace(str(tmp_path), "")
    assert suppressor.stored("sms") is None


WORK = "+442079460958"


@pytest.mark.parametrize(
    ("column", "listed_ones"),
    [(["phone", "work"], {LISTED, OTHER, WORK}), (["work"], {WORK}), ("phone", {LISTED, OTHER})],
)
def test_several_columns(tmp_path: Path, column: Any, listed_ones: set[str]) -> None:
    content = f"name,phone,work\nA,{LISTED},{WORK}\n,,\nB,{OTHER}, \n"
    if column == ["work"]:
        content = content.replace(f"B,{OTHER}, \n", "")
    suppressor = suppressor_of(tmp_path / "list.csv", content.encode(), column=column)
    assert set(suppressor.snapshot("sms").numbers) == listed_ones


@pytest.mark.parametrize(
    ("row", "message"),
    [("B,, ", "line 3: .*no number"), (f"B,{OTHER},n/a", "line 3: n/a: not a phone number")],
)
def test_several_columns_with_a_row_that_cannot_be_read(
    tmp_path: Path, row: str, message: str
) -> None:
    content = f"name,phone,work\nA,{LISTED},{WORK}\n{row}\n"
    suppressor = suppressor_of(tmp_path / "list.csv", content.encode(), column=["phone", "work"])
    with pytest.raises(StopListUnavailable, match=message):
        suppressor.refresh()


def test_the_region_helps_to_tell_the_column(tmp_path: Path) -> None:
    content = f"name,phone\nA,{NATIONAL}\n".encode()
    suppressor = suppressor_of(tmp_path / "list.csv", content, default_region="US")
    assert set(suppressor.snapshot("sms").numbers) == {LISTED}


@pytest.mark.parametrize("column", ["phone, work", "phone"])
def test_columns_from_the_environment(tmp_path: Path, column: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"phone,work\n{LISTED},{WORK}\n")
    environ = {
        "SUPPRESS_STORE": "none",
        "SUPPRESS_FILE_PATH": str(path),
        "SUPPRESS_FILE_COLUMN": column,
        "SUPPRESS_FILE_QUIET": "0",
    }
    snapshot = Suppressor(Settings.load(environ=environ)).snapshot("sms")
    assert set(snapshot.numbers) == ({LISTED, WORK} if "," in column else {LISTED})


def test_bytes_that_are_no_text_fail_the_load(tmp_path: Path) -> None:
    suppressor = suppressor_of(tmp_path / "list.txt", b"+14155552671\n\xff\n")
    with pytest.raises(StopListUnavailable, match=r"list\.txt, line 2: .*UTF-8"):
        suppressor.refresh()


@pytest.mark.parametrize("path", ["missing.txt", "."])
def test_a_missing_file(tmp_path: Path, path: str) -> None:
    suppressor = suppressor_of(tmp_path / path)
    with pytest.raises(StopListUnavailable, match=r"cannot be read: (No such file|Is a dir)") as no:
        suppressor.is_suppressed(OTHER, "sms")
    assert str(tmp_path / path) in str(no.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", b""),
        ("list.txt", b"\n\r\n"),
        ("list.csv", b""),
        ("list.tsv", b"\n"),
        ("list.jsonl", b""),
    ],
)
def test_an_empty_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    suppressor = suppressor_of(tmp_path / name, content)
    with pytest.raises(StopListUnavailable, match=f"{name} is empty"):
        suppressor.filter_recipients([OTHER], "sms")


@pytest.mark.parametrize("content", [b"phone\n", b"name,phone\r\n\r\n", b"\xef\xbb\xbfphone"])
def test_a_header_alone_is_a_list_of_nobody(tmp_path: Path, content: bytes) -> None:
    suppressor = suppressor_of(tmp_path / "list.csv", content)
    assert suppressor.snapshot("sms").count == 0
    assert suppressor.filter_recipients([OTHER], "sms") == [OTHER]


def test_the_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    suppressor = suppressor_of(path, LISTED.encode())
    assert not suppressor.is_suppressed(OTHER, "sms")
    path.write_text(OTHER)
    suppressor.refresh("sms")
    assert suppressor.is_suppressed(OTHER, "sms")
    assert not suppressor.is_suppressed(LISTED, "sms")


class TestAFileThatIsBeingWritten:
    """The waiting times are shorter than by default."""

    def source(self, path: Path, quiet: float = 0.2, **limits: Any) -> FileSource:
        given = FileSourceLimits(**{"max_wait": 10.0, **limits})
        return FileSource(FileSettings(path=path, quiet=quiet), None, limits=given)

    def numbers(self, source: FileSource) -> list[Any]:
        found = source.load(frozenset({"sms"}), lambda _done, _total: None)
        return [number for each in found for number in each.numbers]

    @pytest.mark.slow
    def test_is_waited_for(self, tmp_path: Path) -> None:
        """The last line is cut until the writer goes on."""
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n{OTHER[:-1]}")

        def go_on() -> None:
            with path.open("a") as file:
                for part in (OTHER[-1], f"\n{LATER}\n"):
                    time.sleep(0.05)
                    file.write(part)
                    file.flush()

        writer = threading.Thread(target=go_on)
        writer.start()
        assert self.numbers(self.source(path)) == [LISTED, OTHER, LATER]
        writer.join()

    def test_that_changes_while_it_is_read_is_read_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n{OTHER}\n")
        found = path.stat()
        copied: list[Any] = []

        def copying(stream: Any, to: Any, size: int) -> None:
            """Another process writes in the middle of it, and hides that, as far as it can."""
            to.write(stream.read(len(LISTED) + 1))
            if not copied:
                path.write_text(f"{LISTED}\n{LATER}\n")
                os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
            copied.append(to)
            to.write(stream.read())

        monkeypatch.setattr(shutil, "copyfileobj", copying)
        assert self.numbers(self.source(path, quiet=0)) == [LISTED, LATER]
        assert len(copied) == 2

    def test_that_another_takes_the_place_of_is_read_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n")
        copy = shutil.copyfileobj

        def copying(stream: Any, to: Any, size: int) -> None:
            copy(stream, to, size)
            if LATER not in path.read_text():
                (tmp_path / "new.txt").write_text(f"{LATER}\n")
                (tmp_path / "new.txt").replace(path)

        monkeypatch.setattr(shutil, "copyfileobj", copying)
        assert self.numbers(self.source(path, quiet=0)) == [LATER]

    @pytest.mark.slow
    def test_without_end_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n")
        done = threading.Event()

        def go_on() -> None:
            while not done.wait(0.02):
                with path.open("a") as file:
                    file.write(f"{OTHER}\n")

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            with pytest.raises(SourceError, match=r"list\.txt is being written: .* rename that"):
                self.numbers(self.source(path, max_wait=0.5))
        finally:
            done.set()
            writer.join()

    def test_the_wait_ends_with_the_load(self, tmp_path: Path) -> None:
        """An error of `progress` says that nobody waits any more."""
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n")

        def gone(_done: int, _total: int | None) -> None:
            raise TimeoutError

        began = time.monotonic()
        with pytest.raises(SourceError):
            list(self.source(path, quiet=9).load(frozenset({"sms"}), gone))
        assert time.monotonic() - began < 5

    def test_one_of_long_ago_is_not_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n")
        time.sleep(0.1)
        told: list[tuple[int, int | None]] = []
        source = self.source(path, quiet=0.1)
        assert list(source.load(frozenset({"sms"}), lambda *given: told.append(given)))
        assert (0, None) not in told

    def test_a_time_in_the_future_is_no_reason_to_wait_for_ever(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n")
        monkeypatch.setattr(time, "time", lambda: 0.0)
        assert self.numbers(self.source(path, quiet=0.05)) == [LISTED]

    def test_a_large_one_is_copied_to_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"{LISTED}\n{OTHER}\n")
        assert self.numbers(self.source(path, quiet=0, max_in_memory=5)) == [LISTED, OTHER]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="takes a pipe with a name")
    def test_a_pipe_is_read_as_it_comes(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_text, args=(f"{LISTED}\n",))
        writer.start()
        assert self.numbers(self.source(path)) == [LISTED]
        writer.join()

    @pytest.mark.slow
    def test_rows_that_are_rewritten_meanwhile_are_all_read(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        rows = "".join(f"+1415555{number:04}\n" for number in range(10_000))
        path.write_text(rows)
        suppressor = suppressor_of(path, quiet=0.3)

        def rewrite() -> None:
            with path.open("w") as file:
                for start in range(0, len(rows), 30_000):
                    file.write(rows[start : start + 30_000])
                    file.flush()
                    time.sleep(0.02)

        writer = threading.Thread(target=rewrite)
        writer.start()
        try:
            assert suppressor.snapshot("sms").count == 10_000
        finally:
            writer.join()


@pytest.mark.parametrize(
    "other",
    [
        {"column": "work"},
        {"column": ["home", "work"]},
        {"format": "csv", "column": "work"},
        {"default_region": "GB"},
        {"path": "other.csv"},
    ],
)
def test_a_snapshot_made_under_other_settings_is_not_used(
    tmp_path: Path, other: dict[str, str]
) -> None:
    (tmp_path / "list.csv").write_text(f"home,work\n{LISTED},{OTHER}\n")
    (tmp_path / "other.csv").write_text(f"home\n{OTHER}\n")
    table = {"path": "list.csv", "column": "home", "quiet": 0}
    tables = [table, table | other]
    one, two = (
        Suppressor(Settings(store=tmp_path / "store", tables={"file": table})) for table in tables
    )
    one.refresh()
    assert two.stored("sms") is None


def test_united_with_another_source(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(LISTED)
    other = ListSource([*listed(OTHER), *listed("+442079460958", channels=["viber"])])
    suppressor = Suppressor(
        Settings(store=None, tables={"file": {"path": str(path), "quiet": 0}}), plugins=[other]
    )
    everyone = [LISTED, OTHER, "+442079460958", "+442079460959"]
    assert suppressor.filter_recipients(everyone, "sms") == everyone[2:]
    assert suppressor.filter_recipients(everyone, "viber") == [OTHER, everyone[3]]
    assert set(suppressor.snapshot("sms").sources) == {"file", "list"}


def test_several_files(tmp_path: Path) -> None:
    numbers = {"file": LISTED, "file.hr": OTHER, "file.old": LATER}
    for name, number in numbers.items():
        (tmp_path / name).write_text(number)
    plain, hr, old = ({"path": str(tmp_path / name), "quiet": 0} for name in numbers)
    table = {**plain, "hr": hr, "old": {**old, "channels": ["sms"]}}
    suppressor = Suppressor(Settings(store=None, tables={"file": table}))
    everyone = [*numbers.values(), "+442079460958"]
    assert suppressor.filter_recipients(everyone, "sms") == everyone[3:]
    assert suppressor.filter_recipients(everyone, "viber") == everyone[2:]
    assert suppressor.snapshot("sms").sources == tuple(numbers)
    [decision] = suppressor.screen([OTHER], "sms")
    assert decision.reason == "listed for sms by file.hr (line 1)"


def test_a_file_with_a_name_fails_under_that_name(tmp_path: Path) -> None:
    table = {"hr": {"path": str(tmp_path / "list.txt"), "quiet": 0}}
    (tmp_path / "list.txt").write_text("n/a")
    with pytest.raises(StopListUnavailable, match=r"from the source 'file\.hr': .*line 1"):
        Suppressor(Settings(store=None, tables={"file": table})).refresh()
    table["hr"]["quiet"] = 30
    with pytest.raises(
        ConfigurationError, match=r"SUPPRESS_FILE_HR_QUIET .*\[suppress\.file\.hr\]"
    ):
        Suppressor(Settings(store=None, tables={"file": table}))


@pytest.mark.parametrize("failing", ["file", "list"])
def test_if_one_source_fails_the_load_fails(tmp_path: Path, failing: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text("n/a" if failing == "file" else LISTED)
    other = ListSource(listed(OTHER))
    if failing == "list":
        other.failure = suppress.SourceError("It is away.")
    suppressor = Suppressor(
        Settings(store=None, tables={"file": {"path": str(path), "quiet": 0}}), plugins=[other]
    )
    with pytest.raises(StopListUnavailable, match=f"'{failing}'"):
        suppressor.filter_recipients(["+442079460958"], "sms")


@pytest.mark.parametrize(
    ("table", "environ", "message"),
    [
        ({"column": "phone"}, {}, r"SUPPRESS_FILE_PATH \(`path` in the .* is missing"),
        ({"path": 5}, {}, r"SUPPRESS_FILE_PATH \(`path`"),
        ({"path": "x", "colum": "phone"}, {}, "'colum' .*Did you mean 'column'"),
        ({"path": "x", "channels": "sms"}, {}, r"SUPPRESS_FILE_CHANNELS \(`channels`"),
        ({"path": "x", "channels": []}, {}, "channels"),
        ({"path": "x", "channels": ["SMS"]}, {}, "channel name 'SMS'"),
        ({"path": "x", "format": "xlsx"}, {}, r"SUPPRESS_FILE_FORMAT \(`format`"),
        ({"path": "x", "quiet": -1}, {}, r"SUPPRESS_FILE_QUIET \(`quiet`"),
        ({"path": "x", "quiet": 30}, {}, r"SUPPRESS_FILE_QUIET \(`quiet`"),
        ({"path": "x", "default_region": "UK"}, {}, "default_region.*'UK'"),
        ({}, {"SUPPRESS_FILE_COLUMN": "phone"}, "SUPPRESS_FILE_PATH"),
        ({}, {"SUPPRESS_FILE_PATH": "x", "SUPPRESS_FILE_CHANNELS": ","}, "channels"),
        ({}, {"SUPPRESS_FILE_PATH": "x", "SUPPRESS_FILE_FORMAT": "CSV"}, "SUPPRESS_FILE_FORMAT"),
    ],
)
def test_settings_that_make_no_sense(
    table: dict[str, Any], environ: dict[str, str], message: str
) -> None:
    tables = {"file": table} if table else {}
    with pytest.raises(ConfigurationError, match=message):
        Suppressor(Settings(store=None, tables=tables, environ=environ))


def test_asked_for_but_not_configured() -> None:
    with pytest.raises(ConfigurationError, match="SUPPRESS_FILE_PATH"):
        Suppressor(Settings(store=None, sources=("file",)))


def test_configured_but_not_asked_for(tmp_path: Path) -> None:
    other = ListSource(listed(OTHER))
    settings = Settings(store=None, sources=("list",), tables={"file": {"path": "missing"}})
    assert Suppressor(settings, plugins=[other]).filter_recipients([LISTED], "sms") == [LISTED]


def test_settings_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"a,b\n{OTHER},{NATIONAL}\n")
    environ = {
        "SUPPRESS_STORE": "none",
        "SUPPRESS_FILE_PATH": str(path),
        "SUPPRESS_FILE_COLUMN": "b",
        "SUPPRESS_FILE_CHANNELS": "sms, email",
        "SUPPRESS_FILE_QUIET": "0",
        "SUPPRESS_FILE_DEFAULT_REGION": "US",
    }
    suppressor = Suppressor(Settings.load(environ=environ))
    assert suppressor.channels == ("email", "sms")
    assert set(suppressor.snapshot("email").numbers) == {LISTED}


def test_a_path_in_the_settings_file_is_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "list.txt").write_text(LISTED)
    file = folder / "suppress.toml"
    file.write_text('[suppress]\nstore = "none"\n[suppress.file]\npath = "list.txt"\nquiet = 0\n')
    suppressor = Suppressor(Settings.load(file, environ={}))
    assert suppressor.is_suppressed(LISTED, "sms")
