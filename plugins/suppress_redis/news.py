"""News of changes: a message at once, and a look every so often, since a message can be missed."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import redis

from suppress_redis.server import Client, RedisConnections


class _Subscription(NamedTuple):
    """A subscription, and its client, which ends all connections of its own when it is gone."""

    messages: Any
    client: Client


class RedisNews:
    """The news of one channel.

    Args:
        connections: those to the server.
        topic: what the channel is called.
        version: returns what differs after each change; it asks the server.
    """

    def __init__(
        self, connections: RedisConnections, topic: str, version: Callable[[], object]
    ) -> None:
        self._connections = connections
        self._topic = topic
        self._version = version
        self._lock = threading.Lock()
        self._heard: _Subscription | None = None
        self._seen: object = None

    @property
    def channel(self) -> str:
        """The channel on which changes are told, with any message."""
        return self._connections.channel("news", self._topic)

    def wait(self, timeout: float) -> bool:
        """Wait for a change; see `suppress.Remote.news`.

        Raises:
            redis.RedisError: the connection is lost, or the server cannot be reached.
        """
        with self._lock:
            try:
                if self._heard is None:
                    self._subscribe()
                    return True
                return self._changed(self._heard, timeout)
            except redis.RedisError:
                self._unsubscribe()
                raise

    def after_fork_in_child(self) -> None:
        """Forget the connection of the process that this one was forked from."""
        self._lock = threading.Lock()
        self._heard = None

    def close(self) -> None:
        """End the connection; a thread that waits gets an error soon."""
        heard, self._heard = self._heard, None
        if heard is not None and self._lock.acquire(blocking=False):
            # Else the thread that waits on it ends it.
            try:
                heard.messages.close()
            finally:
                self._lock.release()

    def _subscribe(self) -> None:
        client = self._connections.client
        messages = client.pubsub()
        self._heard = _Subscription(messages, client)
        messages.subscribe(self.channel)
        # With the answer, messages come: no change after the look goes unheard.
        if messages.get_message(timeout=self._connections.settings.timeout) is None:
            raise redis.TimeoutError
        self._seen = self._version()

    def _changed(self, heard: _Subscription, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while True:
            left = max(end - time.monotonic(), 0.0)
            heard.messages.get_message(timeout=min(left, self._connections.limits.look_every))
            if self._heard is not heard:
                heard.messages.close()
                raise redis.ConnectionError("the connection was ended")
            # A message is about a change that may have been seen already.
            seen, self._seen = self._seen, self._version()
            if seen != self._seen:
                return True
            if time.monotonic() >= end:
                return False

    def _unsubscribe(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.messages.close()
