"""Keep messages from reaching people who asked not to get them."""

from suppress.default import (
    default_suppressor,
    filter_recipients,
    is_suppressed,
    refresh,
    screen,
)
from suppress.errors import (
    ConfigurationError,
    InputError,
    InvalidNumber,
    SourceError,
    StopListUnavailable,
    SuppressError,
    UnknownChannel,
)
from suppress.hookspecs import hookimpl
from suppress.host import register
from suppress.numbers import known_region, mask, normalize
from suppress.rows import Row, Rows
from suppress.screening import Decision, Outcome, Screening
from suppress.settings import Settings
from suppress.snapshot import Entry, Snapshot
from suppress.sources import Progress, Source
from suppress.suppressor import Suppressor

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "Decision",
    "Entry",
    "InputError",
    "InvalidNumber",
    "Outcome",
    "Progress",
    "Row",
    "Rows",
    "Screening",
    "Settings",
    "Snapshot",
    "Source",
    "SourceError",
    "StopListUnavailable",
    "SuppressError",
    "Suppressor",
    "UnknownChannel",
    "__version__",
    "default_suppressor",
    "filter_recipients",
    "hookimpl",
    "is_suppressed",
    "known_region",
    "mask",
    "normalize",
    "refresh",
    "register",
    "screen",
]
