"""Names of settings that are nearly right: a misspelt setting must not be passed over."""

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from suppress.errors import ConfigurationError

SHORT = 6
"""In a name with fewer letters one edit makes another word; in a longer one it takes more."""


def refuse_unknown(values: Mapping[str, Any], known: Collection[str], table: str) -> None:
    """Refuse a setting of a table that is not known.

    Raises:
        ConfigurationError: there is one; the message names the nearest that is known.
    """
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
            raise ConfigurationError(
                f"The setting {name!r} of the table {table} is unknown. {hint}"
            )


def refuse_misspelt(
    variables: Iterable[str],
    prefix: str,
    known: Iterable[str],
    others: Callable[[], Iterable[str]],
) -> None:
    """Refuse an environment variable that is nearly that of a setting.

    Any other variable may be another program's, or that of a plugin, and is passed over.

    Args:
        variables: the names of all variables.
        prefix: what the variables of the settings begin with, up to the underscore.
        known: the settings.
        others: gives the prefixes of plugins; asked only where there is one to refuse.

    Raises:
        ConfigurationError: there is one; the message names the setting.
    """
    names = [each.upper() for each in known]
    for variable in variables:
        name = variable.removeprefix(f"{prefix}_")
        if name == variable or name in names:
            continue
        for near in names:
            if edits(name, near) <= (1 if len(near) < SHORT else 2):
                if _is_of_another(variable, prefix, others()):
                    break
                raise ConfigurationError(
                    f"Unknown environment variable {variable}. Did you mean {prefix}_{near}?"
                )


def edits(one: str, other: str) -> int:
    """Return how many letters to add, drop, replace or swap with the next make one the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one):
        last, before, row = before, row, [place + 1]
        for column, wanted in enumerate(other):
            replaced = before[column] + (letter != wanted)
            least = min(row[column] + 1, before[column + 1] + 1, replaced)
            if place and column and (letter, wanted) == (other[column - 1], one[place - 1]):
                least = min(least, last[column - 1] + 1)
            row.append(least)
    return row[-1]


def _is_of_another(variable: str, prefix: str, others: Iterable[str]) -> bool:
    return any(
        variable.startswith(f"{other}_") for other in others if other.startswith(f"{prefix}_")
    )
