"""The exit status of each error, and of each way to end a command early.

| status | meaning |
|--------|---------|
| 0      | done; for `check`: allowed; for `status --check`: every list may serve |
| 1      | for `check`: suppressed; for `status --check`: a list is stale; for `verify`: something differs, or is too old |
| 2      | the command was called wrongly, or the settings are wrong |
| 3      | the stop list is unavailable: nothing was written; for `status --check`: a list is missing, expired or failing |
| 4      | the input cannot be read; for `check`: not a phone number |
| 5      | the output cannot be written, or an opt-out cannot be kept |
| 6      | more are invalid than `--max-invalid` allows: nothing was written |
| 129    | ended because its terminal was closed |
| 130    | ended by Ctrl-C |
| 141    | ended because nobody reads the output any more |
| 143    | ended by SIGTERM |
"""  # noqa: E501 - a table has a row a line

from suppress.cli.printing import OutputError
from suppress.errors import (
    InputError,
    InvalidNumber,
    StopListUnavailable,
    StoreUnavailable,
    SuppressError,
)
from suppress.screening.max_invalid import TooManyInvalid

OF_ERRORS: tuple[tuple[type[SuppressError], int], ...] = (
    (StopListUnavailable, 3),
    (InputError, 4),
    (InvalidNumber, 4),
    (OutputError, 5),
    (StoreUnavailable, 5),
    (TooManyInvalid, 6),
    (SuppressError, 2),
)
"""The first row whose class fits an error has its status."""

HUNG_UP = 129
INTERRUPTED = 130
NOBODY_READS = 141
TERMINATED = 143


def status_of(error: SuppressError) -> int:
    """Return the exit status of an error."""
    return next(status for kind, status in OF_ERRORS if isinstance(error, kind))
