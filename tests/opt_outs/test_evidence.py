"""Every opt-out has a history: who, when, why, and how it came; nothing is overwritten."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, by_hand, listed
from suppress import Change, InvalidArgument, InvalidNumber, Suppressor, UnknownChannel
from suppress.numbers.convention import Convention
from suppress.opt_outs.people import People, read_people

ANN, BOB, CY = "+14155552671", "+14155552672", "+442079460958"
WISHED = datetime(2023, 11, 14, 12, tzinfo=UTC)
FAR_EAST, FAR_WEST = (timezone(timedelta(hours=each)) for each in (12, -12))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def one(folder: Path, clock: Clock) -> Suppressor:
    return by_hand(ListSource(listed(CY)), clock=clock, store=folder)


def told(changes: list[Change]) -> list[tuple[str, str, str | None]]:
    return [(each.action, each.channel, each.reason) for each in changes]


class TestHistory:
    def test_has_all_that_was_said(self, one: Suppressor, clock: Clock, folder: Path) -> None:
        made_at = datetime.fromtimestamp(clock.now, UTC)
        one.add(
            ["(415) 555-2671", BOB],
            "sms",
            default_region="US",
            at=WISHED,
            by="Eve",
            reason="She said so.",
            via="phone",
            reference="call-17",
        )
        for each in (one, by_hand(ListSource(), clock=clock, store=folder)):
            (change,) = each.history(ANN)
            assert (change.number, change.text, change.region) == (ANN, "(415) 555-2671", "US")
            assert (change.action, change.channel, change.correction) == ("add", "sms", False)
            assert (change.made_at, change.wished_at) == (made_at, WISHED)
            assert (change.by, change.reason) == ("Eve", "She said so.")
            assert (change.via, change.reference) == ("phone", "call-17")
        (decision,) = one.screen([ANN], "sms")
        assert decision.reason == "listed for sms by opt-outs (since 2023-11-14)"

    def test_nothing_is_overwritten(self, one: Suppressor) -> None:
        one.add([ANN], "sms", reason="first")
        one.add([ANN], "sms", reason="second")
        one.remove([ANN], "sms", reason="third")
        one.remove([ANN], "sms", correction=True, reason="fourth")
        one.add([ANN], "viber", reason="fifth")
        changes = one.history(ANN)
        assert told(changes) == [
            *(("add", "sms", "first"), ("add", "sms", "second"), ("remove", "sms", "third")),
            *(("remove", "sms", "fourth"), ("add", "viber", "fifth")),
        ]
        assert [each.correction for each in changes] == [False, False, False, True, False]
        positions = [each.position for each in changes]
        assert positions == sorted(set(positions))
        assert told(one.history(ANN, "viber")) == [("add", "viber", "fifth")]
        assert one.history(BOB) == []

    def test_is_of_every_form_of_the_line(self, one: Suppressor, clock: Clock) -> None:
        clock.now = 1_767_225_600.0  # after the change of the plan
        one.add(["+229 61234567"], "sms")
        one.add(["+2290161234567"], "viber")
        one.add([ANN], "viber")
        for form in ("+22961234567", "00229 01 61 23 45 67"):
            changes = one.history(form, default_region="international")
            assert [each.channel for each in changes] == ["sms", "viber"]

    def test_reads_hardly_anybody_else(
        self, one: Suppressor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one.add([f"+4479{place:08d}" for place in range(5000)], "sms")
        one.add([ANN], "sms")
        read: list[int] = []

        def counting(people: People, convention: Convention) -> Any:
            read.append(len(people.numbers))
            return read_people(people, convention)

        monkeypatch.setattr("suppress.opt_outs.history.read_people", counting)
        assert len(one.history(ANN)) == 1
        assert one.forget("+447900000007") == 1
        assert sum(read) <= 4

    def test_is_of_a_line_whose_last_digits_have_changed(
        self, folder: Path, tmp_path: Path, clock: Clock
    ) -> None:
        table = tmp_path / "table.tsv"
        table.write_text(
            "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\n"
            "XX\tGB\t442079460958\t12\t8\t3\t123\talias\n"
        )
        one = by_hand(ListSource(), clock=clock, store=folder, renumbering=table)
        one.add([CY], "sms")
        one.add(["+442079461238"], "viber")
        for form in (CY, "+442079461238"):
            assert [each.channel for each in one.history(form)] == ["sms", "viber"]

    def test_of_somebody_else_with_a_reading_in_common_is_not_told(self, one: Suppressor) -> None:
        one.add(["201001234567"], "sms", default_region="DE")
        assert one.history("+201001234567") == []
        assert len(one.history("+49201001234567")) == 1

    def test_asks_for_one_number_and_a_channel_that_is_served(self, one: Suppressor) -> None:
        with pytest.raises(InvalidNumber):
            one.history("x")
        with pytest.raises(UnknownChannel):
            one.history(ANN, "smss")

    def test_without_a_store_there_is_none(self) -> None:
        one = by_hand(ListSource(), store=None)
        assert one.history(ANN) == []
        assert list(one.opt_outs()) == []


class TestOptOuts:
    def test_are_those_in_force_the_newest_of_each_person(
        self, one: Suppressor, clock: Clock
    ) -> None:
        one.add([ANN, BOB], "sms", via="reply")
        clock.now += 10
        one.add([BOB], "sms", via="form")
        one.add([CY], "viber", via="reply")
        one.remove([ANN], "sms")
        found = [(each.number, each.channel, each.via) for each in one.opt_outs()]
        assert found == [(BOB, "sms", "form"), (CY, "viber", "reply")]
        assert [each.number for each in one.opt_outs("sms")] == [BOB]
        assert [each.number for each in one.opt_outs(via="reply")] == [CY]
        with pytest.raises(UnknownChannel):
            one.opt_outs("smss")

    def test_of_a_time_are_by_when_they_were_wished(self, one: Suppressor, clock: Clock) -> None:
        one.add([ANN], "sms", at=WISHED)
        one.add([BOB], "sms")
        now = datetime.fromtimestamp(clock.now, UTC)
        second = timedelta(seconds=1)
        assert [each.number for each in one.opt_outs(until=WISHED)] == [ANN]
        assert [each.number for each in one.opt_outs(since=WISHED + second)] == [BOB]
        assert [each.number for each in one.opt_outs(since=WISHED, until=now)] == [ANN, BOB]
        assert list(one.opt_outs(until=WISHED - second)) == []
        with pytest.raises(InvalidArgument, match="no time zone"):
            one.opt_outs(since=datetime(2023, 1, 1))  # noqa: DTZ001 - that is what is wrong


class TestSeveralChannels:
    def test_all_or_none(self, one: Suppressor) -> None:
        one.add([ANN], "sms")
        assert one.add_to_channels([ANN, BOB], ["sms", "viber"]) == {"sms": 1, "viber": 2}
        for channel in ("sms", "viber"):
            assert one.filter_recipients([ANN, BOB], channel) == []
        with pytest.raises(UnknownChannel):
            one.add_to_channels(["+14155552679"], ["sms", "smss"])
        assert not one.is_suppressed("+14155552679", "sms")


class TestEvidence:
    @pytest.mark.parametrize(
        ("details", "said"),
        [
            ({"reason": ""}, "`reason` is empty"),
            ({"by": " \t"}, "`by` is empty"),
            ({"reference": "x" * 501}, "longer than 500 characters"),
            ({"reason": "a\nb"}, "line ends"),
            ({"reason": "\x1b[2J"}, "cannot be printed"),
            ({"via": "two words"}, "one word"),
            ({"via": "x" * 41}, "one word"),
            ({"reason": 7}, "not a text"),
            ({"at": datetime(2023, 11, 14)}, "no time zone"),  # noqa: DTZ001
            ({"at": "2023-11-14"}, "a datetime with a time zone"),
            ({"at": datetime(1, 1, 1, tzinfo=FAR_EAST)}, "the years 1 and 9999"),
            ({"at": datetime(9999, 12, 31, 23, tzinfo=FAR_WEST)}, "the years 1 and 9999"),
            ({"at": WISHED + timedelta(days=365)}, r"`at` is in the future \(2024-11-13T12"),
        ],
        ids=repr,
    )
    def test_that_makes_no_sense_opts_nobody_out(
        self, one: Suppressor, folder: Path, details: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(InvalidArgument, match=said):
            one.add([ANN], "sms", **details)
        with pytest.raises(InvalidArgument, match=said):
            one.remove([ANN], "sms", **details)
        assert not (folder / "opt-outs.sqlite3").exists()

    def test_may_be_in_any_language(self, one: Suppressor) -> None:
        one.add([ANN], "sms", reason="  «Я не хочу», 不要  ", by="Éva", via="réponse")
        (change,) = one.history(ANN)
        assert (change.reason, change.by, change.via) == ("«Я не хочу», 不要", "Éva", "réponse")
