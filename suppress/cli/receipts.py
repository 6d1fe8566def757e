"""Receipts as arguments of commands."""

from pathlib import Path

from suppress.errors import InputError
from suppress.screening.receipt import Receipt


def read_receipt(name: str) -> Receipt:
    """Return the receipt in a file.

    Raises:
        InputError: it cannot be read, is not a receipt, or was changed after it was made.
    """
    try:
        return Receipt.from_json(Path(name).read_bytes())
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
