"""The store on its worst days: damage, crashes, a full disk, a disk that cannot be written."""

import contextlib
import dataclasses
import errno
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import ListSource, by_hand, listed
from suppress import StopListUnavailable, Suppressor
from suppress.atomic import atomic_write
from suppress.numbers.convention import Convention
from suppress.numbers.readings import read
from suppress.stores.folder import FolderStore
from suppress.stores.image import Damaged, Header, Image, Part, image_of
from suppress.stores.limits import StoreLimits
from suppress.testing import StoreContract
from suppress.testing.snapshots import read as read_list
from suppress.testing.stores import FAILURE, KEY, Damage, Opening, has, publish

ORPHAN_AGE, UNUSED_AGE = StoreLimits().orphan_age, StoreLimits().unused_age
NUMBERS = [f"+141555526{place}" for place in range(10, 100)]
LISTED, OTHER = NUMBERS[0], "+14155550000"


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(*NUMBERS))


@pytest.fixture
def made(source: ListSource, tmp_path: Path) -> Callable[..., Suppressor]:
    def making(**arguments: Any) -> Suppressor:
        arguments = {"store": tmp_path / "store", **arguments}
        return by_hand(source, **arguments)

    return making


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def files(store: Path, suffix: str) -> list[Path]:
    return sorted(store.glob(f"*.{suffix}"))


class TestContract(StoreContract):
    @pytest.fixture
    def opening(self, store: Path) -> Opening:
        return lambda: FolderStore(store)

    @pytest.fixture
    def damages(self, store: Path) -> list[Damage]:
        def damaging(kind: str, how: Callable[[bytes], bytes]) -> Damage:
            def damage(key: str) -> None:
                (file,) = store.glob(f"{key}*.{kind}")
                file.write_bytes(how(file.read_bytes()))

            return damage

        ways = (
            lambda content: b"",
            lambda content: content[:-1],
            lambda content: content + b"1",
            lambda content: content[:20] + b"?" + content[21:],
        )
        return [damaging(kind, how) for kind in ("snapshot", "numbers", "origins") for how in ways]


class TestDamage:
    @pytest.mark.parametrize("kind", ["snapshot", "numbers", "origins"])
    def test_is_renamed_reported_and_read_again(
        self,
        made: Callable[..., Suppressor],
        source: ListSource,
        store: Path,
        kind: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        made().snapshot("sms")
        (file,) = files(store, kind)
        damaged = file.read_bytes()[:-1] + b"?"
        file.write_bytes(damaged)
        assert made().is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2
        assert "is damaged and not used" in caplog.text
        assert "The damaged snapshot was kept as" in caplog.text
        assert file.with_name(f"{file.name}.damaged").read_bytes() == damaged
        caplog.clear()
        assert made().is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2
        assert not caplog.records

    def test_of_the_time_of_reading_is_noticed(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        """Else an old list could pass for a young one."""
        read_at = made().snapshot("sms").read_at
        (file,) = files(store, "snapshot")
        hour = f"T{read_at:%H}:".encode()
        file.write_bytes(
            file.read_bytes().replace(hour, f"T{(read_at.hour + 1) % 24:02}:".encode())
        )
        made().snapshot("sms")
        assert len(source.loads) == 2

    def test_twice_leaves_one_that_was_renamed(
        self, made: Callable[..., Suppressor], store: Path
    ) -> None:
        for _ in range(3):
            made().snapshot("sms")
            (file,) = files(store, "snapshot")
            file.write_bytes(b"damaged")
        made().snapshot("sms")
        assert len(files(store, "damaged")) == 3
        assert not list(store.glob("*.damaged.damaged"))

    def test_is_noticed_though_time_and_size_are_as_before(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        made().snapshot("sms")
        (file,) = files(store, "numbers")
        before = file.stat()
        content = bytearray(file.read_bytes())
        content[100] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        made().snapshot("sms")
        assert len(source.loads) == 2

    def test_what_was_written_is_read_back(
        self,
        made: Callable[..., Suppressor],
        store: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A disk that does not keep what it is given."""

        @contextlib.contextmanager
        def losing(path: Path, **more: bool) -> Iterator[Any]:
            with atomic_write(path) as stream:
                yield stream
                stream.truncate(stream.tell() - 1)

        monkeypatch.setattr("suppress.stores.folder.atomic_write", losing)
        suppressor = made()
        assert suppressor.is_suppressed(LISTED, "sms")
        assert "the disk does not hold what was written to it" in caplog.text
        assert not files(store, "snapshot")

    def test_the_same_list_again_is_not_written_again(
        self, made: Callable[..., Suppressor], store: Path
    ) -> None:
        made().refresh("sms")
        (file,) = files(store, "numbers")
        inode = file.stat().st_ino
        made().refresh("sms")
        assert file.stat().st_ino == inode
        file.write_bytes(b"damaged")
        made().refresh("sms")
        assert file.stat().st_size > 500

    def test_a_folder_that_is_gone_is_made_again(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        shutil.rmtree(store)
        suppressor.refresh("sms")
        assert made().is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2

    def test_a_record_of_a_failure_that_is_damaged_is_none(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        source.failure = suppress.SourceError("down.")
        with pytest.raises(StopListUnavailable):
            made().snapshot("sms")
        (file,) = files(store, "failure")
        file.write_bytes(b'{"since":1,"began":1,"ended":1,"message":"\xff"}')
        source.failure = None
        assert made().is_suppressed(LISTED, "sms")

    def test_an_error_that_passes_is_not_taken_for_the_last_word(
        self,
        made: Callable[..., Suppressor],
        source: ListSource,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        one, two = made(ttl=86400), made(ttl=86400)
        one.snapshot("sms")
        two.snapshot("sms")
        source.entries = listed(OTHER)
        one.refresh("sms")
        with monkeypatch.context() as patched:
            failing = _raising(OSError(errno.EMFILE, "Too many open"))
            patched.setattr("suppress.stores.folder.FolderStore._map", failing)
            two.is_suppressed(OTHER, "sms")
        assert "cannot be read: Too many open" in caplog.text
        two._serving.invalidate()
        assert two.is_suppressed(OTHER, "sms")


class TestOldFiles:
    def test_one_that_is_used_again_is_as_young_as_its_snapshot(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        made().refresh("sms")
        first = [*files(store, "numbers"), *files(store, "origins")]
        _age(ORPHAN_AGE, *first)
        made().refresh("sms")
        source.entries = listed(LISTED)
        made().refresh("sms")
        assert all(file.exists() for file in first), "a process may be about to open them"

    def test_go_when_nobody_needs_them(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        made().refresh("sms")
        first = [*files(store, "numbers"), *files(store, "origins")]
        source.entries = listed(LISTED)
        made().refresh("sms")
        assert all(file.exists() for file in first), "a process may be about to open them"
        _age(ORPHAN_AGE, *first)
        made().refresh("sms")
        assert not any(file.exists() for file in first)
        assert made().is_suppressed(LISTED, "sms")

    def test_a_process_that_has_them_open_goes_on(
        self, made: Callable[..., Suppressor], source: ListSource, store: Path
    ) -> None:
        snapshot = made().snapshot("sms")
        for file in store.glob(f"*{snapshot.digest}*"):
            file.unlink()
        assert OTHER not in snapshot.numbers
        assert set(snapshot.numbers) == set(NUMBERS)
        assert snapshot.why(read(LISTED, Convention()), LISTED)

    def test_of_a_writer_that_was_killed_go(
        self, made: Callable[..., Suppressor], store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # It cannot clean up behind itself.
        monkeypatch.setattr("suppress.atomic._remove", lambda _path: None)
        monkeypatch.setattr("os.fsync", _raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            made().refresh("sms")
        monkeypatch.undo()
        (left,) = (file for file in store.iterdir() if file.name.startswith("."))
        made().refresh("sms")
        assert left.exists()
        _age(ORPHAN_AGE, left)
        made().refresh("sms")
        assert not left.exists()

    def test_of_another_account_go_after_a_month(
        self, made: Callable[..., Suppressor], store: Path
    ) -> None:
        made(possible_only=False).refresh("sms")
        others = {*store.glob("sms-*.snapshot"), *store.glob("sms-*s")}
        _age(UNUSED_AGE - 3600, *others)
        made().refresh("sms")
        assert all(file.exists() for file in others)
        _age(UNUSED_AGE, *others)
        made().refresh("sms")
        assert not any(file.exists() for file in others)

    def test_of_others_stay(self, made: Callable[..., Suppressor], store: Path) -> None:
        """The folder may be somebody's home."""
        store.mkdir()
        others = [
            store / name
            for name in (
                *(".bashrc", "notes.snapshot", ".profile.swp", "a-b.numbers", ".ssh-0123.pub"),
                *("opt-outs.sqlite3.bak", "sms.failure", ".cache-0123456789abcdef"),
            )
        ]
        for other in others:
            other.write_text("mine")
        _age(2 * UNUSED_AGE, *others)
        made().refresh("sms")
        assert all(other.read_text() == "mine" for other in others)


def _age(seconds: float, *paths: Path) -> None:
    for path in paths:
        moment = path.stat().st_mtime - seconds - 10
        os.utime(path, (moment, moment))


def _raising(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def raising(*_: Any) -> None:
        raise error

    return raising


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of its own, with room for a few files; for root alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "-t", "tmpfs", "-o", "size=128k,nr_inodes=64", "tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def mount(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["mount", *arguments, folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def fill(folder: Path) -> Path:
    """Leave no room on the disk."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as stream:
        for size in (4096, 1):
            with pytest.raises(OSError, match="No space left"):
                stream.writelines(itertools.repeat(bytes(size)))
    return path


class TestDisk:
    def test_memory_serves_while_it_is_full(
        self,
        made: Callable[..., Suppressor],
        source: ListSource,
        small_disk: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        ballast = fill(small_disk)
        suppressor = made(store=small_disk / "store")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert not suppressor.is_suppressed(OTHER, "sms")
        assert len(source.loads) == 1
        assert re.search(
            "cannot be stored in .* If this lasts, name another place in SUPPRESS_STORE",
            caplog.text,
        )
        ballast.unlink()
        suppressor.refresh("sms")
        assert made(store=small_disk / "store").is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2

    def test_the_old_snapshot_stays_when_there_is_no_room_for_a_new_one(
        self, made: Callable[..., Suppressor], source: ListSource, small_disk: Path
    ) -> None:
        store = small_disk / "store"
        made(store=store).snapshot("sms")
        ballast = fill(small_disk)
        source.entries = listed(*NUMBERS, OTHER)
        made(store=store).refresh("sms")
        assert not made(store=store).is_suppressed(OTHER, "sms"), "what is stored is the old one"
        ballast.unlink()
        assert not list(store.glob(".*")), "no half of a file is left"
        made(store=store).refresh("sms")
        assert made(store=store).is_suppressed(OTHER, "sms")

    def test_what_is_stored_is_used_where_nothing_can_be_written(
        self,
        made: Callable[..., Suppressor],
        source: ListSource,
        small_disk: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        store = small_disk / "store"
        made(store=store).snapshot("sms")
        made(store=store).add([OTHER], "sms")
        mount(small_disk, "-o", "remount,ro")
        suppressor = made(store=store)
        assert suppressor.filter_recipients([LISTED, OTHER, "+14155550001"], "sms") == [
            "+14155550001"
        ]
        assert len(source.loads) == 1
        source.entries = []
        suppressor.refresh("sms")
        assert suppressor.filter_recipients([LISTED, OTHER], "sms") == [LISTED]
        assert "Read-only file system" in caplog.text

    def test_a_store_that_never_was_where_nothing_can_be_written(
        self, made: Callable[..., Suppressor], source: ListSource, small_disk: Path
    ) -> None:
        mount(small_disk, "-o", "remount,ro")
        suppressor = made(store=small_disk / "store")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert len(source.loads) == 1


def test_the_old_snapshot_stays_however_writing_fails(
    made: Callable[..., Suppressor],
    source: ListSource,
    monkeypatch: pytest.MonkeyPatch,
    store: Path,
) -> None:
    made().snapshot("sms")
    source.entries = listed(OTHER)
    for name in ("os.fsync", "pathlib.Path.replace", "hashlib.file_digest"):
        with monkeypatch.context() as patch:
            patch.setattr(name, _raising(OSError(errno.EIO, "Input/output error")))
            made().refresh("sms")
        assert set(made().snapshot("sms").numbers) == set(NUMBERS)
        assert not list(store.glob(".*"))


def test_a_failing_source_over_a_store_that_cannot_be_read(
    made: Callable[..., Suppressor], source: ListSource, store: Path
) -> None:
    """The snapshot's place is a folder: whatever it is, it is no snapshot."""
    made().snapshot("sms")
    (file,) = files(store, "snapshot")
    file.unlink()
    file.mkdir()
    source.failure = suppress.SourceError("down.")
    with pytest.raises(StopListUnavailable, match=r"down\."):
        made().snapshot("sms")


def test_keys_are_names_of_their_own(tmp_path: Path) -> None:
    one = FolderStore(tmp_path)
    assert one.latest("sms-0123456789abcdef") is None
    assert one.failure("sms-0123456789abcdef") is None


class TestAdopt:
    """A snapshot that another store has."""

    def adopted(self, store: FolderStore, image: Image, before: Header | None) -> bool:
        return store.adopt(KEY, image, instead_of=before)

    def test_is_in_force_and_told_of(self, store: Path) -> None:
        one, two = FolderStore(store), FolderStore(store)
        assert two.latest(KEY) is None
        one.fail(KEY, FAILURE)
        before = two.version()
        assert self.adopted(one, image_of(first := read_list("+14155552671")), None)
        assert two.version() != before
        assert has(two, first)
        assert one.failure(KEY) is None
        assert one.header(KEY) == image_of(first).header

    def test_never_replaces_one_that_came_meanwhile(self, store: Path) -> None:
        one = FolderStore(store)
        publish(one, first := read_list("+14155552671"))
        seen = one.header(KEY)
        publish(one, second := read_list("+14155552672"))
        other = image_of(read_list("+14155552673"))
        assert not self.adopted(one, other, seen)
        assert not self.adopted(one, other, None)
        assert has(one, second)
        assert self.adopted(one, image_of(first), one.header(KEY))
        assert has(one, first)

    def test_asks_only_for_parts_that_are_not_there(self, store: Path) -> None:
        one = FolderStore(store)
        publish(one, first := read_list("+14155552671"))
        image = image_of(dataclasses.replace(first, further=5))

        def refusing() -> bytes:
            pytest.fail("the part is there")

        parts = (Part(each.digest, iter(refusing, b"")) for each in (image.numbers, image.origins))
        assert self.adopted(one, Image(image.header, *parts), one.header(KEY))
        assert has(one, dataclasses.replace(first, further=5))

    def test_leaves_what_is_there_if_a_part_breaks_off(self, store: Path) -> None:
        one = FolderStore(store)
        publish(one, first := read_list("+14155552671"))
        image = image_of(read_list("+14155552672"))

        def breaking() -> Iterator[bytes]:
            yield b"half of it"
            raise Damaged("broken off")

        broken = image._replace(numbers=Part(image.numbers.digest, breaking()))
        with pytest.raises(Damaged):
            self.adopted(one, broken, one.header(KEY))
        assert has(one, first)
        assert not [path for path in store.iterdir() if path.name.startswith(".")]
