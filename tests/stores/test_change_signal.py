"""The signal of a change: seen at once, from memory, and harmless where there can be none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suppress.stores.change_signal import ChangeSignal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "changes"


def attached(path: Path) -> ChangeSignal:
    signal = ChangeSignal(path)
    signal.attach()
    return signal


def test_a_change_is_seen_by_all(path: Path) -> None:
    one, two = attached(path), attached(path)
    seen = {one.version()}
    for _ in range(100):
        one.notify()
        assert one.version() == two.version()
        seen.add(two.version())
    assert len(seen) == 101


@pytest.mark.slow
def test_a_change_in_another_process_is_seen(path: Path) -> None:
    signal = attached(path)
    before = signal.version()
    code = (
        "import pathlib, sys; from suppress.stores.change_signal import ChangeSignal\n"
        "ChangeSignal(pathlib.Path(sys.argv[1])).notify()"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
    assert signal.version() != before


def test_without_a_change_it_stays_as_it_is(path: Path) -> None:
    signal = attached(path)
    signal.notify()
    before = signal.version()
    for _ in range(3):
        signal.attach()
        assert signal.version() == before
    assert attached(path).version() == before


def test_a_file_that_is_made_again_is_mapped_again(path: Path) -> None:
    one, two = attached(path), attached(path)
    path.unlink()
    one.notify()
    before = two.version()
    two.attach()
    assert two.version() != before
    two.notify()
    one.attach()
    assert one.version() == two.version()


def test_one_that_was_cut_short_is_made_whole(path: Path) -> None:
    """Reading a map beyond the file's end would kill the process."""
    path.write_bytes(b"abc")
    signal = attached(path)
    assert path.stat().st_size == 8
    signal.notify()
    assert signal.version() != 0


@pytest.mark.skipif(os.name == "nt", reason="folders have no such modes")
def test_who_may_only_read_is_told_as_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = attached(path)
    system_open = os.open

    def refusing(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(name)
        return system_open(name, flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr("os.open", refusing)
        reader = attached(path)
        reader.notify()  # without success
    before = reader.version()
    assert before == writer.version()
    writer.notify()
    assert reader.version() == writer.version() != before


def test_where_there_can_be_no_file_nothing_is_raised(tmp_path: Path) -> None:
    signal = attached(tmp_path / "none" / "changes")
    signal.notify()
    assert signal.version() == 0


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    attached(path)
    assert path.stat().st_mode & 0o777 == 0o600
