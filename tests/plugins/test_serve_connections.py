"""Connections to the service: without a token, nobody fills its memory or holds it up."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import uvicorn
from uvicorn.server import ServerState

from support.builders import environ_of_list
from support.serving import TOKEN, Service, peak, served
from suppress_http.connections import Connection
from suppress_http.limits import HttpLimits

CHUNKED = b"POST /check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = environ_of_list(tmp_path_factory.mktemp("connections"), b"+14155552671\n")
    with served({**environ, "SUPPRESS_SERVE_TOKEN": TOKEN}) as found:
        found.get("/health")
        yield found


def said(service: Service, *pieces: bytes) -> bytes:
    """Return all that the service says to some bytes until it closes the connection."""
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    found = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(2**16):
                found += piece
        except ConnectionError:
            pass  # it was closed while more was sent
    return found


@pytest.mark.parametrize(
    "begin",
    [b"GET /", b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", CHUNKED + b"X: "],
    ids=["address", "header", "trailer"],
)
def test_what_has_no_end_fills_no_memory(service: Service, begin: bytes) -> None:
    before = peak(service.process.pid)
    said(service, begin, *([b"a" * 2**20] * 64))
    assert peak(service.process.pid) - before < 20_000
    assert service.get("/health").status_code == 200


def test_headers_that_are_too_large_are_refused(service: Service) -> None:
    head, _, body = said(
        service, b"GET /health HTTP/1.1\r\nX: ", b"a" * 60_000, b"a" * 60_000
    ).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["detail"] == "The headers have more than 65,536 bytes. Send fewer."


@pytest.mark.parametrize(
    "request_of",
    [
        b"\x16\x03\x01\x02\x00",
        b"POST /check HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n{}",
        b"POST /check HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    ],
    ids=["TLS", "unknown encoding", "two lengths"],
)
def test_what_is_not_http_is_answered_with_a_problem(service: Service, request_of: bytes) -> None:
    head, _, body = said(service, request_of).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["status"] == 400


def test_many_connections_leave_files_for_an_opt_out(
    tmp_path: Path,
) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    environ = environ_of_list(tmp_path, b"+14155552671\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        service = served({**environ, "SUPPRESS_SERVE_TOKEN": TOKEN})
        found = service.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with contextlib.ExitStack() as stack:
        stack.callback(service.__exit__, None, None, None)
        caller = stack.enter_context(requests.Session())
        assert caller.get(f"{found.url}/health", timeout=20).status_code in (200, 503)
        host, _, port = found.url.removeprefix("http://").rpartition(":")
        for _ in range(300):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
        wish = {"numbers": ["+14155550001"], "channels": ["sms"]}
        answer = caller.post(f"{found.url}/opt-outs", json=wish, headers=bearer, timeout=20)
        assert answer.json() == {"new": {"sms": 1}}


@pytest.mark.parametrize("pieces", [[], [b"\r\n"] * 40, [b"GET / HTTP/1.1\r\nX: ", *[b"a"] * 40]])
def test_a_connection_without_a_request_is_closed(pieces: list[bytes]) -> None:
    class Quick(Connection):
        limits = HttpLimits(wait_for_head=0.2)

    async def silent(_scope: object, _receive: object, _send: object) -> None:
        pass

    async def hold() -> None:
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(silent)
        server = await loop.create_server(
            lambda: Quick(config, ServerState(), {}, _loop=loop), "127.0.0.1", 0
        )
        async with server:
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            async with asyncio.timeout(10):
                try:
                    for piece in pieces:
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0.02)
                    assert await reader.read() == b""
                except ConnectionError:
                    pass
            writer.close()

    asyncio.run(hold())
