"""The URL of a server, which is shown without its password."""

import hashlib
import re
from typing import NoReturn, Self
from urllib.parse import parse_qsl, unquote, urlencode

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]+)://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<place>[^@?#]*)(?:\?(?P<query>[^@?#]*))?"
)
_BEGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


class ServerUrl:
    """The URL of a server. Printed, logged or in a traceback it has no password.

    Args:
        text: the whole URL.

    Raises:
        ValueError: it is not a URL, or its password is not written as URLs have it.

    Attributes:
        scheme: the part before `://`, such as `postgresql`.
        has_password: whether a password, or another secret, is in it.
        digest: 16 hexadecimal digits that differ between servers, users and databases. No
            password counts, so that the digest stays when the password is changed.
    """

    __slots__ = ("_shown", "_text", "digest", "has_password", "scheme")
    _shown: str
    _text: str
    digest: str
    has_password: bool
    scheme: str

    def __init__(self, text: str) -> None:
        found = _URL.fullmatch(text)
        if found is None:
            # Nothing of it is quoted: any part may be the password.
            raise ValueError(
                "The URL of a server has the form scheme://user:password@host/name. Write special "
                "characters in it as %40 for @, %2F for /, %3F for ? and %23 for #"
            )
        user = f"{found['user']}@" if found["user"] else ""
        shown = f"{found['scheme']}://{user}{found['place']}"
        query = parse_qsl(found["query"] or "", keep_blank_values=True)
        plain = [(name, value) for name, value in query if not _SECRET.search(name)]
        made_from = f"{unquote(shown)}?{urlencode(sorted(plain))}"
        for name, value in (
            ("_text", text),
            ("_shown", shown),
            ("scheme", found["scheme"]),
            ("has_password", bool(found["password"]) or plain != query),
            ("digest", hashlib.sha256(made_from.encode()).hexdigest()[:16]),
        ):
            object.__setattr__(self, name, value)

    @staticmethod
    def is_one(text: str) -> bool:
        """Tell whether a text is meant as a URL, and not as a path."""
        return _BEGIN.match(text) is not None

    def reveal(self) -> str:
        """Return the whole URL. Call this where it is used, and keep it in no variable."""
        return self._text

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"<ServerUrl {self._shown}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerUrl) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("the URL of a server cannot be pickled: it may have a password in it")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a URL never changes")
