"""A Redis server for tests: in a temporary folder, on a free port, ended with the tests.

It can be killed and started again, with replicas of it beside it, and a sentinel that watches.
"""

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.postgres_server import free_port

PASSWORD = "s3cret:p@ss/word"
"""The password of the server, which has to be quoted in a URL."""

QUOTED = "s3cret%3Ap%40ss%2Fword"

SERVICE = "lists"
"""The name under which a sentinel knows the server."""

_START_WITHIN = 20.0

KEEPS_ALL = {"appendonly": "yes", "appendfsync": "always"}
"""The settings of a server that keeps what it acknowledges."""


def missing_for_redis() -> str | None:
    """Return what is missing here to start a server and to talk to it; None for nothing."""
    if importlib.util.find_spec("redis") is None:
        return "the extra redis is not installed"
    return None if shutil.which("redis-server") else "redis-server is not installed"


class RedisServer:
    """A server; used in a `with` block.

    Args:
        settings: settings of the server, with `_` for `-`; `KEEPS_ALL` unless given.

    Attributes:
        port: its port on 127.0.0.1, the same after each start.
    """

    def __init__(self, **settings: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="suppress-redis-"))
        self._settings = {**KEEPS_ALL, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
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

    def url(self, database: int = 0, port: int | None = None) -> str:
        """Return the URL of a database, through another port if there is a proxy before it."""
        return f"redis://:{QUOTED}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._process = _started(self._command(), self._folder)
        _wait_until(self._serves, self._process, self._folder)

    def kill(self) -> None:
        """Kill it, so that only what is in its files is left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it: connections stay, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def set(self, **settings: str) -> None:
        """Change settings of the server while it runs, with `_` for `-`."""
        with self.client() as client:
            for name, value in settings.items():
                client.config_set(name.replace("_", "-"), value)
            # An append-only file that is switched on is none before it was written once.
            _wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])

    @contextlib.contextmanager
    def client(self, database: int = 0) -> Iterator[Any]:
        """Give a connection of the test's own."""
        import redis  # noqa: PLC0415 - it is of an extra

        with contextlib.closing(redis.Redis.from_url(self.url(database))) as client:
            yield client

    @contextlib.contextmanager
    def replica(self) -> "Iterator[RedisServer]":
        """Start a replica of it, which has all of it when the block begins."""
        following = RedisServer(replicaof=f"127.0.0.1 {self.port}", masterauth=PASSWORD)
        with following, following.client() as client:
            _wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            yield following

    @contextlib.contextmanager
    def sentinel(self) -> Iterator[str]:
        """Start a sentinel that makes a replica the master half a second after it is gone.

        Yields:
            The URL of the server by that sentinel.
        """
        with tempfile.TemporaryDirectory(prefix="suppress-sentinel-") as name:
            port, file = free_port(), Path(name, "sentinel.conf")
            file.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {name}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {self.port} 1\n"
                f"sentinel auth-pass {SERVICE} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {SERVICE} 500\n"
                f"sentinel failover-timeout {SERVICE} 2000\n"
            )
            process = _started(["redis-server", str(file), "--sentinel"], Path(name))
            try:
                _wait_until(lambda: _knows_a_replica(port), process, Path(name))
                yield f"redis+sentinel://:{QUOTED}@127.0.0.1:{port}/{SERVICE}/0"
            finally:
                process.kill()
                process.wait()

    def _command(self) -> list[str]:
        settings: dict[str, str] = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "requirepass": PASSWORD,
            "save": "",
            "daemonize": "no",
            "repl_diskless_sync_delay": "0",  # a replica need not wait for others
            **self._settings,
        }
        options = [
            part
            for name, value in settings.items()
            for part in (f"--{name.replace('_', '-')}", *(value.split(" ") if value else [""]))
        ]
        return ["redis-server", *options]

    def _serves(self) -> bool:
        import redis  # noqa: PLC0415 - it is of an extra

        with self.client() as client, contextlib.suppress(redis.RedisError):
            return bool(client.ping())
        return False


def _knows_a_replica(port: int) -> bool:
    import redis  # noqa: PLC0415 - it is of an extra

    client: Any = redis.Redis("127.0.0.1", port)
    with contextlib.closing(client), contextlib.suppress(redis.RedisError):
        return bool(client.execute_command("SENTINEL REPLICAS", SERVICE))
    return False


def _started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def _wait_until(
    condition: Any, process: subprocess.Popen[bytes] | None = None, folder: Path | None = None
) -> None:
    end = time.monotonic() + _START_WITHIN
    while not condition():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > end:
            raise TimeoutError("" if folder is None else (folder / "log").read_text())
        time.sleep(0.01)
