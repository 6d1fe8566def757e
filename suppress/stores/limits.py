"""Times and delays of stores, as values, so that tests need not wait."""

from typing import NamedTuple


class StoreLimits(NamedTuple):
    """For how long a store keeps what nobody uses.

    Attributes:
        orphan_age: seconds after which a file goes that no snapshot has any more. Before that,
            another process may just be about to publish or to open it.
        unused_age: seconds after which a snapshot goes that nobody renews.
        swap: seconds to wait for another process that replaces the same snapshot.
    """

    orphan_age: float = 600.0
    unused_age: float = 30 * 86400.0
    swap: float = 10.0


class SharedLimits(NamedTuple):
    """Delays of a store that many machines share, in seconds.

    Attributes:
        first_look: how long the first use in a process waits for the server, at most.
        news: how long to wait for news before a sign of life is left for the other processes.
        poll: how often a process tries whether it has to listen for its machine now.
        seen: the age up to which the sign of life says that another process listens.
        look: how often to look at the server even if there was no news.
        retry: how long to leave a server alone that could not be reached, and a lease that
            another machine holds.
        lease: how long a holder that gives no sign of life keeps the others waiting, at most.
        mark: how often a process marks what it uses.
        wanted: the age of the mark up to which a copy is kept up to date.
    """

    first_look: float = 2.0
    news: float = 0.5
    poll: float = 0.2
    seen: float = 2.0
    look: float = 5.0
    retry: float = 0.5
    lease: float = 30.0
    mark: float = 3600.0
    wanted: float = 86400.0
