"""The store that the settings name."""

from pathlib import Path

from suppress.stores.contract import Store
from suppress.stores.folder import FolderStore
from suppress.stores.memory import MemoryStore
from suppress.stores.remote import Remote


def open_store(folder: Path | None, remote: Remote | None = None) -> Store:
    """Return a store in a folder, in memory for None, or on a server with a copy in the folder.

    Raises:
        ConfigurationError: others can change what is in the folder.
    """
    if folder is None:
        return MemoryStore()
    if remote is None:
        return FolderStore(folder)
    from suppress.stores.shared import SharedStore  # noqa: PLC0415 - most have no server

    return SharedStore(remote, folder)
