"""Records in the log of replies that are refused, few of them however many there are."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus

import suppress
from suppress_http.problems import RequestRefused

logger = logging.getLogger("suppress.http")


class Refusals:
    """Logs replies that are refused: each kind once, and then so often that it can be read.

    Anybody can send what is refused. `suppress_http_requests_total` counts all of it.

    Args:
        pause: seconds between two records of the same kind.
        clock: gives seconds that never run back.
    """

    def __init__(self, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._logged: dict[tuple[str, HTTPStatus], float] = {}
        self._since: Counter[tuple[str, HTTPStatus]] = Counter()

    @contextlib.contextmanager
    def noted(self, path: str) -> Iterator[None]:
        """Note an error that refuses a reply, and raise it again."""
        try:
            yield
        except RequestRefused as error:
            self.note(path, error.status, error.detail)
            raise

    def note(self, path: str, status: HTTPStatus, detail: str) -> None:
        """Log that a reply was refused, unless one of the kind was logged a moment ago.

        Args:
            path: the path of an endpoint; what strangers ask for makes no kind.
            status: the status of the answer.
            detail: what is wrong, and what to do.
        """
        kind, now = (path, status), self._clock()
        self._since[kind] += 1
        last = self._logged.get(kind)
        if last is not None and now - last < self._pause:
            return
        self._logged[kind] = now
        count = self._since.pop(kind)
        shown = suppress.mask_numbers(detail, 300)
        logger.warning(
            "%d refused at %s with %d: %s",
            count,
            path,
            status,
            shown,
            extra={
                "code": "reply_refused",
                "path": path,
                "status": int(status),
                "count": count,
                "error": shown,
            },
        )
