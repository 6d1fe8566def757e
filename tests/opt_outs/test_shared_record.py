"""The shared record of the tests keeps the contract, and so does its copy on each machine."""

import itertools
import time
from pathlib import Path

import pytest

from support.shared_records import FolderRecord
from suppress import Record
from suppress.opt_outs.limits import OptOutLimits
from suppress.opt_outs.places import on_server
from suppress.testing import RecordContract, SharedRecordContract
from suppress.testing.records import Opening
from suppress.testing.shared_records import Joining


class TestFolderRecord(SharedRecordContract):
    @pytest.fixture
    def joining(self, tmp_path: Path) -> Joining:
        return lambda: FolderRecord(tmp_path / "server")


class TestReplica(RecordContract):
    """Each handle is another machine, which asks the server each time."""

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        folders = (tmp_path / f"machine {place}" for place in itertools.count())

        def opened() -> Record:
            return on_server(
                FolderRecord(tmp_path / "server"),
                next(folders),
                tell=lambda: None,
                clock=time.time,
                timer=time.monotonic,
                in_background=False,
                limits=OptOutLimits(look_after=0.0),
            ).record

        return opened
