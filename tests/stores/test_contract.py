"""The suite for stores fails for a store that breaks the contract."""

import dataclasses
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from suppress.stop_list.origins import NO_ORIGINS
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Held, Lease, check_lease
from suppress.stores.memory import MemoryStore
from suppress.testing import StoreContract

SUITE = StoreContract()


def losing(**attributes: Any) -> type[MemoryStore]:
    """A store that keeps other attributes than it is given."""

    class Losing(MemoryStore):
        def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
            return super().publish(key, dataclasses.replace(snapshot, **attributes), lease)

    return Losing


@pytest.mark.parametrize(
    "attributes",
    [
        {"channel": "viber"},
        {"sources": ("one",)},
        {"unread": frozenset()},
        {"further": 0},
        {"tallies": MappingProxyType({})},
        {"sources_read_at": MappingProxyType({})},
        {"origins": NO_ORIGINS},
    ],
)
def test_every_attribute_counts(attributes: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        SUITE.test_keeps_every_attribute(losing(**attributes))


class Forgetful(MemoryStore):
    def latest(self, key: str) -> Snapshot | None:
        return None

    def failure(self, key: str) -> Failure | None:
        return None


class Rounding(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        earlier = dataclasses.replace(snapshot, read_at=snapshot.read_at - timedelta(seconds=0.25))
        return super().publish(key, earlier, lease)


class Copying(MemoryStore):
    def latest(self, key: str) -> Snapshot | None:
        found = super().latest(key)
        return None if found is None else dataclasses.replace(found)


class Uniting(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        before = self.latest(key)
        if before is not None:
            snapshot = dataclasses.replace(snapshot, unread=before.unread | {"99"})
        return super().publish(key, snapshot, lease)


class WithOneKey(MemoryStore):
    def latest(self, key: str) -> Snapshot | None:
        return next(reversed(list(self._snapshots.values())), None)


class KeepingOptOuts(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        check_lease(lease, key)
        self._snapshots[key] = snapshot
        return snapshot


class ByHalves(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        if (before := self.latest(key)) is not None:
            super().publish(key, dataclasses.replace(before, further=3), lease)
            time.sleep(0.001)
        return super().publish(key, snapshot, lease)


class KeepingFailures(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        before = self.failure(key)
        published = super().publish(key, snapshot, lease)
        if before is not None:
            self._failures[key] = before
        return published


class Silent(MemoryStore):
    def notify(self) -> None:
        pass


class Restless(MemoryStore):
    def version(self) -> int:
        self._version += 1
        return self._version


class Hasty(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        self.notify()
        time.sleep(0.001)
        self.notify, notify = lambda: None, self.notify  # type: ignore[method-assign]
        try:
            return super().publish(key, snapshot, lease)
        finally:
            self.notify = notify  # type: ignore[method-assign]


class Open(MemoryStore):
    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        yield next(iter(self._leases.values()), _Lease(name))


class _Lease:
    def __init__(self, name: str) -> None:
        self.name = name

    def check(self) -> None:
        pass


class Impatient(MemoryStore):
    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        with super().exclusive(name, lease) as held:
            yield held


class Leaking(MemoryStore):
    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        block = super().exclusive(name, lease, wait=wait)
        self._kept = [*getattr(self, "_kept", ()), block]
        yield block.__enter__()
        block.__exit__(None, None, None)


class Trusting(MemoryStore):
    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        self._snapshots[key] = snapshot
        return snapshot


class Destroying(MemoryStore):
    def repair(self, key: str, lease: Lease) -> None:
        check_lease(lease, key)
        self._snapshots.pop(key, None)


class Locked(MemoryStore):
    def after_fork_in_child(self) -> None:
        before = getattr(self, "_changed", None)
        super().after_fork_in_child()
        if before is not None:
            self._changed.wait_for = lambda *_: False  # type: ignore[method-assign, assignment]


CASES: list[tuple[Callable[..., None], type[MemoryStore], tuple[Any, ...]]] = [
    (SUITE.test_keeps_every_attribute, Forgetful, ()),
    (SUITE.test_keeps_every_attribute, Rounding, ()),
    (SUITE.test_keeps_an_empty_list, Forgetful, ()),
    (SUITE.test_gives_the_same_object_until_another_is_published, Copying, ()),
    (SUITE.test_replaces_a_snapshot_as_a_whole, Uniting, ()),
    (SUITE.test_keeps_keys_apart, WithOneKey, ()),
    (SUITE.test_leaves_out_opt_outs_made_here, KeepingOptOuts, ()),
    (SUITE.test_a_reader_sees_one_snapshot_or_the_other, ByHalves, ()),
    (SUITE.test_keeps_a_failure_until_a_snapshot_is_published, Forgetful, ()),
    (SUITE.test_keeps_a_failure_until_a_snapshot_is_published, KeepingFailures, ()),
    *(
        (SUITE.test_tells_every_handle_of_a_change, broken, (change,))
        for broken in (Silent, Restless)
        for change in ("publish", "fail", "notify")
    ),
    (SUITE.test_a_change_is_in_force_before_it_is_told, Hasty, ()),
    (SUITE.test_a_name_has_one_holder, Open, ()),
    (SUITE.test_waits_for_another_holder, Impatient, (30.0,)),
    (SUITE.test_a_holder_that_fails_is_none_any_more, Leaking, ()),
    (SUITE.test_a_lost_lease_changes_nothing, Trusting, ()),
    (SUITE.test_never_serves_a_damaged_snapshot, MemoryStore, ([lambda _key: None],)),
    (SUITE.test_repairs_nothing_that_is_whole, Destroying, ()),
    (SUITE.test_serves_on_both_sides_of_a_fork, Locked, ()),
]


@pytest.mark.parametrize(("suite_test", "broken", "more"), CASES)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.slow
def test_a_broken_store_fails(
    suite_test: Callable[..., None], broken: type[MemoryStore], more: tuple[Any, ...]
) -> None:
    store = broken()
    offered = {"opening": lambda: store, "holders": (store, store), "lag": 0.0}
    further = iter(more)
    asked = inspect.signature(suite_test).parameters
    given = [offered[name] if name in offered else next(further) for name in asked]
    with pytest.raises((AssertionError, Held, pytest.fail.Exception)):
        suite_test(*given)
