"""The shared record of the tests keeps the contract, and so does its copy on each machine."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.shared_records import FolderRecord
from suppress import Record, ServerUrl, Settings, SharedRecord
from suppress.opt_outs.limits import OptOutLimits
from suppress.opt_outs.places import on_server
from suppress.testing import RecordContract, SharedRecordContract
from suppress.testing.records import Opening
from suppress.testing.shared_records import Joining


def replica(shared: SharedRecord, folder: Path) -> Record:
    """Return the record as a machine with its copy in the folder sees it."""
    return on_server(
        shared,
        folder,
        tell=lambda: None,
        clock=time.time,
        timer=time.monotonic,
        in_background=False,
        limits=OptOutLimits(look_after=0.0),
    ).record


class TestFolderRecord(SharedRecordContract):
    @pytest.fixture
    def joining(self, tmp_path: Path) -> Joining:
        return lambda: FolderRecord(tmp_path / "server")


class TestReplica(RecordContract):
    """Each handle is another machine, which asks the server each time."""

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        folders = (tmp_path / f"machine {place}" for place in itertools.count())

        return lambda: replica(FolderRecord(tmp_path / "server"), next(folders))


@pytest.mark.servers
class TestReplicaOfPostgres(RecordContract):
    """The same, with a real server."""

    @pytest.fixture
    def opening(self, postgres_url: str, tmp_path: Path) -> Iterator[Opening]:
        from suppress_postgres import suppress_record  # noqa: PLC0415 - of an extra

        folders = (tmp_path / f"machine {place}" for place in itertools.count())
        shared: list[SharedRecord] = []

        def opened() -> Record:
            record = suppress_record(ServerUrl(postgres_url), Settings())
            assert record is not None
            shared.append(record)
            return replica(record, next(folders))

        yield opened
        for each in shared:
            each.close()
