"""The opt-outs at Telnyx as a source: what is asked for, what is read, and what is refused."""

import json
import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import suppress
from support import faulty_server as faulty
from support.faulty_server import Item
from support.faulty_telnyx import KEY, PATH, FaultyTelnyx, block, blocks
from suppress import ConfigurationError, SourceError
from suppress.testing import SourceContract
from suppress_telnyx.limits import TelnyxLimits
from suppress_telnyx.settings import TelnyxSettings
from suppress_telnyx.source import TelnyxSource

LIMITS = TelnyxLimits(retries=2, retry_delay=0.005, page_size=20)


def source(server: FaultyTelnyx, load_timeout: float = 10.0, **settings: Any) -> TelnyxSource:
    given = {"api_key": suppress.Secret(KEY), "base_url": server.url, "timeout": 5.0, **settings}
    return TelnyxSource(TelnyxSettings(**given), load_timeout=load_timeout, limits=LIMITS)


def numbers(one: TelnyxSource) -> list[str]:
    (entries,) = one.load(frozenset({"sms"}), lambda _done, _total: None)
    return [str(each) for each in entries.numbers]


def read(server: FaultyTelnyx, **settings: Any) -> set[str]:
    return set(numbers(source(server, **settings)))


def failure(server: FaultyTelnyx, **settings: Any) -> str:
    with pytest.raises(SourceError) as raised:
        read(server, **settings)
    said = str(raised.value)
    assert KEY not in said
    return said


def to(listed: list[Item]) -> set[str]:
    return {each["to"] for each in listed}


class TestContract(SourceContract):
    @pytest.fixture(params=[3, 20, 50])
    def source(self, request: pytest.FixtureRequest) -> Iterator[suppress.Source]:
        # Numbers that are valid: 555-1000 and beyond are.
        with FaultyTelnyx(blocks(request.param, 2000)) as server:
            yield source(server)

    @pytest.fixture
    def failing_source(self) -> Iterator[suppress.Source]:
        behind = faulty.on(PATH, faulty.status(500), lambda number: number > 1)
        with FaultyTelnyx(blocks(50), fault=behind) as server:
            yield source(server)


def test_everything_is_asked_for_without_a_filter() -> None:
    with FaultyTelnyx([block(7), block(8, **{"from": "+13125550002"})]) as server:
        assert read(server) == {"+14155550007", "+14155550008"}
        (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.query == {"redaction_enabled": "false", "page[number]": "1", "page[size]": "20"}


def test_filters_are_the_apis() -> None:
    listed = [
        block(1, messaging_profile_id="4001-b"),
        block(2, messaging_profile_id="4001-b", **{"from": "Shop"}),
        block(3, **{"from": "Shop"}),
    ]
    with FaultyTelnyx(listed) as server:
        assert read(server, messaging_profile_id="4001-b") == to(listed[:2])
        assert read(server, messaging_profile_id="4001-b", sender="Shop") == to(listed[1:2])
        assert read(server, created_from=datetime(2026, 1, 1)) == set()  # noqa: DTZ001 - UTC
        asked = server.asked[-1].query
    assert asked["created_at[gte]"] == "2026-01-01T00:00:00Z"


def test_filters_name_another_list() -> None:
    with FaultyTelnyx() as server:
        names = {
            source(server).identity,
            source(server, sender="Shop").identity,
            source(server, messaging_profile_id="Shop").identity,
            source(server, api_key=suppress.Secret("KEY_OTHER")).identity,
        }
    assert len(names) == 4
    assert not any("KEY_OTHER" in name or KEY in name for name in names)


def test_a_person_who_opted_out_of_two_senders_is_one() -> None:
    with FaultyTelnyx([block(7), block(7, **{"from": "Shop"})]) as server:
        assert numbers(source(server)) == ["+14155550007", "+14155550007"]


def test_times_are_kept_and_an_odd_one_loses_nobody() -> None:
    with FaultyTelnyx([block(1), block(2, created_at="yesterday")]) as server:
        (entries,) = source(server).load(frozenset({"sms"}), lambda *_: None)
    assert entries.added_at == [datetime(2025, 4, 28, 12, 0, 0, 1, tzinfo=UTC), None]


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 41, 200])
def test_a_quiet_list_is_read_whole(count: int) -> None:
    with FaultyTelnyx(blocks(count)) as server:
        assert read(server) == to(blocks(count))
        pages = max(-(-count // 20), 1)
        assert len(server.asked) == (pages if count <= 20 else 2 * pages)


def test_a_list_that_is_edited_once_is_read_again() -> None:
    def replace_first(listed: list[Item], number: int) -> None:
        if number == 2:
            del listed[0]
            listed.append(block(9999))

    with FaultyTelnyx(blocks(60), edit=replace_first) as server:
        assert read(server) == to(server.items)


def test_a_list_that_never_rests_is_an_error() -> None:
    def replace_first(listed: list[Item], number: int) -> None:
        del listed[0]
        listed.append(block(1000 + number))

    with FaultyTelnyx(blocks(60), edit=replace_first) as server:
        assert "was edited while it was read, 5 times" in failure(server)


def test_a_page_that_comes_twice_in_place_of_another_is_an_error() -> None:
    with FaultyTelnyx([*blocks(20), *blocks(20)]) as server:
        assert "Of 40 opt-outs, 20 different ones were read" in failure(server)


@pytest.mark.parametrize("seed", range(30))
def test_edits_lose_nobody_who_stays(seed: int) -> None:
    chance = random.Random(seed)

    def edit(listed: list[Item], number: int) -> None:
        if number < 8 and chance.random() < 0.5:
            for _ in range(chance.randrange(1, 3)):
                del listed[chance.randrange(len(listed) - 30)]
                listed.insert(chance.choice([0, len(listed)]), block(chance.randrange(2000, 9999)))

    with FaultyTelnyx(blocks(90), edit=edit) as server:
        before = to(server.items)
        found = read(server)
        assert before & to(server.items) <= found


LIES = {
    "a page that is not the one asked for": (
        lambda right, number: {**right, "page_number": 1},
        "answered page 2 of the opt-outs with page 1",
    ),
    "pages of another size later": (
        lambda right, number: {
            **right,
            "page_size": 20 if number == 0 else 10,
            "total_pages": None,
        },
        "is one of 10 opt-outs a page",
    ),
    "a length that is too large": (
        lambda right, number: {**right, "total_results": right["total_results"] + 1},
        "does not fit its length of 51",
    ),
    "a length that is too small": (
        lambda right, number: {**right, "total_results": 40},
        "with 40 opt-outs in all, but 3 pages of 20",
    ),
    "a length that changes": (
        lambda right, number: {
            **right,
            "total_results": right["total_results"] + number % 2,
            "total_pages": None,
        },
        "Its length changed",
    ),
    "a length that would fill the memory": (
        lambda right, number: {**right, "total_results": 10**12, "total_pages": None},
        "TELNYX_MAX_ENTRIES allows 5,000,000",
    ),
    "pages of nothing": (lambda right, number: {**right, "page_size": 0}, "not what was expected"),
    "a length that is text": (
        lambda right, number: {**right, "total_results": "50"},
        "not what was expected",
    ),
}


@pytest.mark.parametrize(("meta", "said"), LIES.values(), ids=LIES)
def test_a_page_that_lies_about_itself(meta: Any, said: str) -> None:
    with FaultyTelnyx(blocks(50), meta=meta) as server:
        assert said in failure(server)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": null, "meta": {"page_number": 1, "page_size": 20, "total_results": 0}}',
        json.dumps({"data": [{"to": "+14155550001"}], "meta": {}}).encode(),
        json.dumps(
            {
                "data": [block(1, to=None)],
                "meta": {"page_number": 1, "page_size": 20, "total_results": 1},
            }
        ).encode(),
        b'{"data": [' + b"{}," * 500_000 + b'{}], "meta": {}}',
    ],
    ids=range(9),
)
def test_an_answer_that_is_something_else(body: bytes) -> None:
    with FaultyTelnyx(fault=faulty.on(PATH, faulty.instead(body))) as server:
        assert "page 1 of the opt-outs is not what was expected" in failure(server)


def test_redacted_numbers_are_refused() -> None:
    with FaultyTelnyx([block(1, to="+1415555****")]) as server:
        assert "redacts the numbers" in failure(server)


FAULTS = {
    "reset before the answer": faulty.reset_before_the_answer,
    "reset in the body": faulty.reset_in_the_body,
    "a length that is too large": faulty.length_is_too_large,
    "closed without an answer": faulty.closed_without_an_answer,
    "chunks without their end": faulty.chunks_without_their_end,
    "status 500": faulty.status(500),
    "status 429": faulty.status(429, Retry_After="0"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_passes_is_asked_for_again_and_what_stays_is_an_error(fault: faulty.Fault) -> None:
    with FaultyTelnyx(blocks(50), fault=faulty.on(PATH, fault, faulty.first(2))) as server:
        assert read(server) == to(blocks(50))
    with FaultyTelnyx(blocks(50), fault=faulty.on(PATH, fault)) as server:
        assert failure(server)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "Check the filters"),
        (403, "may not read opt-outs"),
        (404, "Check TELNYX_BASE_URL"),
        (407, "the proxy asks for a login"),
        (302, "redirected page 1 of the opt-outs elsewhere (status 302). Check TELNYX_BASE_URL"),
        (418, "Try again later"),
    ],
)
def test_another_status(status: int, said: str) -> None:
    with FaultyTelnyx(fault=faulty.on(PATH, faulty.status(status))) as server:
        assert said in failure(server)


def test_a_wrong_key_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with FaultyTelnyx() as server, caplog.at_level(logging.DEBUG):
        said = failure(server, api_key=suppress.Secret("KEYWRONG99"))
    assert "status 401 (No such key: Bearer ***). Check TELNYX_API_KEY." in said
    assert "KEYWRONG99" not in said + caplog.text


@pytest.mark.slow
def test_a_load_ends_in_time() -> None:
    with FaultyTelnyx(fault=faulty.on(PATH, faulty.body_a_byte_at_a_time)) as server:
        assert "did not end within 0.2 s (SUPPRESS_LOAD_TIMEOUT)" in failure(
            server, load_timeout=0.2
        )


class TestSettings:
    def settings(self, **given: Any) -> suppress.Settings:
        return suppress.Settings.load(environ=given.pop("environ", {}), store=None, **given)

    def test_the_key_of_the_environment_is_enough(self) -> None:
        with FaultyTelnyx([block(7)]) as server:
            environ = {"TELNYX_API_KEY": f" {KEY}\n", "TELNYX_BASE_URL": server.url}
            one = suppress.Suppressor(self.settings(environ=environ), background=False)
            assert one.filter_recipients(["+14155550007", "+14155550008"], "sms") == [
                "+14155550008"
            ]

    def test_it_is_not_there_unless_it_is_set(self) -> None:
        with pytest.raises(ConfigurationError, match="No source"):
            suppress.Suppressor(self.settings())

    def test_it_is_missed_when_it_is_asked_for(self) -> None:
        with pytest.raises(ConfigurationError, match=r"TELNYX_API_KEY .* is missing"):
            suppress.Suppressor(self.settings(sources=["telnyx"]))

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"api_key": " "}, "TELNYX_EU_API_KEY"),
            ({"api_key": "KEY\nX: y"}, "TELNYX_EU_API_KEY"),
            ({"sender": ""}, r"TELNYX_EU_SENDER \(`sender` in .*telnyx.eu\]\) is empty"),
            ({"max_entries": 0}, "TELNYX_EU_MAX_ENTRIES"),
            ({"timeout": 0.0}, "TELNYX_EU_TIMEOUT"),
            ({"base_url": "http://api.telnyx.com"}, "TELNYX_EU_ALLOW_HTTP=true if you insist"),
            ({"created_from": "soon"}, "TELNYX_EU_CREATED_FROM"),
        ],
    )
    def test_a_setting_that_makes_no_sense(self, given: Any, said: str) -> None:
        tables = {"telnyx": {"eu": {"api_key": KEY, **given}}}
        with pytest.raises(ConfigurationError, match=said):
            suppress.Suppressor(suppress.Settings(store=None, tables=tables), background=False)

    @pytest.mark.parametrize(
        "url", ["http://api.telnyx.com", "ftp://x", "https://u:p@x", "https://x?y=1"]
    )
    def test_an_address_that_cannot_be_used(self, url: str) -> None:
        settings = TelnyxSettings(api_key=suppress.Secret(KEY), base_url=url)
        with pytest.raises(ConfigurationError, match="TELNYX_BASE_URL"):
            TelnyxSource(settings)

    def test_several_of_a_kind(self) -> None:
        with FaultyTelnyx([block(7)]) as first, FaultyTelnyx([block(8)]) as second:
            tables = {
                "telnyx": {
                    "api_key": KEY,
                    "base_url": first.url,
                    "eu": {"api_key": KEY, "base_url": second.url},
                }
            }
            settings = suppress.Settings(store=None, tables=tables)
            snapshot = suppress.Suppressor(settings, background=False).snapshot("sms")
        assert snapshot.sources == ("telnyx", "telnyx.eu")
        assert snapshot.count == 2

    def test_times_come_from_the_environment(self) -> None:
        environ = {"TELNYX_API_KEY": KEY, "TELNYX_CREATED_FROM": "2025-01-01T00:00:00+02:00"}
        own = self.settings(environ=environ).section(
            "telnyx", TelnyxSettings, environ_prefix="TELNYX"
        )
        assert own is not None
        assert own.filters == {"created_at[gte]": "2024-12-31T22:00:00Z"}
