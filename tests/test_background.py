"""A task that is repeated in the background."""

import threading

import pytest

from support.builders import wait_for
from suppress.background import Background


class Owner:
    """Has something done in the background that fails."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error
        self.steps = threading.Semaphore(0)
        self.background = Background(self.step)

    def step(self) -> float:
        self.steps.release()
        raise self.error


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_the_background_survives_what_fails_in_it(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner(error)
    for _ in range(3):
        owner.background.wake()
        assert owner.steps.acquire(timeout=10)
        wait_for(lambda: "A background task of suppress has failed" in caplog.text)
        caplog.clear()
