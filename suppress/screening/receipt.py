"""The receipt of a screening: which recipients were checked against which stop list, and when.

It names no recipient. The digest of the recipients is SHA-256 of their numbers as they were
handed in, in order, each as a line of JSON: text or an integer; `null` stands for any other
value, and an array for several numbers of one recipient. `Snapshot.digest` explains the
digest of the snapshot. The receipt's own digest is SHA-256 of all the rest; it reveals an
accident, but is not a signature.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
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
"""The fields that each form added, with their values in earlier forms."""

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
        opted_out: how many of the numbers were opted out here and listed by no source.
    """

    digest: str
    count: _Count
    read_at: _Moment
    sources: Mapping[str, _Moment]
    opted_out: _Count

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return the entry of a snapshot in a receipt."""
        return cls(
            digest=snapshot.digest,
            count=snapshot.count,
            read_at=snapshot.read_at,
            sources=dict(snapshot.sources_read_at),
            opted_out=snapshot.opted_out.count_missing_in(snapshot.numbers),
        )


class Later(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stop list that replaced the one before, while recipients were coming in.

    Attributes:
        after: how many recipients had been screened before.
        at: the time of the change (aware, UTC).
        renumbering: as for `Receipt`, from then on.
        snapshot: the stop list.
    """

    after: _Count
    at: _Moment
    renumbering: str
    snapshot: Against

    def is_same_list(self, other: "Later") -> bool:
        """Return whether the other names the same stop list."""
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
    """The receipt of a screening.

    Attributes:
        receipt: the version of this form.
        suppress: the version of suppress that made it.
        phonenumbers: the version of phonenumbers, which decides how numbers are read.
        channel: the channel of the campaign.
        screened_at: the time of the screening, or its beginning (aware, UTC).
        default_region: the region of numbers in national form, if any.
        possible_only: whether only a number of a possible length was a reading.
        renumbering: SHA-256 of the changes of numbering plans in force, in hexadecimal.
        snapshot: the stop list, or the first of several.
        columns: the columns or keys of the file that the numbers were taken from, if any.
        recipients: the recipients that were checked.
        counts: how many of them were allowed, suppressed and invalid.
        repeated: how many of the allowed were left out because an earlier row has their
            number.
        screened_until: the time when the stop list was last looked at; opt-outs up to then
            were known (aware, UTC).
        later: the stop lists that replaced the first one, in order.
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
        """Return the receipt as a JSON document, with a line for each field."""
        return msgspec.json.format(_encoder.encode(self), indent=2) + b"\n"

    def age(self, now: datetime) -> timedelta:
        """Return the time since the oldest of its stop lists was read.

        Whoever opted out with a source after that may be among the allowed.

        Args:
            now: the time to which it is counted (aware).

        Returns:
            The time; a negative one if the screening lies in the future.
        """
        until = self.screened_until or self.screened_at
        if now < max(self.screened_at, until):
            return now - max(self.screened_at, until)
        lists = [self.snapshot, *(each.snapshot for each in self.later)]
        return now - min(read for each in lists for read in (each.read_at, *each.sources.values()))

    @classmethod
    def from_json(cls, document: bytes) -> "Receipt":
        """Return the receipt in a JSON document.

        Raises:
            InputError: it is not a receipt, or it was changed after it was made.
        """
        try:
            head = msgspec.json.decode(document, type=_Preamble)
            if not 1 <= head.receipt <= FORMAT:
                raise InputError(
                    f"The receipt has the form {head.receipt}, but only forms 1 to {FORMAT} are "
                    f"known. Use the version of suppress that made it: {head.suppress}."
                )
            receipt = msgspec.json.decode(document, type=cls)
            doubled = _doubled(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"It is not a receipt: {error}.") from None
        if doubled is not None:
            raise InputError(f"The receipt was changed after it was made: it has {doubled} twice.")
        if receipt.digest != _digest(receipt):
            raise InputError("The receipt was changed after it was made: its digest is wrong.")
        wrong = _contradiction(receipt)
        if wrong is not None:
            raise InputError(f"The receipt was changed after it was made: {wrong}.")
        return receipt


class _Preamble(msgspec.Struct):
    """The fields that say which version can read a receipt."""

    receipt: int
    suppress: str


class ReceiptBuilder:
    """A receipt in the making, for recipients that are screened batch by batch.

    Args:
        snapshot: the stop list that the first of them are screened against.
        convention: the rules by which their numbers are read.
        screened_at: the time of that (aware, UTC).
        columns: the columns of the file that the numbers are taken from.
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
        """Record that the stop list was looked at.

        Args:
            snapshot: the stop list that the next recipients are screened against.
            convention: the rules by which their numbers are read.
            at: the time of the look (aware, UTC).
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
            # Nobody was screened against that one.
            self._lists.pop()
        if not self._lists or not each.is_same_list(self._lists[-1]):
            self._lists.append(each)
        self._screened_until = at

    def add(self, numbers: Sequence[Any], counts: Mapping[str, int], repeated: int = 0) -> None:
        """Add the next recipients.

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
        """Return the receipt of everything that was added."""
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
    """Return numbers as they are digested: each as a line of JSON."""
    numbers = list(numbers)
    try:
        if set(map(type, numbers)) <= {str, int}:
            return _encoder.encode_lines(numbers)
    except ValueError:  # surrogates, or a number too long to be printed
        pass
    return _encoder.encode_lines([_plain(each) for each in numbers])


def differences(receipt: Receipt, numbers: Iterable[Any]) -> list[str]:
    """Return how the recipients differ from those of a receipt, in sentences; none if they agree.

    Args:
        receipt: the receipt.
        numbers: the numbers of the recipients.
    """
    digest, count = hashlib.sha256(), 0
    for each in numbers:
        digest.update(lines_of([each]))
        count += 1
    if count != (screened := receipt.recipients.count):
        here = "There is 1 recipient" if count == 1 else f"There are {count:,} recipients"
        return [f"{here}, but {screened:,} {'was' if screened == 1 else 'were'} screened."]
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
    """Return a name that an object in the document has twice, if there is one."""
    doubled: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            doubled.append(max(names, key=names.count))

    json.loads(document, object_pairs_hook=look)
    return repr(doubled[0][:50]) if doubled else None


def _contradiction(receipt: Receipt) -> str | None:
    """Return how a receipt contradicts itself, in words; None if it does not."""
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
