"""The schemas of the API's answers, and bounds on their texts and objects.

The API's documentation and its OpenAPI description disagree on types, and a server may err. An
odd id or time must not make an entry vanish.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw

from suppress import Secret

T = TypeVar("T")

MAX_OBJECTS = 20_000
"""JSON objects of an answer: far more than a page has entries, which may hold unknown objects."""

MAX_ID, MAX_PHONE = 100, 250
"""Characters of an id and of a phone that are kept; no number is longer."""

_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_NULL = Raw(b"null")


class WireEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as the API gives it.

    A field is None if it is missing or null; `id` and `created_at` also if their type is odd.
    """

    phone: _Integer | Annotated[str, Meta(max_length=MAX_PHONE)] | None = None
    id: _Integer | Annotated[str, Meta(max_length=MAX_ID)] | None = None
    created_at: datetime | None = None
    sms_stoplist: bool | None = None
    viber_stoplist: bool | None = None
    rcs_stoplist: bool | None = None
    whatsapp_stoplist: bool | None = None


class _OddEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry with an odd field."""

    phone: int | str | None = None
    id: Raw = _NULL
    created_at: Raw = _NULL
    sms_stoplist: bool | None = None
    viber_stoplist: bool | None = None
    rcs_stoplist: bool | None = None
    whatsapp_stoplist: bool | None = None


class Listing(msgspec.Struct, frozen=True):
    """A page of the listing."""

    data: list[WireEntry]
    total: int | str


class _OddListing(msgspec.Struct, frozen=True):
    data: list[_OddEntry]
    total: int | str


class Found(msgspec.Struct, frozen=True):
    """The entries that a search found, or that were attached."""

    data: list[WireEntry]


class _OddFound(msgspec.Struct, frozen=True):
    data: list[_OddEntry]


class SignedIn(msgspec.Struct, frozen=True):
    """The token that signing in gives."""

    bearer: Secret


class Message(msgspec.Struct, frozen=True):
    """The message of an error."""

    message: str = ""


def decode_listing(body: bytes) -> Listing:
    """Decode an answer as a page of the listing.

    Raises:
        msgspec.DecodeError: it is something else.
    """
    return _read(body, _listing)


def decode_found(body: bytes) -> Found:
    """Decode an answer as entries; errors as for `decode_listing`."""
    return _read(body, _found)


def _read(body: bytes, decode: Callable[[bytes], T]) -> T:
    _refuse_many(body)
    try:
        return decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return decode(_without_lone_surrogates(body))


def decode_object(body: bytes) -> Any:
    """Decode an answer as any object; errors as for `decode_listing`."""
    _refuse_many(body)
    return _decode_object(body)


decode_message = msgspec.json.Decoder(Message).decode


def _secret(_kind: type, value: object) -> Secret:
    if not isinstance(value, str) or not value:
        raise ValueError("Expected a text that is not empty")
    return Secret(value)


decode_signed_in = msgspec.json.Decoder(SignedIn, dec_hook=_secret).decode

_decode_listing = msgspec.json.Decoder(Listing).decode
_decode_odd_listing = msgspec.json.Decoder(_OddListing).decode
_decode_found = msgspec.json.Decoder(Found).decode
_decode_odd_found = msgspec.json.Decoder(_OddFound).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode


def _refuse_many(body: bytes) -> None:
    """Refuse a short answer that would become millions of objects."""
    if body.count(b"{") > MAX_OBJECTS:
        raise msgspec.ValidationError(f"it has more than {MAX_OBJECTS:,} objects")


def _listing(body: bytes) -> Listing:
    try:
        return _decode_listing(body)
    except msgspec.ValidationError:
        odd = _decode_odd_listing(body)
    return Listing(list(map(_entry, odd.data)), odd.total)


def _found(body: bytes) -> Found:
    try:
        return _decode_found(body)
    except msgspec.ValidationError:
        return Found(list(map(_entry, _decode_odd_found(body).data)))


def _entry(odd: _OddEntry) -> WireEntry:
    """Return an entry with the odd fields left out or made text."""
    phone = odd.phone
    if isinstance(phone, str) or (phone is not None and not -(2**63) <= phone < 2**63):
        phone = str(phone)[:MAX_PHONE]
    return WireEntry(
        phone,
        _id(odd.id),
        _decoded(odd.created_at, lambda raw: msgspec.json.decode(raw, type=datetime | None)),
        odd.sms_stoplist,
        odd.viber_stoplist,
        odd.rcs_stoplist,
        odd.whatsapp_stoplist,
    )


def _id(raw: Raw) -> int | str | None:
    text = _decoded(raw, lambda raw: msgspec.json.decode(raw, type=str))
    if text is not None:
        return text[:MAX_ID]
    number = _decoded(raw, lambda raw: msgspec.json.decode(raw, type=_Integer))
    # An id of another type is shown as it is written.
    return (
        number
        if number is not None or raw == _NULL
        else bytes(raw)[:MAX_ID].decode(errors="replace")
    )


def _decoded(raw: Raw, decode: Callable[[Raw], T]) -> T | None:
    try:
        return decode(raw)
    except msgspec.DecodeError:
        return None


_ESCAPE = re.compile(
    rb"""\\(?:
          (?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
        | (?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})
        | .
    )""",
    re.VERBOSE | re.DOTALL,
)


def _without_lone_surrogates(body: bytes) -> bytes:
    """Put U+FFFD in place of each half of a surrogate pair, which no text can hold."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body)
