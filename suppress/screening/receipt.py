"""What was checked against what: a receipt of a screening, to be shown later.

It names no recipient. The digest of the recipients is SHA-256 of their numbers as they
were handed in, in order, each as a line of JSON: text or an integer; `null` stands for
what is neither, and an array for several numbers of one recipient. That of the snapshot is
explained at `Snapshot.digest`. Its own digest is SHA-256 of all the rest; it notices an
accident, but is no signature.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
import phonenumbers

from suppress.errors import InputError
from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import as_text
from suppress.stop_list.snapshot import Snapshot, digest_of
from suppress.version import __version__

FORMAT = 3

_ADDED: Mapping[int, Mapping[str, Any]] = {
    2: {"columns": [], "possible_only": True, "renumbering": "", "repeated": 0},
    3: {"screened_until": None, "later": []},
}
"""The fields that a form has and those before it have not, each with its value there."""

_OUTCOMES = {"allowed", "suppressed", "invalid"}

_encoder = msgspec.json.Encoder()

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Against(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stop list that recipients were checked against.

    Attributes:
        digest: SHA-256 of its numbers, in hexadecimal.
        count: how many numbers it had.
        read_at: when its reading began (aware, UTC).
        sources: when the reading of each source began, by its name.
        opted_out: how many of the numbers were opted out here, and listed by no source.
    """

    digest: str
    count: _Count
    read_at: _Moment
    sources: Mapping[str, _Moment]
    opted_out: _Count

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """What a receipt says of a snapshot."""
        return cls(
            digest=snapshot.digest,
            count=snapshot.count,
            read_at=snapshot.read_at,
            sources=dict(snapshot.sources_read_at),
            opted_out=snapshot.opted_out.count_missing_in(snapshot.numbers),
        )


class Later(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stop list that took the place of the one before, while recipients were coming in.

    Attributes:
        after: how many recipients had been screened before that.
        at: when it was (aware, UTC).
        renumbering: as for `Receipt`, from then on.
        snapshot: the stop list.
    """

    after: _Count
    at: _Moment
    renumbering: str
    snapshot: Against

    def is_same_list(self, other: "Later") -> bool:
        """Tell whether the other says the same of the stop list."""
        return (self.renumbering, self.snapshot) == (other.renumbering, other.snapshot)


class Recipients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recipients that were checked.

    Attributes:
        digest: SHA-256 of their numbers as handed in, in order, in hexadecimal.
        count: how many there were.
    """

    digest: str
    count: _Count


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was checked against what, and when.

    Attributes:
        receipt: the version of this form.
        suppress: the version of suppress that made it.
        phonenumbers: the version of phonenumbers, which decides what the same number is.
        channel: the channel of the campaign.
        screened_at: when it was checked, or the first of it (aware, UTC).
        default_region: the region of numbers in national form, if any.
        possible_only: whether only a number of a possible length was a reading.
        renumbering: SHA-256 of the changes of numbering plans that were in force, in
            hexadecimal.
        snapshot: the stop list, or the first of several.
        columns: the columns or keys of a file that held their numbers; none where there
            are no columns.
        recipients: those who were checked.
        counts: how many of them were allowed, suppressed and invalid.
        repeated: how many of the allowed were left out, since an earlier one has their
            number.
        screened_until: when the stop list was looked at for the last time: whoever had been
            opted out by then was known (aware, UTC).
        later: the stop lists that took the place of the first, in order.
        digest: SHA-256 of all of the above, in hexadecimal.
    """

    receipt: int
    suppress: str
    phonenumbers: str
    channel: str
    screened_at: _Moment
    default_region: str | None
    snapshot: Against
    recipients: Recipients
    counts: Mapping[str, _Count]
    columns: tuple[str, ...] = ()
    possible_only: bool = True
    renumbering: str = ""
    repeated: _Count = 0
    screened_until: _Moment | None = None
    later: tuple[Later, ...] = ()
    digest: str = ""

    def to_json(self) -> bytes:
        """The receipt as a document, with a line for each field."""
        return msgspec.json.format(_encoder.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, document: bytes) -> "Receipt":
        """The receipt that a document is.

        Raises:
            InputError: it is none, or not as it was when it was made.
        """
        try:
            head = msgspec.json.decode(document, type=_Head)
            if not 1 <= head.receipt <= FORMAT:
                raise InputError(
                    f"The receipt has the form {head.receipt}; known are 1 to {FORMAT}. Use the "
                    f"version of suppress that made it, {head.suppress}."
                )
            receipt = msgspec.json.decode(document, type=cls)
            doubled = _doubled(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"It is no receipt: {error}.") from None
        if doubled is not None:
            raise InputError(f"The receipt was changed after it was made: it has {doubled} twice.")
        if receipt.digest != _digest(receipt):
            raise InputError("The receipt was changed after it was made: its digest is wrong.")
        wrong = _contradiction(receipt)
        if wrong is not None:
            raise InputError(f"The receipt was changed after it was made: {wrong}.")
        return receipt


class _Head(msgspec.Struct):
    """What tells by which version a receipt can be read."""

    receipt: int
    suppress: str


class ReceiptBuilder:
    """A receipt in the making, for recipients that are screened piece by piece.

    Args:
        snapshot: the stop list that the first of them are screened against.
        convention: how the numbers are read.
        screened_at: when that is (aware, UTC).
        columns: the columns of a file that hold their numbers.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        convention: Convention,
        screened_at: datetime,
        columns: Sequence[str] = (),
    ) -> None:
        self._columns = tuple(columns)
        self._digest = hashlib.sha256()
        self._counts = {"allowed": 0, "suppressed": 0, "invalid": 0}
        self._repeated = 0
        self._lists: list[Later] = []
        self._snapshot, self._convention = snapshot, convention
        self._note(screened_at)

    def look(self, snapshot: Snapshot, convention: Convention, at: datetime) -> None:
        """Note that the stop list was looked at.

        Args:
            snapshot: the stop list that the next recipients are screened against.
            convention: how their numbers are read.
            at: when that is (aware, UTC).
        """
        if snapshot is not self._snapshot or convention is not self._convention:
            self._snapshot, self._convention = snapshot, convention
            self._note(at)
        self._screened_until = at

    def _note(self, at: datetime) -> None:
        after = sum(self._counts.values())
        renumbering = self._convention.renumbering.digest
        each = Later(after, at, renumbering, Against.of(self._snapshot))
        if self._lists and self._lists[-1].after == after:
            self._lists.pop()  # nobody was screened against that one
        if not self._lists or not each.is_same_list(self._lists[-1]):
            self._lists.append(each)
        self._screened_until = at

    def add(self, numbers: Sequence[Any], counts: Mapping[str, int], repeated: int = 0) -> None:
        """Take the next recipients into account.

        Args:
            numbers: their numbers, as handed in.
            counts: how many of them had each outcome.
            repeated: how many of the allowed are left out.
        """
        self._repeated += repeated
        self._digest.update(lines_of(numbers))
        for outcome, count in counts.items():
            self._counts[outcome] += count

    def receipt(self) -> Receipt:
        """The receipt of everything that was added."""
        snapshot, convention = self._snapshot, self._convention
        first, *later = self._lists
        receipt = Receipt(
            receipt=FORMAT,
            suppress=__version__,
            phonenumbers=phonenumbers.__version__,
            channel=snapshot.channel,
            screened_at=first.at,
            default_region=convention.region,
            snapshot=first.snapshot,
            recipients=Recipients(self._digest.hexdigest(), sum(self._counts.values())),
            counts=dict(self._counts),
            columns=self._columns,
            possible_only=convention.possible_only,
            renumbering=first.renumbering,
            repeated=self._repeated,
            screened_until=self._screened_until,
            later=tuple(later),
        )
        return msgspec.structs.replace(receipt, digest=_digest(receipt))


def lines_of(numbers: Sequence[Any]) -> bytes:
    """Numbers as they are digested: each a line of JSON."""
    try:
        if set(map(type, numbers)) <= {str, int}:
            return _encoder.encode_lines(numbers)
    except ValueError:  # surrogates, or a number too long to be printed
        pass
    return _encoder.encode_lines([_plain(each) for each in numbers])


def differences(receipt: Receipt, numbers: Iterable[Any]) -> list[str]:
    """What is not as the receipt says, in words; nothing where these are its recipients."""
    digest, count = hashlib.sha256(), 0
    for each in numbers:
        digest.update(lines_of([each]))
        count += 1
    if count != receipt.recipients.count:
        return [f"There are {count:,} recipients; {receipt.recipients.count:,} were screened."]
    if digest.hexdigest() != receipt.recipients.digest:
        return ["The recipients are not those who were screened, or not in that order."]
    return []


def _plain(number: Any) -> str | int | list[Any] | None:
    if isinstance(number, tuple):
        return [_plain(each) for each in tuple.__iter__(number)]
    if isinstance(number, int) and not isinstance(number, bool):
        with contextlib.suppress(ValueError):  # too long to be printed
            str(int(number))
            return int(number)
        return None
    text, whole = as_text(number)
    if whole:
        return int(text or 0)
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _digest(receipt: Receipt) -> str:
    document = _encoder.encode(msgspec.structs.replace(receipt, digest=""))
    if receipt.receipt < FORMAT:
        # A field that the form does not have is only there if somebody added it.
        fields = msgspec.json.decode(document)
        for form, added in _ADDED.items():
            for name, empty in added.items():
                if receipt.receipt < form and fields[name] == empty:
                    del fields[name]
        document = _encoder.encode(fields)
    return digest_of([document])


def _doubled(document: bytes) -> str | None:
    """A name that an object in the document has twice, if there is one."""
    doubled: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            doubled.append(max(names, key=names.count))

    json.loads(document, object_pairs_hook=look)
    return repr(doubled[0][:50]) if doubled else None


def _contradiction(receipt: Receipt) -> str | None:
    """What in a receipt cannot be, in words; None where nothing contradicts."""
    counts, later = receipt.counts, receipt.later
    lists = [receipt.snapshot, *(each.snapshot for each in later)]
    places = [0, *(each.after for each in later), receipt.recipients.count]
    if set(counts) != _OUTCOMES or sum(counts.values()) != receipt.recipients.count:
        return "its counts do not add up to its recipients"
    if receipt.repeated > counts["allowed"]:
        return "more are repeated than are allowed"
    if any(each.opted_out > each.count for each in lists):
        return "more were opted out than were on the stop list"
    if places != sorted(places):
        return "its stop lists are not in order"
    return None
