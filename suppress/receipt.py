"""What was checked against what: a receipt of a screening, to be shown later.

It names no recipient. The digest of the recipients is SHA-256 of their numbers as they
were handed in, in order, each as a line of JSON: text or an integer; `null` stands for
what is neither, and an array for several numbers of one recipient. That of the snapshot is
explained at `Snapshot.digest`. Its own digest is SHA-256 of all the rest; it notices an
accident, but is no signature.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import phonenumbers

from suppress.errors import InputError
from suppress.numbers.convention import Convention
from suppress.numbers.readings import as_text
from suppress.stop_list.snapshot import Snapshot, digest_of
from suppress.version import __version__

FORMAT = 2

_ADDED = {"columns": [], "possible_only": True, "renumbering": "", "repeated": 0}
"""The fields that the first form does not have, each with its value where it is not there."""

_encoder = msgspec.json.Encoder()


class Against(msgspec.Struct, frozen=True):
    """The stop list that recipients were checked against.

    Attributes:
        digest: SHA-256 of its numbers, in hexadecimal.
        count: how many numbers it had.
        read_at: when its reading began (aware, UTC).
        sources: when the reading of each source began, by its name.
        opted_out: how many of the numbers were opted out here, and listed by no source.
    """

    digest: str
    count: int
    read_at: datetime
    sources: Mapping[str, datetime]
    opted_out: int


class Recipients(msgspec.Struct, frozen=True):
    """The recipients that were checked.

    Attributes:
        digest: SHA-256 of their numbers as handed in, in order, in hexadecimal.
        count: how many there were.
    """

    digest: str
    count: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked against what, and when.

    Attributes:
        receipt: the version of this form.
        suppress: the version of suppress that made it.
        phonenumbers: the version of phonenumbers, which decides what the same number is.
        channel: the channel of the campaign.
        screened_at: when it was checked (aware, UTC).
        default_region: the region of numbers in national form, if any.
        possible_only: whether only a number of a possible length was a reading.
        renumbering: SHA-256 of the changes of numbering plans that were in force, in
            hexadecimal.
        snapshot: the stop list.
        columns: the columns or keys of a file that held their numbers; none where there
            are no columns.
        recipients: those who were checked.
        counts: how many of them were allowed, suppressed and invalid.
        repeated: how many of the allowed were left out, since an earlier one has their
            number.
        digest: SHA-256 of all of the above, in hexadecimal.
    """

    receipt: int
    suppress: str
    phonenumbers: str
    channel: str
    screened_at: datetime
    default_region: str | None
    snapshot: Against
    recipients: Recipients
    counts: Mapping[str, int]
    columns: tuple[str, ...] = ()
    possible_only: bool = True
    renumbering: str = ""
    repeated: int = 0
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
            receipt = msgspec.json.decode(document, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"It is no receipt: {error}.") from None
        if not 1 <= receipt.receipt <= FORMAT:
            raise InputError(
                f"The receipt has the form {receipt.receipt}; known are 1 to {FORMAT}. Use the "
                f"version of suppress that made it, {receipt.suppress}."
            )
        if receipt.digest != _digest(receipt):
            raise InputError("The receipt was changed after it was made: its digest is wrong.")
        return receipt


class ReceiptBuilder:
    """A receipt in the making, for recipients that are screened piece by piece.

    Args:
        snapshot: the stop list that all of them are screened against.
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
        self._snapshot = snapshot
        self._convention = convention
        self._screened_at = screened_at
        self._columns = tuple(columns)
        self._digest = hashlib.sha256()
        self._counts = {"allowed": 0, "suppressed": 0, "invalid": 0}
        self._repeated = 0

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
        snapshot = self._snapshot
        receipt = Receipt(
            receipt=FORMAT,
            suppress=__version__,
            phonenumbers=phonenumbers.__version__,
            channel=snapshot.channel,
            screened_at=self._screened_at,
            default_region=self._convention.region,
            snapshot=Against(
                digest=snapshot.digest,
                count=snapshot.count,
                read_at=snapshot.read_at,
                sources=dict(snapshot.sources_read_at),
                opted_out=snapshot.opted_out.count_missing_in(snapshot.numbers),
            ),
            recipients=Recipients(self._digest.hexdigest(), sum(self._counts.values())),
            counts=dict(self._counts),
            columns=self._columns,
            possible_only=self._convention.possible_only,
            renumbering=self._convention.renumbering.digest,
            repeated=self._repeated,
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
        return [_plain(each) for each in number]
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
        document = _encoder.encode(
            {name: each for name, each in fields.items() if _ADDED.get(name, ...) != each}
        )
    return digest_of([document])
