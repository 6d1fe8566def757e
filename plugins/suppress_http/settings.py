"""The settings of the plugin, and their bounds."""

import base64
import binascii
import functools
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from suppress import InvalidSetting, Secret

LEAST_TOKEN = 16
"""Characters of a token or a secret, at least: shorter ones can be guessed."""

_PORTS = range(2**16)
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """The table `[suppress.serve]`.

    Each is also `SUPPRESS_SERVE_` and its name in the environment.

    Attributes:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        unix_socket: the path of a Unix socket to listen on, in place of host and port; None for
            none.
        token: the token that callers have to send; None where this machine alone can call.
        max_body: the most bytes of a request to `/screen`.
        public_url: the address by which a provider reaches this service, such as
            `https://example.com/stop-list`; None if it is that of the request.
        twilio_auth_token: the auth token of the Twilio account that posts replies.
        telnyx_public_key: the public key of the Telnyx account that posts replies, in base64.
        reply_secret: the secret that any other system sends with replies.
    """

    host: str = "127.0.0.1"
    port: int = 8090
    unix_socket: Path | None = None
    token: Secret | None = None
    max_body: int = 2**30
    public_url: str | None = None
    twilio_auth_token: Secret | None = None
    telnyx_public_key: str | None = None
    reply_secret: Secret | None = None

    def __post_init__(self) -> None:
        if self.port not in _PORTS:
            raise InvalidSetting("port", f"must be a port from 0 to {_PORTS[-1]}")
        if not self.host.strip():
            raise InvalidSetting("host", "is empty. Leave it out to listen on this machine alone")
        if self.max_body < 1:
            raise InvalidSetting("max_body", "must be a number of bytes, 1 or more")
        for name in ("token", "reply_secret"):
            secret: Secret | None = getattr(self, name)
            if secret is not None and not _is_strong(secret.reveal()):
                raise InvalidSetting(
                    name,
                    f"must be {LEAST_TOKEN} visible ASCII characters or more. Make one with "
                    "`openssl rand -hex 32`",
                )
        if self.twilio_auth_token is not None and not self.twilio_auth_token.reveal():
            raise InvalidSetting("twilio_auth_token", "is empty. Leave it out to take no replies")
        if self.public_url is not None and not _is_address(self.public_url):
            raise InvalidSetting(
                "public_url",
                "must be https:// and a host, then a port and a path where there are any, and "
                "nothing else",
            )
        if self.telnyx_public_key is not None and not _is_public_key(self.telnyx_public_key):
            raise InvalidSetting(
                "telnyx_public_key",
                "is not a public key. Copy it from Telnyx's portal: 32 bytes in base64",
            )


@functools.lru_cache(maxsize=64)  # asked for each request, about the same few
def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_strong(text: str) -> bool:
    return len(text) >= LEAST_TOKEN and text.isascii() and text.isprintable() and " " not in text


def _is_address(text: str) -> bool:
    if not text.isprintable() or set(text) & set(" @?#"):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises an error where it is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False
