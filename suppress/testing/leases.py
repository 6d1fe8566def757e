"""The suite of leases, which is a part of the suites of whatever has a method `exclusive`."""

import functools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from suppress.stores.contract import Held, Lease

NAME, OTHER_NAME = "sms-0123456789abcdef", "viber-fedcba9876543210"
LEASE = 30.0


class Holder(Protocol):
    """A handle through which a name can be held."""

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of the name while the block runs."""


class LeaseContract:
    """Tests of leases; a suite that has it as a base gives the fixture `holders`."""

    @pytest.fixture
    def holders(self) -> tuple[Holder, Holder]:
        """Return two handles of the same place: of two processes, or of two machines."""
        raise NotImplementedError("give a fixture named `holders`")

    @pytest.fixture
    def lag(self) -> float:
        """Return the seconds within which a handle sees what another one has changed."""
        return 0.0

    def test_a_name_has_one_holder(self, holders: tuple[Holder, Holder], lag: float) -> None:
        """Another handle, another thread and the holder itself are refused until it ends."""
        one, two = holders
        with one.exclusive(NAME, LEASE) as lease, ThreadPoolExecutor(1) as pool:
            assert lease.name == NAME
            lease.check()
            assert not is_free(two)
            assert not is_free(one)
            assert not pool.submit(is_free, one).result()
            with two.exclusive(OTHER_NAME, LEASE), two.exclusive("any other.name", LEASE):
                lease.check()
        for each in (two, one):
            assert soon(lag, functools.partial(is_free, each))

    def test_a_holder_that_fails_is_none_any_more(self, holders: tuple[Holder, Holder]) -> None:
        """An error ends the lease, and comes out as it is."""
        one, two = holders
        with pytest.raises(OSError, match="mine"), one.exclusive(NAME, LEASE):
            raise OSError("mine")
        with two.exclusive(NAME, LEASE):
            pass

    @pytest.mark.parametrize("wait", [30.0, math.inf])
    def test_waits_for_another_holder(self, holders: tuple[Holder, Holder], wait: float) -> None:
        """A holder is waited for as long as the caller asks."""
        one, two = holders
        begun, order = threading.Event(), []

        def waiting() -> None:
            begun.set()
            with two.exclusive(NAME, LEASE, wait=wait):
                order.append("second")

        with ThreadPoolExecutor(1) as pool:
            with one.exclusive(NAME, LEASE):
                second = pool.submit(waiting)
                assert begun.wait(30)
                with pytest.raises(Held), two.exclusive(NAME, LEASE, wait=0.1):
                    raise AssertionError("two holders")
                order.append("first")
            second.result()
        assert order == ["first", "second"]


def is_free(holder: Holder) -> bool:
    """Tell whether nobody holds the name."""
    try:
        with holder.exclusive(NAME, LEASE):
            return True
    except Held:
        return False


def soon(seconds: float, condition: Callable[[], bool]) -> bool:
    """Tell whether the condition holds within some seconds; now, for none."""
    until = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(0.005)
    return holds
