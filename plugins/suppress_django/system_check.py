"""The system check: settings that cannot work are an error before anything is sent."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error

import suppress


def check_settings(**_options: Any) -> list[Error]:
    """Return an error if no stop list can be asked under the settings. No source is asked."""
    try:
        suppress.Suppressor(background=False)
    except suppress.SuppressError as error:
        return [
            Error(
                suppress.mask_numbers(str(error)),
                hint="Correct SUPPRESS, or the environment. Nothing is sent until then.",
                id="suppress.E001",
            )
        ]
    return []
