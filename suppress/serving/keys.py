"""The key that a snapshot is stored under: a name for everything that it was made from."""

import hashlib
import json
from collections.abc import Iterable

import phonenumbers

from suppress.numbers.convention import Convention
from suppress.numbers.region import INTERNATIONAL
from suppress.sources import Source
from suppress.stores.image import FORMAT


def key_of(channel: str, sources: Iterable[Source], convention: Convention, changes: str) -> str:
    """Return the key of a channel's snapshot, which differs if anything it is made from does.

    Args:
        channel: the channel.
        sources: those that are in use.
        convention: how numbers are read.
        changes: the digest of all changes of numbering plans, future ones included.
    """
    made_from = [
        FORMAT,
        phonenumbers.__version__,
        convention.possible_only,
        changes,
        convention.renumbering.digest,
        *(
            [
                source.name,
                getattr(source, "identity", ""),
                getattr(source, "region", INTERNATIONAL),
            ]
            for source in sources
            if channel in source.channels
        ),
    ]
    return f"{channel}-{hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]}"
