"""Leases: the right of one holder to change what stands under a name, until it falls silent.

A lease is a key with a random token and an age at which the server removes it. As long as the
holder runs, it gives a sign of life every so often, which makes the key young again. A holder that
was stopped for longer, or was cut off, has lost it for good: whatever it wants to change then, the
server compares the token in the same step, and refuses.
"""

import contextlib
import math
import secrets
import threading
import time
from collections.abc import Iterator

import redis

from suppress import Held, LeaseLost, StoreError
from suppress_redis.server import RedisConnections, in_words

# A second try of the same holder, whose first answer was lost, is given it again.
_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisLease:
    """A lease that was got from a server; see `suppress.Lease`.

    Args:
        connections: those to the server.
        name: the name that is held.
        kind: what it is a name of.

    Attributes:
        key: the key of the lease on the server.
        token: the value that the key has as long as this holds it.
    """

    def __init__(self, connections: RedisConnections, name: str, kind: str) -> None:
        self._connections = connections
        self._name = name
        self.key = connections.key(kind, name)
        self.token = secrets.token_hex(16)

    @property
    def name(self) -> str:
        """The name that was asked for."""
        return self._name

    def check(self) -> None:
        """Make sure that the lease is still held, by asking the server.

        Raises:
            LeaseLost: it is not.
            StoreError: the server cannot be asked.
        """
        try:
            found = self._connections.client.get(self.key)
        except redis.RedisError as error:
            raise StoreError(in_words(error)) from error
        if found != self.token.encode():
            raise LeaseLost(f"the lease for {self._name} is lost")

    def acquire(self, age: float) -> bool:
        """Take the lease, if nobody else holds it, and return whether it is held now.

        Args:
            age: seconds of silence after which it is lost.
        """
        eval_ = self._connections.client.eval
        return bool(eval_(_ACQUIRE, 1, self.key, self.token, _milliseconds(age)))

    def renew(self, age: float) -> bool:
        """Give a sign of life, and return whether the lease is still held."""
        eval_ = self._connections.client.eval
        return bool(eval_(_RENEW, 1, self.key, self.token, _milliseconds(age)))

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        self._connections.client.eval(_RELEASE, 1, self.key, self.token)

    def keep(self, age: float, ended: threading.Event) -> None:
        """Let the server hear of the holder until the block has ended, or the lease is lost."""
        while not ended.wait(age / 3):
            # One message may be lost; the next may come in time.
            with contextlib.suppress(redis.RedisError):
                if not self.renew(age):
                    return


@contextlib.contextmanager
def exclusive(
    connections: RedisConnections, name: str, lease: float, *, wait: float, kind: str = "lease"
) -> Iterator[RedisLease]:
    """Be the only holder of a name while the block runs; see `suppress.Remote.exclusive`."""
    age = min(lease, connections.limits.longest_silence)
    held, end = RedisLease(connections, name, kind), time.monotonic() + wait
    try:
        while not held.acquire(age):
            left = end - time.monotonic()
            if left <= 0:
                raise Held(f"another holds {name}")
            time.sleep(min(left, connections.limits.poll))
    except redis.RedisError as error:
        raise StoreError(in_words(error)) from error
    ended = threading.Event()
    threading.Thread(target=held.keep, args=(age, ended), name="lease", daemon=True).start()
    try:
        yield held
    finally:
        ended.set()
        with contextlib.suppress(redis.RedisError):
            held.release()


def _milliseconds(seconds: float) -> int:
    return max(math.ceil(seconds * 1000), 1)
