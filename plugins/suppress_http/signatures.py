"""Signatures of providers: proof that a reply comes from the provider, and is as it was sent."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": 443, "http": 80}


def is_of_twilio(signature: str, token: str, url: str, form: Iterable[tuple[str, str]]) -> bool:
    """Tell whether Twilio has signed a request.

    Args:
        signature: the header `X-Twilio-Signature`.
        token: the auth token of the account.
        url: the address that Twilio called, with its query.
        form: the names and values of the body.
    """
    fields = "".join(name + value for name, value in sorted(set(form)))
    try:
        spellings = _spellings(urlsplit(url))
    except ValueError:
        return False  # it has a port that is none: the caller names it in the header Host
    expected = [_of_twilio(token, f"{each}{fields}") for each in spellings]
    given = signature.encode("latin-1", "replace")
    return any(hmac.compare_digest(given, each) for each in expected)


def _of_twilio(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1"))


def _spellings(url: SplitResult) -> Sequence[str]:
    """Return an address without the port and with it: Twilio signs one of the two."""
    host = url.netloc.rpartition("@")[2]
    name = host.rpartition(":")[0] if url.port is not None else host
    port = url.port or _PORTS.get(url.scheme, 0)
    return [url._replace(netloc=each).geturl() for each in (name, f"{name}:{port}")]


def is_of_telnyx(
    signature: str, timestamp: str, public_key: str, body: bytes, *, now: float, tolerance: float
) -> bool:
    """Tell whether Telnyx has signed a request a moment ago.

    Args:
        signature: the header `telnyx-signature-ed25519`.
        timestamp: the header `telnyx-timestamp`.
        public_key: the public key of the account, in base64.
        body: the body as it came.
        now: the time, in seconds since the epoch.
        tolerance: seconds by which the time of the signature may be off.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - not for the others
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:  # noqa: PLR2004
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    try:
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + b"|" + body)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def has_secret(authorization: str, header: str, secret: str) -> bool:
    """Tell whether a request has the secret, in a header or as the password of basic access.

    Args:
        authorization: the header `Authorization`.
        header: the header for the secret alone.
        secret: the secret.
    """
    scheme, _, rest = authorization.partition(" ")
    password = b""
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(rest, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            password = b""
    expected = secret.encode()
    return any(hmac.compare_digest(each, expected) for each in (header.encode("latin-1"), password))
