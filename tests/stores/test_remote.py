"""The remote that the tests have passes the suite for remotes, and a broken one fails."""

from pathlib import Path

import pytest

from support.remotes import FolderRemote
from suppress.testing import RemoteContract
from suppress.testing.remotes import LosingLease, OpeningRemote


class TestContract(RemoteContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> OpeningRemote:
        return lambda: FolderRemote(tmp_path / "server")

    @pytest.fixture
    def losing(self, opening: OpeningRemote) -> LosingLease:
        remote = opening()
        assert isinstance(remote, FolderRemote)
        return remote.lose
