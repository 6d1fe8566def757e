"""The system checks: what cannot work is an error before anything is sent."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error

import suppress


def check_settings(**_options: Any) -> list[Error]:
    """Return an error if no stop list can be asked under the settings. No source is asked."""
    try:
        suppress.Suppressor(background=False)
    except suppress.SuppressError as error:
        return [_told(error, "E001", "Correct SUPPRESS, or the environment. ")]
    return []


def check_opt_outs(**_options: Any) -> list[Error]:
    """Return an error if the opt-outs that were made here cannot be read. No source is asked.

    A server may keep them, so this is a check for deployments.
    """
    try:
        suppressor = suppress.Suppressor(background=False)
    except suppress.SuppressError:
        return []  # `check_settings` has told of it
    try:
        suppressor.status()
    except suppress.SuppressError as error:
        return [_told(error, "E002")]
    return []


def _told(error: suppress.SuppressError, number: str, remedy: str = "") -> Error:
    return Error(
        suppress.mask_numbers(str(error)),
        hint=f"{remedy}Nothing is sent until then.",
        id=f"suppress.{number}",
    )
