"""The report of a campaign: a page that shows what was gathered, and runs nothing of it."""

import io
import re
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

import suppress
from support.builders import Clock, ListSource, by_hand
from suppress import (
    CampaignReport,
    ConfigurationError,
    Entry,
    FollowedList,
    Rows,
    Suppressor,
    screen_rows,
)
from suppress.cli import command_line
from suppress.screening.lengths import spoken
from suppress.screening.page import context
from suppress.screening.receipt import Later

ANN, BOB, CAT, DEE = (f"+1415555267{place}" for place in range(4))
NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
HOSTILE = "'><script>alert(1)</script>"

pytest.importorskip("jinja2")
pytest.importorskip("babel")


class Texts(HTMLParser):
    """The text of a page, and the tags that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def made(store: Path) -> Suppressor:
    entries = [Entry(ANN, {"sms"}, 1, NOW - timedelta(40)), Entry(BOB, {"sms"}, 2)]
    return by_hand(ListSource(entries, name="bsg"), store=store, clock=Clock())


def report_of(store: Path, content: str, name: str | None = None, **options: Any) -> CampaignReport:
    one = made(store)
    one.add([CAT], "sms", reason=f"{HOSTILE} from {CAT}")
    rows = Rows(io.BytesIO(content.encode()), name=name or "campaign.csv")
    campaign = screen_rows(rows, FollowedList(one, "sms"), with_report=True, **options)
    assert campaign.report is not None
    assert campaign.report.receipt is campaign.receipt
    return campaign.report


CAMPAIGN = f"name,{HOSTILE}\n" + "".join(
    f"x,{number}\n" for number in (ANN, BOB, CAT, DEE, DEE, HOSTILE, "4155552671", "")
)


def test_the_page_tells_everything(tmp_path: Path) -> None:
    report = report_of(tmp_path, CAMPAIGN.replace(HOSTILE, "mobile"), once=True)
    text = Texts(report.to_html()).text
    for said in (
        "2 of 8 recipients may be messaged",
        "campaign.csv was screened for sms on 14 November 2023, 22:13 UTC",
        "1 of them was left out",
        "opted out here 1 33.3%",
        "listed by a source sources give no reasons 2 66.7%",
        "United States +1 5 3 60.0%",
        "is digits without a plus Add --default-region XX",
        "line 8 415*****71",
        f"phonenumbers {report.receipt.phonenumbers}",
        "Column mobile",
        report.receipt.digest,
        report.receipt.recipients.digest,
        report.receipt.snapshot.digest[:16],
    ):
        assert said in text, said


def test_what_is_hostile_is_shown_and_not_run(tmp_path: Path) -> None:
    page = report_of(tmp_path, CAMPAIGN, name=HOSTILE).to_html()
    shown = Texts(page)
    assert "script" not in {tag for tag, _ in shown.tags}
    # The file, in the title and above; the reason; the column; and an example.
    assert shown.text.count(HOSTILE) == 5
    assert not any(name.startswith("on") for _, attributes in shown.tags for name in attributes)
    assert "default-src 'none'" in page


def test_the_page_needs_nothing_else_and_shows_no_number(tmp_path: Path) -> None:
    name = f"campaign of {ANN}.csv"
    page = report_of(tmp_path, CAMPAIGN, name=name).to_html()
    links = {"src", "srcset", "href", "action", "data", "poster", "background"}
    for tag, attributes in Texts(page).tags:
        found = {attributes[key] for key in links & attributes.keys()}
        assert all(str(each).startswith("#") for each in found), tag
    assert "url(" not in page
    assert "@import" not in page
    for number in (ANN, BOB, CAT, DEE, "4155552671"):
        assert number[1:] not in page


def test_from_a_receipt_alone(tmp_path: Path) -> None:
    report = report_of(tmp_path, CAMPAIGN.replace(HOSTILE, "mobile"))
    kept = suppress.Receipt.from_json(report.receipt.to_json())
    text = Texts(CampaignReport(kept).to_html()).text
    assert "2 of 8 recipients may be messaged" in text
    assert "made from the receipt" in text
    assert "Who listed them" not in text
    assert kept.digest in text


def test_of_a_screening(tmp_path: Path) -> None:
    one = made(tmp_path)
    one.add([CAT], "sms", reason="STOP")
    screening = one.screen([ANN, CAT, DEE], "sms")
    report = CampaignReport.of(screening, changes_at=one.changes_at, name="spring")
    assert report.receipt == screening.receipt()
    text = Texts(report.to_html()).text
    assert "“STOP” 1 50.0%" in text
    assert "spring was screened" in text


@pytest.mark.parametrize("library", ["jinja2", "babel"])
def test_a_missing_library_is_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    report = CampaignReport.of(made(tmp_path).screen([DEE], "sms"))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=r"suppress-filter\[report\]"):
        report.to_html()


def test_a_command_without_the_library_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    Path("in.txt").write_text(f"{DEE}\n")
    arguments = ["filter", "in.txt", "--channel", "sms", "-o", "out.txt", "--report", "r.html"]
    done = CliRunner().invoke(command_line, arguments)
    assert (done.exit_code, "suppress-filter[report]" in done.output) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt"]


@pytest.mark.parametrize("numbers", [[], [DEE], ["x"], [ANN]])
def test_of_few(tmp_path: Path, numbers: list[str]) -> None:
    page = CampaignReport.of(made(tmp_path).screen(numbers, "sms")).to_html()
    assert "nan" not in Texts(page).text.lower()
    heading = re.search(r"<h1>(.*?)</h1>", page)
    assert heading is not None
    assert heading[1] == (
        "0 of 1 recipient may be messaged"
        if numbers in (["x"], [ANN])
        else "1 of 1 recipient may be messaged"
        if numbers
        else "No recipients were screened"
    )


def test_lists_that_came_later(tmp_path: Path) -> None:
    one = made(tmp_path)
    receipt = one.screen([DEE] * 5, "sms").receipt()
    against = receipt.snapshot
    later = tuple(Later(place, NOW, "", against) for place in range(1, 20))
    text = Texts(CampaignReport(msgspec.structs.replace(receipt, later=later)).to_html()).text
    assert "The stop lists The list changed" in text
    assert "12 more are in the receipt." in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "from the future"),
        (5.9, "5 s"),
        (65, "1 min 5 s"),
        (7_500, "2 h 5 min"),
        (90_000, "1 day 1 h"),
        (200_000, "2 days 7 h"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_shares_are_never_rounded_to_none_or_all(tmp_path: Path) -> None:
    receipt = made(tmp_path).screen([DEE], "sms").receipt()
    counts = {"allowed": 99_999, "suppressed": 1, "invalid": 0}
    found = context(msgspec.structs.replace(receipt, counts=counts), None, None)
    assert found["outcomes"] == [
        ("allowed", 99_999, "over 99.9%"),
        ("suppressed", 1, "under 0.1%"),
        ("invalid", 0, "0%"),
    ]
