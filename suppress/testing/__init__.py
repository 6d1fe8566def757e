"""Suites that every implementation of a contract has to pass, for the authors of plugins.

They need pytest. The implementations that come with suppress pass the same tests.
"""

from suppress.testing.batches import BatchContract
from suppress.testing.columns import ColumnContract
from suppress.testing.records import RecordContract
from suppress.testing.sources import OptOutContract, SourceContract
from suppress.testing.stores import StoreContract

__all__ = [
    "BatchContract",
    "ColumnContract",
    "OptOutContract",
    "RecordContract",
    "SourceContract",
    "StoreContract",
]
