"""Replies received: whoever says STOP is opted out, with the reply as evidence.

Nobody is opted in by a reply: that needs a consent that this project does not keep.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Unpack

from suppress.default import default_suppressor
from suppress.errors import InputError, UnknownChannel
from suppress.files.batch import Row, is_blank
from suppress.files.named_columns import shown
from suppress.files.rows import Rows
from suppress.opt_outs.evidence import MAX_LENGTH, Details
from suppress.opt_outs.moving import Added
from suppress.replies.understanding import Reply, understand
from suppress.suppressor import Suppressor

VIA = "reply"
"""The way in which these opt-outs came, unless the caller names another."""

_TIMES = ("received_at", "since")
"""Columns that hold the time of a reply, if none is named."""


@dataclass(frozen=True)
class Received:
    """The outcome of replies in a file.

    Attributes:
        replies: the rows by meaning; those under None were not understood.
        opted_out: how many people are new and how many were known, by channel.
    """

    replies: Mapping[Reply | None, tuple[Row, ...]]
    opted_out: Mapping[str, Added]


def receive_reply(
    number: object,
    text: str,
    channel: str,
    *,
    languages: Iterable[str] | None = None,
    suppressor: Suppressor | None = None,
    **details: Unpack[Details],
) -> Reply | None:
    """Opt the sender of a reply out if it says so; return its meaning.

    The setting `stop_scope` says whether it holds for the channel alone. Opt-ins are returned
    and not done: `suppress.remove` takes an opt-out back.

    Args:
        number: the sender's number.
        text: the reply.
        channel: the channel on which it came.
        languages: as for `suppress.replies.understand`.
        suppressor: where to opt out; None for that of the module's functions.
        details: as for `suppress.add`. `via` is `reply`, and `reason` the text of the reply,
            unless they are given.

    Raises:
        InvalidNumber: the reply opts out, and the number is not exactly one phone number.
        UnknownChannel: no source serves the channel, and an opt-out holds for it alone.
        StoreUnavailable: the opt-out cannot be kept: it holds in this process alone.
        InvalidArgument: a detail makes no sense, or a language is unknown.
        ConfigurationError: there is no store, or the default region is unknown.
    """
    chosen = suppressor or default_suppressor()
    channels = channels_of_stop(chosen, [channel])
    meaning = understand(text, languages)
    if meaning is Reply.OPT_OUT:
        with_text: Details = {"via": VIA, **_reason(text), **details}
        chosen.add_to_channels([number], channels, **with_text)
    return meaning


def receive_replies(
    rows: Rows,
    *,
    text_column: str,
    channels: Collection[str],
    time_column: str | None = None,
    languages: Iterable[str] | None = None,
    tell: bool = True,
    suppressor: Suppressor | None = None,
    whole: Callable[[], None] = lambda: None,
    **details: Unpack[Details],
) -> Received:
    """Opt out everyone in a file of replies who says so; all of them or nobody.

    Those who are opted out already stay as they are, so a file can be read twice. A column
    `reference`, such as one of message ids, is kept as evidence.

    Args:
        rows: the replies; the number of each row is that of its sender.
        text_column: the column of the text.
        channels: the channels on which they came. The setting `stop_scope` says whether an
            opt-out holds for these alone.
        time_column: the column with the time of the reply, in ISO 8601; None for
            `received_at` or `since`, if there is one.
        languages: as for `suppress.replies.understand`.
        tell: whether the sources that take opt-outs are told of the new ones, as by `add`.
        suppressor: where to opt them out; None for that of the module's functions.
        whole: called when all rows were read; an error that it raises opts nobody out.
        details: as for `receive_reply`.

    Raises:
        InputError: a row cannot be read, a column is missing, or the number of an opt-out is
            not exactly one phone number; nobody was opted out.
        UnknownChannel, StoreUnavailable, InvalidArgument, ConfigurationError: as for
            `receive_reply`; nobody was opted out.
    """
    from suppress.lists.reading import (  # noqa: PLC0415 - most users read no files of replies
        Meanings,
        read_opt_outs,
    )

    chosen = suppressor or default_suppressor()
    in_channels = channels_of_stop(chosen, channels)
    times = _TIMES if time_column is None else (time_column,)
    with_way: Details = {"via": VIA, **details}
    region = with_way.pop("default_region", None)
    asked = None if languages is None else tuple(languages)
    understand("", asked)  # an unknown language is an error even where there are no replies
    stops = _Stops(rows, text_column, times, asked, keeps_text="reason" not in details)
    found = read_opt_outs(stops, Meanings(in_channels, region, details=with_way), chosen)
    stops.check_columns([text_column, *([] if time_column is None else [time_column])])
    whole()
    added = chosen.take_over(found.additions, tell=tell)
    none = dict.fromkeys(in_channels, Added(0, 0))
    return Received(stops.by_meaning(), MappingProxyType({**none, **added}))


def channels_of_stop(suppressor: Suppressor, channels: Collection[str]) -> tuple[str, ...]:
    """Return the channels for which a STOP holds that came on some channels.

    For all channels, it is of no account whether a source serves those on which it came.

    Raises:
        UnknownChannel: no source serves one of them.
    """
    if suppressor.settings.stop_scope == "all":
        return suppressor.channels
    for each in channels:
        if each not in suppressor.channels:
            raise UnknownChannel.among(each, suppressor.channels)
    return tuple(dict.fromkeys(channels))


class _Stops:
    """The rows of a file that opt out, with what the opt-outs rest on.

    Args:
        rows: all rows.
        text_column: the column of the text.
        times: the columns that may have the time, the first one that is filled.
        languages: the languages of the replies.
        keeps_text: whether the text is the reason.
    """

    def __init__(
        self,
        rows: Rows,
        text_column: str,
        times: tuple[str, ...],
        languages: tuple[str, ...] | None,
        *,
        keeps_text: bool,
    ) -> None:
        self.name = rows.name
        self.error = rows.error
        self._rows = rows
        self._text = text_column
        self._times = times
        # Many people write the same.
        self._understand = functools.lru_cache(2**12)(lambda text: understand(text, languages))
        self._keeps_text = keeps_text
        self._found: dict[Reply | None, list[Row]] = {each: [] for each in (*Reply, None)}
        self._columns: set[str] = set()

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Give the rows that opt out, each with the cells of its opt-out."""
        for row, cells in self._rows.with_cells():
            self._columns |= cells.keys()
            cell = cells.get(self._text)
            text = "" if cell is None else str(cell)
            meaning = self._understand(text)
            self._found[meaning].append(row)
            if meaning is Reply.OPT_OUT:
                yield row, {**self._evidence(cells), **(_reason(text) if self._keeps_text else {})}

    def by_meaning(self) -> Mapping[Reply | None, tuple[Row, ...]]:
        """Return all rows that were read."""
        return MappingProxyType({each: tuple(rows) for each, rows in self._found.items()})

    def check_columns(self, names: Iterable[str]) -> None:
        """Check that some columns were in a row.

        Raises:
            InputError: one was in none.
        """
        for name in names:
            if any(self._found.values()) and name not in self._columns:
                raise InputError(f"{self.name} has no column {shown(name)}.")

    def _evidence(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        filled = (name for name in self._times if not is_blank(cells.get(name)))
        found = {} if (name := next(filled, None)) is None else {"since": cells[name]}
        return {**found, "reference": cells.get("reference")}


def _reason(text: str) -> Details:
    """Return the text of a reply as the reason of an opt-out: one line, and not too long."""
    shown_text = "".join(each if each.isprintable() else " " for each in text)
    line = " ".join(shown_text.split())
    kept = line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 3]}..."
    return {"reason": kept} if kept else {}
