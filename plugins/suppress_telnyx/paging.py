"""Reading a whole list through numbered pages while others edit it, and missing nobody.

Pages move when the list is edited: an opt-out that is taken back draws all behind it one place
forward, and a reader steps over one. The API promises no order, and its pages cannot overlap. So
a list of several pages is read until two reads in a row give the same opt-outs, as many as every
page of both said that there are.

Claim: these are all that were on the list when the last page of the first read was answered.

Proof. An opt-out that comes back is another one, for it has a new time. So whatever both reads
have was on the list at that moment, which lies between them. The same answer says how many were
on the list, and as many were read. QED.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from suppress import SourceError
from suppress_telnyx.limits import TelnyxLimits

O = TypeVar("O", bound=Hashable)  # noqa: E741 - an opt-out


@dataclass(frozen=True)
class NumberedPage(Generic[O]):
    """One answer of the listing.

    Attributes:
        number: its place among the pages, from 1.
        size: how many opt-outs a full page has.
        total: the length of the list, as the same answer says.
        opt_outs: its opt-outs.
    """

    number: int
    size: int
    total: int
    opt_outs: Sequence[O]


class _Moved(Exception):
    """The list was edited while it was read."""


def read_whole(
    fetch: Callable[[int], NumberedPage[O]],
    *,
    progress: Callable[[int, int | None], None],
    limits: TelnyxLimits,
) -> list[O]:
    """Return everyone on the list, as it was at one moment of the reading.

    Args:
        fetch: gives the page of a number, from 1.
        progress: called with the opt-outs read so far, and the length of the list.
        limits: how often the list is read.

    Raises:
        SourceError: the list cannot be read whole. What `fetch` raises passes through.
    """
    before: dict[O, None] | None = None
    why = "No two reads of it were equal."
    for _ in range(limits.reads):
        try:
            first = fetch(1)
            found = _read(first, fetch, progress, is_second=before is not None)
        except _Moved as moved:
            before, why = None, str(moved)
            continue
        if len(first.opt_outs) == first.total or found == before:
            return list(found)
        before = found
    raise SourceError(
        f"The list was edited while it was read, {limits.reads} times. {why} Try again later."
    )


def _read(
    first: NumberedPage[O],
    fetch: Callable[[int], NumberedPage[O]],
    progress: Callable[[int, int | None], None],
    *,
    is_second: bool,
) -> dict[O, None]:
    """Read all pages once, the first of which is there; return their opt-outs in order.

    Raises:
        _Moved: the pages do not fit each other.
    """
    total, found = first.total, dict[O, None]()
    for number in range(1, max(-(-total // first.size), 1) + 1):
        page = first if number == 1 else fetch(number)
        if page.total != total:
            raise _Moved(f"Its length changed from {total:,} to {page.total:,}.")
        if page.size != first.size:
            raise SourceError(
                f"Page {number} is one of {page.size} opt-outs a page, but the first one of "
                f"{first.size}."
            )
        if len(page.opt_outs) != min(page.size, total - (number - 1) * page.size):
            raise _Moved(
                f"Page {number} has {len(page.opt_outs):,} opt-outs, which does not fit its "
                f"length of {total:,}."
            )
        found.update(dict.fromkeys(page.opt_outs))
        progress(total if is_second else len(found), total)
    if len(found) != total:
        raise _Moved(f"Of {total:,} opt-outs, {len(found):,} different ones were read.")
    return found
