"""Files that appear whole or not at all."""

import os
import stat
import threading
from pathlib import Path

import pytest

from suppress.atomic import replacing


@pytest.mark.parametrize("before", [None, b"old"])
def test_the_file_appears_when_the_block_ends(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "out"
    if before is not None:
        path.write_bytes(before)
    with replacing(path) as stream:
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
    with pytest.raises(error), replacing(path) as stream:  # noqa: PT012
        stream.write(b"new")
        stream.flush()
        raise error
    left = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert left == ({} if before is None else {"out": before})


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"")
    path.chmod(0o644)
    with replacing(path) as stream:
        (hidden,) = (each for each in tmp_path.iterdir() if each != path)
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o600
        stream.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    with replacing(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert link.readlink() == target
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert list(target.parent.iterdir()) == [target]


def test_a_device_is_written_through() -> None:
    # A terminal of the test's own: broken code, run by root, would replace /dev/null for all.
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as reader:
        path = Path(os.ttyname(slave))
        with replacing(path) as stream:
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
    with replacing(path) as stream:
        stream.write(b"new")
    reader.join(10)
    assert received == [b"new"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert {each.name for each in fifo.parent.iterdir()} <= {"fifo", "link"}


def test_a_pipe_by_its_descriptor_is_written_through() -> None:
    """What a shell makes of `>(...)`, and /dev/stdout in a pipe."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader:
        with replacing(Path(f"/dev/fd/{write}")) as stream:
            stream.write(b"new")
        os.close(write)
        assert reader.read() == b"new"


@pytest.mark.parametrize("path", ["missing/out", "file/out", "."])
def test_what_cannot_be_written_is_an_oserror(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError), replacing(tmp_path / path):  # noqa: PT011 - of whatever kind
        pytest.fail("it was opened")
    assert {each.name for each in tmp_path.iterdir()} == {"file"}
    assert (tmp_path / "file").read_bytes() == b"old"
