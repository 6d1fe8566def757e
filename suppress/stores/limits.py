"""The time for which a store keeps what nobody uses, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreLimits:
    """For how long a store keeps what nobody uses.

    Attributes:
        orphan_age: seconds after which a file goes that no snapshot has any more. Before that,
            another process may just be about to publish or to open it.
        unused_age: seconds after which a snapshot goes that nobody renews.
    """

    orphan_age: float = 600.0
    unused_age: float = 30 * 86400.0
