"""The store that a setting names."""

from pathlib import Path

from suppress.stores.contract import Store
from suppress.stores.folder import FolderStore
from suppress.stores.memory import MemoryStore


def open_store(setting: Path | None) -> Store:
    """Return the store that the setting `store` names: a folder, or memory for None.

    Raises:
        ConfigurationError: others can change what is in the folder.
    """
    return MemoryStore() if setting is None else FolderStore(setting)
