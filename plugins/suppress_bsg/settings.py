"""The settings of the plugin, and their bounds."""

from dataclasses import dataclass

from suppress import InvalidSetting, Secret
from suppress_bsg.kept_key import ADDRESS

CHANNELS = ("sms", "viber", "rcs", "whatsapp")
"""The channels of the API."""

MAX_IN_FLIGHT = 32


@dataclass(frozen=True, kw_only=True)
class BsgSettings:
    """The table `[suppress.bsg]`, or `[suppress.bsg.NAME]` for another account.

    Each is also `BSG_` or `BSG_NAME_` and its name in the environment.

    Attributes:
        api_key: the account's key, `live_...` or `test_...`; a plain text will do.
        base_url: the address of the API.
        channels: the stop lists to read, of sms, viber, rcs and whatsapp. All of the vendor's
            documentation has the first two.
        pages_in_flight: how many pages are fetched at once.
        max_entries: how many entries a stop list may have, so that no server fills the memory.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        allow_http: take a `base_url` without TLS that is not on this machine.
    """

    api_key: Secret
    base_url: str = ADDRESS
    channels: tuple[str, ...] = ("sms", "viber")
    pages_in_flight: int = 8
    max_entries: int = 5_000_000
    timeout: float = 30.0
    allow_http: bool = False

    def __post_init__(self) -> None:
        # The one way to change a frozen instance.
        object.__setattr__(self, "api_key", Secret(self.api_key))
        for channel in self.channels:
            if channel not in CHANNELS:
                raise InvalidSetting(
                    "channels",
                    f"has {channel!r}, which is no channel of BSG. Its channels: "
                    f"{', '.join(CHANNELS)}",
                )
        if not 1 <= self.pages_in_flight <= MAX_IN_FLIGHT:
            raise InvalidSetting("pages_in_flight", f"must be from 1 to {MAX_IN_FLIGHT}")
        if self.max_entries < 1:
            raise InvalidSetting("max_entries", "must be 1 or more")
        if not 0 < self.timeout <= 600:  # noqa: PLR2004
            raise InvalidSetting(
                "timeout", "must be a number of seconds, more than 0 and at most 600"
            )
