"""The opt-outs at Telnyx as a source: requests, the schema of answers, and entries."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from suppress import (
    BearerToken,
    Entries,
    Exchange,
    HttpAnswer,
    Progress,
    SourceError,
    mask_numbers,
)
from suppress_telnyx.limits import DEFAULT_LIMITS, TelnyxLimits
from suppress_telnyx.paging import NumberedPage, read_whole
from suppress_telnyx.settings import TelnyxSettings

PATH = "/v2/messaging_optouts"

_Text = Annotated[str, Meta(max_length=250)]
_Count = Annotated[int, Meta(ge=0)]

_NEXT_STEP: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check {prefix}_API_KEY.",
    HTTPStatus.FORBIDDEN: "The key may not read opt-outs. Check {prefix}_API_KEY.",
    HTTPStatus.NOT_FOUND: "Check {prefix}_BASE_URL.",
    HTTPStatus.BAD_REQUEST: "Check the filters, such as {prefix}_SENDER.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Check the filters, such as {prefix}_SENDER.",
}


class OptOutBlock(msgspec.Struct, frozen=True, gc=False, rename={"sender": "from"}):
    """An opt-out as the API gives it; all of it together is one that comes only once."""

    to: Annotated[str, Meta(min_length=1, max_length=250)]
    created_at: _Text
    sender: _Text | None = None
    messaging_profile_id: _Text | None = None
    keyword: _Text | None = None


class _PageMeta(msgspec.Struct, frozen=True):
    page_number: _Count
    page_size: Annotated[int, Meta(ge=1)]
    total_results: _Count
    total_pages: _Count | None = None


class _BlockListing(msgspec.Struct, frozen=True):
    data: list[OptOutBlock]
    meta: _PageMeta


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""


class _Problems(msgspec.Struct, frozen=True):
    errors: list[_Problem] = []


_decode_listing = msgspec.json.Decoder(_BlockListing).decode
_decode_problems = msgspec.json.Decoder(_Problems).decode


class TelnyxSource:
    """Reads the opt-outs of an account from Telnyx's API.

    Args:
        settings: the account, and which of its opt-outs to read.
        name: the source's name.
        load_timeout: seconds after which `load` has ended, with or without success.
        limits: the limits of requests and of the reading of the list.

    Raises:
        ConfigurationError: the base URL cannot be used.
    """

    def __init__(
        self,
        settings: TelnyxSettings,
        *,
        name: str = "telnyx",
        load_timeout: float = 600.0,
        limits: TelnyxLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self._prefix = name.upper().replace(".", "_").replace("-", "_")
        self.channels = frozenset(settings.channels)
        account = hashlib.sha256(settings.api_key.reveal().encode()).hexdigest()
        self.identity = f"{settings.base_url} {account} {sorted(settings.filters.items())}"
        self._settings = settings
        self._load_timeout = load_timeout
        self._limits = limits
        self._exchange()  # refuses an address that cannot work

    def load(self, channels: frozenset[str], progress: Progress) -> Iterator[Entries]:
        """Read all opt-outs that pass the filters, each for all of the channels.

        Raises:
            SourceError: the list cannot be read whole.
        """
        with self._exchange() as exchange:
            found = read_whole(
                partial(self._page, exchange), progress=progress, limits=self._limits
            )
        yield Entries(
            numbers=[each.to for each in found],
            channels=channels,
            added_at=[_time(each.created_at) for each in found],
        )

    def _page(self, exchange: Exchange, number: int) -> NumberedPage[OptOutBlock]:
        what = f"page {number} of the opt-outs"
        answer = exchange.request(
            "GET",
            PATH,
            what,
            params={
                **self._settings.filters,
                # Redacted numbers would suppress nobody.
                "redaction_enabled": "false",
                "page[number]": number,
                "page[size]": self._limits.page_size,
            },
            auth=BearerToken(self._settings.api_key),
        )
        listing = self._decoded(answer, what)
        meta = listing.meta
        if meta.page_number != number:
            raise SourceError(f"Telnyx answered {what} with page {meta.page_number}.")
        pages = -(-meta.total_results // meta.page_size)
        if meta.total_pages not in (None, pages, max(pages, 1)):
            raise SourceError(
                f"Telnyx answered {what} with {meta.total_results:,} opt-outs in all, but "
                f"{meta.total_pages:,} pages of {meta.page_size}."
            )
        if meta.total_results > self._settings.max_entries:
            raise SourceError(
                f"There are {meta.total_results:,} opt-outs, but "
                f"{self._prefix}_MAX_ENTRIES allows "
                f"{self._settings.max_entries:,}. Set it higher if there is enough memory."
            )
        if any("*" in each.to for each in listing.data):
            raise SourceError(
                "Telnyx redacts the numbers of opt-outs, so nobody can be told by them. Turn off "
                "the redaction of numbers for this account or key."
            )
        return NumberedPage(number, meta.page_size, meta.total_results, listing.data)

    def _decoded(self, answer: HttpAnswer, what: str) -> _BlockListing:
        if answer.status != HTTPStatus.OK:
            raise SourceError(self._refusal(answer, what))
        try:
            return _decode_listing(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = str(error)
        # Raised outside: the error in its context would have frames that hold the answer.
        raise SourceError(f"The answer to {what} is not what was expected: {fault}.")

    def _refusal(self, answer: HttpAnswer, what: str) -> str:
        try:
            problems = _decode_problems(answer.body).errors
        except (msgspec.DecodeError, UnicodeDecodeError):
            problems = []
        said = next((each.detail or each.title for each in problems), "")
        said = mask_numbers(said.replace(self._settings.api_key.reveal(), "***"), 200)
        next_step = _NEXT_STEP.get(answer.status, "Try again later.")
        return (
            f"Telnyx answered {what} with status {answer.status}{f' ({said})' if said else ''}. "
            f"{next_step.format(prefix=self._prefix)}"
        )

    def _exchange(self) -> Exchange:
        return Exchange(
            self._settings.base_url,
            connections=1,
            timeout=self._settings.timeout,
            load_timeout=self._load_timeout,
            allow_http=self._settings.allow_http,
            prefix=self._prefix,
            table=f"suppress.{self.name}",
            limits=self._limits,
        )


def _time(text: str) -> datetime | None:
    """Return the time in a text; None where it is none, since a number counts without it."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
