"""Libraries that only some formats need, imported when a file of such a format is opened."""

import importlib
from typing import Any

from suppress.errors import InputError


def library(module: str, *, extra: str, what: str) -> Any:
    """Import a module that an extra brings.

    Args:
        module: its name.
        extra: the extra.
        what: the file that needs it, as the beginning of the error.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{what}, for which a library is missing. Run: pip install 'suppress-filter[{extra}]'"
        ) from error
