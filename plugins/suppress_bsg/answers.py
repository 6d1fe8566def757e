"""The answers of the API: their forms, and how much of them is taken.

The two sources of its documentation disagree on types, and a server may lie. An odd id or
time makes no entry vanish; texts are bounded, and so is what is made of an answer.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw

from suppress import Secret

T = TypeVar("T")

MOST_OBJECTS = 20_000
"""JSON objects of an answer: far more than entries, which may hold some that nobody knows."""

LONGEST_ID, LONGEST_PHONE = 100, 250
"""Characters of an id and of a phone that are kept; no number is longer."""

_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_NULL = Raw(b"null")


class WireEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as the API gives it; the two sources of its documentation disagree on types.

    `None` stands for what is missing, null or, for `id` and `created_at`, of an odd type:
    that must not make the entry vanish.
    """

    phone: _Integer | Annotated[str, Meta(max_length=LONGEST_PHONE)] | None = None
    id: _Integer | Annotated[str, Meta(max_length=LONGEST_ID)] | None = None
    created_at: datetime | None = None
    sms_stoplist: bool | None = None
    viber_stoplist: bool | None = None
    rcs_stoplist: bool | None = None
    whatsapp_stoplist: bool | None = None


class _OddEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry of which something is odd."""

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
    """Entries that were searched for, or attached."""

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
    """The page of the listing that an answer's bytes are.

    Raises:
        msgspec.DecodeError: they are none.
    """
    return _read(body, _listing)


def decode_found(body: bytes) -> Found:
    """The entries that an answer's bytes are; errors as for `decode_listing`."""
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
    """The object that an answer's bytes are; errors as for `decode_listing`."""
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
    """Refuse an answer that is short and of which millions of objects would be made."""
    if body.count(b"{") > MOST_OBJECTS:
        raise msgspec.ValidationError(f"it has more than {MOST_OBJECTS:,} objects")


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
    """The entry that is left of an odd one."""
    phone = odd.phone
    if isinstance(phone, str) or (phone is not None and not -(2**63) <= phone < 2**63):
        phone = str(phone)[:LONGEST_PHONE]
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
        return text[:LONGEST_ID]
    number = _decoded(raw, lambda raw: msgspec.json.decode(raw, type=_Integer))
    # Of another type: as it is written, to be shown.
    return (
        number
        if number is not None or raw == _NULL
        else bytes(raw)[:LONGEST_ID].decode(errors="replace")
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
    """JSON with U+FFFD for each half of a character, of which no text can be made."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body)
