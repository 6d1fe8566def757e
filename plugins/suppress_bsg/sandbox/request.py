"""A request to the sandbox, and the values in its query and body."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeVar

import msgspec

from suppress_bsg.sandbox.stop_list import CHANNELS

Query = Mapping[str, list[str]]
Kind = TypeVar("Kind")


class Request(NamedTuple):
    """A request, with its bearer token (empty without one)."""

    method: str
    path: str
    query: str
    body: bytes
    token: str


class Refusal(Exception):
    """An answer other than 200, with the message of its body."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def unprocessable(message: str) -> Refusal:
    """Return the refusal of a value that is out of bounds."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, message)


def decode(body: bytes, kind: type[Kind]) -> Kind:
    """Decode a body, checked against its schema."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unprocessable(f"The body is not valid: {error}") from None


def whole(text: str, name: str = "value") -> int:
    """Return a whole number, 0 or more."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise unprocessable(f"The {name} must be a whole number.")
    return int(text)


def page_of(query: Query, default_limit: int) -> tuple[int, int]:
    """Return the limit and the offset of a query."""
    limit = whole(query.get("page[limit]", [str(default_limit)])[-1], "page[limit]")
    offset = whole(query.get("page[offset]", ["0"])[-1], "page[offset]")
    if not 15 <= limit <= 500:  # noqa: PLR2004 - the API's own bounds
        raise unprocessable("The page[limit] must be between 15 and 500.")
    return limit, offset


def one_of(query: Query, name: str, known: tuple[str, ...]) -> str:
    """Return a parameter of a query; the first known value by default."""
    value = query.get(name, known[:1])[-1]
    if value not in known:
        raise unprocessable(f"The {name} must be one of {', '.join(known)}.")
    return value


def channel_of(text: str) -> str:
    """Return the name of a channel, checked."""
    if text not in CHANNELS:
        raise unprocessable(f"The type must be one of {', '.join(sorted(CHANNELS))}.")
    return text


def filter_of(query: Query) -> frozenset[str]:
    """Return the channels to filter by, under both names of the filter; none means all."""
    values = (v for name in ("types", "type", "types[]", "type[]") for v in query.get(name, ()))
    return frozenset(channel_of(part) for value in values for part in value.split(","))
