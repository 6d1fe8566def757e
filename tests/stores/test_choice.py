"""The store that a setting names."""

from pathlib import Path

import pytest

from support.remotes import FolderRemote
from suppress import ConfigurationError
from suppress.stores.choice import open_store
from suppress.stores.folder import FolderStore
from suppress.stores.memory import MemoryStore
from suppress.stores.shared import SharedStore


def test_a_path_names_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    assert isinstance(store, FolderStore)
    assert store.describe() == str(tmp_path / "store")
    assert not (tmp_path / "store").exists(), "it is made on first use"


def test_without_one_there_is_memory() -> None:
    store = open_store(None)
    assert isinstance(store, MemoryStore)
    assert store.describe() == "memory"


def test_with_a_server_the_folder_is_for_the_copy(tmp_path: Path) -> None:
    remote = FolderRemote(tmp_path / "server")
    store = open_store(tmp_path / "copy", remote)
    assert isinstance(store, SharedStore)
    assert store.describe() == "test://server"
    assert not (tmp_path / "copy").exists(), "it is made on first use"
    assert remote.calls == [], "nothing is connected"


def test_a_folder_that_others_can_write_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for remote in (None, FolderRemote(tmp_path / "server")):
        with pytest.raises(ConfigurationError, match="can be written by others"):
            open_store(tmp_path, remote)
