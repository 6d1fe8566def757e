"""The server: it listens on a port or a Unix socket, and ends when it has answered."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry

import suppress
from suppress_http.app import make_app
from suppress_http.backend import Backend
from suppress_http.connections import Connection, most_connections
from suppress_http.settings import is_loopback

_BACKLOG: Final = 2048
_OWNER_ALONE: Final = 0o177


def serve(backend: Backend, listening: socket.socket, registry: CollectorRegistry) -> None:
    """Answer until a signal ends it; requests that came before are answered first.

    Args:
        backend: the stop lists, the settings and the bounds.
        listening: where callers connect, from `listener`.
        registry: the metrics that are shown.
    """

    class Bounded(Connection):
        limits = backend.limits
        most = most_connections()

    config = uvicorn.Config(
        make_app(backend, registry, any_host=backend.settings.unix_socket is not None),
        http=Bounded,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listening])


@contextlib.contextmanager
def listener(backend: Backend) -> Iterator[tuple[socket.socket, str]]:
    """Listen where the settings say; yield the socket and its address in words.

    Raises:
        ConfigurationError: others could call without a token, or nothing can listen there.
    """
    settings = backend.settings
    if settings.unix_socket is not None:
        with _unix_listener(settings.unix_socket) as listening:
            yield listening, f"the Unix socket {settings.unix_socket}"
        return
    if settings.token is None and not is_loopback(settings.host):
        raise suppress.ConfigurationError(
            f"SUPPRESS_SERVE_TOKEN (`token` in the table [suppress.serve]) is missing: at "
            f"{settings.host} other machines could call. Set it to a secret, such as that of "
            "`openssl rand -hex 32`, or serve on 127.0.0.1."
        )
    try:
        family, *_, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:  # a name that is none is one of the latter
        raise _cannot(f"{settings.host}, port {settings.port}", error) from error
    with listening:
        host, port = listening.getsockname()[:2]
        if settings.token is None and not is_loopback(host):
            raise suppress.ConfigurationError(
                f"{settings.host} is {host} here, where other machines could call. Serve on "
                "127.0.0.1, or set SUPPRESS_SERVE_TOKEN."
            )
        shown = f"[{host}]" if ":" in host else host
        yield listening, f"http://{shown}:{port}"


@contextlib.contextmanager
def _unix_listener(path: Path) -> Iterator[socket.socket]:
    """Listen on a Unix socket that its owner alone can use; it is gone afterwards."""
    if not hasattr(socket, "AF_UNIX"):
        raise suppress.ConfigurationError(
            "This system has no Unix sockets. Use --host and --port instead."
        )
    try:
        _remove_abandoned(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(_OWNER_ALONE)
        try:
            listening.bind(str(path))
        finally:
            os.umask(mask)
        listening.listen(_BACKLOG)
        made = _identity(path)
    except OSError as error:
        raise _cannot(str(path), error) from error
    try:
        with listening:
            yield listening
    finally:
        # The next one may listen there while this one finishes its answers.
        with contextlib.suppress(OSError):
            if _identity(path) == made:
                path.unlink()


def _identity(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from a later one of its name, which may have its inode again."""
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _remove_abandoned(path: Path) -> None:
    """Remove a socket that nobody listens on any more.

    Raises:
        ConfigurationError: somebody does, or it is something else.
    """
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise suppress.ConfigurationError(
            f"{path} exists, and is not a socket. Name another path for the socket."
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)  # it may be too busy to answer
        found = probe.connect_ex(str(path))
    if found not in (errno.ECONNREFUSED, errno.ENOENT):
        raise suppress.ConfigurationError(
            f"Another process serves on {path}. End it, or name another path."
        )
    path.unlink(missing_ok=True)


def _cannot(place: str, error: OSError | UnicodeError) -> suppress.ConfigurationError:
    # Python itself finds some paths and names wrong, and gives no text of the system.
    why = getattr(error, "strerror", None) or str(error)
    return suppress.ConfigurationError(
        f"Nothing can listen on {place}: {why}. Choose another place."
    )
