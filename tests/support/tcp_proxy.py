"""A proxy on loopback that forwards a TCP connection until a test cuts it."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class TcpProxy:
    """Forwards connections to a port on 127.0.0.1; used in a `with` block.

    Args:
        target: the port.

    Attributes:
        port: its own port, which stays the same.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._passes = threading.Event()
        self._passes.set()
        self._closing = False
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing = True
        self.heal()
        socket.create_connection(("127.0.0.1", self.port)).close()  # it waits for no other
        self.reset()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def cut(self) -> None:
        """Forward nothing any more: connections stay open, and nothing comes through."""
        self._passes.clear()

    def heal(self) -> None:
        """Forward again, and first what has come meanwhile."""
        self._passes.set()

    def reset(self) -> None:
        """End all connections that there are."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._closing:
                near.close()
                return
            self._start(self._serve, near)

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            with self._lock:
                self._open.add(near)
            self._passes.wait()
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                with self._lock:
                    self._open.add(far)
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                with self._lock:
                    self._open.discard(far)
        with self._lock:
            self._open.discard(near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                self._passes.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
