"""A reading that cannot be believed against the last one: the last one serves, and says why."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import suppress
from support import faulty_server as faulty
from support.builders import Clock, ListSource, listed
from support.faulty_server import KEY, FaultyServer, item, items, on
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.region import INTERNATIONAL
from suppress.stop_list.form import has_form, without_form
from suppress.stores.contract import Failure
from suppress.stores.folder import FolderStore

NUMBERS = [f"+1415555{place:04}" for place in range(2000)]


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(*NUMBERS[:1200]))


def suppressor(source: Any, clock: Clock, store: Path, **more: Any) -> suppress.Suppressor:
    settings = suppress.Settings(sources=(source.name,), store=store, **more)
    return suppress.Suppressor(settings, plugins=[source], background=False, clock=clock)


class TestShrinking:
    @pytest.mark.parametrize("left", [0, 119])
    def test_a_list_that_is_all_but_gone_is_not_believed(
        self,
        source: ListSource,
        clock: Clock,
        tmp_path: Path,
        left: int,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        made = suppressor(source, clock, tmp_path)
        assert made.filter_recipients(NUMBERS[:1], "sms") == []
        source.entries = listed(*NUMBERS[:left])
        clock.now += 400
        for each in (made, suppressor(source, clock, tmp_path)):  # also in another process
            assert each.filter_recipients(NUMBERS[1199:1201], "sms") == NUMBERS[1200:1201]
            failure = each.status().channels["sms"].failure
            assert failure is not None
            assert f"of the source 'list' shrank from 1,200 entries to {left}" in failure.message
            assert "suppress refresh --force" in failure.message
        assert "using the copy" in caplog.text
        with pytest.raises(suppress.StopListUnavailable, match=r"SUPPRESS_MAX_SHRINK is 0\.9"):
            made.refresh("sms")
        clock.now += 4000
        with pytest.raises(suppress.StopListUnavailable, match="shrank from 1,200"):
            made.filter_recipients(NUMBERS[:1], "sms")

    def test_it_is_taken_by_who_insists(
        self, source: ListSource, clock: Clock, tmp_path: Path
    ) -> None:
        made = suppressor(source, clock, tmp_path)
        made.snapshot("sms")
        source.entries = []
        clock.now += 1
        assert made.refresh("sms", force=True)["sms"].count == 0
        assert made.status().channels["sms"].failure is None
        clock.now += 1
        assert made.refresh("sms")["sms"].count == 0
        assert suppressor(source, clock, tmp_path).is_suppressed(NUMBERS[0], "sms") is False

    @pytest.mark.parametrize(
        ("before", "after", "max_shrink"),
        [(1200, 120, 0.9), (99, 0, 0.9), (1200, 0, 1.0), (1000, 500, 0.5), (0, 1200, 0.0)],
    )
    def test_what_may_be(
        self, clock: Clock, tmp_path: Path, before: int, after: int, max_shrink: float
    ) -> None:
        source = ListSource(listed(*NUMBERS[:before]))
        made = suppressor(source, clock, tmp_path, max_shrink=max_shrink)
        made.snapshot("sms")
        source.entries = listed(*NUMBERS[:after])
        clock.now += 1
        assert made.refresh("sms")["sms"].count == after

    def test_others_in_the_place_of_all_are_not_believed(
        self, source: ListSource, clock: Clock, tmp_path: Path
    ) -> None:
        """As a number times 100 is, where numbers of that length are possible."""
        made = suppressor(source, clock, tmp_path)
        made.snapshot("sms")
        source.entries = listed(*(int(f"49{each[2:]}") for each in NUMBERS[:1200]))
        clock.now += 1
        with pytest.raises(suppress.StopListUnavailable, match="lost 1,200 of its 1,200 numbers"):
            made.refresh("sms")

    def test_no_other_source_makes_up_for_it(
        self, source: ListSource, clock: Clock, tmp_path: Path
    ) -> None:
        other = ListSource(listed(*NUMBERS), name="other")
        settings = suppress.Settings(sources=("list", "other"), store=tmp_path)
        made = suppress.Suppressor(settings, plugins=[source, other], clock=clock, background=False)
        made.snapshot("sms")
        source.entries = []
        clock.now += 1
        with pytest.raises(suppress.StopListUnavailable, match="of the source 'list' shrank"):
            made.refresh("sms")

    @pytest.mark.parametrize("max_shrink", [-0.1, 1.1, float("nan")])
    def test_the_setting_is_a_part(self, max_shrink: float) -> None:
        with pytest.raises(suppress.ConfigurationError, match="SUPPRESS_MAX_SHRINK"):
            suppress.Settings(max_shrink=max_shrink)

    def test_an_empty_answer_of_a_provider_that_is_repaired(
        self, clock: Clock, tmp_path: Path
    ) -> None:
        repaired = json.dumps({"data": [], "total": 0, "error": "maintenance"}).encode()
        fault = on("/api/stoplist", faulty.instead(repaired), lambda number: number > 0)
        with FaultyServer(items(300), fault=fault) as server:
            made = bsg(server, clock, tmp_path)
            first = made.snapshot("sms")
            clock.now += 400
            assert made.snapshot("sms").digest == first.digest
            with pytest.raises(suppress.StopListUnavailable, match="from 300 entries to 0"):
                made.refresh("sms")


def bsg(server: FaultyServer, clock: Clock, store: Path) -> suppress.Suppressor:
    tables = {"bsg": {"api_key": KEY, "base_url": server.url}}
    settings = suppress.Settings(sources=("bsg",), store=store, tables=tables)
    return suppress.Suppressor(settings, background=False, clock=clock)


FORMS = [
    14155550000,
    "14155550000",
    "+14155550000",
    "0014155550000",
    "14155550000.0",
    "1.4155550001E10",
    "tel:+14155550000",
    "+1 (415) 555-0000",
    1000000,
    999_999_999_999_999,
]
OTHERS: list[str | int] = [
    "44***123456",
    "1415XXX0000",
    "1415--0000",
    "14155550000 / 1",
    "14155550000 Ann",
    "4.42E+11",
    1415555000000000,
    "1415555000000000",
    "141555",
    999_999,
    "user-17",
]


@pytest.mark.parametrize("number", FORMS, ids=str)
def test_the_form_of_a_number(number: str | int) -> None:
    assert has_form(number)


@pytest.mark.parametrize("number", OTHERS, ids=str)
def test_what_has_not_the_form_of_a_number(number: str | int) -> None:
    assert not has_form(number)


@pytest.mark.parametrize("kind", [str, int, None])
def test_many_are_told_like_one(kind: type | None) -> None:
    numbers = [each for each in FORMS + OTHERS if kind is None or isinstance(each, kind)]
    reader = Reader(Convention(INTERNATIONAL))
    found = without_form(reader.read_all(numbers)).tolist()
    assert [numbers[place] for place in found] == [each for each in numbers if not has_form(each)]


def masked(place: int) -> str:
    return f"1415XXX{place:04}"


class TestFormat:
    def test_one_that_changes(self, source: ListSource, clock: Clock, tmp_path: Path) -> None:
        made = suppressor(source, clock, tmp_path)
        made.snapshot("sms")
        source.entries += listed(*map(masked, range(13)))
        clock.now += 1
        said = "Of the 1,213 .* 13 are not written like phone numbers: its format may have changed"
        with pytest.raises(suppress.StopListUnavailable, match=said):
            made.refresh("sms")
        assert made.refresh("sms", force=True)["sms"].count == 1213
        clock.now += 1
        assert made.refresh("sms")["sms"].count == 1213

    @pytest.mark.parametrize("count", [10, 12])
    def test_some_junk_in_an_old_list(self, clock: Clock, tmp_path: Path, count: int) -> None:
        source = ListSource(listed(*NUMBERS[: count * 100], *map(masked, range(count))))
        made = suppressor(source, clock, tmp_path)
        assert made.snapshot("sms").count == 101 * count
        source.entries += listed(*map(masked, range(count, count + 10)))
        clock.now += 1
        assert made.refresh("sms")["sms"].count == 101 * count + 10

    def test_one_that_was_never_right(self, clock: Clock, tmp_path: Path) -> None:
        source = ListSource(listed(*NUMBERS[:500], *map(masked, range(11))))
        made = suppressor(source, clock, tmp_path)
        with pytest.raises(suppress.StopListUnavailable, match="11 are not written like"):
            made.snapshot("sms")
        assert made.refresh("sms", force=True)["sms"].count == 511
        assert suppressor(source, clock, tmp_path).refresh("sms")["sms"].count == 511

    def test_the_share_and_not_the_number_counts(self, clock: Clock, tmp_path: Path) -> None:
        junk = listed(*map(masked, range(15)))
        source = ListSource(listed(*NUMBERS) + junk)
        made = suppressor(source, clock, tmp_path, max_shrink=1.0)
        made.snapshot("sms")
        source.entries = listed(*NUMBERS[:500]) + junk[:10]
        clock.now += 1
        assert made.refresh("sms")["sms"].count == 510

    def test_numbers_that_nobody_can_read_any_more(
        self, source: ListSource, clock: Clock, tmp_path: Path
    ) -> None:
        made = suppressor(source, clock, tmp_path)
        made.snapshot("sms")
        source.entries[:13] = listed(*(int(f"{each}00") for each in NUMBERS[:13]))
        clock.now += 1
        with pytest.raises(suppress.StopListUnavailable, match="13 are not phone numbers"):
            made.refresh("sms")

    @pytest.mark.parametrize(("count", "is_taken"), [(200, True), (700, False)])
    def test_numbers_that_nobody_could_ever_read(
        self, clock: Clock, tmp_path: Path, count: int, is_taken: bool
    ) -> None:
        many = listed(*(int(f"{each}00") for each in NUMBERS[:count]))
        made = suppressor(ListSource(listed(*NUMBERS[:500]) + many), clock, tmp_path)
        if is_taken:
            assert made.snapshot("sms").count == 700
        else:
            with pytest.raises(suppress.StopListUnavailable, match="700 are not phone numbers"):
                made.snapshot("sms")

    @pytest.mark.parametrize(
        "write",
        [
            lambda phone: f"{str(phone)[:4]}****{str(phone)[-3:]}",
            lambda phone: phone * 100_000,
            lambda phone: f"{phone} (blocked)",
            lambda phone: str(phone)[5:],
        ],
        ids=["masked", "times 100,000", "with words", "cut"],
    )
    def test_of_a_provider(self, clock: Clock, tmp_path: Path, write: Any) -> None:
        entries = items(300)
        with FaultyServer(entries) as server:
            made = bsg(server, clock, tmp_path)
            first = made.snapshot("sms")
            server.items = [{**each, "phone": write(each["phone"])} for each in entries]
            clock.now += 400
            assert made.snapshot("sms").digest == first.digest
            with pytest.raises(suppress.StopListUnavailable, match="format may have changed"):
                made.refresh("sms")

    @pytest.mark.parametrize("write", [str, "+{}".format, "00{}".format, "{}.0".format])
    def test_texts_of_a_provider_that_are_numbers(
        self, clock: Clock, tmp_path: Path, write: Any
    ) -> None:
        with FaultyServer(
            [item(place, phone=write(14_155_550_000 + place)) for place in range(300)]
        ) as server:
            found = bsg(server, clock, tmp_path).snapshot("sms")
        assert set(found.numbers) == {f"+{14_155_550_000 + place}" for place in range(300)}


def test_who_insists_is_not_told_of_what_another_process_refused(
    source: ListSource, clock: Clock, tmp_path: Path
) -> None:
    """The other fails while the lock is waited for."""
    made = suppressor(source, clock, tmp_path)
    made.snapshot("sms")
    source.entries = []
    store = FolderStore(tmp_path)
    (path,) = tmp_path.glob("*.snapshot")
    key = path.name.partition(".")[0]
    with ThreadPoolExecutor(1) as pool, store.exclusive(key, lease=60):
        asked = pool.submit(made.refresh, "sms", force=True)
        clock.now += 1
        store.fail(key, Failure(clock.now, clock.now, clock.now, "the other's"))
    assert asked.result()["sms"].count == 0
