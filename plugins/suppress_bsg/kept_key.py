"""The file in which `suppress login` keeps the key, with the only address that may get it."""

from dataclasses import dataclass
from pathlib import Path

import suppress

ADDRESS = "https://one-api.bsg.world"
"""The address of BSG's API; a key that was kept without an address belongs there."""


@dataclass(frozen=True)
class KeptKey:
    """A key that was kept, and the address that it was checked at.

    Attributes:
        key: the key.
        address: the only `base_url` that it may be sent to.
    """

    key: suppress.Secret
    address: str

    @classmethod
    def read(cls) -> "KeptKey | None":
        """Return the key that is kept; None if there is none.

        Raises:
            ConfigurationError: its file cannot be read, or cannot be trusted.
        """
        path = key_file()
        if path is None or not path.exists():
            return None
        try:
            lines = [suppress.Secret(each) for each in _lines(suppress.Secret.read(path))]
        except OSError as error:
            raise suppress.ConfigurationError(
                f"The key file {path} cannot be read: {error.strerror}."
            ) from None
        except ValueError as error:
            raise suppress.ConfigurationError(
                f"The key file {path} holds no key: {error}."
            ) from None
        return cls(lines[0], lines[1].reveal() if len(lines) > 1 else ADDRESS)

    def keep(self, path: Path) -> None:
        """Write the key to a file that its owner alone can read.

        Raises:
            OSError: the file cannot be written.
        """
        suppress.Secret(f"{self.key.reveal()}\n{self.address}").keep(path)

    def refuse_elsewhere(self, base_url: str) -> None:
        """Refuse to send the key to another address than its own.

        Raises:
            ConfigurationError: the base URL is another address.
        """
        if base_url.rstrip("/").lower() != self.address.rstrip("/").lower():
            raise suppress.ConfigurationError(
                f"The key that `suppress login` kept belongs to {self.address}, but BSG_BASE_URL "
                f"(`base_url` in the table [suppress.bsg]) is {base_url}. Run `suppress login` "
                "again to use that address, or set BSG_API_KEY."
            )


def key_file() -> Path | None:
    """Return the path of the file; None if the user has no home folder."""
    folder = suppress.config_folder()
    return None if folder is None else folder / "bsg.key"


def _lines(content: suppress.Secret) -> list[str]:
    return [line.strip() for line in content.reveal().splitlines() if line.strip()]
