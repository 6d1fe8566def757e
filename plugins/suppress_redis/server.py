"""The connections to a Redis server, found by its URL or by sentinels, and its keys."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from suppress import ConfigurationError, ServerUrl, mask_numbers
from suppress_redis.settings import LIMITS, RedisLimits, RedisSettings

Client = Any
"""A client of the library, or a pipeline. Its types do not say what a command answers."""

_SENTINEL_PORT = 26379

_SHAPE = (
    "It has the form redis://user:password@host:port/0, rediss:// for TLS, or "
    "redis+sentinel://user:password@host:port,host:port/service/0."
)

_WORDS: Mapping[type[Exception], str] = MappingProxyType(
    {
        redis.exceptions.BusyLoadingError: "the server is starting, and still reads its files",
        redis.exceptions.AuthenticationError: "the server refuses the user or the password",
        redis.ReadOnlyError: "the server is a replica, which takes no changes",
        redis.OutOfMemoryError: "the server has used all of its `maxmemory`",
        redis.TimeoutError: "the server does not answer",
    }
)


class RedisConnections:
    """The connections to a server. Nothing is connected until it is needed.

    Args:
        url: the URL of the server, or of its sentinels.
        settings: the settings of the plugin.
        limits: the limits of waiting and sizes.

    Attributes:
        settings: see the arguments.
        limits: see the arguments.

    Raises:
        ConfigurationError: the URL makes no sense.
    """

    def __init__(
        self, url: ServerUrl, settings: RedisSettings, limits: RedisLimits = LIMITS
    ) -> None:
        self._url = url
        self.settings = settings
        self.limits = limits
        self._lock = threading.Lock()
        self._client: Client = None
        try:
            # Refuses options that the library does not know, and connects to nothing.
            self._made().connection_pool.make_connection()
        except (TypeError, ValueError):
            # Not the library's message: it may quote the URL.
            raise ConfigurationError(f"The URL {url} cannot be used. {_SHAPE}") from None

    @property
    def client(self) -> Client:
        """The client of this process."""
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    @property
    def database(self) -> int:
        """The number of the database."""
        return int(self.client.connection_pool.connection_kwargs.get("db") or 0)

    def key(self, *parts: str) -> str:
        """Return the name of a key; the brackets keep all of them on one node of a cluster."""
        return ":".join([f"{{{self.settings.prefix}}}", "1", *parts])

    def channel(self, *parts: str) -> str:
        """Return the name of a channel; channels know no databases, so it has the number."""
        return self.key(*parts, str(self.database))

    def describe(self) -> str:
        """Return the URL without the password."""
        return str(self._url)

    def after_fork_in_child(self) -> None:
        """Forget the connections of the process that this one was forked from."""
        # The lock may be held by a thread that this process does not have. The library sees by
        # the process id that the old connections are not ours to end.
        self._lock = threading.Lock()
        self._client = None

    def close(self) -> None:
        """End the connections; a later call makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            # One that another thread reads from goes when that is done.
            client.connection_pool.disconnect(inuse_connections=False)

    def _made(self) -> Client:
        options = {
            "socket_timeout": self.settings.timeout,
            "socket_connect_timeout": self.settings.timeout,
            "socket_keepalive": True,
            # Not after a timeout: a server that is silent is not to be waited for several times.
            "retry": Retry(
                ExponentialBackoff(cap=1.0, base=self.limits.retry_delay),
                self.limits.retries,
                supported_errors=(redis.ConnectionError,),
            ),
            # Earlier versions repeat a command only with this.
            "retry_on_error": [redis.ConnectionError],
        }
        parts = urlsplit(self._url.reveal())
        if parts.scheme.endswith("+sentinel"):
            return self._by_sentinels(parts, options)
        _refuse_other_than_number(parts.path)
        return redis.Redis.from_url(urlunsplit(parts), **options)

    def _by_sentinels(self, parts: SplitResult, options: Mapping[str, Any]) -> Client:
        account, at, hosts = parts.netloc.rpartition("@")
        _, service, *database = parts.path.split("/", 2)
        path = "/".join(["", *database])
        _refuse_other_than_number(path)
        if not service:
            raise ValueError
        # The rest of the URL, as the library reads that of a server.
        scheme, netloc = parts.scheme.partition("+")[0], f"{account}{at}unused"
        url = urlunsplit(parts._replace(scheme=scheme, netloc=netloc, path=path))
        rest = parse_url(url)  # type: ignore[no-untyped-call]
        own: dict[str, Any] = {**rest, **options, "ssl": scheme == "rediss"}
        for name in ("host", "port", "connection_class"):
            own.pop(name, None)
        secret = self.settings.sentinel_password
        sentinels: Any = Sentinel(  # type: ignore[no-untyped-call]
            [_address(each) for each in hosts.split(",")],
            sentinel_kwargs={
                **options,
                "ssl": own["ssl"],
                "password": None if secret is None else secret.reveal(),
            },
        )
        found: Client = sentinels.master_for(unquote(service), **own)
        return found


def in_words(error: Exception) -> str:
    """Return what went wrong with a server, without a full stop."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    # What the server refuses it may quote; the library says of a connection where it leads.
    is_quoted = not isinstance(error, redis.ConnectionError)
    text = mask_numbers(str(error)) if is_quoted else str(error)
    return text.rstrip(".") or type(error).__name__


def _refuse_other_than_number(path: str) -> None:
    # The library takes anything else for database 0.
    if path.strip("/"):
        int(path.strip("/"))


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or _SENTINEL_PORT
