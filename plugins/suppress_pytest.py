"""The plugin for pytest: fixtures for a stop list in place of the default one.

It stands beside the package, and imports it only for tests that use one: pytest loads
this module in every run.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import suppress.testing


@pytest.fixture(name="suppress_stop_list")
def _by_long_name() -> Iterator[Callable[..., suppress.testing.Replacement]]:
    """Put a stop list in place of the default one until the test ends.

    Call it as `suppress.testing.stop_list`, of which it returns what that yields; a later call
    takes the place of an earlier one.
    """
    from suppress import testing  # noqa: PLC0415 - takes its time

    with contextlib.ExitStack() as stack:
        yield lambda **given: stack.enter_context(testing.stop_list(**given))


@pytest.fixture
def stop_list(
    suppress_stop_list: Callable[..., suppress.testing.Replacement],
) -> Callable[..., suppress.testing.Replacement]:
    """Put a stop list in place of the default one: `suppress_stop_list` by its short name.

    A fixture of your own with this name wins.
    """
    return suppress_stop_list
