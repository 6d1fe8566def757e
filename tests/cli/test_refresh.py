"""`suppress refresh`: the lists are read, stored, and told."""

import re
import socket
from pathlib import Path

import pytest

from support import commands
from support.command_line import FILTER, FIXED, GOOD, KEY, SMS, Run, environ_of, names, refuses
from support.commands import Done
from suppress_bsg.sandbox import Sandbox


@pytest.mark.slow
def test_refresh_without_a_store(run: Run) -> None:
    done = run("refresh", SUPPRESS_STORE="none")
    assert re.fullmatch(
        r"sms: \d+ numbers from bsg\nviber: \d+ numbers from bsg\n", done.stdout.decode()
    )
    assert b"2 lists were read, but not stored: SUPPRESS_STORE is none" in done.stderr


@pytest.mark.slow
def test_the_stored_snapshot_serves_while_the_server_fails(tmp_path: Path) -> None:
    """A second command asks nobody; one that has to ask tells what is wrong."""
    with Sandbox(FIXED, api_key=KEY) as server:
        environ = environ_of(server.url, tmp_path / "home", tmp_path / "store")
        commands.run(["refresh"], env=environ, check=True)
        port = int(server.url.rpartition(":")[2])
    (tmp_path / "in.txt").write_bytes(GOOD)

    def run(*arguments: str, **settings: str) -> Done:
        return commands.run(arguments, cwd=tmp_path, env=environ | settings)

    check = ("check", SMS, "--channel", "sms")
    nothing = {"SUPPRESS_TTL": "0", "SUPPRESS_MAX_STALE": "0"}
    with Sandbox(FIXED, api_key="test_another", port=port):
        fresh = run(*check)
        assert (fresh.returncode, fresh.stderr) == (1, b"")
        stale = run(*check, SUPPRESS_TTL="0")
        assert stale.returncode == 1
        assert stale.stdout.startswith(SMS.encode() + b": suppressed")
        assert re.match(rb"Warning: .*using the copy from .*refused the API key", stale.stderr)
        refuses(run(*FILTER, "in.txt", **nothing), 3, "refused the API key.*SUPPRESS_MAX_STALE")
        missing = run(*FILTER, "in.txt", SUPPRESS_STORE=str(tmp_path / "new"))
        refuses(missing, 3, "refused the API key.*Nothing may be sent")
        refuses(run("refresh", "--json"), 3, "refused the API key")
    assert names(tmp_path) - {"home", "new"} == {"in.txt", "store"}
    assert not list((tmp_path / "new").glob("*.snapshot"))


@pytest.mark.slow
def test_a_server_that_is_down(tmp_path: Path) -> None:
    """The command tries for some seconds, and then says what to look at."""
    with Sandbox(FIXED, api_key=KEY) as server:
        environ = environ_of(server.url, tmp_path / "home", tmp_path / "store")
    # The server's port is nobody's now.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    done = commands.run(FILTER, stdin=GOOD, cwd=tmp_path, env=environ)
    refuses(done, 3, "cannot be reached.*Check BSG_BASE_URL.*Nothing may be sent")
    assert names(tmp_path) <= {"home", "store"}
