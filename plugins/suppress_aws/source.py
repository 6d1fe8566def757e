"""The opt-out lists of AWS End User Messaging as a source, which may take opt-outs."""

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from suppress import Entries, Progress, Refused, SourceError, mask
from suppress_aws.account import Account
from suppress_aws.failures import in_words, is_of_number
from suppress_aws.settings import AwsSettings

T = TypeVar("T")

ATTEMPTS = 10
"""The most times that a request is sent, with growing pauses, unless AWS_MAX_ATTEMPTS is set."""

PAGE_SIZE = 100
"""The numbers of a page: the service gives no more."""

BATCH_ROWS = 10_000
"""The numbers that are handed on together, at least, unless a list ends before."""

_REFUSED_TO_PUT = frozenset({"ValidationException"})
_REFUSED_TO_DELETE = frozenset({"ConflictException", "ValidationException"})
"""Errors that the same call would meet again."""


class AwsSource:
    """Reads opt-out lists of AWS End User Messaging.

    Credentials, the region, proxies and certificates are found in boto3's own ways.

    Args:
        settings: the lists, and where they are.
        name: the source's name.

    Raises:
        ConfigurationError: the profile is unknown, or there is no region.
    """

    def __init__(self, settings: AwsSettings, *, name: str = "aws") -> None:
        self.name = name
        self._names = f"SUPPRESS_{name.upper().replace('.', '_').replace('-', '_')}"
        self._settings = settings
        self._account = Account(settings, self._names)
        self._lists = settings.channels_of
        self.channels = frozenset(itertools.chain.from_iterable(self._lists.values()))
        self.identity = " ".join(
            [
                *(settings.endpoint_url or "", self._account.region, self._account.digest),
                *(f"{each}={','.join(sorted(self._lists[each]))}" for each in sorted(self._lists)),
            ]
        )

    def load(self, channels: frozenset[str], progress: Progress) -> Iterator[Entries]:
        """Read the lists of the channels, one after the other.

        Raises:
            SourceError: a list cannot be read whole.
        """
        count = 0
        with contextlib.closing(self._client()) as client:
            for name in self._of(channels):
                numbers: list[str] = []
                times: list[datetime | None] = []
                for page in self._pages(client, name):
                    numbers += [each["OptedOutNumber"] for each in page]
                    times += [each.get("OptedOutTimestamp") for each in page]
                    count += len(page)
                    progress(count, None)
                    if len(numbers) >= BATCH_ROWS:
                        yield self._entries(name, numbers, times)
                        numbers, times = [], []
                yield self._entries(name, numbers, times)

    def _entries(
        self, name: str, numbers: Sequence[str], times: Sequence[datetime | None]
    ) -> Entries:
        return Entries(
            numbers=numbers,
            channels=self._lists[name],
            ids=[_short(name)] * len(numbers),
            added_at=times,
            id_word="list",
        )

    def _pages(self, client: Any, name: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Give the numbers of a list, page by page.

        Raises:
            SourceError: a page cannot be read, or is not one of that list.
        """
        what = f"reading the opt-out list {_short(name)}"
        pages = iter(
            client.get_paginator("describe_opted_out_numbers").paginate(
                OptOutListName=name, PaginationConfig={"PageSize": PAGE_SIZE}
            )
        )
        while (page := self._called(what, lambda: next(pages, None))) is not None:
            found = page.get("OptedOutNumbers")
            if found is None or any(not each.get("OptedOutNumber") for each in found):
                raise SourceError(
                    f"AWS answered {what} with something else than opted-out numbers. "
                    "Try again later."
                )
            if name not in (page.get("OptOutListArn", name), page.get("OptOutListName", name)):
                raise SourceError(f"AWS answered {what} with another list. Try again later.")
            yield found

    def _of(self, channels: Collection[str]) -> list[str]:
        """Return the names of the lists that have one of the channels."""
        return [name for name, own in self._lists.items() if not own.isdisjoint(channels)]

    def _client(self) -> Any:
        # A client is safe neither over a fork nor while another thread makes one.
        config = Config(
            connect_timeout=self._settings.timeout,
            read_timeout=self._settings.timeout,
            retries=None
            if self._account.has_attempts
            else {"mode": "standard", "total_max_attempts": ATTEMPTS},
        )

        def made() -> Any:
            session = boto3.session.Session(profile_name=self._settings.profile)
            return session.client(
                "pinpoint-sms-voice-v2",
                region_name=self._account.region,
                endpoint_url=self._settings.endpoint_url,
                config=config,
            )

        return self._called("a connection", made)

    def _called(self, what: str, call: Callable[[], T], *, refused: Collection[str] = ()) -> T:
        """Call AWS, and raise an error of ours where it fails."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - of an odd answer, boto3 raises anything
            failure = in_words(error, what, self._names, refused)
        # Raised outside: the error in its context would have frames that hold the request.
        raise failure


class AwsSourceAndTaker(AwsSource):
    """Reads opt-out lists of AWS End User Messaging, and delivers opt-outs to them.

    A number is put on every list of its channel. Taken off is only what was put there by hand:
    who opted out by a message has to opt in by a message.
    """

    add_at_once = 20
    remove_at_once = 20

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Put numbers on all lists of a channel.

        Args:
            numbers: E.164 texts, `add_at_once` at most.
            channel: one of the served channels.

        Raises:
            Refused: AWS will never take one of the numbers.
            SourceError: it is not certain that it was done.
        """
        with contextlib.closing(self._client()) as client:
            for name, number in itertools.product(self._of({channel}), numbers):
                self._called(
                    f"putting {mask(number)} on the opt-out list {_short(name)}",
                    partial(
                        client.put_opted_out_number, OptOutListName=name, OptedOutNumber=number
                    ),
                    refused=_REFUSED_TO_PUT,
                )

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take numbers off all lists of a channel.

        Args:
            numbers: E.164 texts, `remove_at_once` at most; their ids do not matter.
            channel: one of the served channels.

        Raises:
            Refused: one of them opted out by a message, or AWS does not let it go, such as
                within thirty days of the last time.
            SourceError: it is not certain that it was done.
        """
        with contextlib.closing(self._client()) as client:
            found = [
                (name, number)
                for name, number in itertools.product(self._of({channel}), numbers)
                if self._is_put_by_hand(client, name, number)
            ]
            for name, number in found:
                self._called(
                    f"taking {mask(number)} off the opt-out list {_short(name)}",
                    partial(_delete, client, name, number),
                    refused=_REFUSED_TO_DELETE,
                )

    def _is_put_by_hand(self, client: Any, name: str, number: str) -> bool:
        """Tell whether a number is on a list; refuse one whose owner put it there."""

        def ask() -> Any:
            try:
                return client.describe_opted_out_numbers(
                    OptOutListName=name, OptedOutNumbers=[number]
                )
            except ClientError as error:
                if is_of_number(error):
                    return {}
                raise

        found = self._called(f"looking for {mask(number)} on {_short(name)}", ask)
        listed = found.get("OptedOutNumbers", ())
        if any(each.get("EndUserOptedOut") is not False for each in listed):
            raise Refused(
                f"{mask(number)} opted out by a message to you, so AWS keeps it on the opt-out "
                f"list {_short(name)}. Its owner can opt in by a message such as START."
            )
        return bool(listed)


def _delete(client: Any, name: str, number: str) -> None:
    try:
        client.delete_opted_out_number(OptOutListName=name, OptedOutNumber=number)
    except ClientError as error:
        if not is_of_number(error):
            raise


def _short(name: str) -> str:
    """Return the name of a list, without the rest of its ARN."""
    return name.rpartition("/")[2]
