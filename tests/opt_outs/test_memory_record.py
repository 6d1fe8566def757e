"""The record in memory keeps the contract."""

import pytest

from suppress.opt_outs.memory import MemoryRecord
from suppress.testing import RecordContract
from suppress.testing.records import Opening


class TestMemoryRecord(RecordContract):
    @pytest.fixture
    def opening(self) -> Opening:
        record = MemoryRecord()
        return lambda: record
