"""The plugin for Redis: a store for many machines, and a record of their opt-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from suppress_redis.server import RedisConnections

NAME = "redis"
SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")


@suppress.hookimpl
def suppress_remote(url: suppress.ServerUrl, settings: suppress.Settings) -> suppress.Remote | None:
    """Offer the Redis server that `store` names."""
    if url.scheme not in SCHEMES:
        return None
    from suppress_redis.remote import RedisRemote  # noqa: PLC0415 - loads redis

    return RedisRemote(_connections(url, settings))


@suppress.hookimpl
def suppress_record(
    url: suppress.ServerUrl, settings: suppress.Settings
) -> suppress.SharedRecord | None:
    """Offer the record of opt-outs on the Redis server that the URL names."""
    if url.scheme not in SCHEMES:
        return None
    from suppress_redis.record import RedisRecord  # noqa: PLC0415 - loads redis

    return RedisRecord(_connections(url, settings))


def _connections(url: suppress.ServerUrl, settings: suppress.Settings) -> RedisConnections:
    from suppress_redis.server import RedisConnections  # noqa: PLC0415 - loads redis
    from suppress_redis.settings import RedisSettings  # noqa: PLC0415 - as above

    return RedisConnections(url, settings.section(NAME, RedisSettings) or RedisSettings())
