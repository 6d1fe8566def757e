"""The settings of the plugin, and their bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from suppress import InvalidSetting

_LIST = re.compile(r"[A-Za-z0-9_:/-]{1,256}")


@dataclass(frozen=True, kw_only=True)
class AwsSettings:
    """The table `[suppress.aws]` or `[suppress.aws.NAME]`.

    Each is also `SUPPRESS_AWS_` or `SUPPRESS_AWS_NAME_` and its name.

    Attributes:
        lists: the opt-out lists to read, by name or ARN; or a table of them, each with its
            channels.
        channels: the channels on which the people of all lists must not be messaged; `sms`
            unless given.
        region: the AWS region; None for that of the environment or the profile.
        profile: the profile of the AWS configuration; None for the usual one.
        endpoint_url: the address of the service; None for that of the region.
        take_opt_outs: whether opt-outs that are made here are put on the lists as well.
        timeout: seconds to wait for a connection, and for each piece of an answer.
    """

    lists: tuple[str, ...] | dict[str, tuple[str, ...]]
    channels: tuple[str, ...] | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    take_opt_outs: bool = True
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if not self.lists:
            raise InvalidSetting("lists", "names no list")
        for name in self.lists:
            if not _LIST.fullmatch(name):
                raise InvalidSetting(
                    "lists", f"has {name!r}, which is not the name or the ARN of an opt-out list"
                )
        if isinstance(self.lists, dict) and self.channels is not None:
            raise InvalidSetting(
                "channels", "cannot be set beside `lists` with channels of their own"
            )
        for name, channels in self.channels_of.items():
            if not channels:
                raise InvalidSetting("lists", f"gives the list {name!r} no channel")
        if not 0 < self.timeout <= 600:  # noqa: PLR2004
            raise InvalidSetting(
                "timeout", "must be a number of seconds, more than 0 and at most 600"
            )

    @property
    def channels_of(self) -> Mapping[str, frozenset[str]]:
        """The channels of each list."""
        if isinstance(self.lists, dict):
            return {name: frozenset(channels) for name, channels in self.lists.items()}
        channels = ("sms",) if self.channels is None else self.channels
        return dict.fromkeys(self.lists, frozenset(channels))
