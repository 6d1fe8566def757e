"""The column of a file that holds the number, found by its name and its first cells.

A column counts if more than half of its cells, without the empty ones, are numbers. If
several count, the one that is named like a phone number is used. Any doubt is an error that
names the columns: with a wrong column, everyone who is listed under the right one would be
let through.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Any

from suppress.numbers.mask import mask
from suppress.numbers.parsed import is_valid
from suppress.numbers.readings import readings

_LONGEST_NAME = 40
"""The most characters of a name that an error shows."""

_MOST_NAMES = 20
"""The most names that an error lists."""

_FEWEST_DIGITS = 4
_LONGEST_CELL = 250

_NOTHING = frozenset(["", "-", "--", "n/a", "na", "nan", "nil", "none", "null", "<na>", "#n/a"])
"""The cells that exports write for a missing number, in lower case."""


class _Says(Enum):
    """The meaning of a column's name."""

    NUMBER = auto()
    ANYTHING = auto()
    SOMETHING_ELSE = auto()


def choose(names: Sequence[str], columns: Sequence[Sequence[Any]], region: str | None) -> int:
    """Return the position of the column that holds the number.

    Args:
        names: the names of the columns.
        columns: for each, its cells in the first rows.
        region: the region of numbers in national form.

    Raises:
        ValueError: there is a doubt; the message says why, and names the columns.
    """
    if len(names) == 1:
        return 0
    says = [_says(name) for name in names]
    named = [place for place, each in enumerate(says) if each is _Says.NUMBER]
    found = {place: _holds_numbers(columns[place], region, named=True) for place in named}
    if counting := [place for place in named if found[place]]:
        if len(counting) == 1:
            return counting[0]
        raise _unclear(
            "Several columns are named like a phone number and hold numbers.", names, counting
        )
    hint = "" if region else " Numbers in national form need a default region."
    if wrong := [place for place in named if found[place] is False]:
        what = "The column named like a phone number holds mostly other values."
        raise _unclear(f"{what}{hint}", names, wrong)
    others = [
        place
        for place, cells in enumerate(columns)
        if says[place] is not _Says.NUMBER and _holds_numbers(cells, region)
    ]
    if len(others) == 1 and says[others[0]] is _Says.ANYTHING:
        return others[0]
    if len(others) == 1:
        raise _unclear("The only column with numbers is named like something else.", names, others)
    if others:
        raise _unclear(
            "Several columns hold numbers, and none is named like a phone number.", names, others
        )
    if len(named) == 1:
        return named[0]
    if named:
        raise _unclear(
            "Several columns are named like a phone number, and all are empty.", names, named
        )
    raise _unclear(f"In no column are most cells valid numbers.{hint}", names, range(len(names)))


def places_of(
    columns: Sequence[str], names: Sequence[str], *, has_header: bool = True, of: str = "header"
) -> list[int]:
    """Return the positions of the columns that were named.

    Args:
        columns: their names.
        names: the names of all columns.
        has_header: whether the file has these names; else they are places, from 1 on.
        of: the part of the file that has them, for errors.

    Raises:
        ValueError: a column is not there, or twice.
    """
    for column in columns:
        if names.count(column) != 1 and has_header:
            often = "twice" if column in names else "not"
            raise ValueError(f"the column {shown(column)} is {often} in the {of}.")
        if column not in names:
            raise ValueError(
                f"there is no column {shown(column)}. Without a header, a column is named by "
                f"its place, from 1 to {len(names)}."
            )
    return list(map(names.index, columns))


def refuse_numbers_for_names(names: Iterable[str]) -> None:
    """Refuse a header that is a row of numbers.

    Raises:
        ValueError: a name is a number.
    """
    if any(map(is_number_for_name, names)):
        raise ValueError(
            "a number stands where the names of the columns belong. Add a line with the "
            "names, or use --no-header. If it is the name of a column, name that column."
        )


def counts_as_number(cell: object, region: str | None, *, named: bool = False) -> bool:
    """Return whether a cell holds a phone number, as far as one cell can tell.

    Args:
        cell: the cell: text, or any value of JSON.
        region: the region of numbers in national form.
        named: whether the column is named like a phone number. A Unix time and a German
            mobile number without its 0 look alike; then it is a number.
    """
    text = _text(cell).strip()
    if len(text) > _LONGEST_CELL or sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return False
    if _is_date_or_time(text) or _CODE.match(text) or (not named and _UNIX_TIME.fullmatch(text)):
        return False
    if decimal := _DECIMAL.fullmatch(text):
        if decimal["fraction"].strip("0"):
            return False
        text = decimal["whole"]
    return any(map(is_valid, readings(text, region)))


def is_blank(cell: object) -> bool:
    """Return whether a cell is empty."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_number_for_name(name: str) -> bool:
    """Return whether the name of a column is a number, so that the header is missing."""
    if _LONG_NUMBER.search(name):
        return True
    return any(map(str.isdigit, name)) and not any(map(str.isalpha, name))


def shown(name: str) -> str:
    """Return a name for an error: in one line, masked, and only the beginning of a long one."""
    return mask(repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."))


def _unclear(why: str, names: Sequence[str], places: Iterable[int]) -> ValueError:
    listed = ", ".join(shown(names[place]) for place in list(places)[:_MOST_NAMES])
    choice = f" Name one of: {listed}." if listed else ""
    return ValueError(f"which column holds the number? {why}{choice}")


def _holds_numbers(cells: Sequence[Any], region: str | None, *, named: bool = False) -> bool | None:
    """Return whether most cells are numbers; None if all are empty."""
    filled = [cell for cell in cells if not _says_nothing(cell)]
    if not filled:
        return None
    numbers = others = 0
    for cell in filled:
        if counts_as_number(cell, region, named=named):
            numbers += 1
        else:
            others += 1
        if 2 * numbers > len(filled) or 2 * others >= len(filled):
            break
    return 2 * numbers > len(filled)


def _says_nothing(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _NOTHING)


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return ""
    return f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)


_LONG_NUMBER = re.compile(r"(?<!\w)\d(\W{0,3}\d){5,}")

# A decimal has no plus, and no zero before other digits: 0171.1234567 is a number.
_DECIMAL = re.compile(
    r"""-?(?P<whole>0|[1-9]\d*|[1-9]\d{0,2}(?:(?P<thousands>[.,'])\d{3})+)
        (?(thousands)(?!(?P=thousands)))[.,](?P<fraction>\d+)""",
    re.ASCII | re.VERBOSE,
)

# Invoices, seats and the like. O, I and l stand for digits in numbers.
_CODE = re.compile(r"(?![OoIl]\d)[^\W\d_]+[-_#/]?\d")

_UNIX_TIME = re.compile(r"1\d{9}(\d{3})?", re.ASCII)

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH_2, _DAY_2 = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"""
    {_YEAR}(?P<a>[-./]){_MONTH}(?:(?P=a){_DAY})?
    | (?:{_DAY}(?P<b>[-./]){_MONTH}|{_MONTH}(?P<c>[-./]){_DAY})(?:(?P=b)|(?P=c))(?:\d\d|{_YEAR})
    | {_DAY}\.?[ -]?[^\W\d_]{{3,}}\.?,?[ -]?{_YEAR}
    | [^\W\d_]{{3,}}\.?[ -]{_DAY},?[ -]{_YEAR}
    | {_YEAR}{_MONTH_2}(?:{_DAY_2}(?:T?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{{3}})?)?Z?)?)?
    | (?:{_DAY_2}{_MONTH_2}|{_MONTH_2}{_DAY_2}){_YEAR}
    """,
    re.ASCII | re.VERBOSE,
)
_TIME = re.compile(r"(?<!\d)\d{1,2}:\d{2}(?!\d)")


def _is_date_or_time(text: str) -> bool:
    return _DATE.fullmatch(text) is not None or _TIME.search(text) is not None


def _letters(name: str) -> str:
    """Return a name in lower case without accents, and with blanks for all but letters."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", apart).casefold()
    plain = "".join(each for each in plain if not unicodedata.category(each).startswith("M"))
    return re.sub(r"[\W\d_]+", " ", plain).strip()


def _folded(*words: str) -> frozenset[str]:
    return frozenset(_letters(word) for line in words for word in line.split())


# Found anywhere in a name, because many languages write compounds as one word.
_PARTS = _folded(
    "phone fone msisdn whatsapp viber telef telep puhelin handynum rufnum mobilnum mobilnr",
    "telemóvel komórk ponsel celular cellul gsm talrun telpon",
    "телефон мобильн мобільн сотов τηλέφων κινητό طلفن تلفن هاتف جوال موبايل موبایل محمول",
    "טלפון נייד फ़ोन फोन मोबाइल दूरभाष ফোন মোবাইল โทรศัพท์ มือถือ điệnthoại dienthoai",
    "电话 電話 手机 手機 携帯 ケータイ スマホ 移动号码 전화 휴대폰 핸드폰 휴대전화",
)
# Found as a word, or as the beginning of one.
_BEGINNINGS = tuple(_folded("mobil mobiel mobiil handy mobtel telno telnr cellno"))
_WORDS = _folded(
    "tel tél tfn tlf tlfn cell cells cel mob mobi cep hp móvil movel movil portable natel",
    "тел моб sími farsími simu sdt sđt",
)
# Found as the whole name: part of a name, they say little ("invoice number").
_WHOLE = frozenset(map(_letters, ["number", "numbers", "recipient", "recipients", "wa id"])) | (
    _folded("nummer numero номер número numéro")
)
_COUNTERS = _folded("no nr num number numbers nummer numero número numéro номер")
# The last word decides: phone_type, order_id, created_at.
_ELSE = _folded(
    "id ids uid uuid guid key code type kind status flag label count total amount sum price",
    "date time datetime timestamp at day month year birthday birthdate dob datum fecha zeit дата",
    "country carrier operator network provider region verified valid consent optin model brand os",
    "zip postcode plz postal postleitzahl iban bic account konto invoice rechnung factura facture",
    "order bestellung pedido ticket customer kunde cliente client ref reference sku ean ip",
    "fax seat latitude longitude lat lon lng",
)
_ELSE_FIRST = _folded("is has type tipo typ id date")


@functools.lru_cache(maxsize=1024)
def _says(name: str) -> _Says:
    letters = _letters(name)
    if letters in _WHOLE:
        return _Says.NUMBER
    words = letters.split()
    while len(words) > 1 and words[-1] in _COUNTERS:
        words.pop()
    if not words:
        return _Says.ANYTHING
    if words[-1] in _ELSE or (len(words) > 1 and words[0] in _ELSE_FIRST):
        return _Says.SOMETHING_ELSE
    joined = letters.replace(" ", "")
    if (
        any(part in joined for part in _PARTS)
        or any(word.startswith(_BEGINNINGS) for word in words)
        or not _WORDS.isdisjoint(words)
    ):
        return _Says.NUMBER
    return _Says.ANYTHING
