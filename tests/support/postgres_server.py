"""A PostgreSQL server for tests: in a temporary folder, on a free port, ended with the tests.

It is started from Debian's package, or whatever `pg_config` names. One serves all tests of a
process; each test has a database of its own. The server can be killed and started again.
"""

import contextlib
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

USER, PASSWORD = "owner", "s3cret:p@ss/word"
"""The superuser of the server, with a password that has to be quoted in a URL."""

QUOTED = "s3cret%3Ap%40ss%2Fword"

OLDEST = 14
_START_WITHIN = 30.0


def missing_for_postgres() -> str | None:
    """Return what is missing here to start a server and to talk to it; None for nothing."""
    if importlib.util.find_spec("psycopg") is None:
        return "the extra postgres is not installed"
    if _programs() is None:
        return f"PostgreSQL {OLDEST} or later is not installed"
    return None


def _programs() -> Path | None:
    """Return the folder of the newest server's programs; None where there is none."""
    folders = {int(path.parent.name): path for path in Path("/usr/lib/postgresql").glob("*/bin")}
    if (command := shutil.which("pg_config")) is not None:
        asked = [command, "--bindir", "--version"]
        bindir, version = subprocess.check_output(asked, text=True).splitlines()
        if (found := re.search(r"\d+", version)) is not None:
            folders[int(found[0])] = Path(bindir)
    usable = [
        version
        for version, path in folders.items()
        if version >= OLDEST and (path / "initdb").exists() and (path / "postgres").exists()
    ]
    return folders[max(usable)] if usable else None


class PostgresServer:
    """A server; used in a `with` block.

    Args:
        settings: settings of the server beside those that tests need, or instead of them.

    Attributes:
        port: its port on 127.0.0.1, the same after each start.
    """

    def __init__(self, **settings: str) -> None:
        programs = _programs()
        assert programs is not None, missing_for_postgres()
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="suppress-postgres-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            account = pwd.getpwnam("postgres")
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in itertools.count())
        self.port = free_port()

    def __enter__(self) -> Self:
        with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
            file.write(PASSWORD)
            file.flush()
            if self._as_user:
                os.chown(file.name, self._as_user["user"], -1)
            self._run(
                *("initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions"),
                *(f"--username={USER}", "--auth=scram-sha-256", f"--pwfile={file.name}"),
                f"--pgdata={self._folder / 'data'}",
            )
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def url(self, database: str, port: int | None = None, user: str = USER) -> str:
        """Return the URL of a database, through another port if there is a proxy before it."""
        return f"postgresql://{user}:{QUOTED}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it serves."""
        end = time.monotonic() + _START_WITHIN
        while True:
            process = self._started()
            while process.poll() is None:
                if self._serves():
                    self._process = process
                    return
                if time.monotonic() > end:
                    process.kill()
                    break
                time.sleep(0.02)
            process.wait()
            # After it was killed, a process of its own may still be there, or hold the memory.
            if time.monotonic() > end:
                raise TimeoutError((self._folder / "log").read_text())
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it with all of its processes, as a power failure would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)  # so that it starts no more of them
        children = _children(self._process.pid)
        for each in (self._process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Stop all of its processes: connections stay, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let its processes go on."""
        self._signal(signal.SIGCONT)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, and give its name; it is dropped behind the block."""
        name = next(self._names)
        self.run_sql(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield name
        finally:
            if self._process is not None:
                self.run_sql(f"DROP DATABASE {name} WITH (FORCE)")

    def run_sql(self, statement: str, database: str = "postgres") -> Sequence[tuple[Any, ...]]:
        """Run a statement as superuser, and return its rows."""
        import psycopg  # noqa: PLC0415 - it is of an extra

        with (
            psycopg.connect(self.url(database), autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _started(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
            "max_connections": "200",
            "shared_buffers": "32MB",
            # It is killed at most, which the system's cache of files survives.
            "fsync": "off",
            "autovacuum": "off",
            **self._settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                **self._as_user,
            )

    def _serves(self) -> bool:
        done = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0

    def _signal(self, number: int) -> None:
        assert self._process is not None
        for each in (self._process.pid, *_children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._as_user,
        )


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    return [
        int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ]
