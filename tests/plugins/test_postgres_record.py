"""The record of opt-outs in a PostgreSQL database keeps the contract of a record."""

from collections.abc import Callable, Iterator

import pytest

from suppress import Record, ServerUrl, Settings
from suppress.testing import RecordContract
from suppress_postgres import suppress_record

pytestmark = pytest.mark.servers


@pytest.fixture
def opening(postgres_url: str) -> Iterator[Callable[[], Record]]:
    opened = []

    def open_one() -> Record:
        record = suppress_record(ServerUrl(postgres_url), Settings())
        assert record is not None
        opened.append(record)
        return record

    yield open_one
    for each in opened:
        each.close()


class TestContract(RecordContract):
    @pytest.fixture
    def opening(self, opening: Callable[[], Record]) -> Callable[[], Record]:
        return opening
