"""The page of a report in Chromium: as seen, as printed, by keyboard, and by a screen reader.

Needs Playwright, axe-core and the system's Chromium (`nox -s browser`).
"""

import io
import random
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.builders import Clock, ListSource, by_hand
from suppress import CampaignReport, Entry, FollowedList, Rows, screen_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"
TROUBLES = [
    *("", "n/a", "12345", "4.15555E+12", "+999123456789", "415*****671", HOSTILE, "4155552671"),
    *("+1415555267188899", "5552671", "+44 20 79", "\u202emoc", "x" * 300),
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as running:
        # Its sandbox cannot be used by root, as which a container may run.
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CampaignReport:
    """A campaign with every kind of trouble, and names and reasons that attack."""
    pytest.importorskip("jinja2")
    pytest.importorskip("babel")
    random_ = random.Random(1)
    codes = (1, 7, 31, 33, 34, 39, 44, 48, 49, 55, 61, 81, 91, 234, 351, 380)
    numbers = [
        f"+{random_.choice(codes)}{random_.randrange(10**9, 2 * 10**9)}" for _ in range(1500)
    ]
    one = by_hand(
        ListSource(
            [
                Entry(number, {"sms"}, place, NOW - timedelta(random_.expovariate(1 / 300)))
                for place, number in enumerate(numbers[:200])
            ],
            name="bsg",
        ),
        store=tmp_path_factory.mktemp("store"),
        clock=Clock(),
        possible_only=False,
    )
    for place, reason in enumerate(["STOP", HOSTILE, "a complaint " * 9, "", *map(str, range(15))]):
        one.add([numbers[300 + place]], "sms", reason=reason or None, via="reply")
    content = "".join(f"x,{number}\n" for number in [*numbers, *TROUBLES * 3])
    rows = Rows(
        io.BytesIO(f"name,mobile\n{content}".encode()), name=f"{HOSTILE}.csv", columns=["mobile"]
    )
    made = screen_rows(rows, FollowedList(one, "sms"), with_report=True).report
    assert made is not None
    return made


@pytest.fixture(scope="module", params=["whole", "receipt"])
def address(
    request: pytest.FixtureRequest,
    report: CampaignReport,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The page of a campaign, and that of its receipt alone."""
    shown = report if request.param == "whole" else CampaignReport(report.receipt)
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(shown.to_html(), "utf-8")
    return path.as_uri()


def opened(browser: "Browser", address: str, **options: Any) -> "tuple[Page, list[str]]":
    """Open the page; the list takes everything that it should not do."""
    page = browser.new_page(**options)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda asked: said.append(asked.url) if asked.url != address else None)
    page.goto(address)
    return page, said


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_quiet_and_accessible(
    browser: "Browser", address: str, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    size = {"width": width, "height": 900}
    page, said = opened(browser, address, color_scheme=scheme, viewport=size)
    for summary in page.query_selector_all("summary"):
        summary.click()
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_by_keyboard(browser: "Browser", address: str) -> None:
    page, _ = opened(browser, address, viewport={"width": 390, "height": 800})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "result"
    reached = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    wide = {each.get_attribute("aria-label") for each in page.query_selector_all(".wide")}
    assert wide <= reached
    page.close()


def test_on_paper(browser: "Browser", address: str) -> None:
    """A4, light even where the screen is dark, and nothing is cut off."""
    page, _ = opened(browser, address, color_scheme="dark")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    boxes = set(re.findall(rb"/MediaBox\s*\[0 0 (\d+)\.?\d* (\d+)", printed))
    assert boxes in ({(b"594", b"841")}, {(b"595", b"842")})
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 688, "height": 1000})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    page.close()
