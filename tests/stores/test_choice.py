"""The store that a setting names."""

from pathlib import Path

import pytest

from suppress import ConfigurationError
from suppress.stores.choice import open_store
from suppress.stores.folder import FolderStore
from suppress.stores.memory import MemoryStore


def test_a_path_names_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    assert isinstance(store, FolderStore)
    assert store.describe() == str(tmp_path / "store")
    assert not (tmp_path / "store").exists(), "it is made on first use"


def test_without_one_there_is_memory() -> None:
    store = open_store(None)
    assert isinstance(store, MemoryStore)
    assert store.describe() == "memory"


def test_a_folder_that_others_can_write_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigurationError, match="can be written by others"):
        open_store(tmp_path)
