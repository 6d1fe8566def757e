"""A folder that an administrator made for a group is used by all of it, and by nobody else."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import ListSource, by_hand, listed
from support.users import FREE, LISTED, User, user
from suppress import ConfigurationError
from suppress.opt_outs.database import Database
from suppress.opt_outs.marks import Marks
from suppress.stores.folder import FolderStore

GROUP = 24_000
ALICE, BOB, EVE = 23_001, 23_002, 23_003
ANN, BEN = "+14155550101", "+14155550102"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no modes of files")


def missing_for_users() -> str | None:
    """Return why there can be no processes of other users; None if there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root can become other users"
    # Plugins are looked up by each process, where they are installed.
    for place in (Path(suppress.__file__), Path(pytest.__file__)):
        if not all(folder.stat().st_mode & stat.S_IXOTH for folder in place.parents):
            return f"other users cannot reach {place.parent}"
    return None


needs_users = pytest.mark.skipif(missing_for_users() is not None, reason=str(missing_for_users()))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach, unlike those that pytest makes."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    (path / "listed.txt").write_text(f"{LISTED}\n")
    (path / "listed.txt").chmod(0o644)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(place: Path) -> Path:
    path = place / "store"
    path.mkdir()
    os.chown(path, 0, GROUP)
    path.chmod(0o2770)
    return path


Users = Callable[..., User]


@pytest.fixture
def users(place: Path, store: Path) -> Iterator[Users]:
    with ExitStack() as stack:

        def enter(number: int, *groups: int, umask: int = 0o077) -> User:
            home = place / str(number)
            return stack.enter_context(user(number, list(groups), home, store, umask))

        yield enter


def states(store: Path) -> set[tuple[int, int]]:
    """The groups and modes of all files in the store."""
    found = [path.lstat() for path in store.iterdir()]
    return {(each.st_gid, stat.S_IMODE(each.st_mode)) for each in found}


@needs_users
@pytest.mark.slow
class TestUsersOfAGroup:
    def test_each_sees_at_once_what_the_other_does(self, users: Users, store: Path) -> None:
        alice, bob = users(ALICE, GROUP, umask=0o077), users(BOB, GROUP, umask=0)
        everyone = [LISTED, ANN, BEN, FREE]
        assert alice("allowed", everyone) == [ANN, BEN, FREE]
        assert bob("allowed", everyone) == [ANN, BEN, FREE]
        assert bob("read_at") == alice("read_at")
        assert alice("add", [ANN]) == 1
        assert bob("allowed", everyone) == [BEN, FREE]
        assert bob("add", [BEN]) == 1
        assert alice("allowed", everyone) == [FREE]
        assert bob("refresh") == bob("read_at") == alice("read_at")
        assert alice("refresh") == alice("read_at") == bob("read_at")
        assert states(store) == {(GROUP, 0o660)}

    def test_root_and_a_user_share_as_well(self, users: Users, store: Path) -> None:
        web, cron = users(ALICE, GROUP), users(0)
        assert web("add", [ANN]) == 1
        assert cron("allowed", [LISTED, ANN, BEN]) == [BEN]
        assert cron("add", [BEN]) == 1
        assert web("allowed", [LISTED, ANN, BEN]) == []
        assert web("refresh") == cron("read_at")
        assert states(store) == {(GROUP, 0o660)}

    def test_a_writer_that_is_killed_is_cleared_away_by_another(
        self, users: Users, store: Path
    ) -> None:
        alice, bob = users(ALICE, GROUP), users(BOB, GROUP)
        assert alice("add", [ANN]) == 1
        with pytest.raises(EOFError):
            pytest.fail(alice("die while writing"))
        left = store / "opt-outs.sqlite3-journal"
        assert (left.stat().st_gid, stat.S_IMODE(left.stat().st_mode)) == (GROUP, 0o660)
        assert bob("allowed", [ANN, BEN]) == [BEN]
        assert bob("add", [BEN]) == 1
        assert not left.exists()
        assert states(store) == {(GROUP, 0o660)}

    def test_a_user_outside_the_group_gets_an_error(self, users: Users, store: Path) -> None:
        store.chmod(0o2775)  # who can see that there is something
        alice, eve = users(ALICE, GROUP), users(EVE)
        assert alice("add", [ANN]) == 1
        said = f"ConfigurationError: The store {store} is shared by a group (gid {GROUP})"
        for ask in (("allowed", [FREE]), ("add", [FREE]), ("refresh",)):
            assert eve(*ask).startswith(said)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder for this user's own group, which any user can make."""
    path = tmp_path / "own"
    path.mkdir()
    path.chmod(0o2770)
    return path


@needs_users
class TestFilesOfAnybodyElse:
    """Whoever put them there: root may have moved them, or they were there before the group."""

    def made(self, store: Path) -> suppress.Suppressor:
        return by_hand(ListSource(listed(LISTED)), store=store)

    def forged(self, path: Path) -> None:
        """Let the file be one of somebody outside, with the same content."""
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.chown(path, EVE, EVE)
        path.chmod(0o664)

    @pytest.mark.parametrize("kind", ["snapshot", "numbers", "origins"])
    def test_a_snapshot_is_not_taken(self, own: Path, kind: str) -> None:
        self.made(own).refresh("sms")
        (path,) = own.glob(f"*.{kind}")
        self.forged(path)
        one = self.made(own)
        assert one.filter_recipients([LISTED, FREE], "sms") == [FREE]
        assert one.sources[0].loads  # type: ignore[attr-defined]
        assert states(own) - {(EVE, 0o664)} == {(own.stat().st_gid, 0o660)}

    @pytest.mark.parametrize("name", ["opt-outs.sqlite3", "opt-outs.sqlite3-journal"])
    def test_a_record_is_refused(self, own: Path, name: str) -> None:
        self.made(own).add([ANN], "sms")
        (own / name).touch()
        self.forged(own / name)
        with pytest.raises(ConfigurationError, match="belongs to another user"):
            self.made(own).add([BEN], "sms")

    def test_a_record_that_all_can_write_is_refused(self, own: Path) -> None:
        self.made(own).add([ANN], "sms")
        (own / "opt-outs.sqlite3").chmod(0o666)
        with pytest.raises(ConfigurationError, match="can be written by others"):
            self.made(own).add([BEN], "sms")

    def test_a_link_of_a_member_leads_nobody_to_another_file(
        self, own: Path, tmp_path: Path
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_text("of root, and not to be touched")
        (own / "changes").symlink_to(victim)
        os.chown(own / "changes", ALICE, own.stat().st_gid, follow_symlinks=False)
        one = self.made(own)
        one.add([ANN], "sms")
        assert one.filter_recipients([ANN, BEN], "sms") == [BEN]
        assert victim.read_text() == "of root, and not to be touched"

    def test_a_folder_of_another_user_is_refused(self, own: Path) -> None:
        os.chown(own, EVE, own.stat().st_gid)
        own.chmod(0o2770)
        with pytest.raises(ConfigurationError, match="belongs to another user"):
            FolderStore(own)


@pytest.mark.parametrize("mode", [0o770, 0o2777, 0o2772, 0o3770, 0o2720], ids=oct)
def test_a_looser_folder_is_refused(own: Path, mode: int) -> None:
    own.chmod(mode)
    with pytest.raises(ConfigurationError, match="can be written by others"):
        FolderStore(own)


def test_a_journal_is_the_groups_while_it_is_written(own: Path) -> None:
    store = FolderStore(own)
    database = Database(own, lambda: store.exclusive("made", 1.0), 1.0, Marks(own))
    umask = os.umask(0o077)
    try:
        with database.writing() as connection:
            connection.execute("UPDATE file SET made = made + 1")
            assert (own / "opt-outs.sqlite3-journal").exists()
            found = states(own)
    finally:
        os.umask(umask)
    assert found == {(own.stat().st_gid, 0o660)}


def test_files_of_a_private_folder_stay_private(tmp_path: Path) -> None:
    path = tmp_path / "private"
    database = Database(path, lambda: FolderStore(path).exclusive("made", 1.0), 1.0, Marks(path))
    with database.writing() as connection:
        connection.execute("UPDATE file SET made = made + 1")
        found: Any = {mode for _, mode in states(path)}
    assert found == {0o600}
