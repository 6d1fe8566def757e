"""Replies in a file: the options for them, and the outcome in words and as JSON."""

import contextlib
import functools
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import click
import numpy as np

from suppress.cli.given_numbers import GivenNumbers
from suppress.cli.input import STANDARD, check_unchanged, opened, rows_of, state
from suppress.cli.limits import current_limits
from suppress.cli.outputs import outputs
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import counted, print_json
from suppress.cli.summary import taken_from
from suppress.errors import InputError
from suppress.files.batch import Row
from suppress.files.compressed import compression_of
from suppress.files.rows import Rows
from suppress.replies import Received, Reply, receive_replies
from suppress.suppressor import Suppressor

_MOST_LINES = 10
"""The most lines that are named."""

_NOT_UNDERSTOOD = "not understood"

_NAMES: Mapping[Reply | None, str] = MappingProxyType(
    {**{each: str(each) for each in Reply}, None: _NOT_UNDERSTOOD}
)
"""The names of meanings in words and in JSON."""


class ReplyOptions(NamedTuple):
    """The options for replies in a file.

    Attributes:
        text_column: the column of the text; None where the file has no replies.
        time_column: the column of the time.
        languages: the languages of the replies; none for all.
        not_understood: the file for rows that were not understood.
    """

    text_column: str | None
    time_column: str | None
    languages: tuple[str, ...]
    not_understood: str | None

    @property
    def are_used(self) -> bool:
        """True if the file has replies.

        Raises:
            click.UsageError: it has none, and an option is given that is for replies.
        """
        if self.text_column is not None:
            return True
        if self.time_column or self.languages or self.not_understood:
            raise click.UsageError(
                "--time-column, --language and --not-understood are for replies. Name the column "
                "of their text with --text-column."
            )
        return False


def reply_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for replies in a file: the command gets them as `replies`."""

    @functools.wraps(command)
    def with_replies(
        *,
        text_column: str | None,
        time_column: str | None,
        languages: tuple[str, ...],
        not_understood: str | None,
        **others: Any,
    ) -> Any:
        replies = ReplyOptions(text_column, time_column, languages, not_understood)
        return command(replies=replies, **others)

    options = (
        click.option(
            "--not-understood",
            metavar="FILE",
            help="File for the rows of replies that were not understood.",
        ),
        click.option(
            "--language",
            "languages",
            metavar="LL",
            multiple=True,
            help="Language of the replies, such as es; may be repeated (default: all that are "
            "known).",
        ),
        click.option(
            "--time-column",
            metavar="NAME",
            help="Column of the time of each reply (default: received_at or since, if there is "
            "one).",
        ),
        click.option(
            "--text-column",
            metavar="NAME",
            help="The file has replies with this column of texts: opt out only those who say so.",
        ),
    )
    decorated: Callable[..., Any] = with_replies
    for option in options:
        decorated = option(decorated)
    return decorated


def add_replies(
    suppressor: Suppressor,
    given: GivenNumbers,
    channels: Sequence[str],
    options: ReplyOptions,
    *,
    as_json: bool,
    **details: Any,
) -> None:
    """Opt out those who say so in a file of replies, and print the outcome."""
    path = _file_of(given, options)
    with contextlib.ExitStack() as stack:
        stream, _ = opened(path, stack)
        before = state(stream)
        again = io.BytesIO(stream.read()) if before is None and options.not_understood else None
        region = suppressor.reader(details["default_region"]).convention.region
        rows = _rows(given, path, again or stream, region)
        if options.not_understood is not None:
            _check_name(rows, options.not_understood)

        def check_whole() -> None:
            rows.check_whole()
            check_unchanged(stream, rows, before, quiet=current_limits().quiet)

        received = receive_replies(
            rows,
            text_column=options.text_column or "",
            channels=channels,
            time_column=options.time_column,
            languages=options.languages or None,
            suppressor=suppressor,
            whole=check_whole,
            **{name: value for name, value in details.items() if value is not None},
        )
        if options.not_understood is not None:
            # The rows of all formats are written from their batches, as they came.
            source = again or stream
            source.seek(0)
            same = _rows(given, path, source, region)
            _write(same, received.replies[None], options.not_understood)
            check_unchanged(stream, same, before)
    suppressor.pass_on(patience=current_limits().delivery)
    waiting = pending_rows(suppressor)
    if as_json:
        print_json({**_document(received), "waiting": waiting})
        return
    for said in (taken_from(rows.columns), rows.remark):
        if said:
            click.echo(said, err=True)
    for line in _lines(received, options.not_understood):
        click.echo(line)
    print_pending(waiting)


def _file_of(given: GivenNumbers, options: ReplyOptions) -> str:
    """Return the file of the replies, if the command was called rightly."""
    if given.path is None or given.numbers:
        raise click.UsageError("--text-column is for a file of replies. Name it with --file.")
    if len(given.columns) > 1:
        raise click.UsageError("A reply has one sender. Name one column.")
    if options.not_understood is not None and _is_same(given.path, options.not_understood):
        raise click.UsageError("--not-understood names the input. Name another file.")
    return given.path


def _rows(given: GivenNumbers, path: str, stream: BinaryIO, region: str | None) -> Rows:
    return rows_of(
        *(stream, path, given.columns, given.format_, region),
        has_header=given.has_header,
        sheet=given.sheet,
    )


def _check_name(rows: Rows, place: str) -> None:
    try:
        rows.check_name(place)
    except InputError as error:
        raise click.UsageError(str(error)) from None


def _write(rows: Rows, chosen: Sequence[Row], place: str) -> None:
    lines = [row.line for row in chosen]
    packed = {_NOT_UNDERSTOOD: compression_of(place)}
    with (
        outputs({_NOT_UNDERSTOOD: place}, packed) as made,
        contextlib.closing(rows.writer(made[_NOT_UNDERSTOOD])) as writer,
    ):
        for batch in rows.batches():
            batch.write(np.isin(batch.lines, lines), writer)
        writer.finish()


def _is_same(source: str, place: str) -> bool:
    if STANDARD in (source, place):
        return source == place
    try:
        return Path(place).samefile(source)
    except OSError:
        return False


def _document(received: Received) -> dict[str, Any]:
    replies = received.replies
    return {
        "replies": {name: len(replies[each]) for each, name in _NAMES.items()},
        "channels": {name: each._asdict() for name, each in received.opted_out.items()},
        "lines": {
            name: [row.line for row in replies[each]]
            for each, name in _NAMES.items()
            if each is not Reply.OPT_OUT
        },
    }


def _lines(received: Received, place: str | None) -> Iterable[str]:
    replies = received.replies
    counts = {name: len(replies[each]) for each, name in _NAMES.items()}
    yield f"{counted(sum(counts.values()), 'reply', 'replies')}: " + ", ".join(
        f"{count:,} {name}" for name, count in counts.items()
    )
    for channel, added in received.opted_out.items():
        yield f"{channel}: opted out {counted(added.new, 'number')} ({added.known:,} already there)"
    if opt_ins := replies[Reply.OPT_IN]:
        yield (
            f"To opt in ({_places(opt_ins)}): not done. `suppress remove` takes an opt-out back."
        )
    if helps := replies[Reply.HELP]:
        yield f"For help ({_places(helps)}): answer them."
    if rest := replies[None]:
        where = "--not-understood FILE writes these rows." if place is None else f"See {place}."
        yield f"Not understood ({_places(rest)}): read them. {where}"


def _places(rows: Sequence[Row]) -> str:
    named = ", ".join(str(row.line) for row in rows[:_MOST_LINES])
    more = len(rows) - _MOST_LINES
    lines = "line" if len(rows) == 1 else "lines"
    return f"{lines} {named}" + (f" and {more:,} more" if more > 0 else "")
