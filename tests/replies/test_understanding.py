"""The meaning of replies: two written sets, and how well each is understood."""

import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

import suppress.replies
from support.replies import Case, cases, figures
from suppress import InvalidArgument, Reply
from suppress.replies import understand

SETS = {
    "tuned": cases("replies.tsv"),
    "plain, held out": [case for case in cases("replies-held-out.tsv") if "plain:" in case.note],
    "hard, held out": [case for case in cases("replies-held-out.tsv") if "hard:" in case.note],
}
PAGE = Path(__file__).parents[2] / "docs/how-to/replies.md"


def test_nobody_of_the_set_opts_out_by_mistake() -> None:
    """In every language that is known, and in the language of the reply alone."""
    wrong = [
        (case.text, languages)
        for case in cases("replies.tsv")
        for languages in (None, [case.language])
        if understand(case.text, languages) is Reply.OPT_OUT and case.expected != "opt-out"
    ]
    assert wrong == []


def test_the_set_is_large_and_half_of_it_opts_nobody_out() -> None:
    some = cases("replies.tsv")
    assert len(some) >= 300
    assert sum(case.expected != "opt-out" for case in some) * 2 >= len(some)
    assert {case.text for case in some}.isdisjoint(
        case.text for case in cases("replies-held-out.tsv")
    )
    assert len({case.language for case in some}) >= 20


@pytest.mark.parametrize("name", SETS)
def test_the_figures_are_those_of_the_page(name: str) -> None:
    some = SETS[name]
    for meaning, measured in figures(some).items():
        print(name, meaning, measured)
        row = f"| {name} | `{meaning}` | {measured.replies} | "
        row += f"{measured.precision:.3f} | {measured.recall:.3f} |"
        assert measured.replies == 0 or row in PAGE.read_text()
    others = sum(case.expected == "none" for case in some)
    assert f"| {name} | none of these | {others} | | |" in PAGE.read_text()


@pytest.mark.parametrize("text", ["T", "r", "slut", "TC", "peru"])
def test_a_word_with_another_meaning_elsewhere_counts_if_its_language_is_named(text: str) -> None:
    assert understand(text) is None
    assert understand(text, ["zh", "da", "vi", "fi"]) is Reply.OPT_OUT
    assert understand(text, "en") is None


def test_words_of_other_languages_do_not_count() -> None:
    assert understand("abmelden") is Reply.OPT_OUT
    assert understand("abmelden", ["en", "fr"]) is None
    assert understand("abmelden", ["de-AT"]) is Reply.OPT_OUT
    assert understand("STOP", ["ja"]) is Reply.OPT_OUT


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match=r"no words for the language 'tlh'.* de, el, en, es"):
        understand("stop", ["en", "tlh"])
    with pytest.raises(InvalidArgument, match="Name one, or leave the languages out"):
        understand("stop", [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A keyword and a call to start: nobody who said STOP is messaged.
        ("START. STOP", Reply.OPT_OUT),
        ("start stop", None),
        ("start help", None),
        # A number belongs to the instructions that are quoted below.
        ("Ok, when?\nACME: Sale. STOP 36105", None),
        ("STOP 36105", Reply.OPT_OUT),
        # All is in quotation marks.
        ("“please take me off your list”", Reply.OPT_OUT),
        ("STOP LYING", None),
        ("STOP ACME", Reply.OPT_OUT),
        ("Please don't text me anymore. I have nothing else to say.", Reply.OPT_OUT),
        ("Yup next stop.", None),
        ("Cancel! I'll be late", None),
    ],
)
def test_the_boundary(text: str, expected: Reply | None) -> None:
    assert understand(text) is expected


@hypothesis.given(strategies.text())
def test_any_text_has_an_answer(text: str) -> None:
    understand(text)


@hypothesis.given(
    strategies.sampled_from([case for case in SETS["plain, held out"] if case.expected != "none"]),
    strategies.sampled_from(["\u200b", "\u00ad", "\ufe0f", "\u202e"]),
    strategies.integers(0, 20),
)
def test_what_nobody_sees_changes_nothing(case: Case, unseen: str, place: int) -> None:
    text = case.text[:place] + unseen + case.text[place:]
    assert understand(text, [case.language]) == case.expected


HOSTILE = (
    *("stop ", "a", "“", '"', "a ", "a-", "please stop texting my friend ", "on wrote ", ">\n"),
    *("not to you please ", "stop,", "- ", "a\u0301", "'", "退订不", " ", "_", "don't stop ", "1"),
    "to stop sending all ",
)


def test_long_texts_take_a_time_that_is_bounded() -> None:
    """All together; what takes time that grows with the square takes minutes."""
    started = time.process_time()
    for each in HOSTILE:
        understand(each * (20_000 // len(each)))
    assert time.process_time() - started < 20


def test_the_package_is_there_without_an_import_of_its_own() -> None:
    assert suppress.replies.understand is understand
