"""Whatever the server does, a load gives an exact snapshot, or a clear error in bounded time.

Never a snapshot that misses someone. Each test is against a real server on loopback.
"""

import contextlib
import json
import logging
import os
import random
import ssl
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import suppress
from support import commands
from support import faulty_server as faulty
from support.builders import limit_bsg, row
from support.faulty_server import (
    KEY,
    TOKEN_MARK,
    Answer,
    FaultyServer,
    Item,
    Step,
    first,
    item,
    items,
    on,
)
from suppress_bsg.limits import BsgLimits
from suppress_bsg.sandbox import Sandbox
from suppress_bsg.settings import BsgSettings
from suppress_bsg.source import BsgSource

LISTING = "/api/stoplist"
LOGIN = "/api/auth/login"
ATTACH, DETACH, SEARCH = (f"{LISTING}/{name}" for name in ("attach", "detach", "search"))

RETRIES = 2
LIMIT = 20
LIMITS = BsgLimits(retries=RETRIES, retry_delay=0.005, page_size=LIMIT)
"""Entries a page here, so that short lists have several."""

LOAD_TIMEOUT = 0.2
A_MOMENT = 1.0
TIMEOUT, ENOUGH = 2.0, 10.0
"""Seconds that a load never takes on any machine, unless the server delays it."""

shown: list[str] = []
"""Whatever a user could get to see in the test that runs."""


def show(*things: object) -> None:
    shown.extend(f"{thing!r} {thing}" for thing in things)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few repetitions, hardly any waiting between them, small pages."""
    limit_bsg(monkeypatch, LIMITS)


@pytest.fixture(autouse=True)
def no_secret_is_shown(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither key nor token is in an error, its traceback, a repr or any library's log."""
    caplog.set_level(logging.DEBUG)
    shown.clear()
    yield
    show(*(vars(record) for record in caplog.get_records("call")))
    everything = caplog.text + "".join(shown)
    assert everything, "there was something to look at"
    assert KEY not in everything
    assert TOKEN_MARK not in everything


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    # Who waits for a source gives up at the same moment as the source, perhaps before it.
    for each in set(threading.enumerate()) - before:
        each.join(A_MOMENT)
    assert set(threading.enumerate()) <= before


def source(
    server: FaultyServer | Sandbox, *, timeout: float = TIMEOUT, load_timeout: float = ENOUGH
) -> BsgSource:
    settings = BsgSettings(
        api_key=suppress.Secret(KEY), base_url=server.url, timeout=timeout, pages_in_flight=4
    )
    made = BsgSource(settings, load_timeout=load_timeout, limits=LIMITS)
    show(made, settings)
    return made


def suppressor(server: FaultyServer, load_timeout: float, **table: Any) -> suppress.Suppressor:
    table = {
        "api_key": KEY,
        "base_url": server.url,
        "timeout": TIMEOUT,
        "pages_in_flight": 4,
        **table,
    }
    made = suppress.Suppressor(
        suppress.Settings(
            sources=("bsg",), store=None, load_timeout=load_timeout, tables={"bsg": table}
        ),
        background=False,
    )
    show(made, made.settings, *made.sources)
    return made


def read(server: FaultyServer, *, load_timeout: float = ENOUGH, **table: Any) -> suppress.Snapshot:
    """The snapshot of the list for sms."""
    snapshot = suppressor(server, load_timeout, **table).snapshot("sms")
    show(snapshot)
    return snapshot


def failure(server: FaultyServer, *, load_timeout: float = ENOUGH, **table: Any) -> str:
    """The error that a load ends with."""
    began = time.monotonic()
    with pytest.raises(suppress.StopListUnavailable) as raised:
        read(server, load_timeout=load_timeout, **table)
    assert time.monotonic() - began < load_timeout
    return said(raised.value)


def said(error: BaseException) -> str:
    each: BaseException | None = error
    while each is not None:
        show(each)
        each = each.__cause__ or each.__context__
    show(*traceback.format_exception(error))
    return str(error)


def is_exact(server: FaultyServer, snapshot: suppress.Snapshot) -> bool:
    return set(snapshot.numbers) == {f"+{each['phone']}" for each in server.items}


EVERYONE = items(65)
"""Four pages, the last of them short."""

PASSING = {
    "a 500": faulty.status(500),
    "a 502 in HTML": faulty.status(502, "<html>"),
    "a 503": faulty.status(503),
    "a 503 that asks to wait for no time": faulty.status(503, Retry_After="0"),
    "a 429": faulty.status(429, "Too many duplicate request detected"),
    "a 429 that asks to wait for what nobody can read": faulty.status(429, Retry_After="soon"),
    "a reset before the answer": faulty.reset_before_the_answer,
    "a reset in the headers": faulty.reset_in_the_headers,
    "a reset in the body": faulty.reset_in_the_body,
    "no answer": faulty.closed_without_an_answer,
    "a body shorter than its length": faulty.length_is_too_large,
    "chunks without their end": faulty.chunks_without_their_end,
    "a broken chunk": faulty.a_broken_chunk,
    "a body that is not packed as it says": faulty.instead(b"no", Content_Encoding="gzip"),
}


class TestWhatMayPass:
    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    @pytest.mark.parametrize("path", [LISTING, LOGIN], ids=["listing", "login"])
    def test_what_passes_leaves_no_trace(self, path: str, fault: faulty.Fault) -> None:
        with FaultyServer(EVERYONE, fault=on(path, fault, first(RETRIES))) as server:
            assert is_exact(server, read(server))
            assert server.requests(path)[RETRIES].number == RETRIES

    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    def test_what_stays_is_an_error(self, fault: faulty.Fault) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, fault)) as server:
            assert "the page at offset 0" in failure(server)
            assert len(server.requests(LISTING)) == RETRIES + 1

    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    def test_what_stays_on_a_page_in_the_middle_is_an_error(self, fault: faulty.Fault) -> None:
        def at_38(asked: faulty.Asked) -> faulty.Fault | None:
            return fault if asked.query.get("page[offset]") == "38" else None

        with FaultyServer(EVERYONE, fault=at_38) as server:
            assert "the page at offset 38" in failure(server)

    @pytest.mark.slow
    def test_the_time_that_is_asked_for_is_waited(self) -> None:
        fault = faulty.status(429, Retry_After="1")
        with FaultyServer(EVERYONE, fault=on(LISTING, fault, first(1))) as server:
            assert is_exact(server, read(server))
            asked = server.requests(LISTING)
            assert asked[1].at - asked[0].at >= 1

    @pytest.mark.parametrize("path", [LISTING, LOGIN], ids=["listing", "login"])
    @pytest.mark.parametrize("codes", [(103,), (100, 102, 103, 103)], ids=str)
    def test_answers_before_the_answer_are_passed_over(
        self, path: str, codes: tuple[int, ...]
    ) -> None:
        early = faulty.answers_before_the_answer(*codes)
        with FaultyServer(EVERYONE, fault=on(path, early)) as server:
            assert is_exact(server, read(server))
            assert server.requests(path)[-1].number < 6, "none was asked for again"

    def test_chunks_are_read_to_their_end(self) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, faulty.chunks_to_the_end)) as server:
            assert is_exact(server, read(server))

    @pytest.mark.slow
    def test_a_page_slower_than_the_timeout(self) -> None:
        slow = on(LISTING, faulty.slower_than_the_timeout, first(1))
        with FaultyServer(EVERYONE, fault=slow) as server:
            assert is_exact(server, read(server, timeout=0.3))

    @pytest.mark.slow
    def test_pages_slower_than_the_timeout(self) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, faulty.slower_than_the_timeout)) as server:
            assert "no answer within 0.1 s" in failure(server, timeout=0.1)


DRIPS = {
    "a status line a byte at a time": faulty.status_line_a_byte_at_a_time,
    "headers a byte at a time": faulty.headers_a_byte_at_a_time,
    "a body a byte at a time": faulty.body_a_byte_at_a_time,
    "a chunk's size a byte at a time": faulty.chunk_size_a_byte_at_a_time,
    "endless answers before the answer": faulty.endless_first_answers,
    "endless early hints": faulty.endless_early_hints,
    "a wait that it asks for": faulty.status(503, Retry_After="3600"),
}


class TestTheTimeIsBounded:
    @pytest.mark.parametrize("fault", DRIPS.values(), ids=DRIPS)
    @pytest.mark.slow
    def test_a_load_ends_in_time(self, fault: faulty.Fault) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, fault)) as server:
            began = time.monotonic()
            assert f"did not end within {LOAD_TIMEOUT} s (SUPPRESS_LOAD_TIMEOUT)" in overdue(server)
            assert LOAD_TIMEOUT <= time.monotonic() - began < LOAD_TIMEOUT + A_MOMENT

    def test_while_signing_in(self) -> None:
        drip = on(LOGIN, faulty.headers_a_byte_at_a_time)
        with FaultyServer(EVERYONE, fault=drip) as server:
            assert "it was at signing in" in overdue(server)

    @pytest.mark.slow
    def test_while_several_pages_are_in_flight(self) -> None:
        def all_but_the_first(asked: faulty.Asked) -> faulty.Fault | None:
            later = asked.query.get("page[offset]", "0") != "0"
            return faulty.body_a_byte_at_a_time if later else None

        with FaultyServer(EVERYONE, fault=all_but_the_first) as server:
            assert "SUPPRESS_LOAD_TIMEOUT" in overdue(server, load_timeout=0.5)
            assert len(server.requests(LISTING)) == 4

    def test_under_tls(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        drip = on(LISTING, faulty.headers_a_byte_at_a_time)
        with FaultyServer(EVERYONE, fault=drip, tls=trusted(monkeypatch, tmp_path)) as server:
            assert "SUPPRESS_LOAD_TIMEOUT" in overdue(server)

    def test_a_page_that_fails_ends_the_others(self) -> None:
        """They would take their time; the error does not wait for it."""

        def fault(asked: faulty.Asked) -> faulty.Fault | None:
            offset = asked.query.get("page[offset]")
            return {"19": faulty.status(403), "38": faulty.body_a_byte_at_a_time}.get(offset or "")

        with FaultyServer(EVERYONE, fault=fault) as server:
            assert "status 403" in overdue(server, load_timeout=ENOUGH)

    @pytest.mark.parametrize(
        ("path", "doing"),
        [
            (LISTING, "one.refresh('sms')"),
            (SEARCH, "one.sources[0].remove({'+14155550000': (), '+14155550001': ()}, 'sms')"),
        ],
        ids=["reading", "removing"],
    )
    @pytest.mark.slow
    def test_a_process_that_ends_waits_for_no_answer(self, path: str, doing: str) -> None:
        def all_but_the_first(asked: faulty.Asked) -> faulty.Fault | None:
            later = asked.path == path and asked.query.get("page[offset]") != "0"
            return faulty.body_a_byte_at_a_time if later else None

        with FaultyServer(items(2000), fault=all_but_the_first) as server:
            tables = {"bsg": {"api_key": KEY, "base_url": server.url}}
            program = (
                "import sys, threading, suppress\n"
                f"settings = suppress.Settings(sources=('bsg',), store=None, tables={tables})\n"
                "one = suppress.Suppressor(settings, background=False)\n"
                f"threading.Thread(target=lambda: {doing}, daemon=True).start()\n"
                "sys.stdin.read()\n"
            )
            command = [sys.executable, "-c", program]
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as child:
                assert child.stdin
                assert child.stderr
                try:
                    until = time.monotonic() + 20
                    while len(server.requests(path)) < 2:
                        assert time.monotonic() < until
                        time.sleep(0.01)
                    child.stdin.close()
                    # The answers take some five minutes.
                    assert child.wait(10) == 0
                    show(child.stderr.read())
                finally:
                    child.kill()

    def test_the_setting_reaches_the_source(self) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, faulty.body_a_byte_at_a_time)) as server:
            with pytest.raises(suppress.StopListUnavailable) as raised:
                read(server, load_timeout=LOAD_TIMEOUT)
            assert f"{LOAD_TIMEOUT} s (SUPPRESS_LOAD_TIMEOUT)" in said(raised.value)


def overdue(server: FaultyServer, load_timeout: float = LOAD_TIMEOUT) -> str:
    """The error of the source itself; after it no thread is left but the server's."""
    others = {each for each in threading.enumerate() if each.name != "faulty server"}
    began = time.monotonic()
    with pytest.raises(suppress.SourceError) as raised:
        source(server, load_timeout=load_timeout).load(frozenset({"sms"}), lambda *_: None)
    assert time.monotonic() - began < LOAD_TIMEOUT + A_MOMENT
    left = {each for each in threading.enumerate() if each.name != "faulty server"}
    assert left == others
    return said(raised.value)


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """No more is taken at any moment than for some of the largest answers."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * BsgLimits().largest_answer


class TestTheSizeIsBounded:
    @pytest.mark.parametrize(
        "fault",
        [faulty.endless, faulty.gzip_bomb, faulty.gzip_bomb_in_gzip],
        ids=["a body without end", "gzip that unpacks to gigabytes", "and twice packed"],
    )
    def test_a_body_that_is_too_large(self, fault: faulty.Fault) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, fault)) as server, little_memory():
            said = failure(server)
        assert "larger than 2 MiB" in said

    def test_a_short_answer_that_is_millions_of_entries(self) -> None:
        """Four million entries with nothing in them, in a few kilobytes."""
        faulty.packed_entries()  # so that what packing takes is not counted
        with (
            FaultyServer(EVERYONE, fault=on(LISTING, faulty.gzip_of_entries)) as server,
            little_memory(),
        ):
            said = failure(server)
        assert "larger than 2 MiB" in said

    @pytest.mark.parametrize("fill", ["{},", '{"a":{}},', '{"phone":1},'])
    def test_an_answer_with_more_entries_than_were_asked_for(self, fill: str) -> None:
        body = (
            '{"total": 65, "data": ['
            + fill * (BsgLimits().largest_answer // len(fill) - 10)
            + "{}]}"
        )
        with (
            FaultyServer(EVERYONE, fault=on(LISTING, faulty.instead(body.encode()))) as server,
            little_memory(),
        ):
            said = failure(server)
        assert "more than 20,000 objects" in said

    def test_a_page_is_looked_at_when_it_comes(self) -> None:
        """And not when all have come: they might never end."""

        def fault(asked: faulty.Asked) -> faulty.Fault | None:
            if asked.query.get("page[offset]") != "19":
                return None
            return faulty.instead(json.dumps({"data": items(21), "total": 10**6}).encode())

        with FaultyServer(EVERYONE, fault=fault, total=lambda _right, _number: 10**6) as server:
            assert "21 entries where 20 were asked for" in failure(server)
            assert len(server.requests(LISTING)) < 50

    def test_ids_without_end(self) -> None:
        long = [item(place, id="x" * 50_000) for place in range(65)]
        with FaultyServer(long) as server:
            snapshot = read(server)
            assert is_exact(server, snapshot)
        (origin,) = snapshot.origins.of(f"+{long[0]['phone']}")
        assert origin.id == "x" * 100

    @pytest.mark.parametrize("phone", ["9" * 50_000, int("9" * 4000), 2**63])
    def test_a_phone_without_end(self, phone: str | int) -> None:
        with FaultyServer([*items(3), item(3, phone=phone)]) as server:
            snapshot = read(server)
        assert len(snapshot.numbers) == 3
        (digits,) = snapshot.unread
        assert str(phone).startswith(digits)
        assert len(digits) <= 250

    def test_texts_without_end(self) -> None:
        long = [item(place, phone=f"{'+' * 240}{place}") for place in range(65)]
        with FaultyServer(long) as server:
            assert "ids and phones that are too long" in failure(server)

    def test_a_list_without_end(self) -> None:
        """Each page is whole, and has others on it."""

        def edit(listed: list[Item], number: int) -> None:
            listed[:] = items(1000, first=1000 * number)

        with FaultyServer(EVERYONE, edit=edit, total=lambda _right, _number: 10**9) as server:
            said = failure(server)
            assert "has 1,000,000,000 entries, but BSG_MAX_ENTRIES allows 5,000,000" in said
            assert len(server.requests(LISTING)) == 1
        with FaultyServer(EVERYONE) as server:
            assert "BSG_MAX_ENTRIES allows 64" in failure(server, max_entries=64)
            assert is_exact(server, read(server, max_entries=65))

    def test_headers_without_end(self) -> None:
        with FaultyServer(EVERYONE, fault=on(LISTING, faulty.endless_headers)) as server:
            assert "the page at offset 0" in failure(server)


class TestWhoAnswers:
    def test_html_with_status_200(self) -> None:
        page = faulty.instead(b"<html>Sign in to the WiFi</html>", Content_Type="text/html")
        for path in (LISTING, LOGIN):
            with FaultyServer(EVERYONE, fault=on(path, page)) as server:
                assert "is not what was expected" in failure(server)

    def test_a_wrong_key_which_the_server_quotes(self) -> None:
        wrong = "live_wrongSECRETkey"
        with FaultyServer(EVERYONE) as server:
            error = failure(server, api_key=wrong)
            assert "BSG refused the API key (status 401). Run `suppress login` with" in error
            assert len(server.asked) == 1
        assert wrong not in "".join(shown)

    def test_an_error_that_quotes_key_token_and_number(self) -> None:
        def quoting(_right: Answer) -> Iterator[Step]:
            message = f"{KEY} {server.token} +1 415 555 0123"
            yield from faulty.status(404, message)(_right)

        with FaultyServer(EVERYONE, fault=on(LISTING, quoting)) as server:
            error = failure(server)
        assert "status 404" in error
        assert "0123" not in error

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_a_token_that_dies_in_the_middle(self, number: int) -> None:
        def edit(_items: list[Item], at: int) -> None:
            if at == number:
                server.token = "another"

        with FaultyServer(EVERYONE, edit=edit) as server:
            assert is_exact(server, read(server))
            assert len(server.requests(LOGIN)) == 2

    def test_tokens_that_all_die(self) -> None:
        def edit(_items: list[Item], _at: int) -> None:
            server.token = "another"

        with FaultyServer(EVERYONE, edit=edit) as server:
            assert "The token was refused twice" in failure(server)

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("path", [LISTING, LOGIN], ids=["listing", "login"])
    def test_no_redirect_is_followed(self, path: str, code: int) -> None:
        with FaultyServer(EVERYONE) as other:
            elsewhere = faulty.status(code, Location=f"{other.url}/api/stoplist")
            with FaultyServer(EVERYONE, fault=on(path, elsewhere)) as server:
                assert f"elsewhere (status {code}). Check BSG_BASE_URL" in failure(server)
            assert other.connections == 0
        here = faulty.status(code, Location="/api/elsewhere")
        with FaultyServer(EVERYONE, fault=on(path, here)) as server:
            assert f"(status {code})" in failure(server)
            assert not server.requests("/api/elsewhere")

    def test_a_certificate_that_nobody_trusts(self) -> None:
        _, context = certificate()
        with FaultyServer(EVERYONE, tls=context) as server:
            assert "its certificate is not trusted" in failure(server)
            assert server.asked == []
            assert server.connections == 1, "it is not asked again"

    def test_one_that_is_trusted_for_another_name(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        context = trusted(monkeypatch, tmp_path, "one-api.example")
        with FaultyServer(EVERYONE, tls=context) as server:
            assert "its certificate is not trusted" in failure(server)
            assert server.asked == []

    def test_one_that_is_trusted(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        with FaultyServer(EVERYONE, tls=trusted(monkeypatch, tmp_path)) as server:
            assert is_exact(server, read(server))


def certificate(name: str = "127.0.0.1") -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority of our own, and how to serve with a certificate of it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return authority, context


def trusted(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str = "127.0.0.1"
) -> ssl.SSLContext:
    """Settings of a server with a certificate from a trusted authority."""
    authority, context = certificate(name)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "authority.pem"))
    return context


class TestTotals:
    @pytest.mark.parametrize(
        ("total", "said"),
        [
            (lambda right, _: right + 1, "total is 66"),
            (lambda right, _: right - 1, "total is 64"),
            (lambda right, _: 10**6, "total is 1000000"),
            (lambda right, _: 10**15, "but BSG_MAX_ENTRIES allows"),
            (lambda right, _: "9" * 5000, "a total that is not a number"),
            (lambda right, _: 0, "total is 0"),
            (lambda right, _: -1, "a total that is not a number"),
            (lambda right, _: "many", "a total that is not a number"),
            (lambda right, _: None, "`$.total`"),
            (lambda right, _: 65.5, "`$.total`"),
            (lambda right, _: [65], "`$.total`"),
            (lambda right, _: faulty.ABSENT, "missing required field `total`"),
            (lambda right, number: right + 1 + number % 2, "total is 6"),
        ],
        ids=[
            "too high",
            "too low",
            "far too high",
            "more than there is memory for",
            "more than there are digits for",
            "zero",
            "negative",
            "a word",
            "null",
            "a fraction",
            "a list",
            "absent",
            "changing and never right",
        ],
    )
    def test_one_that_is_wrong_is_an_error(
        self, total: Callable[[int, int], Any], said: str
    ) -> None:
        with FaultyServer(EVERYONE, total=total) as server:
            assert said in failure(server)

    @pytest.mark.parametrize(
        "total",
        [
            lambda right, _: str(right),
            lambda right, number: right + (number == 1),
            lambda right, number: right + 5 - min(number, 5),
        ],
        ids=["a text", "wrong once", "falling to what is right"],
    )
    def test_one_that_is_right_in_the_end(self, total: Callable[[int, int], Any]) -> None:
        with FaultyServer(EVERYONE, total=total) as server:
            assert is_exact(server, read(server))


MIXED = [
    item(place, sms_stoplist=place % 3 > 0, viber_stoplist=place % 2 > 0) for place in range(65)
]


class TestTheFilter:
    def test_one_that_is_ignored(self) -> None:
        """The server answers with everything; each entry counts by its own flag."""
        with FaultyServer(MIXED, filters=False) as server:
            numbers = set(read(server).numbers)
        assert numbers == {f"+{each['phone']}" for each in MIXED if each["sms_stoplist"]}

    @pytest.mark.parametrize("nothing", [{}, {"sms_stoplist": None}], ids=["missing", "null"])
    def test_one_that_is_ignored_where_flags_are_missing(self, nothing: dict[str, None]) -> None:
        """Nobody is left out who may be meant."""
        unsaid = [
            {name: value for name, value in each.items() if name != "sms_stoplist"} | nothing
            for each in items(30, first=100)
        ]
        with FaultyServer(MIXED + unsaid, filters=False) as server:
            numbers = set(read(server).numbers)
        meant = [each for each in MIXED if each["sms_stoplist"]] + unsaid
        assert numbers == {f"+{each['phone']}" for each in meant}


class TestEdits:
    """Everyone who stays on the list is read; others may be."""

    PLACES = pytest.mark.parametrize("place", [0, 19, 38, 50, 64])
    MOMENTS = pytest.mark.parametrize("moment", [1, 2, 3])

    def check(self, edit: Callable[[list[Item], int], None], in_flight: int) -> FaultyServer:
        stayed = {f"+{each['phone']}" for each in EVERYONE}
        ever = set(stayed)

        def edited(listed: list[Item], number: int) -> None:
            nonlocal stayed
            edit(listed, number)
            now = {f"+{each['phone']}" for each in listed}
            stayed &= now
            ever.update(now)

        with FaultyServer(EVERYONE, edit=edited) as server:
            numbers = set(read(server, pages_in_flight=in_flight).numbers)
        assert stayed <= numbers <= ever
        return server

    @pytest.mark.parametrize("in_flight", [1, 4])
    @MOMENTS
    @PLACES
    @pytest.mark.slow
    def test_between_two_pages(self, place: int, moment: int, in_flight: int) -> None:
        new = iter(range(1000, 2000))

        def remove(listed: list[Item], number: int) -> None:
            if number == moment:
                del listed[place : place + 3]

        def add(listed: list[Item], number: int) -> None:
            if number == moment:
                phone = 14_155_550_000 + next(new)
                id_ = listed[place - 1]["id"] * 10 + 5 if place else 1
                listed.insert(place, item(0, id=id_, phone=phone))

        def both(listed: list[Item], number: int) -> None:
            remove(listed, number)
            add(listed, number)

        for each in scaled(remove), scaled(add), scaled(both):
            self.check(each, in_flight)

    @pytest.mark.parametrize("seed", range(10))
    def test_all_the_time(self, seed: int) -> None:
        chance = random.Random(seed)
        new = iter(range(1000, 2000))

        def edit(listed: list[Item], number: int) -> None:
            del listed[chance.choice([0, chance.randrange(len(listed))])]
            if chance.random() < 0.5:
                number = next(new)
                listed.append(item(number, phone=14_155_550_000 + number))

        self.check(edit, 4)


def scaled(edit: Callable[[list[Item], int], None]) -> Callable[[list[Item], int], None]:
    """The same edit, with ids that leave room between them."""

    def edited(listed: list[Item], number: int) -> None:
        if number == 0:
            for each in listed:
                each["id"] = each["id"] * 10
        edit(listed, number)

    return edited


class TestOrders:
    """An order that is not stable is read whole by luck, or is an error."""

    def is_given_up(self, server: FaultyServer, in_flight: int) -> bool:
        try:
            snapshot = read(server, pages_in_flight=in_flight)
        except suppress.StopListUnavailable as error:
            return "It was read 3 times" in said(error)
        assert is_exact(server, snapshot)
        return False

    @pytest.mark.parametrize("count", [25, 39, 65, 200])
    @pytest.mark.slow
    def test_shuffled_at_each_answer(self, count: int) -> None:
        chance = random.Random(count)
        given_up = 0
        for _ in range(4):
            with FaultyServer(items(count), edit=lambda each, _: chance.shuffle(each)) as server:
                given_up += self.is_given_up(server, 4)
        assert given_up > 0

    @pytest.mark.parametrize("count", [25, 39, 65, 200])
    def test_reversed_at_each_other_answer(self, count: int) -> None:
        with FaultyServer(items(count), edit=lambda each, _: each.reverse()) as server:
            assert self.is_given_up(server, 1)
            self.is_given_up(server, 4)

    @pytest.mark.parametrize("moments", [{1}, {1, 5}], ids=["once", "in two reads"])
    @pytest.mark.parametrize("added", [0, 1], ids=["alone", "while another is added"])
    def test_one_who_moves_ahead_of_the_reader(self, added: int, moments: set[int]) -> None:
        """The total that grows hides that one was stepped over; the order tells nothing."""

        def edit(listed: list[Item], number: int) -> None:
            if number in moments:
                listed.insert(0, listed.pop(30 + number))
                listed.extend(items(added, first=1000 + number))

        with FaultyServer(shuffled(39 + 26), edit=edit) as server:
            assert is_exact(server, read(server, pages_in_flight=1))

    def test_those_who_move_ahead_all_the_time(self) -> None:
        def edit(listed: list[Item], number: int) -> None:
            listed.insert(0, listed.pop(30 + number))
            listed.append(item(1000 + number))

        with FaultyServer(shuffled(65), edit=edit) as server:
            assert "is sorted by no stable key" in failure(server, pages_in_flight=1)

    @pytest.mark.parametrize("key", ["id", "phone"])
    @pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
    def test_a_list_that_is_always_edited_is_read_where_its_order_lasts(
        self, key: str, down: bool
    ) -> None:
        def edit(listed: list[Item], number: int) -> None:
            listed.append(item(1000 + number))
            listed.sort(key=lambda each: each[key], reverse=down)

        ids = random.Random(0).sample(range(10**6), 65)
        mixed = [item(place, id=ids[place]) for place in range(65)]
        with FaultyServer(mixed, edit=edit) as server:
            assert set(read(server).numbers) >= {f"+{each['phone']}" for each in mixed}
            assert len(server.requests(LISTING)) < 9, "it was read once"


def shuffled(count: int) -> list[Item]:
    listed = items(count)
    random.Random(0).shuffle(listed)
    return listed


class TestEntries:
    @pytest.mark.parametrize("count", [5, 65])
    def test_repeated_ids(self, count: int) -> None:
        """People are told apart all the same."""
        with FaultyServer([item(place, id=place // 2) for place in range(count)]) as server:
            assert is_exact(server, read(server))

    def test_the_same_entry_twice(self) -> None:
        """An answer with the whole list misses nobody; several answers prove nothing."""
        with FaultyServer(items(5) + items(2)) as server:
            assert is_exact(server, read(server))
        with FaultyServer(items(65) + items(2)) as server:
            assert "it has the same entry twice" in failure(server)

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": None},
            {"id": "x"},
            {"id": 1.5},
            {"id": [1]},
            {"id": "\ud800"},
            {"id": 2**70},
            {"id": "\\ud800 \U0001f600 \udc00"},
            {"created_at": "\ud800"},
            {"new": "\udfff\ud800"},
            {"created_at": None},
            {"created_at": 5},
            {"created_at": "yesterday"},
            {"created_at": {}},
            {"viber_stoplist": None},
            {"sms_stoplist": None},
            {"phone": "14155550000"},
            {"phone": "+1 415 555 0000"},
            {"new": {"a": [1]}},
        ],
        ids=str,
    )
    def test_an_odd_field_makes_nobody_vanish(self, fields: dict[str, Any]) -> None:
        listed = [
            each | ({} if "phone" in fields and place else fields)
            for place, each in enumerate(items(45))
        ]
        everyone = {f"+{each['phone']}" for each in items(45)}
        with FaultyServer(listed) as server:
            assert set(read(server).numbers) == everyone
        missing = [
            {name: value for name, value in each.items() if name not in fields or name == "phone"}
            for each in listed
        ]
        with FaultyServer(missing) as server:
            assert set(read(server).numbers) == everyone

    @pytest.mark.parametrize(
        "moment",
        [
            "0001-01-01T00:00:00+05:00",
            "9999-12-31T23:59:59-05:00",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59",
        ],
    )
    @pytest.mark.slow
    def test_a_time_at_the_ends_of_the_calendar(self, moment: str, tmp_path: Path) -> None:
        """It is nobody's fault that is asked about, or taken back."""
        with FaultyServer([item(0, created_at=moment), item(1)]) as server:
            environ = {
                "PATH": os.environ["PATH"],
                "BSG_API_KEY": KEY,
                "BSG_BASE_URL": server.url,
                "SUPPRESS_STORE": str(tmp_path / "store"),
            } | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
            for status, *arguments in (
                (1, "check", NUMBERS[0], "--channel", "sms"),
                (1, "check", NUMBERS[0], "--channel", "sms", "--json"),
                (0, "filter", "--channel", "sms", "--decisions", str(tmp_path / "decisions.csv")),
                (0, "add", NUMBERS[0], "--channel", "sms"),
                (0, "remove", NUMBERS[0], "--channel", "sms"),
            ):
                done = commands.run_text(arguments, env=environ, stdin=NUMBERS[0])
                show(done)
                assert done.returncode == status, done.stderr
                assert "Traceback" not in done.stderr
        assert ",suppressed," in (tmp_path / "decisions.csv").read_text()

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"data": [item(0), item(1, phone=1.5)], "total": 2}, r"`$.data[1].phone`"),
            ({"data": [item(0, phone=[])], "total": 1}, r"`$.data[0].phone`"),
            ({"data": [item(0, phone=True)], "total": 1}, r"`$.data[0].phone`"),
            ({"data": [item(0, sms_stoplist="no")], "total": 1}, r"`$.data[0].sms_stoplist`"),
            ({"data": [item(0, sms_stoplist=0)], "total": 1}, r"`$.data[0].sms_stoplist`"),
            ({"data": [None], "total": 1}, r"`$.data[0]`"),
            ({"data": {}, "total": 1}, r"`$.data`"),
            ({"data": None, "total": 1}, r"`$.data`"),
            ({"data": "", "total": 0}, r"`$.data`"),
            ({"total": 0}, "missing required field `data`"),
            ([], "Expected `object`"),
            (None, "Expected `object`"),
        ],
        ids=str,
    )
    def test_what_cannot_be_understood_is_named(self, body: Any, said: str) -> None:
        fault = faulty.instead(json.dumps(body).encode())
        with FaultyServer(fault=on(LISTING, fault)) as server:
            error = failure(server)
        assert said in error
        assert "the page at offset 0" in error

    def test_a_number_that_no_one_can_parse_suppresses_by_its_digits(self) -> None:
        with FaultyServer([*items(3), item(3, phone="+999 1234 5678")]) as server:
            made = suppressor(server, ENOUGH)
            snapshot = made.snapshot("sms")
            screening = made.screen(["999 12345678", "999 12345679"], "sms", default_region="DE")
        assert snapshot.unread == {"99912345678"}
        assert snapshot.count == 4
        assert screening.suppressed == ["999 12345678"]
        assert screening.allowed == ["999 12345679"]

    @pytest.mark.parametrize("phone", [None, "", "n/a"])
    def test_an_entry_with_nothing_to_read_in_it(self, phone: str | None) -> None:
        with FaultyServer([*items(30), item(30, phone=phone, id=77)]) as server:
            assert "id 77" in failure(server)


NUMBERS = [f"+{each['phone']}" for each in EVERYONE]
KINDS = {"adding": ATTACH, "removing": DETACH, "searching": SEARCH}


def pass_on(server: FaultyServer, path: str, **settings: Any) -> None:
    """The call that comes to that path."""
    made = source(server, **settings)
    if path == ATTACH:
        made.add(["+14155559999", NUMBERS[0]], "sms")
    else:
        made.remove({NUMBERS[0]: [], NUMBERS[1]: [EVERYONE[1]["id"]]}, "sms")


def is_passed_on(server: FaultyServer, path: str) -> bool:
    phones = [each["phone"] for each in server.items]
    if path == ATTACH:
        return phones == [each["phone"] for each in EVERYONE] + [14_155_559_999]
    return phones == [each["phone"] for each in EVERYONE[2:]]


class TestOptOuts:
    def test_are_added_for_their_channel(self) -> None:
        with Sandbox([row(1, 14155550001, "viber")], api_key=KEY) as sandbox:
            bsg = source(sandbox)
            assert isinstance(bsg, suppress.TakesOptOuts)
            for _ in range(2):
                bsg.add(["+14155550001", "+14155550002"], "sms")
            assert {each.phone: each.channels for each in sandbox.rows} == {
                14155550001: {"sms", "viber"},
                14155550002: {"sms"},
            }

    @pytest.mark.parametrize(
        "known",
        [[], [7], ["7"], [5], [8], ["n/a"]],
        ids=["no id", "its id", "as a text", "one that is gone", "another's id", "no id at all"],
    )
    def test_are_taken_back_for_their_channel(self, known: list[str | int]) -> None:
        """By the entry that is the number's now: an id that went to another stays."""
        rows = [row(7, 14155550001, "sms", "viber"), row(8, 14155550002, "sms")]
        with Sandbox(rows, api_key=KEY) as sandbox:
            for _ in range(2):
                source(sandbox).remove({"+14155550001": known}, "sms")
            assert {each.id: each.channels for each in sandbox.rows} == {7: {"viber"}, 8: {"sms"}}

    def test_one_that_is_not_on_the_list_is_no_error(self) -> None:
        with FaultyServer(EVERYONE) as server:
            source(server).remove({"+14155559999": [], "+14155559998": [5]}, "sms")
            assert not server.requests(DETACH)
            assert is_exact(server, read(server))

    def test_one_that_is_on_another_channel_alone_stays_there(self) -> None:
        with FaultyServer([item(0, sms_stoplist=False, viber_stoplist=True)]) as server:
            source(server).remove({NUMBERS[0]: [item(0)["id"]]}, "sms")
            assert not server.requests(DETACH)

    def test_one_that_the_list_has_in_another_form_is_found_by_its_id(self) -> None:
        """phonenumbers drops the trunk prefix, so a search for the digits finds nothing."""
        with FaultyServer([item(0, phone=4401632960960), item(1)]) as server:
            assert "+441632960960" in read(server).numbers
            source(server).remove({"+441632960960": [item(0)["id"]]}, "sms")
            assert [each["id"] for each in server.items] == [item(1)["id"]]

    def test_no_more_ids_at_once_than_the_api_takes(self) -> None:
        """The numbers are not many, but each is on the list several times."""
        again = [item(place, id=1000 * time + place) for time in range(5) for place in range(45)]
        with FaultyServer(again) as server:
            source(server).remove(dict.fromkeys(NUMBERS[:45], ()), "sms")
            sizes = [len(json.loads(each.body)["ids"]) for each in server.requests(DETACH)]
        assert sizes == [200, 25]
        assert server.items == []

    @pytest.mark.parametrize("number", ["+99999999", "+1000000000000000"])
    def test_a_number_that_the_api_has_no_room_for_is_refused(self, number: str) -> None:
        with FaultyServer() as server:
            with pytest.raises(suppress.Refused, match="9 to 15 digits") as adding:
                source(server).add([NUMBERS[0], number], "sms")
            with pytest.raises(suppress.Refused, match="9 to 15 digits") as removing:
                source(server).remove({NUMBERS[0]: [], number: [1]}, "sms")
            for raised in adding, removing:
                assert number not in said(raised.value)
                assert suppress.mask(number) in str(raised.value)
            assert server.connections == 0

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("code", [400, 409, 413, 422])
    def test_what_is_refused(self, path: str, code: int) -> None:
        fault = on(path, faulty.status(code, "The phone 14155550000 is odd"))
        with FaultyServer(EVERYONE, fault=fault) as server:
            with pytest.raises(suppress.Refused, match=f"status {code}") as raised:
                pass_on(server, path)
            assert "14155550000" not in said(raised.value)
            assert len(server.requests(path)) <= 2, "it is not asked again"

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("code", [302, 401, 403, 404, 429, 500, 503])
    def test_what_cannot_be_done_now(self, path: str, code: int) -> None:
        with FaultyServer(EVERYONE, fault=on(path, faulty.status(code))) as server:
            with pytest.raises(suppress.SourceError, match=f"status {code}") as raised:
                pass_on(server, path)
            assert not isinstance(raised.value, suppress.Refused)
            said(raised.value)

    def test_a_login_that_is_refused_says_nothing_of_the_numbers(self) -> None:
        with FaultyServer(EVERYONE, fault=on(LOGIN, faulty.status(422))) as server:
            with pytest.raises(suppress.SourceError, match="status 422") as raised:
                pass_on(server, ATTACH)
            assert not isinstance(raised.value, suppress.Refused)

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    def test_what_passes_is_done_once(self, fault: faulty.Fault, path: str) -> None:
        """Also where the server did it before its answer broke off."""
        with FaultyServer(EVERYONE, fault=on(path, fault, first(RETRIES))) as server:
            pass_on(server, path)
            assert is_passed_on(server, path)

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    def test_a_token_that_dies(self, path: str) -> None:
        with FaultyServer(EVERYONE, fault=on(path, faulty.status(401), first(1))) as server:
            pass_on(server, path)
            assert is_passed_on(server, path)
            assert len(server.requests(LOGIN)) == 2

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'"ok"'], ids=str)
    def test_an_answer_that_says_nothing_is_none(self, body: bytes, path: str) -> None:
        with FaultyServer(EVERYONE, fault=on(path, faulty.instead(body))) as server:
            with pytest.raises(suppress.SourceError, match="not what was expected") as raised:
                pass_on(server, path)
            assert not isinstance(raised.value, suppress.Refused)
            said(raised.value)

    @pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
    @pytest.mark.slow
    def test_end_in_time(self, path: str) -> None:
        with FaultyServer(EVERYONE, fault=on(path, faulty.headers_a_byte_at_a_time)) as server:
            began = time.monotonic()
            with pytest.raises(suppress.SourceError, match="SUPPRESS_LOAD_TIMEOUT") as raised:
                pass_on(server, path, load_timeout=LOAD_TIMEOUT)
            assert time.monotonic() - began < LOAD_TIMEOUT + A_MOMENT
            said(raised.value)

    def test_an_answer_may_leave_out_who_was_listed_before(self) -> None:
        new = item(65, phone=14_155_559_999)
        for entries, asked in ([], 2), ([new], 1), ([{**new, "phone": "+14155559999"}], 1):
            fault = on(ATTACH, faulty.instead(json.dumps({"data": entries}).encode()))
            with FaultyServer(EVERYONE, fault=fault) as server:
                source(server).add([NUMBERS[0], "+14155559999"], "sms")
                assert len(server.requests(SEARCH)) == asked

    @pytest.mark.parametrize(
        "entries", [[], [item(0)], [item(65, phone=14_155_559_999, sms_stoplist=False)]], ids=str
    )
    def test_what_the_answer_and_the_list_do_not_have_was_not_taken(
        self, entries: list[Item]
    ) -> None:
        nothing = faulty.instead(json.dumps({"data": entries}).encode())

        def fault(asked: faulty.Asked) -> faulty.Fault | None:
            return nothing if asked.path in (ATTACH, SEARCH) else None

        with FaultyServer(EVERYONE, fault=fault) as server:
            with pytest.raises(suppress.Refused, match="has not put") as raised:
                source(server).add(["+14155559999"], "sms")
            assert "4155559999" not in said(raised.value)

    def test_one_that_is_never_put_on_the_list_holds_up_no_other(self, tmp_path: Path) -> None:
        """BSG answers as if all went well, and leaves one out."""
        odd = 14_155_550_002

        def edited(asked: faulty.Asked) -> faulty.Fault | None:
            return faulty.without(odd) if asked.path in (ATTACH, SEARCH) else None

        with FaultyServer(EVERYONE[:1], fault=edited) as server:
            made = suppress.Suppressor(
                suppress.Settings(
                    sources=("bsg",),
                    store=tmp_path,
                    tables={"bsg": {"api_key": KEY, "base_url": server.url}},
                ),
                background=False,
            )
            made.add(["+14155550001", f"+{odd}", "+14155550003"], "sms")
            made.pass_on()
            (waiting,) = made.waiting()
            show(made, waiting.error)
            assert waiting.number == f"+{odd}"
            assert waiting.refused
            assert made.is_suppressed(f"+{odd}", "sms")

    def test_a_search_that_is_ignored_removes_nobody(self) -> None:
        fault = on(SEARCH, faulty.instead(json.dumps({"data": EVERYONE}).encode()))
        with FaultyServer(EVERYONE, fault=fault) as server:
            with pytest.raises(
                suppress.SourceError, match="with entries of other numbers"
            ) as raised:
                source(server).remove({NUMBERS[3]: [EVERYONE[3]["id"]]}, "sms")
            assert NUMBERS[3] not in said(raised.value)
            assert not server.requests(DETACH)

    def test_an_entry_without_an_id_cannot_be_removed(self) -> None:
        fault = on(SEARCH, faulty.instead(json.dumps({"data": [item(0, id=None)]}).encode()))
        with FaultyServer(EVERYONE, fault=fault) as server:
            with pytest.raises(suppress.SourceError, match="has no id") as raised:
                source(server).remove({NUMBERS[0]: []}, "sms")
            assert NUMBERS[0][1:] not in said(raised.value)
