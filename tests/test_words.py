"""Plain English in docstrings, comments, messages and pages.

`pytest tests/test_words.py` lists each place that breaks a rule, with its file and line.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted(
    path
    for folder in ("suppress", "plugins", "tests", "docs")
    for path in (ROOT / folder).rglob("*.py")
    if path != Path(__file__)
)
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("[CS]*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

QUESTION = re.compile(r"(How|That|Those|What|When|Where|Whether|Which|Who|Whom|Whose|Why)\b")
"""First words that name a thing by a question about it, where a noun or a command names it."""

STIFF = {
    r"\banew\b": "again, from the start",
    r"\bnow and then\b": "repeatedly, every so often",
    r"\bin vain\b": "without success",
    r"\bis no \w+ that\b": "is not a ..., or: unknown ...",
    r"\bare no phone numbers\b": "invalid",
    r"\bis that of no\b": "unknown ...",
    r"\b(as far as that is )?for us to say\b": "say what is done",
    r"\bnobody can be kept\b": "there is no lock",
    r"\bto be had\b": "available",
    r"\bthe one that was read\b": "the copy from ...",
    r"\bcannot be read since\b": "has failed to refresh since",
    r"\bis all the set-up\b": "you only need",
    r"\buntil that is over\b": "until <source> removes it",
    r"\w\(s\)(?!\w)": "the plural that agrees with the number",
}
"""What the prose said before it was plain, and what to say."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The strings that document a module, a class, a function or the name above them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                match statement:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        yield statement.lineno, text


def texts(code: str) -> Iterator[tuple[int, str]]:
    """Every comment and every string in the code, with its line."""
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None)}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in kinds:
            for place, line in enumerate(token.string.splitlines()):
                yield token.start[0] + place, line


def lines(text: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(text.splitlines(), 1)


def stiff(text: str) -> str | None:
    """Return what to say instead of a stiff phrase in the text, if there is one."""
    for phrase, better in STIFF.items():
        if found := re.search(phrase, text, re.IGNORECASE):
            return f"{found[0]!r}: say {better}"
    return None


def question(docstring: str) -> str | None:
    """Return the first line of a docstring if it begins with a question's word."""
    first = docstring.strip().partition("\n")[0]
    return first if QUESTION.match(first) else None


def complaints(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text()
    if path.suffix == ".py":
        for line, docstring in docstrings(ast.parse(text)):
            if said := question(docstring):
                yield line, f"begin with a noun or a command: {said}"
    for line, part in texts(text) if path.suffix == ".py" else lines(text):
        if said := stiff(part):
            yield line, said


@pytest.mark.parametrize("path", [*CODE, *PAGES], ids=relative)
def test_the_words_are_plain(path: Path) -> None:
    if found := [f"{relative(path)}:{line}: {said}" for line, said in complaints(path)]:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.mark.parametrize("text", ["read it anew", "1 row(s)", "5 are no phone numbers."])
def test_a_stiff_phrase_is_found(text: str) -> None:
    assert stiff(text)


@pytest.mark.parametrize("text", ["Whether it is so.", "What's read.", "How: a way."])
def test_a_question_is_found(text: str) -> None:
    assert question(text)


@pytest.mark.parametrize("text", ["Whichever is last.", "Return what was read.", ""])
def test_a_command_or_a_noun_is_no_question(text: str) -> None:
    assert question(text) is None
