"""Numbers for opt-outs: typed as arguments, or in a file; each has to be exactly one number."""

import functools
import itertools
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import click

from suppress.cli.input import read_rows
from suppress.cli.limits import current_limits
from suppress.cli.options import (
    column_option,
    format_option,
    header_option,
    region_option,
    sheet_option,
)
from suppress.cli.summary import taken_from
from suppress.errors import InvalidNumber
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.opt_outs.people import kept_as


class GivenNumbers(NamedTuple):
    """The arguments and options that name numbers.

    Attributes:
        numbers: those typed as arguments.
        path: the file of `--file`, if any.
        columns: its columns that hold numbers.
        format_: its format.
        has_header: whether a table begins with the names of its columns.
        sheet: the sheet of a workbook, if any.
    """

    numbers: tuple[str, ...]
    path: str | None
    columns: tuple[str, ...]
    format_: str | None
    has_header: bool
    sheet: str | None

    def read(self, reader: Reader, unread: Collection[str] = ()) -> list[Any]:
        """Return all of the numbers, as they were written.

        Args:
            reader: reads numbers of the region.
            unread: the numbers of opt-outs without a reading, which may be named as well.

        Raises:
            InvalidNumber: an argument is not exactly one number.
            InputError: a number in the file is not; the message names its line.
        """
        if not self.numbers and self.path is None:
            raise click.UsageError("Name a number, or a file with --file.")
        for place, why in reader.faults(reader.read_all(self.numbers)):
            if kept_as(self.numbers[place], unread) is None:
                raise InvalidNumber(why)
        numbers: list[Any] = list(self.numbers)
        if self.path is not None:
            numbers += self._in_file(self.path, reader, unread)
        return numbers

    def _in_file(self, path: str, reader: Reader, unread: Collection[str]) -> list[Any]:
        numbers: list[Any] = []
        used: tuple[str, ...] = ()
        region = reader.convention.region
        # Numbers that are still to be written to the file would not be opted out.
        every_row = read_rows(
            path,
            self.columns,
            self.format_,
            region,
            has_header=self.has_header,
            sheet=self.sheet,
            quiet=current_limits().quiet,
        )
        while batch := list(itertools.islice(every_row, BATCH_SIZE)):
            batch[0][0].check_whole()
            places = [(rows, row.line, number) for rows, row in batch for number in row.numbers]
            used = batch[0][0].columns
            texts = [number for *_, number in places]
            for place, why in reader.faults(reader.read_all(texts)):
                rows, line, number = places[place]
                if kept_as(number, unread) is None:
                    raise rows.error(why, line)
            numbers += texts
        if used:
            click.echo(taken_from(used), err=True)
        return numbers


def numbers_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the arguments and options that name numbers: the command gets them as `given`."""

    @functools.wraps(command)
    def with_given(
        *,
        numbers: tuple[str, ...],
        path: str | None,
        columns: tuple[str, ...],
        format_: str | None,
        has_header: bool,
        sheet: str | None,
        **others: Any,
    ) -> Any:
        given = GivenNumbers(numbers, path, columns, format_, has_header, sheet)
        return command(given=given, **others)

    options = (
        region_option,
        sheet_option,
        format_option,
        header_option,
        column_option,
        click.option(
            "--file",
            "path",
            metavar="FILE",
            help="Take the numbers from a file that `suppress filter` can read, or - for standard "
            "input.",
        ),
        click.argument("numbers", metavar="[NUMBER]...", nargs=-1),
    )
    decorated: Callable[..., Any] = with_given
    for option in options:
        decorated = option(decorated)
    return decorated
