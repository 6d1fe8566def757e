"""Files that appear whole or not at all."""

import contextlib
import gc
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from suppress import atomic
from suppress.atomic import atomic_write, remove_unfinished, with_filename


@pytest.mark.parametrize("before", [None, b"old"])
def test_the_file_appears_when_the_block_ends(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "out"
    if before is not None:
        path.write_bytes(before)
    with atomic_write(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert (path.read_bytes() if path.exists() else None) == before
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208 - hidden ones too


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_nothing_changes_when_the_block_fails(
    tmp_path: Path, before: bytes | None, error: type[BaseException]
) -> None:
    path = tmp_path / "out"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(error), atomic_write(path) as stream:  # noqa: PT012
        stream.write(b"new")
        stream.flush()
        raise error
    left = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert left == ({} if before is None else {"out": before})


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"")
    path.chmod(0o644)
    with atomic_write(path) as stream:
        (hidden,) = (each for each in tmp_path.iterdir() if each != path)
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o600
        stream.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("group", "mode"), [(None, 0o664), (PermissionError, 0o604)])
def test_it_is_like_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: type[OSError] | None, mode: int
) -> None:
    """A group that cannot be given has none of its rights given to another one."""
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o664)
    like = path.stat()
    if group is not None:

        def refuse(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "fchown", refuse)
        # As the system has it, for a file of another user and group.
        like = os.stat_result([*like[:4], like.st_uid + 1, like.st_gid + 1, *like[6:]])
    with atomic_write(path, like=like) as stream:
        (hidden,) = (each for each in tmp_path.iterdir() if each != path)
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o600
        stream.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert link.readlink() == target
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("way", ["at the path", "on the way to it", "behind a link of one's own"])
def test_a_link_of_another_user_is_not_followed(
    tmp_path: Path, given_away: Callable[[Path], None], way: str
) -> None:
    """As in a folder that all can write, to have a file of one's own overwritten."""
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_bytes(b"old")
    folder.mkdir(0o1777)
    path = link = folder / "out"
    if way == "on the way to it":
        link = folder / "results"
        link.symlink_to("..")
        path = link / "victim"
    else:
        link.symlink_to(victim)
    if way == "behind a link of one's own":
        path = tmp_path / "own"
        path.symlink_to(folder / "x" / ".." / "out")
        (folder / "x").mkdir()
    given_away(link)
    with pytest.raises(PermissionError) as raised, atomic_write(path):
        pytest.fail("it was opened")
    if os.geteuid() == 0:
        said = f"the link {link} belongs to another user. Give the path that it leads to"
        assert raised.value.strerror == said
    assert raised.value.filename == str(path)
    assert victim.read_bytes() == b"old"


def test_links_in_a_circle_are_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="Too many levels"), atomic_write(tmp_path / "one"):
        pytest.fail("it was opened")


def test_a_fifo_of_another_user_is_not_written_to(
    fifo: Path, given_away: Callable[[Path], None]
) -> None:
    """Its maker would read every row."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    given_away(fifo)
    with pytest.raises(PermissionError, match="a pipe of another user"), atomic_write(fifo):
        pytest.fail("it was opened")
    os.close(reader)


def test_a_device_is_written_through() -> None:
    # A terminal of the test's own: broken code, run by root, would replace /dev/null for all.
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as reader:
        path = Path(os.ttyname(slave))
        with atomic_write(path) as stream:
            stream.write(b"new")
        assert reader.read(3) == b"new"
        assert stat.S_ISCHR(path.stat().st_mode)
        os.close(slave)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("linked", [False, True])
def test_a_fifo_is_written_through(fifo: Path, linked: bool) -> None:
    path = fifo
    if linked:
        path = fifo.with_name("link")
        path.symlink_to(fifo)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()), daemon=True)
    reader.start()
    with atomic_write(path) as stream:
        stream.write(b"new")
    reader.join(10)
    assert received == [b"new"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert {each.name for each in fifo.parent.iterdir()} <= {"fifo", "link"}


def test_a_pipe_by_its_descriptor_is_written_through() -> None:
    """A shell makes one of `>(...)`, and of /dev/stdout in a pipe."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader:
        with atomic_write(Path(f"/dev/fd/{write}")) as stream:
            stream.write(b"new")
        os.close(write)
        assert reader.read() == b"new"


@pytest.mark.parametrize("path", ["missing/out", "file/out", "."])
def test_what_cannot_be_written_is_an_oserror(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError), atomic_write(tmp_path / path):  # noqa: PT011 - of whatever kind
        pytest.fail("it was opened")
    assert {each.name for each in tmp_path.iterdir()} == {"file"}
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("failing", ["fsync", "replace", "write", "close"])
def test_a_disk_that_fails_is_an_oserror_that_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if failing in ("fsync", "replace"):
        monkeypatch.setattr(os, failing, fail)
    # What cannot be written cannot be written by closing either.
    device = Path("/dev/full") if failing in ("write", "close") else path
    with pytest.raises(OSError, match="No space left") as raised, atomic_write(device) as stream:  # noqa: PT012
        stream.write(b"new")
        if failing == "write":
            with with_filename("written"):
                stream.flush()
    assert raised.value.filename == ("written" if failing == "write" else str(device))
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"out": b"old"}


@pytest.mark.parametrize("name", ["x" * 255, "\u20ac" * 85])
def test_a_name_as_long_as_names_may_be(tmp_path: Path, name: str) -> None:
    with atomic_write(tmp_path / name) as stream:
        stream.write(b"new")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {name: b"new"}


def test_unfinished_files_are_given_up(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "out") as stream:  # noqa: PT012
        stream.write(b"new")
        stream.flush()
        assert len(list(tmp_path.iterdir())) == 1
        remove_unfinished()
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_an_interrupt_between_any_two_steps_leaves_nothing(tmp_path: Path) -> None:
    """Each line of the code is the one that is interrupted; then the process ends."""
    path = tmp_path / "out"
    files = {atomic.__file__, contextlib.__file__}
    for steps in range(500):
        path.write_bytes(b"old")
        left = steps

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename not in files:
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with atomic_write(path) as stream:
                stream.write(b"new")
        except KeyboardInterrupt:
            pass
        else:
            break
        finally:
            sys.settrace(before)
        remove_unfinished()
        found = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
        assert found in ({"out": b"old"}, {"out": b"new"}), steps
    assert 20 < steps < 499
    gc.collect()
