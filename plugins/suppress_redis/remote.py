"""Snapshots on a Redis server: a head for each key, and parts that are named by their digests.

A part is a hash of pieces. It is sent under a name of its own first, and gets its right name in
the very step that publishes the head, as does the check of the lease: a reader never finds half a
part, and a holder that was stopped for too long changes nothing.
"""

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

import redis

from suppress import Lease, LeaseLost, PartGone, StoreError
from suppress_redis.lease import RedisLease, exclusive
from suppress_redis.news import RedisNews
from suppress_redis.server import Client, RedisConnections, in_words

# KEYS: the lease, the head, the failure, the version; then what was sent, and where it belongs.
# ARGV: the token, the head, the channel; how long unused keys stay, and parts that no head names
# any more (ms); the beginning of the names of parts; the digests.
_PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local named = {}
for place = 7, #ARGV do
    local sent, part = KEYS[2 * place - 9], KEYS[2 * place - 8]
    if redis.call('EXISTS', sent) == 1 then
        redis.call('RENAME', sent, part)
    elseif redis.call('EXISTS', part) == 0 then
        return 'gone'
    end
    redis.call('PEXPIRE', part, ARGV[4])
    named[ARGV[place]] = true
end
for _, digest in ipairs(redis.call('HKEYS', KEYS[2])) do
    if digest ~= 'head' and not named[digest] then
        redis.call('PEXPIRE', ARGV[6] .. digest, ARGV[5])
    end
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[2], 'head', ARGV[2])
for digest in pairs(named) do redis.call('HSET', KEYS[2], digest, '') end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('INCR', KEYS[4])
redis.call('PUBLISH', ARGV[3], '')
return 'done'
"""

# KEYS: the lease, the head, the version. ARGV: the token, the channel, the beginning of the names
# of parts.
_DISCARD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
for _, digest in ipairs(redis.call('HKEYS', KEYS[2])) do
    if digest ~= 'head' then redis.call('DEL', ARGV[3] .. digest) end
end
redis.call('DEL', KEYS[2])
redis.call('INCR', KEYS[3])
redis.call('PUBLISH', ARGV[2], '')
return 'done'
"""

_TRIES = 3


class RedisRemote:
    """Snapshots on a Redis server; see `suppress.Remote`.

    Args:
        connections: those to the server.
    """

    def __init__(self, connections: RedisConnections) -> None:
        self._connections = connections
        self._version = connections.key("version")
        self._news = RedisNews(
            connections, "snapshots", lambda: connections.client.get(self._version)
        )

    def head(self, key: str) -> bytes | None:
        """Return the head that was published last."""
        with _explained():
            found: bytes | None = self._client.hget(self._head(key), "head")
        return found

    def part(self, key: str, digest: str) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        name = self._part(key, digest)
        with _explained():
            pieces = self._client.hlen(name)
            named = self._client.hexists(self._head(key), digest)
        if not pieces and named:
            raise StoreError(
                "a part of what was published is gone: somebody removed it, or the server removes "
                "keys when its memory is full (maxmemory-policy)"
            )
        for place in range(pieces):
            with _explained():
                piece = self._client.hget(name, str(place))
            if piece is None:
                break
            yield piece
        else:
            if pieces:
                return
        raise PartGone("it was replaced meanwhile")

    def publish(
        self, key: str, head: bytes, parts: Mapping[str, Iterable[bytes]], lease: Lease
    ) -> None:
        """Replace the head in one step, end the failure, and announce it."""
        held = self._held(lease, key)
        # What was sent stays sent, in case that another part is found gone at the last moment.
        sent: dict[str, str] = {}
        with _explained():
            for _ in range(_TRIES):
                for digest, pieces in parts.items():
                    if digest not in sent and not self._client.exists(self._part(key, digest)):
                        held.check()
                        sent[digest] = self._send(key, digest, pieces)
                answer = self._named(key, head, parts, held, sent)
                if answer == b"done":
                    return
                if answer == b"lost":
                    raise LeaseLost(f"the lease for {key} is lost")
        raise StoreError("the server removes parts before they are published")

    def discard(self, key: str, lease: Lease) -> None:
        """Remove the head and its parts."""
        held = self._held(lease, key)
        keys = held.key, self._head(key), self._version
        with _explained():
            answer = self._client.eval(
                _DISCARD, 3, *keys, held.token, self._news.channel, self._part(key, "")
            )
        if answer == b"lost":
            raise LeaseLost(f"the lease for {key} is lost")

    def failure(self, key: str) -> bytes | None:
        """Return the failure that was kept since the head was published."""
        with _explained():
            found: bytes | None = self._client.get(self._failure(key))
        return found

    def fail(self, key: str, failure: bytes) -> None:
        """Keep a failure until a head is published, and announce it."""
        with _explained(), self._client.pipeline() as step:
            step.set(self._failure(key), failure, px=self._unused_age)
            step.incr(self._version)
            step.publish(self._news.channel, "")
            step.execute()

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of the name, on all machines, while the block runs."""
        return exclusive(self._connections, name, lease, wait=wait)

    def news(self, timeout: float) -> bool:
        """Wait for a change by anybody."""
        with _explained():
            return self._news.wait(timeout)

    def describe(self) -> str:
        """Return the URL without the password."""
        return self._connections.describe()

    def after_fork_in_child(self) -> None:
        """Forget the connections of the process that this one was forked from."""
        self._connections.after_fork_in_child()
        self._news.after_fork_in_child()

    def close(self) -> None:
        """End the connections."""
        self._news.close()
        self._connections.close()

    @property
    def _client(self) -> Client:
        return self._connections.client

    @property
    def _unused_age(self) -> int:
        return round(self._connections.limits.unused_age * 1000)

    def _head(self, key: str) -> str:
        return self._connections.key("head", key)

    def _part(self, key: str, digest: str) -> str:
        return self._connections.key("part", key, digest)

    def _failure(self, key: str) -> str:
        return self._connections.key("failure", key)

    def _held(self, lease: Lease, key: str) -> RedisLease:
        if not isinstance(lease, RedisLease) or lease.name != key:
            raise LeaseLost(f"the lease is for {lease.name}")
        return lease

    def _send(self, key: str, digest: str, pieces: Iterable[bytes]) -> str:
        """Send a part under a name of its own, and return that."""
        name = self._connections.key("sent", key, digest, secrets.token_hex(8))
        limits = self._connections.limits
        for place, piece in enumerate(_of_size(pieces, limits.piece)):
            with self._client.pipeline() as step:
                step.hset(name, str(place), piece)
                step.pexpire(name, round(limits.upload_age * 1000))
                step.execute()
        return name

    def _named(
        self,
        key: str,
        head: bytes,
        parts: Iterable[str],
        held: RedisLease,
        sent: Mapping[str, str],
    ) -> object:
        """Publish the head with its parts, and return what the server says."""
        keys = [held.key, self._head(key), self._failure(key), self._version]
        for digest in parts:
            part = self._part(key, digest)
            keys += [sent.get(digest, part), part]
        ages = self._unused_age, round(self._connections.limits.orphan_age * 1000)
        arguments = [held.token, head, self._news.channel, *ages, self._part(key, ""), *parts]
        return self._client.eval(_PUBLISH, len(keys), *keys, *arguments)


def _of_size(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give the same bytes in pieces of a size, so that none is too large to send at once."""
    rest = bytearray()
    for piece in pieces:
        view = memoryview(piece).cast("B")
        while len(view):
            taken = size - len(rest)
            rest += view[:taken]
            view = view[taken:]
            if len(rest) == size:
                yield bytes(rest)
                rest.clear()
    # A part of no bytes is a part: an empty piece of it is there.
    yield bytes(rest)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreError(in_words(error)) from error
