"""The opt-out lists of AWS as a source: what is asked for, what is read, and what is refused."""

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import suppress
from support import faulty_server as faulty
from support.faulty_aws import ARN, FaultyAws, opted_out, refused
from support.faulty_server import Answer, Asked, Fault, Item, Step
from suppress import ConfigurationError, Refused, SourceError
from suppress.testing import OptOutContract, SourceContract
from suppress_aws.settings import AwsSettings

pytest.importorskip("boto3")

import boto3
from botocore.stub import Stubber

from suppress_aws.source import AwsSource, AwsSourceAndTaker

NUMBER = "+14155552671"
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials as boto3 finds them, and none of the person who runs the tests."""
    given = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "3",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    # As on a machine with little to wait for.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _no_time)


def _no_time(_self: object, _context: object) -> float:
    return 0.001


def made(server: FaultyAws, *lists: str, **settings: Any) -> AwsSourceAndTaker:
    given = {"lists": lists or ("Default",), "endpoint_url": server.url, "timeout": 5.0, **settings}
    return AwsSourceAndTaker(AwsSettings(**given))


def entries(one: AwsSource, *channels: str) -> dict[str, set[str]]:
    """Return the numbers that are read, by the channels that they are for."""
    found: dict[str, set[str]] = {}
    for each in one.load(frozenset(channels or one.channels), lambda _done, _total: None):
        assert isinstance(each, suppress.Entries)
        found.setdefault("+".join(sorted(each.channels)), set()).update(map(str, each.numbers))
    return found


def failure(one: AwsSource) -> str:
    with pytest.raises(SourceError) as raised:
        entries(one)
    said = str(raised.value)
    assert KEY not in said
    assert SECRET not in said
    return said


def to(listed: list[Item]) -> set[str]:
    return {each["OptedOutNumber"] for each in listed}


def many(count: int) -> list[Item]:
    return [opted_out(2000 + place) for place in range(count)]


class TestContract(OptOutContract):
    @pytest.fixture
    def source(self) -> Iterator[suppress.Source]:
        with FaultyAws({"Default": many(120), "Alerts": many(3)}) as server:
            yield made(server, lists={"Default": ("sms", "voice"), "Alerts": ("sms",)})

    @pytest.fixture
    def failing_source(self) -> Iterator[suppress.Source]:
        behind = faulty.on("/", faulty.status(500), lambda number: number > 0)
        with FaultyAws({"Default": many(120)}, fault=behind) as server:
            yield made(server)

    @pytest.fixture
    def number(self) -> str:
        return NUMBER


class TestContractOfOneThatTakesNone(SourceContract):
    @pytest.fixture
    def source(self) -> Iterator[suppress.Source]:
        with FaultyAws({"Default": many(1)}) as server:
            yield AwsSource(AwsSettings(lists=("Default",), endpoint_url=server.url))

    @pytest.fixture
    def failing_source(self) -> Iterator[suppress.Source]:
        with FaultyAws() as server:
            yield AwsSource(AwsSettings(lists=("Gone",), endpoint_url=server.url))


class TestReading:
    @pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 300])
    def test_all_pages_are_read(self, count: int) -> None:
        with FaultyAws({"Default": many(count)}) as server:
            assert entries(made(server)) == {"sms": to(many(count))}
            asked = server.calls("DescribeOptedOutNumbers")
        assert len(asked) == max(-(-count // 100), 1)
        assert all(each["MaxResults"] == 100 for each in asked)

    def test_a_list_of_many_is_given_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("suppress_aws.source.BATCH_ROWS", 200)
        with FaultyAws({"Default": many(450)}) as server:
            parts = list(made(server).load(frozenset({"sms"}), lambda _done, _total: None))
        assert [len(each.numbers) for each in parts] == [200, 200, 50]

    def test_lists_have_their_channels(self) -> None:
        lists = {"Default": [opted_out(1)], "Alerts": [opted_out(2)]}
        with FaultyAws(lists) as server:
            one = made(server, lists={"Default": ("sms", "voice"), ARN + "Alerts": ("voice",)})
            assert entries(one) == {"sms+voice": {"+14155550001"}, "voice": {"+14155550002"}}
            assert entries(one, "sms") == {"sms+voice": {"+14155550001"}}
            assert server.calls("DescribeOptedOutNumbers")[1]["OptOutListName"] == ARN + "Alerts"

    def test_each_entry_tells_its_list_and_its_time(self) -> None:
        with FaultyAws({"Alerts": [opted_out(7)]}) as server:
            (found,) = made(server, ARN + "Alerts").load(frozenset({"sms"}), lambda *_: None)
        assert (found.ids, found.id_word) == (["Alerts"], "list")
        assert found.added_at == [datetime.fromtimestamp(1_700_000_007, UTC)]

    def test_throttling_passes(self) -> None:
        fault = as_fault(refused("ThrottlingException"))
        with FaultyAws(
            {"Default": many(250)}, fault=faulty.on("/", fault, {1, 3}.__contains__)
        ) as (server):
            assert entries(made(server)) == {"sms": to(many(250))}

    def test_throttling_that_stays_is_an_error(self) -> None:
        fault = as_fault(refused("ThrottlingException"))
        with FaultyAws(fault=faulty.on("/", fault)) as server:
            assert "Too many requests at once" in failure(made(server))
            assert len(server.asked) == 3

    def test_attempts_are_ours_unless_they_are_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_MAX_ATTEMPTS")
        fault = as_fault(refused("ThrottlingException"))
        with FaultyAws({"Default": []}, fault=faulty.on("/", fault, faulty.first(9))) as server:
            assert entries(made(server)) == {"sms": set()}

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("AccessDeniedException", "Allow this principal sms-voice:DescribeOptedOutNumbers"),
            ("ResourceNotFoundException", "Check SUPPRESS_AWS_LISTS"),
            ("ExpiredTokenException", "Renew the AWS credentials"),
            ("SomethingNew", "Try again later"),
        ],
    )
    def test_an_error_of_the_service(self, kind: str, said: str) -> None:
        fault = as_fault(refused(kind))
        with FaultyAws({"Default": []}, fault=faulty.on("/", fault)) as server:
            found = failure(made(server))
        assert f"AWS failed at reading the opt-out list Default ({kind}, no: {kind})" in found
        assert said in found

    def test_a_name_of_its_own_is_said(self) -> None:
        with FaultyAws() as server:
            settings = AwsSettings(lists=("Gone",), endpoint_url=server.url)
            assert "Check SUPPRESS_AWS_EU_LISTS" in failure(AwsSource(settings, name="aws.eu"))

    @pytest.mark.parametrize(
        "fault",
        [
            faulty.reset_in_the_body,
            faulty.closed_without_an_answer,
            faulty.instead(b"<html>"),
            faulty.instead(b"[]"),
        ],
        ids=["reset", "closed", "html", "another type"],
    )
    def test_a_page_that_does_not_come_whole(self, fault: Fault) -> None:
        later = faulty.on("/", fault, lambda number: number > 0)
        with FaultyAws({"Default": many(250)}, fault=later) as server:
            assert failure(made(server))

    @pytest.mark.parametrize(
        ("page", "said"),
        [
            ({"OptedOutNumbers": None}, "something else than opted-out numbers"),
            ({"OptedOutNumbers": [{"EndUserOptedOut": True}]}, "something else"),
            ({"OptOutListName": "Other", "OptOutListArn": ARN + "Other"}, "another list"),
            ({"NextToken": "MQ=="}, "lead back to where they were"),
        ],
        ids=["no numbers", "no number", "another list", "a circle"],
    )
    def test_a_page_that_lies(self, page: Item, said: str) -> None:
        def lie(right: Item, number: int) -> Item:
            return {**right, **page} if number else right

        with FaultyAws({"Default": many(250)}, page=lie) as server:
            assert said in failure(made(server))

    def test_as_the_client_of_boto3_is_documented(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = boto3.client("pinpoint-sms-voice-v2")
        monkeypatch.setattr(AwsSource, "_client", lambda _self: client)
        listed = [{**opted_out(7), "OptedOutTimestamp": datetime(2025, 1, 1, tzinfo=UTC)}]
        asked = {"OptOutListName": "Default", "MaxResults": 100}
        with Stubber(client) as stubber:
            stubber.add_response(
                "describe_opted_out_numbers", {"OptedOutNumbers": listed, "NextToken": "2"}, asked
            )
            stubber.add_response(
                "describe_opted_out_numbers", {"OptedOutNumbers": []}, {**asked, "NextToken": "2"}
            )
            found = entries(AwsSource(AwsSettings(lists=("Default",))))
            stubber.assert_no_pending_responses()
        assert found == {"sms": {"+14155550007"}}


def as_fault(answer: Answer) -> Fault:
    def steps(_right: Answer) -> Iterator[Step]:
        # Else boto3 sends the next request over the connection that ends here.
        yield answer.head(None, Connection="close") + answer.body

    return steps


class TestOptOuts:
    def test_a_number_is_put_on_every_list_of_its_channel(self) -> None:
        with FaultyAws({"Default": [], "Alerts": [], "Calls": []}) as server:
            one = made(
                server, lists={"Default": ("sms",), "Alerts": ("sms", "voice"), "Calls": ("voice",)}
            )
            one.add([NUMBER], "sms")
            assert [name for name, each in server.lists.items() if NUMBER in each] == [
                *("Default", "Alerts")
            ]

    def test_who_opted_out_by_a_message_is_not_taken_off(self) -> None:
        listed = [opted_out(1), opted_out(2, by_message=True)]
        with FaultyAws({"Default": listed}) as server:
            with pytest.raises(Refused, match="opted out by a message to you") as raised:
                made(server).remove({"+14155550001": (), "+14155550002": ()}, "sms")
            assert "+14155550002" not in str(raised.value)
            assert len(server.lists["Default"]) == 2
            assert server.calls("DeleteOptedOutNumber") == []

    def test_a_number_that_is_on_no_list_is_no_error(self) -> None:
        with FaultyAws({"Default": []}) as server:
            made(server).remove({NUMBER: ()}, "sms")
            assert server.calls("DeleteOptedOutNumber") == []

    def test_a_number_that_leaves_the_list_meanwhile(self) -> None:
        def gone(asked: Asked) -> Fault | None:
            if b"Delete" in asked.headers["x-amz-target"].encode():
                server.lists["Default"].clear()
            return None

        with FaultyAws({"Default": [opted_out(1)]}, fault=gone) as server:
            made(server).remove({"+14155550001": ()}, "sms")

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("ValidationException", "PHONE_NUMBER_CANNOT_BE_OPTED_IN"),
            ("ConflictException", "RESOURCE_DELETION_NOT_ALLOWED"),
        ],
    )
    def test_a_number_that_aws_does_not_let_go(self, kind: str, reason: str) -> None:
        kept = {"+14155550001": {"kind": kind, "Reason": reason}}
        with FaultyAws({"Default": [opted_out(1)]}, kept=kept) as server:
            with pytest.raises(Refused, match=f"AWS refuses taking .*{kind}, {reason}"):
                made(server).remove({"+14155550001": ()}, "sms")
            assert len(server.calls("DeleteOptedOutNumber")) == 1

    def test_a_number_that_aws_does_not_take(self) -> None:
        reason = {"kind": "ValidationException", "Reason": "CANNOT_ADD_OPTED_OUT_NUMBER"}
        with (
            FaultyAws({"Default": []}, kept={NUMBER: reason}) as server,
            pytest.raises(Refused, match="AWS refuses putting") as raised,
        ):
            made(server).add([NUMBER], "sms")
        assert NUMBER not in str(raised.value)

    @pytest.mark.parametrize("kind", ["ResourceNotFoundException", "AccessDeniedException"])
    @pytest.mark.parametrize("action", ["add", "remove"])
    def test_what_can_be_mended_is_no_refusal(self, action: str, kind: str) -> None:
        fault = as_fault(refused(kind, ResourceType="opt-out-list"))
        with FaultyAws({"Default": []}, fault=faulty.on("/", fault)) as server:
            one = made(server)
            with pytest.raises(SourceError) as raised:
                one.add([NUMBER], "sms") if action == "add" else one.remove({NUMBER: ()}, "sms")
        assert not isinstance(raised.value, Refused)

    def test_an_opt_out_that_is_made_here_is_told(self) -> None:
        with FaultyAws({"Default": []}) as server:
            tables = {"aws": {"lists": ["Default"], "endpoint_url": server.url}}
            store = Path("store").absolute()
            settings = suppress.Settings(sources=("aws",), store=store, tables=tables)
            one = suppress.Suppressor(settings, background=False)
            one.add([NUMBER, "+14155550001"], "sms")
            one.pass_on()
            assert set(server.lists["Default"]) == {NUMBER, "+14155550001"}
            one.remove(["+14155550001"], "sms")
            one.pass_on()
            assert list(server.lists["Default"]) == [NUMBER]
            assert one.waiting() == []


class TestSettings:
    def sources(self, environ: dict[str, str] | None = None, **aws: Any) -> Any:
        tables = {"aws": aws} if aws else {}
        settings = suppress.Settings(store=None, tables=tables, environ=environ or {})
        return suppress.Suppressor(settings, background=False).sources

    def test_it_is_not_there_unless_a_list_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match="No source"):
            self.sources()

    def test_several_of_a_kind(self) -> None:
        found = self.sources(
            {"SUPPRESS_AWS_LISTS": "Default,Alerts"},
            us={"lists": {"Default": ["voice"]}, "region": "us-east-1", "take_opt_outs": False},
        )
        assert [(each.name, sorted(each.channels)) for each in found] == [
            ("aws", ["sms"]),
            ("aws.us", ["voice"]),
        ]
        assert [isinstance(each, suppress.TakesOptOuts) for each in found] == [True, False]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"lists": []}, "SUPPRESS_AWS_LISTS .* names no list"),
            ({"lists": ["a b"]}, "is not the name or the ARN"),
            ({"lists": {"a": []}}, "gives the list 'a' no channel"),
            ({"lists": {"a": ["sms"]}, "channels": ["sms"]}, "SUPPRESS_AWS_CHANNELS"),
            ({"lists": ["a"], "channels": []}, "no channel"),
            ({"lists": ["a"], "timeout": 0}, "SUPPRESS_AWS_TIMEOUT"),
            ({"region": "eu-west-1"}, "SUPPRESS_AWS_LISTS .* is missing"),
            ({"lists": ["a"], "profile": "none"}, r"profile \(none\) could not be found"),
            ({"lists": [ARN + "a"], "region": "us-east-1"}, "is not in the region us-east-1"),
        ],
    )
    def test_a_setting_that_makes_no_sense(self, given: Any, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            self.sources(**given)

    def test_no_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        with pytest.raises(ConfigurationError, match="There is no AWS region"):
            self.sources(lists=["a"])

    def test_without_boto3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = importlib.util.find_spec
        monkeypatch.setattr(
            "importlib.util.find_spec",
            lambda name, *more: None if name == "boto3" else found(name, *more),
        )
        with pytest.raises(ConfigurationError, match=r"pip install 'suppress-filter\[aws\]'"):
            self.sources(lists=["a"])

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        with FaultyAws({"Default": []}) as server:
            assert "there are no AWS credentials" in failure(made(server))

    def test_another_account_is_another_list(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def identity(**settings: Any) -> str:
            return AwsSource(AwsSettings(**{"lists": ("a",), **settings})).identity

        (tmp_path / "config").write_text(
            "[profile x]\nrole_arn = arn:x\n[profile y]\nrole_arn = arn:y\n[profile z]\n"
        )
        names = [identity(), identity(region="us-east-1"), identity(lists=("b",))]
        names += [identity(profile=each) for each in "xyz"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        names.append(identity())
        # A key that is replaced every hour names no account.
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAONE")
        names.append(identity())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIATWO")
        assert identity() == names[-1]
        assert len(set(names)) == len(names) - 1  # the profile z says nothing
        assert not any("AKIA" in each or "ASIA" in each for each in names)
