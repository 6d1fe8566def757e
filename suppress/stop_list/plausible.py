"""Doubts about a new reading of a stop list, from a comparison with the one before it.

A provider in trouble may give an empty list, and one that changes its format may give
numbers of other people. A reading by itself does not show that.
"""

from suppress.stop_list.snapshot import Snapshot, Tally

FEWEST_TO_SHRINK = 100
"""Fewest entries of a list that can lose too many."""

MOST_NEW, SHARE_NEW = 10, 0.01
"""Most odd entries that may be new in a reading, by number or as a part of all."""

_TAKE = "If the list is right, accept it with `suppress refresh --force`."


def doubt(now: Snapshot, before: Snapshot | None, max_shrink: float) -> str | None:
    """Return why a reading is doubtful, and what to do; None where it is plausible.

    Args:
        now: the new reading.
        before: the reading before it; None for none.
        max_shrink: the part that a list of 100 entries or more may lose.
    """
    if before is not None and (lost := _lost(now, before, max_shrink)):
        return (
            f"The {now.channel} stop list {lost} since it was read at "
            f"{before.read_at.isoformat(timespec='seconds')}: it may not be whole, or its format "
            f"may have changed (SUPPRESS_MAX_SHRINK is {max_shrink:g}). {_TAKE}"
        )
    for source, tally in now.tallies.items():
        if odd := _odd(tally, None if before is None else before.tallies.get(source)):
            return (
                f"Of the {tally.entries:,} entries that the source {source!r} gives for "
                f"{now.channel}, {odd}: its format may have changed. {_TAKE}"
            )
    return None


def _lost(now: Snapshot, before: Snapshot, max_shrink: float) -> str | None:
    """Return the loss of a list in words; None where it is not too much."""
    for source, known in before.tallies.items():
        left = now.tallies.get(source, known).entries
        if _is_too_much(known.entries - left, known.entries, max_shrink):
            return f"of the source {source!r} shrank from {known.entries:,} entries to {left:,}"
    # A list can keep its length and still lose the people on it.
    lost = before.numbers.count_missing_in(now.numbers)
    if _is_too_much(lost, len(before.numbers), max_shrink):
        return f"lost {lost:,} of its {len(before.numbers):,} numbers"
    return None


def _is_too_much(lost: int, count: int, max_shrink: float) -> bool:
    return count >= FEWEST_TO_SHRINK and lost > max_shrink * count


def _odd(now: Tally, before: Tally | None) -> str | None:
    """Return the new oddities of a source's entries in words; None where they are few."""
    known = before or Tally()
    if _are_more(now.without_form, known.without_form, now, known):
        return f"{now.without_form:,} are not written like phone numbers"
    # A first reading may have some that nobody can read, but hardly most of them.
    if _are_more(now.unread, known.unread, now, known) and (before or 2 * now.unread > now.entries):
        return f"{now.unread:,} are not phone numbers"
    return None


def _are_more(odd_now: int, odd_before: int, now: Tally, before: Tally) -> bool:
    share = odd_now / max(now.entries, 1) - odd_before / max(before.entries, 1)
    return odd_now - odd_before > MOST_NEW and share > SHARE_NEW
