"""The settings of the plugin, and their bounds."""

from dataclasses import dataclass
from datetime import UTC, datetime

from suppress import InvalidSetting, Secret

ADDRESS = "https://api.telnyx.com"


@dataclass(frozen=True, kw_only=True)
class TelnyxSettings:
    """The table `[suppress.telnyx]` or `[suppress.telnyx.NAME]`.

    Each is also `TELNYX_` or `TELNYX_NAME_` and its name in the environment.

    Attributes:
        api_key: a key of the account, `KEY...`; a plain text will do.
        messaging_profile_id: the messaging profile whose opt-outs are read; None for all.
        sender: the sender whose opt-outs are read: a number, a name or a short code; None for
            all.
        created_from: the time from which on opt-outs are read, UTC unless it says otherwise;
            None for all.
        created_until: the time up to which opt-outs are read; None for all.
        channels: the channels on which these people must not be messaged.
        base_url: the address of the API.
        max_entries: how many opt-outs there may be, so that no server fills the memory.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        allow_http: take a `base_url` without TLS that is not on this machine.
    """

    api_key: Secret
    messaging_profile_id: str | None = None
    sender: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    channels: tuple[str, ...] = ("sms",)
    base_url: str = ADDRESS
    max_entries: int = 5_000_000
    timeout: float = 30.0
    allow_http: bool = False

    def __post_init__(self) -> None:
        # The one way to change a frozen instance.
        object.__setattr__(self, "api_key", Secret(Secret(self.api_key).reveal().strip()))
        if not _is_usable(self.api_key):
            raise InvalidSetting("api_key", "is empty or not an API key")
        for name in ("messaging_profile_id", "sender"):
            if getattr(self, name) == "":
                raise InvalidSetting(name, "is empty. Leave it out to read all")
        for name in ("created_from", "created_until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                object.__setattr__(self, name, moment.replace(tzinfo=UTC))
        if self.max_entries < 1:
            raise InvalidSetting("max_entries", "must be 1 or more")
        if not 0 < self.timeout <= 600:  # noqa: PLR2004
            raise InvalidSetting(
                "timeout", "must be a number of seconds, more than 0 and at most 600"
            )

    @property
    def filters(self) -> dict[str, str]:
        """The parameters of a request for the opt-outs that are read."""
        given = {
            "filter[messaging_profile_id]": self.messaging_profile_id,
            "filter[from]": self.sender,
            "created_at[gte]": _in_utc(self.created_from),
            "created_at[lte]": _in_utc(self.created_until),
        }
        return {name: text for name, text in given.items() if text is not None}


def _in_utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_usable(key: Secret) -> bool:
    return key.reveal() != "" and key.reveal().isascii() and key.reveal().isprintable()
