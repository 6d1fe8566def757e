"""BSG's stop list as a source: what is asked for, what is read, and what is refused."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

import suppress
from support import faulty_server as faulty
from support.builders import CREATED_AT, row
from suppress import ConfigurationError, SourceError
from suppress.testing import OptOutContract
from suppress_bsg.client import Client
from suppress_bsg.limits import BsgLimits
from suppress_bsg.sandbox import Sandbox, made_up
from suppress_bsg.settings import BsgSettings
from suppress_bsg.source import BsgSource

URL = "https://one-api.bsg.world"
KEY = "test_0123456789"

EXAMPLE = """{"data": [{"id": 9392897, "phone": 85267202829, "created_at": "2022-04-18 19:22:16",
           "sms_stoplist": true, "viber_stoplist": false}], "total": 1}"""


def jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


class TestContract(OptOutContract):
    @pytest.fixture
    def source(self) -> Iterator[suppress.Source]:
        with Sandbox(made_up(20)) as sandbox:
            yield BsgSource(BsgSettings(api_key=suppress.Secret("test_x"), base_url=sandbox.url))

    @pytest.fixture
    def failing_source(self) -> Iterator[suppress.Source]:
        limits = BsgLimits(retries=0, page_size=20)
        behind = faulty.on("/api/stoplist", faulty.status(500), lambda number: number > 0)
        with faulty.FaultyServer(faulty.items(50), fault=behind) as server:
            settings = BsgSettings(api_key=suppress.Secret(faulty.KEY), base_url=server.url)
            yield BsgSource(settings, limits=limits)

    @pytest.fixture
    def number(self) -> str:
        return "+14155552671"


def entry(phone: Any = 85267202829, **fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "phone": phone,
        "created_at": CREATED_AT,
        "sms_stoplist": True,
        "viber_stoplist": True,
        **fields,
    }


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        mock.post(f"{URL}/api/auth/login", json={"bearer": jwt(exp=4e9)})
        yield mock


@pytest.fixture
def answers(api: responses.RequestsMock) -> Callable[..., None]:
    """Makes the listing answer with a body, whatever is asked."""

    def answer(body: Any, **more: Any) -> None:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        api.get(f"{URL}/api/stoplist", body=text, **more)

    return answer


def load(*channels: str, **settings: Any) -> list[suppress.Entry]:
    made = BsgSettings(api_key=suppress.Secret(KEY), **settings)
    return read(BsgSource(made, limits=BsgLimits(retry_delay=0.0)), *channels)


def read(source: BsgSource, *channels: str) -> list[suppress.Entry]:
    return list(source.load(frozenset(channels or ("sms",)), lambda _done, _total: None))


def methods(api: responses.RequestsMock) -> list[str | None]:
    return [call.request.method for call in api.calls]


def query(call: responses.Call) -> dict[str, list[str]]:
    return parse_qs(urlsplit(str(call.request.url)).query)


def test_the_pages_example(answers: Callable[..., None], api: responses.RequestsMock) -> None:
    answers(EXAMPLE)
    (read,) = load("sms")
    assert read.number == 85267202829
    assert read.channels == {"sms"}
    assert read.id == 9392897
    assert read.added_at == datetime(2022, 4, 18, 19, 22, 16)  # noqa: DTZ001 - as it comes
    login, listing = api.calls
    assert login.request.body == json.dumps({"api_key": KEY}).encode()
    assert "Authorization" not in login.request.headers
    assert listing.request.headers["Authorization"] == f"Bearer {jwt(exp=4e9)}"
    assert query(listing) == {
        "page[limit]": ["500"],
        "page[offset]": ["0"],
        "types": ["sms"],
        "type": ["sms"],
    }


def test_the_pages_example_suppresses(answers: Callable[..., None]) -> None:
    answers(EXAMPLE)
    settings = suppress.Settings(
        sources=("bsg",), store=None, tables={"bsg": {"api_key": KEY}}, default_region="HK"
    )
    suppressor = suppress.Suppressor(settings)
    assert suppressor.filter_recipients(["6720 2829", "6720 2828"], "sms") == ["6720 2828"]
    assert not suppressor.is_suppressed(85267202829, "viber")


class TestEntries:
    @pytest.mark.parametrize(
        ("fields", "channels"),
        [
            ({"sms_stoplist": True, "viber_stoplist": False}, {"sms": 1, "viber": 0}),
            ({"sms_stoplist": False, "viber_stoplist": True}, {"sms": 0, "viber": 1}),
            ({"sms_stoplist": False, "viber_stoplist": False}, {"sms": 0, "viber": 0}),
            ({"sms_stoplist": None, "viber_stoplist": False}, {"sms": 1, "viber": 0}),
        ],
    )
    def test_a_filtered_entry_counts_by_its_own_flag(
        self, answers: Callable[..., None], fields: dict[str, Any], channels: dict[str, int]
    ) -> None:
        """Whatever the filter: a server that does not know it answers with everything."""
        answers({"data": [entry(**fields)], "total": 1})
        for channel, count in channels.items():
            assert len(load(channel)) == count

    def test_a_missing_flag_is_not_false(self, answers: Callable[..., None]) -> None:
        answers({"data": [{"id": 1, "phone": 85267202829}], "total": 1})
        assert len(load("sms")) == len(load("viber")) == 1

    def test_several_channels_are_one_pass_without_a_filter(
        self, answers: Callable[..., None], api: responses.RequestsMock
    ) -> None:
        answers({"data": [entry(), entry(85267202828, viber_stoplist=False)], "total": 2})
        assert [each.channels for each in load("sms", "viber")] == [{"sms", "viber"}, {"sms"}]
        (_, listing) = api.calls
        assert "types" not in query(listing)

    def test_a_channel_that_entries_do_not_tell_of_is_read_with_a_filter(self) -> None:
        rows = [row(1, 85267202821, "whatsapp"), row(2, 85267202822, "sms", "rcs")]
        with Sandbox(rows) as sandbox:
            read = load(
                "sms", "rcs", "whatsapp", base_url=sandbox.url, channels=("sms", "rcs", "whatsapp")
            )
        listed = {
            channel: {each.number for each in read if channel in each.channels}
            for channel in ("sms", "rcs", "whatsapp")
        }
        assert listed == {"sms": {85267202822}, "rcs": {85267202822}, "whatsapp": {85267202821}}

    @pytest.mark.parametrize(
        ("phone", "number"),
        [
            (85267202829, 85267202829),
            ("85267202829", "85267202829"),
            (" 85267202829 ", " 85267202829 "),
            ("+852 6720 2829", "+852 6720 2829"),
        ],
    )
    def test_a_phone_may_be_text(
        self, answers: Callable[..., None], phone: Any, number: Any
    ) -> None:
        answers({"data": [entry(phone)], "total": "1"})
        assert [each.number for each in load()] == [number]

    @pytest.mark.parametrize(
        "fields",
        [
            {"created_at": None},
            {"created_at": 5},
            {"created_at": "yesterday"},
            {"created_at": "2000-01-23T04:56:07.000+00:00"},
            {"id": None},
            {"id": "x"},
            {"id": [1]},
            {"id": 1.5},
            {"new_field": {"a": 1}},
        ],
        ids=str,
    )
    def test_an_odd_field_does_not_make_an_entry_vanish(
        self, answers: Callable[..., None], fields: dict[str, Any]
    ) -> None:
        answers({"data": [entry(**fields)], "total": 1, "links": {}})
        assert len(load()) == 1

    @pytest.mark.parametrize("phone", [None, "", "n/a"])
    def test_an_entry_with_nothing_to_read_fails_the_load_with_its_id(
        self, answers: Callable[..., None], phone: Any
    ) -> None:
        answers({"data": [entry(), entry(phone, id=77)], "total": 2})
        settings = suppress.Settings(store=None, tables={"bsg": {"api_key": KEY}})
        with pytest.raises(suppress.StopListUnavailable, match="id 77"):
            suppress.Suppressor(settings).snapshot("sms")

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"data": [entry(), entry(1.5)], "total": 2}, r"offset 0 .* `\$\.data\[1\]\.phone`"),
            ({"data": [entry(sms_stoplist="yes")], "total": 1}, r"`\$\.data\[0\]\.sms_stoplist`"),
            ({"data": {}, "total": 1}, r"`\$\.data`"),
            ({"data": []}, "missing required field `total`"),
            ({"total": 0}, "missing required field `data`"),
            ({"data": [], "total": None}, r"`\$\.total`"),
            ({"data": [], "total": "many"}, "offset 0 has a total that is not a number"),
            ({"data": [], "total": -1}, "offset 0 has a total that is not a number"),
            ([], "Expected `object`"),
            ("<html>Welcome</html>", "malformed"),
            ('{"data": [', "truncated"),
            ("", "truncated"),
            (b"\xff\xfe", "malformed|invalid"),
        ],
        ids=str,
    )
    def test_an_answer_of_another_shape_is_an_error_that_names_page_and_field(
        self, answers: Callable[..., None], body: Any, said: str
    ) -> None:
        answers(body)
        with pytest.raises(SourceError, match=said):
            load()


class TestSigningIn:
    @pytest.mark.parametrize("bearer", ["opaque", "a.b.c", jwt(exp=0), jwt(iat=0, exp=1)])
    def test_a_token_is_used_whatever_it_says(
        self, api: responses.RequestsMock, bearer: str
    ) -> None:
        """Only the server knows how long it works."""
        api.replace("POST", f"{URL}/api/auth/login", json={"bearer": bearer})
        api.get(f"{URL}/api/stoplist", json={"data": [], "total": 0})
        with Client(URL, KEY) as client:
            client.listing(offset=0, limit=500, channel=None)
            client.listing(offset=0, limit=500, channel=None)
        assert methods(api) == ["POST", "GET", "GET"]

    def test_a_source_keeps_its_token_while_it_works(self, api: responses.RequestsMock) -> None:
        api.get(f"{URL}/api/stoplist", body=EXAMPLE)
        source = BsgSource(BsgSettings(api_key=suppress.Secret(KEY)))
        for _ in range(3):
            assert len(read(source)) == 1
        assert methods(api) == ["POST", "GET", "GET", "GET"]

    def test_a_delivery_uses_the_token_of_a_load(self) -> None:
        with Sandbox(made_up(20)) as sandbox:
            settings = BsgSettings(api_key=suppress.Secret("test_x"), base_url=sandbox.url)
            source = BsgSource(settings)
            read(source)
            token = source._kept.token
            source.add(["+14155552671"], "sms")
            source.remove({"+14155552671": []}, "sms")
            assert source._kept.token is token is not None

    def test_a_kept_token_that_does_not_work_any_more(self, api: responses.RequestsMock) -> None:
        api.get(f"{URL}/api/stoplist", body=EXAMPLE)
        source = BsgSource(BsgSettings(api_key=suppress.Secret(KEY)))
        read(source)
        api.replace("POST", f"{URL}/api/auth/login", json={"bearer": "another"})
        api.replace("GET", f"{URL}/api/stoplist", status=401, json={"message": "no"})
        api.get(f"{URL}/api/stoplist", body=EXAMPLE)
        read(source)
        api.replace("GET", f"{URL}/api/stoplist", body=EXAMPLE)
        read(source)
        assert methods(api) == ["POST", "GET", "GET", "POST", "GET", "GET"]
        assert api.calls[-1].request.headers["Authorization"] == "Bearer another"

    def test_two_sources_share_no_token(self, api: responses.RequestsMock) -> None:
        api.get(f"{URL}/api/stoplist", body=EXAMPLE)
        for key in (KEY, "test_other"):
            read(BsgSource(BsgSettings(api_key=suppress.Secret(key))))
        assert methods(api) == ["POST", "GET", "POST", "GET"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="takes a fork")
    def test_a_forked_process_goes_on_with_the_token(self) -> None:
        with Sandbox(made_up(20)) as sandbox:
            settings = BsgSettings(api_key=suppress.Secret("test_x"), base_url=sandbox.url)
            source = BsgSource(settings)
            read(source)
            token = source._kept.token
            if (child := os.fork()) == 0:
                done = len(read(source)) > 0 and source._kept.token is token
                os._exit(0 if done else 1)
            assert os.waitpid(child, 0)[1] == 0

    def test_a_401_in_the_middle_means_signing_in_once_more(
        self, api: responses.RequestsMock
    ) -> None:
        api.get(f"{URL}/api/stoplist", status=401, json={"message": "Unauthenticated."})
        api.get(f"{URL}/api/stoplist", body=EXAMPLE)
        assert len(load()) == 1
        assert methods(api) == ["POST", "GET", "POST", "GET"]

    def test_but_only_once(self, api: responses.RequestsMock) -> None:
        api.get(f"{URL}/api/stoplist", status=401, json={"message": "Unauthenticated."})
        with pytest.raises(SourceError, match=r"status 401 .* Check BSG_API_KEY"):
            load()
        assert methods(api) == ["POST", "GET", "POST", "GET"]

    def test_a_token_that_dies_while_pages_are_in_flight(self) -> None:
        """All the requests that it held up share one new token."""
        clock = [0.0]
        with Sandbox(made_up(3_000), token_life=1_000, clock=lambda: clock[0]) as sandbox:
            with Client(sandbox.url, KEY) as client:
                client.listing(offset=0, limit=500, channel=None)
                clock[0] = 2_000
                listing, _ = client.listing(offset=0, limit=500, channel=None)
            assert len(listing.data) == 500

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_wrong_key(self, api: responses.RequestsMock, status: int) -> None:
        api.replace("POST", f"{URL}/api/auth/login", status=status, json={"message": "no"})
        with pytest.raises(
            SourceError, match=rf"refused the API key \(status {status}\)"
        ) as raised:
            load()
        assert KEY not in str(raised.value)
        api.assert_call_count(f"{URL}/api/auth/login", 1)

    def test_netrc_does_not_replace_the_token(
        self,
        answers: Callable[..., None],
        api: responses.RequestsMock,
        tmp_path: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "netrc").write_text("machine one-api.bsg.world login a password b\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        answers(EXAMPLE)
        load()
        assert "Authorization" not in api.calls[0].request.headers
        assert api.calls[1].request.headers["Authorization"] == f"Bearer {jwt(exp=4e9)}"


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (403, "may not read the stop list"),
            (404, "Check BSG_BASE_URL"),
            (422, "status 422"),
            (302, "redirected the page at offset 0 elsewhere"),
            (409, "status 409"),
        ],
    )
    def test_any_other_status_is_an_error(
        self, answers: Callable[..., None], status: int, said: str
    ) -> None:
        answers({"message": "no"}, status=status, headers={"Location": "https://evil.example/"})
        with pytest.raises(SourceError, match=said):
            load()

    def test_no_redirect_is_followed(
        self, answers: Callable[..., None], api: responses.RequestsMock
    ) -> None:
        answers("", status=302, headers={"Location": "https://evil.example/"})
        with pytest.raises(SourceError):
            load()
        assert len(api.calls) == 2

    def test_an_answer_that_is_too_large(self, answers: Callable[..., None]) -> None:
        answers(b" " * (BsgLimits().largest_answer + 1))
        with pytest.raises(SourceError, match="larger than 2 MiB"):
            load()

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (requests.ConnectTimeout, "no connection within 30 s"),
            (requests.ReadTimeout, "no answer within 30 s"),
            (requests.exceptions.SSLError, "no encrypted connection"),
            (requests.ConnectionError, "no connection"),
            (requests.exceptions.RetryError, "RetryError"),
        ],
    )
    def test_a_network_that_fails(
        self, api: responses.RequestsMock, error: type[Exception], said: str
    ) -> None:
        api.get(f"{URL}/api/stoplist", body=error(f"{KEY} +14155552671"))
        with pytest.raises(SourceError, match=said) as raised:
            load()
        assert KEY not in str(raised.value)
        assert "4155552671" not in str(raised.value)

    def test_the_key_is_never_shown(self) -> None:
        settings = BsgSettings(api_key=suppress.Secret(KEY))
        for shown in (settings, BsgSource(settings), BsgSource(settings).identity):
            assert KEY not in repr(shown)


class TestSettings:
    def made(self, **table: Any) -> suppress.Suppressor:
        return suppress.Suppressor(
            suppress.Settings(sources=("bsg",), store=None, tables={"bsg": table})
        )

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ({}, "BSG_API_KEY .* is missing"),
            ({"base_url": URL}, "BSG_API_KEY .* is missing"),
            ({"api_key": ""}, "BSG_API_KEY .* is empty"),
            ({"api_key": "ключ"}, "BSG_API_KEY .* not an API key"),
            ({"api_key": KEY, "base_url": "http://one-api.bsg.world"}, "BSG_BASE_URL .* not https"),
            ({"api_key": KEY, "base_url": "ftp://one-api.bsg.world"}, "BSG_BASE_URL"),
            ({"api_key": KEY, "base_url": "one-api.bsg.world"}, "BSG_BASE_URL"),
            ({"api_key": KEY, "base_url": "https://u:p@one-api.bsg.world"}, "BSG_BASE_URL"),
            ({"api_key": KEY, "base_url": "http://127.0.0.1.evil.example"}, "not https"),
            ({"api_key": KEY, "pages_in_flight": 0}, "BSG_PAGES_IN_FLIGHT"),
            ({"api_key": KEY, "pages_in_flight": "many"}, "BSG_PAGES_IN_FLIGHT"),
            ({"api_key": KEY, "timeout": 0}, "BSG_TIMEOUT"),
            ({"api_key": KEY, "channels": ["smss"]}, "BSG_CHANNELS .* 'smss'"),
            ({"api_key": KEY, "chanels": ["sms"]}, "Did you mean 'channels'"),
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_named(self, table: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said) as raised:
            self.made(**table)
        assert KEY not in str(raised.value)

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:8080/", "http://localhost:8080", "http://[::1]:8080", URL]
    )
    def test_http_will_do_on_this_machine(self, url: str) -> None:
        assert self.made(api_key=KEY, base_url=url).channels == ("sms", "viber")

    def test_http_will_do_when_insisted_on(self) -> None:
        made = self.made(api_key=KEY, base_url="http://one-api.bsg.world", allow_http=True)
        assert made.channels == ("sms", "viber")

    def test_a_new_account_or_address_is_another_list(self) -> None:
        identities = {
            BsgSource(BsgSettings(api_key=suppress.Secret(key), base_url=url)).identity
            for key in (KEY, "test_other")
            for url in (URL, "https://other.example")
        }
        assert len(identities) == 4

    def test_the_environment_wins_over_the_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BSG_API_KEY", KEY)
        monkeypatch.setenv("BSG_CHANNELS", "sms, rcs")
        monkeypatch.setenv("SUPPRESS_STORE", "none")
        assert suppress.Suppressor().channels == ("rcs", "sms")


class TestOverHttp:
    def test_the_whole_list_is_read(self, sandbox: Sandbox) -> None:
        read = load("sms", "viber", base_url=sandbox.url)
        for channel in ("sms", "viber"):
            expected = {each.phone for each in sandbox.rows if channel in each.channels}
            assert {each.number for each in read if channel in each.channels} == expected
            assert {each.number for each in load(channel, base_url=sandbox.url)} == expected

    @pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 998, 999, 1000])
    def test_lists_of_every_length(self, size: int) -> None:
        rows = [row(place, 14155550000 + place, "sms") for place in range(1, size + 1)]
        with Sandbox(rows) as sandbox:
            read = load("sms", base_url=sandbox.url)
        assert [each.number for each in read] == [each.phone for each in rows]

    def test_a_throttled_request_is_repeated(self) -> None:
        """The sandbox takes the second listing for a duplicate, until its clock has moved."""
        ticks = iter(range(10**6))
        with (
            Sandbox(
                made_up(10), throttle_duplicates=3.5, clock=lambda: float(next(ticks))
            ) as sandbox,
            Client(sandbox.url, KEY, limits=BsgLimits(retry_delay=0.0)) as client,
        ):
            assert client.listing(offset=0, limit=500, channel=None)[1] is False
            listing, throttled = client.listing(offset=0, limit=500, channel=None)
        assert throttled
        assert len(listing.data) == 10

    def test_two_accounts(self) -> None:
        tables = {"bsg": {"api_key": KEY, "second": {"api_key": "test_second", "timeout": 5}}}
        settings = suppress.Settings(store=None, tables=tables, environ={"BSG_THIRD_API_KEY": KEY})
        assert [each.name for each in suppress.Suppressor(settings).sources] == [
            *("bsg", "bsg.second", "bsg.third")
        ]
