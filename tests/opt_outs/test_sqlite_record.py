"""The record in a database keeps the contract."""

import threading
from pathlib import Path

import pytest

from suppress.opt_outs.sqlite import SqliteRecord
from suppress.testing import RecordContract
from suppress.testing.records import Opening


class TestSqliteRecord(RecordContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        lock = threading.Lock()
        return lambda: SqliteRecord(tmp_path, lambda: lock)
