"""Keep messages from reaching people who asked not to get them."""

import importlib
import logging
from typing import TYPE_CHECKING

from suppress.default import (
    add,
    configure,
    default_suppressor,
    filter_recipients,
    forget,
    history,
    is_suppressed,
    keep_recent,
    refresh,
    remove,
    screen,
    status,
)
from suppress.errors import (
    ConfigurationError,
    InputError,
    InvalidArgument,
    InvalidNumber,
    InvalidSetting,
    Refused,
    SourceError,
    StopListUnavailable,
    StoreUnavailable,
    Suppressed,
    SuppressError,
    UnknownChannel,
)
from suppress.events import (
    Event,
    Listener,
    ListFailed,
    ListLoaded,
    OptOutsChanged,
    OptOutsDelivered,
    RecipientsScreened,
    SendBypassed,
)
from suppress.hookspecs import hookimpl
from suppress.numbers.column import Column
from suppress.numbers.e164 import normalize
from suppress.numbers.mask import mask, mask_numbers
from suppress.numbers.region import known_region
from suppress.opt_outs.contract import (
    Action,
    Backlog,
    Change,
    Changes,
    Destination,
    Overtaken,
    PendingChange,
    Record,
    RecordError,
    Replaced,
)
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.people import People, Person
from suppress.opt_outs.shared import SharedRecord
from suppress.ownership import warn_if_others_write
from suppress.printable import PrintableRecords
from suppress.screening.outcome import Decision, Outcome
from suppress.screening.receipt import Against, Receipt
from suppress.screening.screening import Screening
from suppress.serving.freshness import State
from suppress.serving.status import ChannelStatus, CopyStatus, Health, Status
from suppress.settings.folders import config_folder
from suppress.settings.secret import Secret
from suppress.settings.server_url import ServerUrl
from suppress.settings.settings import Settings
from suppress.sources import Progress, Source, TakesOptOuts
from suppress.stop_list.entries import Entries, Entry
from suppress.stop_list.forgotten import Forgotten, Trace
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Held, Lease, LeaseLost, StoreError
from suppress.stores.remote import PartGone, Remote
from suppress.suppressor import Suppressor
from suppress.version import __version__

if TYPE_CHECKING:
    from suppress import sql
    from suppress.bypasses import bypass
    from suppress.cli import command_line
    from suppress.exchange.bearer import BearerToken
    from suppress.exchange.exchange import Exchange, HttpAnswer
    from suppress.exchange.limits import ExchangeLimits
    from suppress.files.batch import Batch, Row, RowNumbers
    from suppress.files.lines import RowLimits
    from suppress.files.rows import Rows
    from suppress.followed import FollowedList
    from suppress.frames import filter_frame, screen_frame
    from suppress.guarded_sends import guard
    from suppress.host import register
    from suppress.pinned import PinnedList
    from suppress.replies import Reply, receive_reply
    from suppress.screening.campaign import Campaign, screen_rows
    from suppress.screening.max_invalid import MaxInvalid, TooManyInvalid
    from suppress.screening.report import CampaignReport
    from suppress.watched import Overview, Waiting, Watched

logging.getLogger("suppress").addFilter(PrintableRecords())

_LATER = {
    "suppress.bypasses": ("bypass",),
    "suppress.cli": ("command_line",),
    "suppress.exchange.bearer": ("BearerToken",),
    "suppress.exchange.exchange": ("Exchange", "HttpAnswer"),
    "suppress.exchange.limits": ("ExchangeLimits",),
    "suppress.files.batch": ("Batch", "Row", "RowNumbers"),
    "suppress.files.lines": ("RowLimits",),
    "suppress.files.rows": ("Rows",),
    "suppress.followed": ("FollowedList",),
    "suppress.frames": ("filter_frame", "screen_frame"),
    "suppress.guarded_sends": ("guard",),
    "suppress.host": ("register",),
    "suppress.pinned": ("PinnedList",),
    "suppress.replies": ("Reply", "receive_reply"),
    "suppress.screening.campaign": ("Campaign", "screen_rows"),
    "suppress.screening.max_invalid": ("MaxInvalid", "TooManyInvalid"),
    "suppress.screening.report": ("CampaignReport",),
    "suppress.watched": ("Overview", "Waiting", "Watched"),
}
"""Names that few programs need, by their module, which is imported when one is asked for."""

_MODULES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what not every program needs when it is asked for."""
    if name in ("replies", "sql"):
        return importlib.import_module(f"suppress.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, those that are imported later too."""
    return sorted({*globals(), *__all__})


__all__ = [
    "Action",
    "Against",
    "Backlog",
    "Batch",
    "BearerToken",
    "Campaign",
    "CampaignReport",
    "Change",
    "Changes",
    "ChannelStatus",
    "Column",
    "ConfigurationError",
    "CopyStatus",
    "Decision",
    "Destination",
    "Entries",
    "Entry",
    "Event",
    "Evidence",
    "Exchange",
    "ExchangeLimits",
    "Failure",
    "FollowedList",
    "Forgotten",
    "Health",
    "Held",
    "HttpAnswer",
    "InputError",
    "InvalidArgument",
    "InvalidNumber",
    "InvalidSetting",
    "Lease",
    "LeaseLost",
    "ListFailed",
    "ListLoaded",
    "Listener",
    "MaxInvalid",
    "OptOutsChanged",
    "OptOutsDelivered",
    "Origin",
    "Outcome",
    "Overtaken",
    "Overview",
    "PartGone",
    "PendingChange",
    "People",
    "Person",
    "PinnedList",
    "Progress",
    "Receipt",
    "RecipientsScreened",
    "Record",
    "RecordError",
    "Refused",
    "Remote",
    "Replaced",
    "Reply",
    "Row",
    "RowLimits",
    "RowNumbers",
    "Rows",
    "Screening",
    "Secret",
    "SendBypassed",
    "ServerUrl",
    "Settings",
    "SharedRecord",
    "Snapshot",
    "Source",
    "SourceError",
    "State",
    "Status",
    "StopListUnavailable",
    "StoreError",
    "StoreUnavailable",
    "SuppressError",
    "Suppressed",
    "Suppressor",
    "TakesOptOuts",
    "TooManyInvalid",
    "Trace",
    "UnknownChannel",
    "Waiting",
    "Watched",
    "__version__",
    "add",
    "bypass",
    "command_line",
    "config_folder",
    "configure",
    "default_suppressor",
    "filter_frame",
    "filter_recipients",
    "forget",
    "guard",
    "history",
    "hookimpl",
    "is_suppressed",
    "keep_recent",
    "known_region",
    "mask",
    "mask_numbers",
    "normalize",
    "receive_reply",
    "refresh",
    "register",
    "remove",
    "screen",
    "screen_frame",
    "screen_rows",
    "sql",
    "status",
    "warn_if_others_write",
]
