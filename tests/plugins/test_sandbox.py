"""The sandbox answers as BSG's One-API does, to plain HTTP and to the vendor's own SDK."""

import base64
import http.client
import importlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from typing import Any

import msgspec
import phonenumbers
import pytest
import requests

from support.builders import Clock
from support.restarted import start_again
from suppress_bsg.sandbox import Sandbox, SandboxEntry, made_up

# The SDK says that it is typed, but does not export its names explicitly.
bsg_api: Any = importlib.import_module("bsg_api")

KEY = "live_0123456789"
HONG_KONG, KYIV, TALLINN = 85267202829, 380501234567, 37251234567
LIST = "/api/stoplist"
ATTACH, DETACH, SEARCH = f"{LIST}/attach", f"{LIST}/detach", f"{LIST}/search"
LOGIN, REFRESH = "/api/auth/login", "/api/auth/refresh"

Query = dict[str, object] | list[tuple[str, object]]


class Client:
    """Plain HTTP, signed in or not."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = sandbox.url
        self.session = requests.Session()
        self.session.trust_env = False

    def sign_in(self, key: str = KEY) -> "Client":
        bearer = self.post(LOGIN, {"api_key": key}).json()["bearer"]
        self.session.headers["Authorization"] = f"Bearer {bearer}"
        return self

    def get(self, path: str = LIST, query: Query | None = None) -> requests.Response:
        return self.session.get(self.url + path, params=query, timeout=5)  # type: ignore[arg-type]

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self.session.post(self.url + path, json=body, timeout=5)

    def ids(self, query: Query | None = None, path: str = LIST) -> list[int]:
        answer = self.get(path, query)
        assert answer.status_code == 200, answer.text
        return [entry["id"] for entry in answer.json()["data"]]


def rows() -> list[SandboxEntry]:
    return [
        SandboxEntry(30, TALLINN, "2022-04-20 08:00:00", {"sms", "viber"}),
        SandboxEntry(10, HONG_KONG, "2022-04-18 19:22:16", {"sms"}),
        SandboxEntry(20, KYIV, "2022-04-19 00:00:00", {"viber", "rcs"}),
        SandboxEntry(40, 4915112345678, "2022-04-21 00:00:00", {"whatsapp"}),
    ]


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = 1_650_309_736.0  # 2022-04-18 19:22:16
    return clock


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(rows(), clock=clock) as sandbox:
        yield sandbox


Connect = Callable[[Sandbox], Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    clients: list[Client] = []

    def connect(sandbox: Sandbox) -> Client:
        clients.append(Client(sandbox))
        return clients[-1]

    yield connect
    for client in clients:
        client.session.close()


@pytest.fixture
def stranger(sandbox: Sandbox, connect: Connect) -> Client:
    return connect(sandbox)


@pytest.fixture
def client(sandbox: Sandbox, connect: Connect) -> Client:
    return connect(sandbox).sign_in()


def refused(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["message"]
    assert answer.json()["message"]


# Signing in


@pytest.mark.parametrize("key", ["live_1", "test_1"])
def test_any_key_with_a_known_beginning_signs_in(stranger: Client, key: str) -> None:
    assert stranger.sign_in(key).get().status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", "LIVE_1"])
def test_other_keys_do_not(stranger: Client, key: str) -> None:
    refused(stranger.post(LOGIN, {"api_key": key}), 401)


def test_a_key_of_its_own_is_the_only_one(connect: Connect) -> None:
    with Sandbox(api_key="secret") as sandbox:
        refused(connect(sandbox).post(LOGIN, {"api_key": KEY}), 401)
        assert connect(sandbox).sign_in("secret").get().status_code == 200


@pytest.mark.parametrize("body", [None, {}, [], {"api_key": 1}, {"key": KEY}])
def test_an_odd_sign_in_is_unprocessable(stranger: Client, body: object) -> None:
    refused(stranger.post(LOGIN, body), 422)


def test_a_body_that_is_not_text_is_unprocessable(stranger: Client) -> None:
    answer = stranger.session.post(stranger.url + LOGIN, data=b'{"api_key": "\xff"}', timeout=5)
    refused(answer, 422)


def test_refreshing_gives_another_token_that_works(client: Client) -> None:
    answer = client.post(REFRESH)
    old, new = client.session.headers["Authorization"], f"Bearer {answer.json()['bearer']}"
    assert new != old
    client.session.headers["Authorization"] = new
    assert client.get().status_code == 200


def test_a_token_says_how_long_it_lives(client: Client, clock: Clock) -> None:
    payload = str(client.session.headers["Authorization"]).split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
    assert claims["iat"] == clock.now
    assert claims["exp"] == clock.now + 30 * 86400


def test_a_token_ends(client: Client, clock: Clock) -> None:
    clock.now += 30 * 86400 - 1
    assert client.get().status_code == 200
    clock.now += 1
    refused(client.get(), 401)
    refused(client.post(REFRESH), 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", REFRESH), ("GET", LIST), ("POST", ATTACH), ("POST", DETACH), ("GET", SEARCH)],
)
def test_nothing_works_without_a_token(stranger: Client, method: str, path: str) -> None:
    refused(stranger.session.request(method, stranger.url + path, timeout=5), 401)


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic x", "Bearer \xe9"]
)
def test_a_made_up_token_does_not_work(stranger: Client, token: str) -> None:
    stranger.session.headers["Authorization"] = token
    refused(stranger.get(), 401)


def test_a_token_needs_its_scheme(client: Client) -> None:
    own = str(client.session.headers["Authorization"])
    client.session.headers["Authorization"] = own.replace("Bearer", "Basic")
    refused(client.get(), 401)
    client.session.headers["Authorization"] = own.replace("Bearer", "bearer")
    assert client.get().status_code == 200


def test_a_changed_or_foreign_token_does_not_work(client: Client, connect: Connect) -> None:
    own = str(client.session.headers["Authorization"])
    with Sandbox() as other:
        foreign = str(connect(other).sign_in().session.headers["Authorization"])
    head, payload, signature = own.split(".")
    changed = ".".join((head, foreign.split(".")[1], signature))
    for token in (foreign, changed, f"{head}.{payload}."):
        client.session.headers["Authorization"] = token
        refused(client.get(), 401)


# The listing


def test_the_listing_has_every_field_in_the_order_of_ids(client: Client) -> None:
    answer = client.get().json()
    assert answer["total"] == 4
    assert [entry["id"] for entry in answer["data"]] == [10, 20, 30, 40]
    assert answer["data"][0] == {
        "id": 10,
        "phone": HONG_KONG,
        "created_at": "2022-04-18 19:22:16",
        "sms_stoplist": True,
        "viber_stoplist": False,
        "rcs_stoplist": False,
    }


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"types": "sms"}, [10, 30]),
        ({"type": "sms"}, [10, 30]),
        ({"types": "rcs"}, [20]),
        ({"type": "whatsapp"}, [40]),
        ({"types[]": ["sms", "rcs"]}, [10, 20, 30]),
        ({"type[]": "viber"}, [20, 30]),
        ({"types": ["sms", "rcs"]}, [10, 20, 30]),
        ({"types": "sms,rcs"}, [10, 20, 30]),
        ({"types": "rcs", "type": "whatsapp"}, [20, 40]),
        ({"unknown": "sms"}, [10, 20, 30, 40]),
    ],
)
def test_the_filter_under_all_its_names(client: Client, query: Query, ids: list[int]) -> None:
    assert client.ids(query) == ids
    assert client.get(query=query).json()["total"] == len(ids)


@pytest.mark.parametrize(
    "query",
    [
        {"page[limit]": 14},
        {"page[limit]": 501},
        {"page[limit]": "x"},
        {"page[limit]": ""},
        {"page[limit]": "20.0"},
        {"page[limit]": "-20"},
        {"page[offset]": -1},
        {"page[offset]": "x"},
        {"types": "fax"},
        {"type": "sms,fax"},
        {"types": ""},
    ],
)
def test_what_the_listing_does_not_take(client: Client, query: Query) -> None:
    refused(client.get(query=query), 422)


def test_pages_cover_the_list_once(connect: Connect) -> None:
    made = made_up(1100)
    with Sandbox(made) as sandbox:
        client = connect(sandbox).sign_in()
        pages = [
            client.ids({"page[limit]": 500, "page[offset]": at}) for at in (0, 500, 1000, 1100)
        ]
        assert [len(page) for page in pages] == [500, 500, 100, 0]
        assert list(chain.from_iterable(pages)) == [row.id for row in made]
        assert len(client.ids({"page[limit]": 15})) == 15
        assert len(client.ids()) == 30
        past = client.get(query={"page[offset]": 10**9}).json()
        assert past == {"data": [], "total": 1100}


# Changing the list


def test_attach_adds_and_completes(client: Client, sandbox: Sandbox) -> None:
    assert client.ids({"types": "rcs"}) == [20]
    body = {"phones": [HONG_KONG, 100000000, 999999999999999, 100000000], "types": ["rcs"]}
    data = client.post(ATTACH, body).json()["data"]
    assert [(entry["id"], entry["phone"]) for entry in data] == [
        (10, HONG_KONG),
        (41, 100000000),
        (42, 999999999999999),
    ]
    assert data[0]["sms_stoplist"]
    assert data[0]["rcs_stoplist"]
    assert not data[1]["sms_stoplist"]
    assert data[1]["created_at"] == "2022-04-18 19:22:16"
    assert client.ids({"types": "rcs"}) == [10, 20, 41, 42]
    assert {row.phone: row.channels for row in sandbox.rows}[HONG_KONG] == {"sms", "rcs"}


def test_detach_takes_channels_and_in_the_end_the_entry(client: Client) -> None:
    assert client.ids({"types": "viber"}) == [20, 30]
    answer = client.post(DETACH, {"ids": [10, 30, 999], "types": ["viber"]})
    assert isinstance(answer.json(), dict)
    assert client.ids({"types": "viber"}) == [20]
    assert client.ids() == [10, 20, 30, 40]
    client.post(DETACH, {"ids": [10, 30], "types": ["sms", "rcs"]})
    assert client.ids() == [20, 40]
    (again,) = client.post(ATTACH, {"phones": [HONG_KONG], "types": ["sms"]}).json()["data"]
    assert again["id"] == 41


PHONES = list(range(100_000_000, 100_001_001))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ATTACH, {"phones": PHONES, "types": ["sms"]}),
        (ATTACH, {"phones": [99_999_999], "types": ["sms"]}),
        (ATTACH, {"phones": [10**15], "types": ["sms"]}),
        (ATTACH, {"phones": [str(KYIV)], "types": ["sms"]}),
        (ATTACH, {"phones": [KYIV], "types": []}),
        (ATTACH, {"phones": [KYIV], "types": ["fax"]}),
        (ATTACH, {"phones": [KYIV]}),
        (ATTACH, {"types": ["sms"]}),
        (ATTACH, None),
        (DETACH, {"ids": list(range(201)), "types": ["sms"]}),
        (DETACH, {"ids": ["10"], "types": ["sms"]}),
        (DETACH, {"ids": [10], "types": []}),
        (DETACH, {"ids": [10], "types": ["fax"]}),
        (DETACH, {"ids": [10]}),
        (DETACH, None),
    ],
)
def test_what_cannot_be_changed(client: Client, sandbox: Sandbox, path: str, body: object) -> None:
    before = sandbox.rows
    refused(client.post(path, body), 422)
    assert sandbox.rows == before


def test_the_largest_changes(client: Client) -> None:
    added = client.post(ATTACH, {"phones": PHONES[:1000], "types": ["sms"]}).json()["data"]
    assert len(added) == 1000
    ids = [entry["id"] for entry in added[:200]]
    assert client.post(DETACH, {"ids": ids, "types": ["sms"]}).status_code == 200
    assert client.get().json()["total"] == 804


# Searching


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [10, 20, 30, 40]),
        ({"way": "desc"}, [40, 30, 20, 10]),
        ({"sort": "phone"}, [30, 10, 20, 40]),
        ({"sort": "phone", "way": "desc"}, [40, 20, 10, 30]),
        ({"contact_group_id": 7}, [10, 20, 30, 40]),
        ({"page[offset]": 3}, [40]),
    ],
)
def test_search_sorts(client: Client, query: Query, ids: list[int]) -> None:
    assert client.ids(query, SEARCH) == ids


@pytest.mark.parametrize(
    ("criterion", "ids"),
    [
        ("id = 10", [10]),
        ("id >= 30", [30, 40]),
        ("id > 30", [40]),
        ("id < 20", [10]),
        ("id <= 20", [10, 20]),
        ("id like 0", [10, 20, 30, 40]),
        (f"phone = {KYIV}", [20]),
        ("phone > 99999999999", [20, 40]),
        ("phone like 1234567", [20, 30, 40]),
        ("phone like 37%", [30]),
        ("phone like %67", [20, 30]),
        ("phone like 3%5%67", [20, 30]),
        ("created_at >= 2022-04-20", [30, 40]),
        ("created_at = 2022-04-18 19:22:16", [10]),
        ("created_at like 19:22", [10]),
        ("type = sms", [10, 30]),
        ("type like VIB", [20, 30]),
    ],
)
def test_search_finds(client: Client, criterion: str, ids: list[int]) -> None:
    field, operator, value = criterion.split(" ", 2)
    parts = {"field": field, "operator": operator, "value": value}
    first: Query = {f"search[{name}]": part for name, part in parts.items()}
    further: Query = {f"search_fields[3][{name}]": part for name, part in parts.items()}
    assert client.ids(first, SEARCH) == ids
    assert client.ids(further, SEARCH) == ids
    meta = client.get(SEARCH, first).json()["meta"]
    assert meta == {"page": {"limit": 50, "offset": 0, "total": len(ids)}, "search": parts}


def test_all_criteria_hold_together(client: Client) -> None:
    query: Query = {
        "search[field]": "type",
        "search[operator]": "=",
        "search[value]": "viber",
        "search_fields[0][field]": "id",
        "search_fields[0][operator]": ">",
        "search_fields[0][value]": "10",
        "search_fields[1][field]": "phone",
        "search_fields[1][operator]": "like",
        "search_fields[1][value]": "372",
    }
    assert client.ids(query, SEARCH) == [30]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "created_at"},
        {"way": "up"},
        {"page[limit]": 14},
        {"page[limit]": 501},
        {"page[offset]": "x"},
        {"contact_group_id": "x"},
        {"search[field]": "name", "search[operator]": "=", "search[value]": "1"},
        {"search[field]": "id", "search[operator]": "!=", "search[value]": "1"},
        {"search[field]": "id", "search[operator]": "=", "search[value]": "x"},
        {"search[field]": "type", "search[operator]": "=", "search[value]": "fax"},
        {"search[field]": "id", "search[operator]": "="},
        {"search[operator]": "=", "search[value]": "1"},
        {"search_fields[0][field]": "id"},
    ],
)
def test_what_search_does_not_take(client: Client, query: Query) -> None:
    refused(client.get(SEARCH, query), 422)


# Being throttled


def test_the_same_request_waits_for_its_window(connect: Connect, clock: Clock) -> None:
    with Sandbox(throttle_duplicates=2.0, clock=clock) as sandbox:
        one, other = connect(sandbox).sign_in(), connect(sandbox).sign_in("live_other")
        assert one.get().status_code == 200
        refused(one.get(), 429)
        assert "Too many duplicate request" in one.get().json()["message"]
        assert one.get(query={"types": "sms"}).status_code == 200
        assert other.get().status_code == 200
        body = {"phones": [KYIV], "types": ["sms"]}
        assert one.post(ATTACH, body).status_code == 200
        refused(one.post(ATTACH, body), 429)
        assert one.post(ATTACH, body | {"types": ["rcs"]}).status_code == 200
        clock.now += 1.5
        refused(one.get(), 429)
        clock.now += 0.5
        assert one.get().status_code == 200
        refused(one.get(), 429)


def test_nothing_is_throttled_unless_asked(client: Client) -> None:
    assert {client.get().status_code for _ in range(5)} == {200}


# HTTP


@pytest.mark.parametrize("path", ["/", "/api", "/api/stoplist/", "/api/stoplist/other"])
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    refused(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", LIST, "GET"),
        ("GET", LOGIN, "POST"),
        ("PUT", ATTACH, "POST"),
        ("POST", SEARCH, "GET"),
    ],
)
def test_other_methods_are_not_allowed(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = client.session.request(method, client.url + path, timeout=5)
    refused(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_an_answer_to_head_has_no_body(sandbox: Sandbox) -> None:
    head, _, body = talk(sandbox, b"HEAD /api/stoplist HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405")
    assert body == b""


def test_a_connection_is_kept_even_over_refusals(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    sockets = set()
    for path in (LOGIN, ATTACH, "/other"):
        connection.request("POST", path, body=b'{"phones": []}')
        answer = connection.getresponse()
        assert answer.read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


@pytest.mark.parametrize("size", [(1 << 20) + 1, 12 << 20])
def test_a_large_body_is_refused_and_the_connection_closed(sandbox: Sandbox, size: int) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.request("POST", LOGIN, body=b" " * size)
    answer = connection.getresponse()
    assert answer.status == 413
    assert answer.getheader("Connection") == "close"
    assert list(msgspec.json.decode(answer.read())) == ["message"]
    assert connection.sock is None
    connection.close()


def test_a_body_of_just_the_limit_is_read(stranger: Client) -> None:
    body = b'{"api_key": "' + KEY.encode() + b'"}'
    answer = stranger.session.post(stranger.url + LOGIN, data=body.ljust(1 << 20), timeout=5)
    assert answer.status_code == 200


def talk(sandbox: Sandbox, sent: bytes) -> bytes:
    """Send bytes, half-close, and return all that comes back until the other side closes."""
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as plain:
        plain.sendall(sent)
        plain.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: plain.recv(1 << 16), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"BREW / HTTP/1.1\r\n\r\n", b"501"),
        (b"POST /api/auth/login HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /api/auth/login HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", b"400"),
        (b"POST /api/auth/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
    ],
)
def test_a_broken_request_is_answered_in_silence(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], sent: bytes, status: bytes
) -> None:
    head, _, body = talk(sandbox, sent).partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1"):
        assert head.split()[1] == status
    else:
        body = body or head  # an answer of HTTP 0.9 has no head
    assert list(msgspec.json.decode(body)) == ["message"]
    assert capsys.readouterr() == ("", "")


def test_a_client_that_waits_for_100_is_told_to_go_on(sandbox: Sandbox) -> None:
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as plain:
        head = "POST /api/auth/login HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        plain.sendall(head.encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 100")
        plain.sendall(b"{}")
        assert plain.recv(1000).startswith(b"HTTP/1.1 422")


def test_closing_waits_for_no_late_answer_and_a_vanished_client_is_no_noise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    signing_in = threading.Event()

    def clock() -> float:
        signing_in.set()
        return 0.0

    with Sandbox(latency=30.0, clock=clock) as sandbox:
        address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
        plain = socket.create_connection(address, timeout=5)
        head = b"POST /api/auth/login HTTP/1.1\r\nContent-Length: 20\r\n\r\n"
        plain.sendall(head + b'{"api_key": "live_"}')
        assert signing_in.wait(5)
        reset = struct.pack("ii", 1, 0)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        plain.close()
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert capsys.readouterr() == ("", "")


def test_no_phone_and_no_key_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="suppress_bsg.sandbox"):
        client.post(LOGIN, {"api_key": KEY})
        client.get(SEARCH, {"search[value]": KYIV})
        client.get(f"{LIST}/{KYIV}")
    text = "\n".join(
        r.getMessage() for r in caplog.records if r.name.startswith("suppress_bsg.sandbox")
    )
    assert SEARCH in text
    assert str(KYIV) not in text
    assert KEY not in text


# The sandbox itself


def test_it_needs_a_start_and_takes_any_number_of_closes(connect: Connect) -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="start"):
        _ = sandbox.url
    sandbox.close()
    sandbox.start()
    url = sandbox.url
    sandbox.start()
    assert connect(sandbox).sign_in().get().status_code == 200
    sandbox.close()
    sandbox.close()
    with pytest.raises(requests.ConnectionError):
        connect(sandbox).get()
    start_again(sandbox)
    assert sandbox.url == url
    assert connect(sandbox).sign_in().get().status_code == 200
    sandbox.close()


def test_closing_ends_connections_that_are_kept(connect: Connect) -> None:
    with Sandbox() as sandbox:
        connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
        connection.request("GET", LIST)
        connection.getresponse().read()
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_port_can_be_chosen_and_be_taken() -> None:
    with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        second = Sandbox(port=port)
        assert second.url == first.url
        with pytest.raises(OSError, match="in use"):
            second.start()


def test_every_answer_is_late_by_the_latency(connect: Connect) -> None:
    with Sandbox(latency=0.02) as sandbox:
        client = connect(sandbox)
        began = time.monotonic()
        refused(client.get(), 401)
        assert time.monotonic() - began >= 0.02


def test_rows_are_copies(sandbox: Sandbox) -> None:
    given = rows()
    with Sandbox(given) as other:
        given[0].channels.clear()
        other.rows[0].channels.clear()
        other.attach([HONG_KONG], ["rcs"])[0].channels.clear()
        assert other.rows[0].channels == {"sms", "rcs"}
        assert all(row.channels for row in other.rows)


def test_the_list_changes_from_python_too(sandbox: Sandbox, client: Client) -> None:
    (row,) = sandbox.attach([123456789], {"sms"})
    assert row == SandboxEntry(41, 123456789, "2022-04-18 19:22:16", {"sms"})
    assert client.ids() == [10, 20, 30, 40, 41]
    sandbox.detach([41, 999], ["sms"])
    assert client.ids() == [10, 20, 30, 40]


@pytest.mark.parametrize("channels", [[], ["fax"]])
def test_unknown_channels_are_errors_in_python(sandbox: Sandbox, channels: list[str]) -> None:
    with pytest.raises(ValueError, match="viber"):
        sandbox.attach([KYIV], channels)
    with pytest.raises(ValueError, match="viber"):
        sandbox.detach([10], channels)
    with pytest.raises(ValueError, match="viber"):
        Sandbox([SandboxEntry(1, KYIV, "", set(channels))])


@pytest.mark.parametrize(("id_", "phone"), [(1, TALLINN), (2, KYIV)])
def test_two_rows_may_not_share_an_id_or_a_phone(id_: int, phone: int) -> None:
    with pytest.raises(ValueError, match="share"):
        Sandbox([SandboxEntry(1, KYIV, "", {"sms"}), SandboxEntry(id_, phone, "", {"sms"})])


# Made-up rows


def test_made_up_rows_are_plausible() -> None:
    made = made_up(20_000)
    assert len({row.phone for row in made}) == len(made) == 20_000
    assert all(100_000_000 <= row.phone <= 999_999_999_999_999 for row in made)
    assert all(later.id - earlier.id > 1 for earlier, later in pairwise(made))
    assert all(earlier.created_at <= later.created_at for earlier, later in pairwise(made))
    assert all(time.strptime(row.created_at, "%Y-%m-%d %H:%M:%S") for row in made[:100])
    mix = Counter(frozenset(row.channels) for row in made)
    assert 0.57 < mix[frozenset({"sms"})] / 20_000 < 0.63
    assert 0.18 < mix[frozenset({"viber"})] / 20_000 < 0.22
    assert 0.17 < mix[frozenset({"sms", "viber"})] / 20_000 < 0.22
    assert 0 < sum("rcs" in row.channels for row in made) < 1_000


def test_made_up_phones_are_read_as_numbers_of_many_countries() -> None:
    read = [phonenumbers.parse(f"+{row.phone}") for row in made_up(3_000)]
    assert len({number.country_code for number in read}) > 100
    assert sum(map(phonenumbers.is_valid_number, read)) > 2_970


def test_made_up_rows_follow_the_seed() -> None:
    assert made_up(100, seed=1) == made_up(100, seed=1)
    assert made_up(100, seed=1) != made_up(100, seed=2)
    assert made_up(0) == []
    for size in (-1, 10**9):
        with pytest.raises(ValueError, match="size"):
            made_up(size)


# The vendor's SDK, as it is published


@pytest.fixture
def sdk(sandbox: Sandbox) -> Iterator[Any]:
    configuration = bsg_api.Configuration(host=sandbox.url)
    with bsg_api.ApiClient(configuration) as sdk:
        token = bsg_api.AuthApi(sdk).login(bsg_api.LoginRequest(api_key=KEY))
        configuration.access_token = token.bearer
        yield sdk
        sdk.rest_client.pool_manager.clear()


def test_sdk_signs_in_and_refreshes(sdk: Any) -> None:
    auth = bsg_api.AuthApi(sdk)
    assert auth.refresh_token().bearer != sdk.configuration.access_token
    with pytest.raises(bsg_api.exceptions.UnauthorizedException):
        auth.login(bsg_api.LoginRequest(api_key="wrong"))
    sdk.configuration.access_token = "wrong"
    with pytest.raises(bsg_api.exceptions.UnauthorizedException):
        bsg_api.StopListApi(sdk).stoplist_items()


def test_sdk_lists(sdk: Any, sandbox: Sandbox) -> None:
    api = bsg_api.StopListApi(sdk)
    sandbox.attach(PHONES[:20], ["viber"])
    first = api.stoplist_items(type="viber", page_limit=15)
    rest = api.stoplist_items(type="viber", page_limit=15, page_offset=15)
    assert first.total == rest.total == 22
    assert [entry.id for entry in first.data + rest.data] == [20, 30, *range(41, 61)]
    entry = first.data[0]
    assert (entry.phone, entry.sms_stoplist, entry.viber_stoplist, entry.rcs_stoplist) == (
        KYIV,
        False,
        True,
        True,
    )
    assert str(entry.created_at) == "2022-04-19 00:00:00"


def test_sdk_adds_and_removes(sdk: Any, sandbox: Sandbox) -> None:
    api = bsg_api.StopListApi(sdk)
    request = bsg_api.StoplistAddRequest(phones=[123456789, HONG_KONG], types=["viber"])
    added = api.stoplist_add(request).data
    assert [(entry.id, entry.sms_stoplist, entry.viber_stoplist) for entry in added] == [
        (41, False, True),
        (10, True, True),
    ]
    api.stoplist_remove(bsg_api.StoplistRemoveRequest(ids=[41, 10], types=["viber"]))
    assert [row.id for row in sandbox.rows] == [10, 20, 30, 40]
    with pytest.raises(bsg_api.exceptions.UnprocessableEntityException):
        api.stoplist_add(bsg_api.StoplistAddRequest(phones=[KYIV], types=[]))


def test_sdk_searches(sdk: Any) -> None:
    api = bsg_api.StopListApi(sdk)
    criteria: dict[str, Any] = {
        "search_field": bsg_api.StoplistSearchField.CREATED_AT,
        "search_operator": bsg_api.SearchOperator.GREATER_THAN_EQUAL,
        "search_value": "2022-04-19 00:00:00",
        "search_fields_0_field": bsg_api.StoplistSearchField.PHONE,
        "search_fields_0_operator": bsg_api.SearchOperator.LIKE,
        "search_fields_0_value": "%567%",
    }
    found = api.stoplist_search(
        page_limit=15, page_offset=1, sort="phone", way=bsg_api.SortWay.DESC, **criteria
    )
    assert [entry.id for entry in found.data] == [20, 30]
    assert found.meta.page.to_dict() == {"total": 3, "limit": 15, "offset": 1}
    assert found.meta.search.to_dict() == {
        "field": bsg_api.StoplistSearchField.CREATED_AT,
        "operator": bsg_api.SearchOperator.GREATER_THAN_EQUAL,
        "value": "2022-04-19 00:00:00",
    }
    everything = api.stoplist_search(contact_group_id=7)
    assert len(everything.data) == 4
    assert everything.meta.search.value is None


def test_sdk_is_throttled(clock: Clock) -> None:
    with Sandbox(throttle_duplicates=1.0, clock=clock) as sandbox:
        sdk = bsg_api.ApiClient(bsg_api.Configuration(host=sandbox.url))
        auth = bsg_api.AuthApi(sdk)
        auth.login(bsg_api.LoginRequest(api_key=KEY))
        with pytest.raises(bsg_api.exceptions.ApiException) as caught:
            auth.login(bsg_api.LoginRequest(api_key=KEY))
        sdk.rest_client.pool_manager.clear()
    assert caught.value.status == 429
