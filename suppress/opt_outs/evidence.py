"""The evidence of an opt-out: when it was wished, by whom, why, how it came, and a reference."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Self, TypedDict

from suppress.errors import InvalidArgument

MAX_LENGTH = 500
"""Characters of a text of evidence, at most."""

MAX_WORD = 40
"""Characters of `via`, at most."""


class Details(TypedDict, total=False):
    """The details of a change; see `suppress.add`."""

    default_region: str | None
    reason: str | None
    by: str | None
    via: str | None
    reference: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The circumstances of a change, as far as they are known.

    Attributes:
        wished_at: when the person asked for it (seconds since the epoch).
        by: who made the change, such as a member of staff or a service.
        reason: why it was made.
        via: how it came, in one word: `reply`, `form`, `phone`, `import`, `api`, ...
        reference: a reference of the caller's own, such as a message id or a campaign.
    """

    wished_at: float | None = None
    by: str | None = None
    reason: str | None = None
    via: str | None = None
    reference: str | None = None

    @classmethod
    def given(cls, details: Details, now: float) -> Self:
        """Return the evidence that a caller gives, checked.

        Args:
            details: what is said of a change.
            now: the time by the caller's clock (seconds since the epoch).

        Raises:
            InvalidArgument: a text is empty, too long or not printable, `via` is not one word,
                or the time has no zone or lies in the future.
        """
        at = details.get("at")
        return cls(
            None if at is None else _past("at", at, now),
            _text("by", details.get("by")),
            _text("reason", details.get("reason")),
            _word("via", details.get("via")),
            _text("reference", details.get("reference")),
        )

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The texts, which say by whom, why, how it came, and the reference."""
        return tuple(getattr(self, each.name) for each in fields(self)[1:])


NO_EVIDENCE = Evidence()


def moment_of(name: str, moment: object) -> float:
    """Return the seconds since the epoch of a time that a caller gives.

    Raises:
        InvalidArgument: it is no time, has no zone, or lies in no year of the calendar.
    """
    if not isinstance(moment, datetime):
        what = "a date" if isinstance(moment, date) else repr(type(moment).__name__)
        raise InvalidArgument(f"`{name}` is {what}. Give a datetime with a time zone.")
    if moment.tzinfo is None:
        raise InvalidArgument(
            f"`{name}` has no time zone. Give one, such as datetime(2026, 1, 31, tzinfo=UTC)."
        )
    try:
        return moment.astimezone(UTC).timestamp()
    except (OverflowError, ValueError):
        # Its zone moves it there, and nobody could show it again.
        raise InvalidArgument(
            f"`{name}` is not between the years 1 and 9999 in UTC. Give another time, or none."
        ) from None


def _past(name: str, moment: datetime, now: float) -> float:
    seconds = moment_of(name, moment)
    if seconds > now:
        shown = moment.astimezone(UTC).isoformat(timespec="seconds")
        raise InvalidArgument(f"`{name}` is in the future ({shown}).")
    return seconds


def _text(name: str, text: object) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidArgument(f"`{name}` is not a text.")
    text = text.strip()
    if not text:
        raise InvalidArgument(f"`{name}` is empty. Leave it out, or give a text.")
    if len(text) > MAX_LENGTH:
        raise InvalidArgument(f"`{name}` is longer than {MAX_LENGTH} characters.")
    if not text.isprintable():
        raise InvalidArgument(f"`{name}` has line ends or other characters that cannot be printed.")
    return text


def _word(name: str, text: object) -> str | None:
    word = _text(name, text)
    if word is not None and (len(word) > MAX_WORD or len(word.split()) > 1):
        raise InvalidArgument(
            f"`{name}` is one word of at most {MAX_WORD} characters, such as reply, form, phone, "
            "import or api."
        )
    return word
