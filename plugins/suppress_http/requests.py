"""Requests: their bodies, read within bounds of size and time, and their parameters."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final, TypeVar

import anyio.from_thread
import msgspec
from starlette.requests import ClientDisconnect, Request

import suppress
from suppress_http.limits import HttpLimits
from suppress_http.problems import RequestRefused

T = TypeVar("T")

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


def media_type(request: Request) -> str:
    """Return the type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def refuse_other_types(request: Request, *taken: str) -> None:
    """Refuse a body of another type.

    A page on the web can have a browser send some types to this machine, but none of these.

    Raises:
        RequestRefused: it is of another type.
    """
    if media_type(request) not in taken:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send the body as {' or '.join(taken)}, and say so in Content-Type.",
        )


async def small_body(request: Request, limits: HttpLimits) -> bytes:
    """Return the body of a request that is about a few people.

    Raises:
        RequestRefused: it is too large, or does not come.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(limits.wait_for_body):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.small_body:
                    raise too_large(limits.small_body)
    except TimeoutError:
        raise _too_slow(limits) from None
    return bytes(body)


async def pieces_of(request: Request, limits: HttpLimits, most: int) -> AsyncIterator[bytes]:
    """Give the pieces of a body as they come.

    Raises:
        RequestRefused: there are more bytes, or the next piece does not come.
    """
    pieces = request.stream()
    size = 0
    while True:
        try:
            async with asyncio.timeout(limits.wait_for_body):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow(limits) from None
        size += len(piece)
        if size > most:
            raise too_large(most)
        if piece:
            yield piece


def _too_slow(limits: HttpLimits) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_TIMEOUT,
        f"The body did not come within {limits.wait_for_body:g} s. Send it again.",
        {"Connection": "close"},
    )


def too_large(most: int) -> RequestRefused:
    """Return the error for a body of more bytes than this."""
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body has more than {most:,} bytes. Send it in parts.",
        {"Connection": "close"},
    )


class BodyStream:
    """The body of a request as a file, for a thread that reads it while it comes.

    Args:
        request: the request.
        limits: the bounds of time.
        most: the most bytes.
    """

    def __init__(self, request: Request, limits: HttpLimits, most: int) -> None:
        self._pieces = pieces_of(request, limits, most)
        self._rest = b""

    def read1(self, size: int = -1, /) -> bytes:
        """Return the bytes that have come, at most so many; empty at the end.

        Raises:
            RequestRefused: as for `pieces_of`.
            ClientDisconnect: the caller has gone.
        """
        if not self._rest:
            self._rest = anyio.from_thread.run(self._next)
        size = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    read = read1

    def seekable(self) -> bool:
        """Return False: it comes once."""
        return False

    async def _next(self) -> bytes:
        return await anext(self._pieces, b"")


async def document(request: Request, kind: type[T], limits: HttpLimits) -> T:
    """Return the JSON document of a request.

    Raises:
        RequestRefused: it is not JSON, or not of that kind.
    """
    refuse_other_types(request, JSON)
    return decoded(await small_body(request, limits), kind)


def decoded(body: bytes, kind: type[T]) -> T:
    """Return a document of that kind.

    Raises:
        RequestRefused: it is not JSON, or not of that kind.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        # It may quote a value.
        said = f"{suppress.mask(str(error), 200)}."
        if "unknown field" in said and issubclass(kind, msgspec.Struct):
            names = ", ".join(each.encode_name for each in msgspec.structs.fields(kind))
            said = f"{said} It can have: {names}."
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, said) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "The body is not JSON in UTF-8.") from None


def region_of(text: str | None) -> str | None:
    """Return the region of numbers in national form; None for that of the settings.

    Raises:
        RequestRefused: it is unknown.
    """
    try:
        return None if text is None else suppress.known_region(text)
    except suppress.ConfigurationError as error:
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


__all__ = [
    "JSON",
    "NDJSON",
    "BodyStream",
    "ClientDisconnect",
    "decoded",
    "document",
    "media_type",
    "pieces_of",
    "refuse_other_types",
    "region_of",
    "small_body",
    "too_large",
]
