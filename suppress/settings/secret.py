"""Texts that are never shown: keys, tokens, passwords."""

import logging
import os
import shlex
import stat
import sys
import typing
from pathlib import Path
from typing import Self

from suppress.atomic import atomic_write
from suppress.ownership import refuse_if_others_write

logger = logging.getLogger("suppress")


class Secret:
    """A text that is never shown: a key, a token, a password.

    Printed, formatted, logged or in a traceback it is `***`; it cannot be pickled or encoded as
    JSON. Give a plugin's setting this type to make it a secret.

    Args:
        text: the text, or a secret already.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: "str | Secret") -> None:
        object.__setattr__(self, "_text", text.reveal() if isinstance(text, Secret) else text)

    def reveal(self) -> str:
        """Return the text itself. Call this where it is used, and keep it in no variable."""
        return self._text

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the secret in a file, without the blanks around it.

        A warning is logged if others can read the file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is empty, or not text.
            ConfigurationError: others can write to it, or it belongs to another user.
        """
        try:
            with path.open("rb") as stream:
                refuse_if_others_write(path, os.fstat(stream.fileno()), "key file")
                secret = cls(stream.read().decode().strip())
        except UnicodeDecodeError:
            # The error itself holds what was read.
            raise ValueError("it is not text") from None
        if not secret.reveal():
            raise ValueError("it is empty")
        warn_if_others_read(path, "key file")
        return secret

    def keep(self, path: Path) -> None:
        """Write the secret to a file, whole or not at all, that its owner alone can read.

        Raises:
            OSError: the file cannot be written.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(path) as stream:
            stream.write(f"{self.reveal()}\n".encode())

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a secret never changes")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> typing.NoReturn:
        raise TypeError("a secret cannot be pickled")


def warn_if_others_read(path: Path, what: str) -> None:
    """Warn of a file with a key that somebody else can read.

    Args:
        path: the file; anything but a regular file is passed over.
        what: the kind of file, for the warning.
    """
    if sys.platform == "win32" or not path.is_file():
        return
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        logger.warning(
            "The %s %s holds a key, and others can read it. Run `chmod 600 %s`",
            what,
            path,
            shlex.quote(str(path)),
            extra={"code": "readable_by_others", "path": str(path)},
        )
