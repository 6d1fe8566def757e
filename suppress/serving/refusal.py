"""The errors for callers who get no snapshot: what happened, and how old the last one is."""

from suppress.errors import StopListUnavailable


def refused(why: str, age: float | None, max_stale: float) -> StopListUnavailable:
    """Return the error for a caller while no snapshot may serve.

    Args:
        why: the reason.
        age: the age of the last snapshot, as `age_of` has it; None if there is none.
        max_stale: the setting.
    """
    if age is not None and age < 0:
        why += " The last snapshot is from the future: the clock was set back since."
    elif age is not None:
        why += (
            f" The last snapshot was read {age:.0f} s ago, longer than SUPPRESS_MAX_STALE "
            f"({max_stale:g} s)."
        )
    return StopListUnavailable(f"{why} Nothing may be sent until the list can be read.")


def still_being_read(channel: str, waited: float) -> StopListUnavailable:
    """Return the error for a caller who does not wait any longer.

    Args:
        channel: the channel.
        waited: for how long somebody has waited, in seconds.
    """
    return StopListUnavailable(
        f"The {channel} stop list has not been read within {waited:g} s, and is still being read."
    )
