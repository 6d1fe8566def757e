"""The record of opt-outs on a Redis server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import suppress
from support.redis_server import missing_for_redis
from suppress.testing import RecordContract

pytestmark = pytest.mark.servers

if missing_for_redis() is None:
    from suppress_redis.record import RedisRecord
    from suppress_redis.server import RedisConnections
    from suppress_redis.settings import RedisSettings

Opening = Callable[..., "RedisRecord"]


@pytest.fixture
def records(redis_url: str) -> Iterator[Opening]:
    """Open handles of one empty record, each with connections of its own."""
    opened: list[RedisRecord] = []

    def open_(url: str = redis_url, **settings: Any) -> RedisRecord:
        connections = RedisConnections(suppress.ServerUrl(url), RedisSettings(**settings))
        opened.append(RedisRecord(connections))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


class TestRedisRecord(RecordContract):
    """Every record passes these."""

    @pytest.fixture
    def opening(self, records: Opening) -> Opening:
        return records
