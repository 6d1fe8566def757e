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

Who stays on the list may be replaced, though: the entry is removed, and a new one of the
same person comes with a new id, at the newest end, which may have been read before. So on a
list that is sorted by id, that end is looked at again when all pages have been read, in one
answer that reaches back to N, the newest id of the page that held this end before.

Claim: if ids grow, everyone who was on the list all the time until that look, under
whichever ids, has been read.

Proof. The person has an entry at the moment of the look. If its id is greater than N, the
look has it. Else it came on the list before the page with N was fetched, and has been there
since. Some anchored page reaches over its place. If that was fetched later, it holds the
entry. If it was fetched before, it ends with an id as great, which was there: so the entry
was there too, for ids grow. QED. (A list that is sorted by phone alone needs no such look:
a new entry of the same phone takes the place of the old one.)

Where an edit leaves a page unanchored, the page that starts half a page earlier is read
and joined before it, and so on, a bounded number of times: the edit is bridged without
reading the whole list again.

That the order is stable cannot be proved from outside, but its opposite shows. What
several pages share has to come in one order on all of them. And a read of more than one
page counts only where
- the total stays the same from the first answer to the last, and as many entries are
  read: if nobody was added or removed, that alone proves that everyone was read, in
  whatever order; or
- the total changes, but every page is sorted by one and the same thing that does not
  change while an entry is listed, such as its id.
Otherwise an entry may have moved from where nobody had read yet to where everyone had,
behind the back of an edit that explains the count: the list is read again, in the hope of
a quieter moment.

The end is checked on its own: the last page has to be shorter than asked for, and end
where its own answer puts the total.
"""

import itertools
import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from suppress import SourceError
from suppress_bsg.limits import DEFAULT_LIMITS, BsgLimits
from suppress_bsg.threads import Threads

E = TypeVar("E", bound=Hashable)


@dataclass(frozen=True)
class Page(Generic[E]):
    """One answer of the listing.

    Attributes:
        offset: the place of its first entry on the list, from 0.
        entries: its entries; no two of a list are equal.
        total: the length of the list, as the same answer says.
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


class ListChanged(Exception):
    """The list was edited in a way that this read cannot make up for."""


def read_all(
    fetch: Callable[[int], Page[E]],
    *,
    in_flight: int,
    progress: Callable[[int, int | None], None],
    limits: BsgLimits = DEFAULT_LIMITS,
    stable_keys: Sequence[Callable[[E], Any]] = (lambda entry: entry,),
    growing: Callable[[E], Any] | None = None,
    stop: Callable[[], None] = lambda: None,
) -> list[E]:
    """Return everyone on the list, each once, by pages that overlap by an entry.

    Args:
        fetch: gives the page at an offset; called from several threads at once.
        in_flight: how many pages are fetched at once; fewer once one was throttled.
        progress: called with the entries read so far, and the length of the list.
        limits: how many entries a page has, and how often more is read.
        stable_keys: each gives a value that an entry alone has as long as it is listed, such as
            its id; only an `int` counts for an order.
        growing: gives a value that is greater for each new entry than for all before it, such
            as its id; None if there is no such value.
        stop: called when the reading fails, to end the calls of `fetch` that are under way.

    Raises:
        SourceError: the list cannot be read whole. What `fetch` raises passes through.
    """
    changed = None
    for _ in range(limits.reads):
        try:
            pages = _fetched(fetch, in_flight, progress, limits.page_size, stop)
            return _joined(pages, fetch, limits, stable_keys, growing)
        except ListChanged as error:
            changed = error
    raise SourceError(f"{changed} It was read {limits.reads} times. Try again later.") from changed


def _fetched(
    fetch: Callable[[int], Page[E]],
    in_flight: int,
    progress: Callable[[int, int | None], None],
    limit: int,
    stop: Callable[[], None],
) -> list[Page[E]]:
    """Fetch the pages up to the first that is not full, and return them by their offsets."""
    first = fetch(0)
    pages = [first]
    done = first.end
    progress(done, first.total)
    step = limit - 1
    offsets = range(step, first.total - limit + step + 1, step) if done == limit else range(0)
    waiting = iter(offsets)
    window = 1 if first.throttled else in_flight
    running: set[Future[Page[E]]] = set()
    pool = Threads(in_flight)
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
    except BaseException:
        stop()
        raise
    finally:
        pool.close()


def _joined(
    pages: list[Page[E]],
    fetch: Callable[[int], Page[E]],
    limits: BsgLimits,
    stable_keys: Sequence[Callable[[E], Any]],
    growing: Callable[[E], Any] | None,
) -> list[E]:
    """Return the entries of the pages, each page anchored, up to the end of the list."""
    limit = limits.page_size
    order = _Order[E]()
    joined: list[Page[E]] = []
    waiting = [(page, False) for page in reversed(pages)]
    spare = iter(range(limits.max_extra_pages + len(pages)))

    def read_more(offset: int) -> Page[E]:
        if next(spare, None) is None:
            raise ListChanged("The list is edited faster than it can be read.")
        return fetch(offset)

    while not joined or len(joined[-1].entries) == limit:
        # If no page is left, the list has grown.
        page, bridged = waiting.pop() if waiting else (read_more(joined[-1].end - 1), False)
        _check_shape(page, limit)
        if page.offset == 0 or (page.entries and page.entries[0] in order.ranks):
            order.take(page.entries)
            joined.append(page)
        elif not bridged:
            waiting.append((page, True))
            waiting.append((read_more(max(0, page.offset - limit // 2)), False))
        # Else its first entry has left the list, and it can never be anchored: it is
        # dropped, and the page after it is bridged instead.
    last = joined[-1]
    if last.end != last.total:
        raise ListChanged(
            f"The page at offset {last.offset} ends the list at {last.end} entries, but its "
            f"total is {last.total}."
        )
    if growing is not None and len(joined) > 1 and _sorted_by(growing, joined):
        order.add(_newest(joined, read_more, limits, growing))
    _check_whole(joined, len(order.ranks), stable_keys)
    return list(order.ranks)


def _check_whole(
    pages: Sequence[Page[E]], count: int, stable_keys: Sequence[Callable[[E], Any]]
) -> None:
    """Refuse pages that somebody may have moved between; together they end the list.

    Raises:
        ListChanged: the count does not prove that all were read, and the order does not either.
    """
    total = pages[-1].total
    if any(page.total != total for page in pages):
        if not any(_sorted_by(key, pages) for key in stable_keys):
            raise ListChanged("It was edited while it was read, and is sorted by no stable key.")
    elif len(pages) > 1 and count < total:
        raise ListChanged(f"Of {total} entries, {count} different ones were read.")


def _newest(
    pages: Sequence[Page[E]],
    read_more: Callable[[int], Page[E]],
    limits: BsgLimits,
    growing: Callable[[E], Any],
) -> Sequence[E]:
    """Read the newest end once more, back to the newest entry that was there before.

    Args:
        pages: the pages that were read, sorted by the growing value.
        read_more: gives a page at an offset.
        limits: how many entries a page has, and how often the end is looked at.
        growing: gives the growing value.

    Raises:
        ListChanged: no single answer reaches so far.
    """
    limit = limits.page_size
    first, last = pages[0], pages[-1]
    if not last.entries:
        return ()  # nobody was left: everyone there now has come since
    is_down = growing(first.entries[0]) > growing(first.entries[-1])
    newest = growing(first.entries[0] if is_down else last.entries[-1])
    total = last.total
    for _ in range(limits.looks):
        # Upwards from the middle of a page on, since entries may have gone as well as come.
        look = read_more(0 if is_down else max(0, total - limit // 2))
        _check_shape(look, limit)
        if look.entries and _sorted_by(growing, [first, look]):
            is_end = is_down or (len(look.entries) < limit and look.end == look.total)
            is_all = look.offset == 0 and look.end == look.total
            if is_all or (is_end and growing(look.entries[-1 if is_down else 0]) <= newest):
                return look.entries
        total = look.total
    raise ListChanged("The list is edited faster than it can be read.")


def _sorted_by(key: Callable[[E], Any], pages: Iterable[Page[E]]) -> bool:
    """Tell whether each page is sorted by a key, all of them up or all of them down."""
    values = [list(map(key, page.entries)) for page in pages]
    if not all(type(value) is int for value in itertools.chain.from_iterable(values)):
        return False
    return any(
        all(all(itertools.starmap(before, itertools.pairwise(each))) for each in values)
        for before in (operator.lt, operator.gt)
    )


def check_size(page: Page[E], limit: int) -> None:
    """Refuse a page with more entries than were asked for.

    Raises:
        SourceError: it has more.
    """
    if len(page.entries) > limit:
        raise SourceError(
            f"The page at offset {page.offset} has {len(page.entries)} entries where {limit} "
            "were asked for."
        )


def _check_shape(page: Page[E], limit: int) -> None:
    check_size(page, limit)
    if page.entries and page.end > page.total:
        raise ListChanged(
            f"The page at offset {page.offset} reaches to {page.end} entries, but its total is "
            f"{page.total}."
        )


class _Order(Generic[E]):
    """The order of the entries, as far as the pages show it.

    An entry behind the furthest one is further. A new entry elsewhere came on the list
    during the read, and shares the rank of the one that it follows.
    """

    def __init__(self) -> None:
        self.ranks: dict[E, int] = {}
        self._furthest = 0

    def take(self, entries: Sequence[E]) -> None:
        """Add a page's entries in their order.

        Raises:
            ListChanged: the pages before have another order.
        """
        if self._extended(entries):
            return
        rank = 0
        for entry in dict.fromkeys(entries):
            known = self.ranks.get(entry)
            if known is None:
                if rank == self._furthest:
                    self._furthest += 1
                    rank = self._furthest
                self.ranks[entry] = rank
            elif known < rank:
                raise ListChanged("Its order is not stable, or it has the same entry twice.")
            else:
                rank = known

    def add(self, entries: Iterable[E]) -> None:
        """Add entries without an order."""
        for entry in entries:
            self.ranks.setdefault(entry, self._furthest)

    def _extended(self, entries: Sequence[E]) -> bool:
        """Add the entries of an ordinary page at once: all new, behind the furthest."""
        new = entries[1:] if self.ranks else entries
        if self.ranks and entries and self.ranks.get(entries[0]) != self._furthest:
            return False
        ranks = dict(zip(new, itertools.count(self._furthest + 1), strict=False))
        if len(ranks) < len(new) or not self.ranks.keys().isdisjoint(ranks):
            return False
        self.ranks.update(ranks)
        self._furthest += len(ranks)
        return True
