"""Reading a whole list through offset pages while others edit it, and missing nobody.

Offsets move when the list is edited: an entry removed near the front draws everyone
behind it one place forward, and a reader that takes pages end to end steps over one.
So the pages here overlap by an entry, and a page counts only when it is *anchored*:

    it starts at offset 0, or its first entry is among those of the pages anchored so far.

Claim: if the list keeps a stable order (entries are sorted by something that does not
change while they are listed, such as their id), then everyone who was on the list
during the whole read is on an anchored page, once the last of them ends the list.

Proof, by induction over the anchored pages. Let M be the furthest entry on them; claim
that whoever was listed all the time and sorts up to M has been read. A page is one
answer, so it holds, of its moment, everyone from its first entry to its last.
- A page at offset 0 holds everyone up to its last entry.
- A page whose first entry was read before starts no further than M. Whoever sorts up to
  M has been read; whoever sorts beyond M and up to the page's last entry lies between
  the page's ends, so is on it.
When the last page ends the list, nobody sorts beyond it. The order in which pages were
fetched, and how many at once, plays no part. QED.

Where an edit leaves a page unanchored, the page that starts half a page earlier is read
and takes its place before it, and so on, a bounded number of times: the edit is bridged
without reading the whole list again.

That the order is stable cannot be proved from outside, but its opposite shows: a page
that reaches past the furthest entry and then brings somebody who was read before. And
the end is checked on its own: the last page has to be shorter than asked for, and end
where its own answer puts the total.
"""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from suppress import SourceError

E = TypeVar("E", bound=Hashable)

LIMIT = 500
"""Entries a page: the most that the API gives."""

BRIDGES = 50
"""Pages that one read may fetch beyond the planned ones to bridge edits of the list."""

READS = 3
"""How often the whole list is read anew before giving up."""


@dataclass(frozen=True)
class Page(Generic[E]):
    """One answer of the listing.

    Attributes:
        offset: the place of its first entry on the list, from 0.
        entries: its entries, each telling itself from every other.
        total: the length of the list, as the same answer has it.
        throttled: whether the server asked for fewer requests on the way.
    """

    offset: int
    entries: Sequence[E]
    total: int
    throttled: bool = False

    @property
    def end(self) -> int:
        """The place behind its last entry."""
        return self.offset + len(self.entries)


class Moved(Exception):
    """The list was edited in a way that this read cannot account for."""


def read_all(
    fetch: Callable[[int], Page[E]],
    *,
    in_flight: int,
    progress: Callable[[int, int | None], None],
    limit: int = LIMIT,
) -> list[E]:
    """Everyone on the list, each once, by pages of `limit` that overlap by an entry.

    Args:
        fetch: gives the page at an offset; called from several threads at once.
        in_flight: how many pages are fetched at once; fewer once one was throttled.
        progress: called with the entries read so far, and the length of the list.
        limit: entries a page.

    Raises:
        SourceError: the list cannot be read whole. What `fetch` raises passes through.
    """
    moved = None
    for _ in range(READS):
        try:
            return _joined(_fetched(fetch, in_flight, progress, limit), fetch, limit)
        except Moved as error:
            moved = error
    raise SourceError(f"{moved} It was read {READS} times. Try again later.") from moved


def _fetched(
    fetch: Callable[[int], Page[E]],
    in_flight: int,
    progress: Callable[[int, int | None], None],
    limit: int,
) -> list[Page[E]]:
    """The pages up to the first that the list does not fill, in the order of their offsets."""
    first = fetch(0)
    pages = [first]
    done = first.end
    progress(done, first.total)
    step = limit - 1
    offsets = range(step, first.total - limit + step + 1, step) if done == limit else range(0)
    waiting = iter(offsets)
    window = 1 if first.throttled else in_flight
    running: set[Future[Page[E]]] = set()
    pool = ThreadPoolExecutor(max_workers=in_flight)
    try:
        while True:
            while len(running) < window and (offset := next(waiting, None)) is not None:
                running.add(pool.submit(fetch, offset))
            if not running:
                return sorted(pages, key=lambda page: page.offset)
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for each in finished:
                page = each.result()
                pages.append(page)
                done += max(len(page.entries) - 1, 0)
                if len(page.entries) < limit:
                    waiting = iter(())
                if page.throttled:
                    window = max(1, window // 2)
            progress(min(done, first.total), first.total)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _joined(pages: list[Page[E]], fetch: Callable[[int], Page[E]], limit: int) -> list[E]:
    """The entries of the pages, each page anchored, up to the end of the list."""
    seen: dict[E, None] = {}
    furthest: E | None = None
    bridges = 0
    place = 0
    while True:
        page = pages[place]
        _check_shape(page, limit)
        if page.offset == 0 or (page.entries and page.entries[0] in seen):
            furthest = _joined_page(page, seen, furthest)
            place += 1
            if len(page.entries) < limit:
                break
            if place < len(pages):
                continue
            offset = page.end - 1  # the list has grown
        else:
            offset = max(0, page.offset - limit // 2)
        bridges += 1
        if bridges > BRIDGES:
            raise Moved("The list is edited faster than it can be read.")
        pages.insert(place, fetch(offset))
    if page.end != page.total:
        raise Moved(
            f"The page at offset {page.offset} ends the list at {page.end} entries, but its "
            f"total is {page.total}."
        )
    return list(seen)


def _check_shape(page: Page[E], limit: int) -> None:
    if len(page.entries) > limit:
        raise SourceError(
            f"The page at offset {page.offset} has {len(page.entries)} entries where {limit} "
            "were asked for."
        )
    if page.entries and page.end > page.total:
        raise Moved(
            f"The page at offset {page.offset} reaches to {page.end} entries, but its total is "
            f"{page.total}."
        )


def _joined_page(page: Page[E], seen: dict[E, None], furthest: E | None) -> E | None:
    """Take the page's entries over; gives the furthest entry that was read."""
    entries = list(dict.fromkeys(page.entries))
    if furthest in entries:
        beyond = entries[entries.index(furthest) + 1 :]
        if any(entry in seen for entry in beyond):
            raise Moved("Its order is not stable, or it has the same entry twice.")
        furthest = beyond[-1] if beyond else furthest
    elif entries and entries[-1] not in seen:
        furthest = entries[-1]
    seen.update(dict.fromkeys(entries))
    return furthest
