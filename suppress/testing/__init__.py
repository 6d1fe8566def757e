"""Suites for the authors of plugins, and a stop list for the tests of applications.

The suites need pytest; `stop_list` and the assertions do not. The implementations that come
with suppress pass the same suites.
"""

import importlib
from typing import TYPE_CHECKING, Any

from suppress.testing.assertions import assert_nobody_listed, assert_nobody_lost
from suppress.testing.replacement import Replacement, stop_list

if TYPE_CHECKING:
    from suppress.testing.batches import BatchContract
    from suppress.testing.columns import ColumnContract
    from suppress.testing.records import RecordContract
    from suppress.testing.remotes import RemoteContract
    from suppress.testing.shared_records import SharedRecordContract
    from suppress.testing.sources import OptOutContract, SourceContract
    from suppress.testing.stores import StoreContract

__all__ = [
    "BatchContract",
    "ColumnContract",
    "OptOutContract",
    "RecordContract",
    "RemoteContract",
    "Replacement",
    "SharedRecordContract",
    "SourceContract",
    "StoreContract",
    "assert_nobody_listed",
    "assert_nobody_lost",
    "stop_list",
]

_SUITES = {
    "BatchContract": "batches",
    "ColumnContract": "columns",
    "OptOutContract": "sources",
    "RecordContract": "records",
    "SharedRecordContract": "shared_records",
    "RemoteContract": "remotes",
    "SourceContract": "sources",
    "StoreContract": "stores",
}


def __getattr__(name: str) -> Any:
    if name not in _SUITES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_SUITES[name]}"), name)
