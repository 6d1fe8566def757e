"""The validator of forms and models: a number that may be messaged on a channel."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

import suppress

logger = logging.getLogger("suppress")


@deconstructible
class NotSuppressed:
    """Accepts a phone number that may be messaged on a channel, for fields of forms and models.

    It also takes the values of django-phonenumber-field. It judges the moment; guard the send as
    well, since a person may opt out later. On a field of a model it judges again whenever a form
    saves the object, so it fits a form's field better. Its answer tells whoever sees the form
    that somebody opted out: on a page for everybody, leave it out.

    Args:
        channel: the channel.
        default_region: as for `suppress.filter_recipients`.
        messages: texts for the person who fills in the form, in the place of those for the codes
            `suppressed`, `invalid` and `unavailable`.

    Raises:
        ValidationError: when called: the number is listed, is not a phone number, or nobody can
            tell now, with one of these codes.
        ConfigurationError, UnknownChannel: when called: the settings or the channel are wrong.
    """

    messages = {  # noqa: RUF012 - copied, never changed
        "suppressed": _("Messages cannot be sent to this number."),
        "invalid": _("Enter a valid phone number."),
        "unavailable": _("This number cannot be checked at the moment. Try again later."),
    }

    def __init__(
        self,
        channel: str,
        *,
        default_region: str | None = None,
        messages: dict[str, Any] | None = None,
    ) -> None:
        self.channel = channel
        self.default_region = default_region
        self.messages = {**self.messages, **(messages or {})}

    def __call__(self, value: Any) -> None:
        """Raise a `ValidationError` unless the number may be messaged."""
        try:
            code = (
                "suppressed"
                if suppress.is_suppressed(value, self.channel, default_region=self.default_region)
                else None
            )
        except suppress.InvalidNumber:
            code = "invalid"
        except suppress.SuppressError as error:
            if not error.retryable:
                raise
            if self._is_invalid(value):
                raise ValidationError(self.messages["invalid"], code="invalid") from None
            logger.warning(
                "A form refuses a number that cannot be checked: %s",
                error,
                extra={"code": "form_unchecked", "channel": self.channel, "error": str(error)},
            )
            code = "unavailable"
        if code is not None:
            raise ValidationError(self.messages[code], code=code)

    def _is_invalid(self, value: Any) -> bool:
        """Return whether no list could make a value a number that may be messaged."""
        reader = suppress.default_suppressor().reader(self.default_region)
        return reader.read(value).problem is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotSuppressed) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.channel, self.default_region))
