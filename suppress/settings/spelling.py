"""Misspelt names of settings: each is an error that names the right one."""

from collections.abc import Callable, Collection, Iterable

from suppress.errors import ConfigurationError

SHORT = 6
"""Letters of a name below which a single edit counts as a misspelling, and two do not."""


def refuse_unknown(values: Iterable[str], known: Collection[str], where: str) -> None:
    """Refuse a setting that is not known.

    Args:
        values: the names of the settings that are given.
        known: the settings that there are.
        where: the place of the given ones, such as `in the table [suppress]`.

    Raises:
        ConfigurationError: one is unknown; the message names the nearest that is known.
    """
    for name in values:
        if name not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - needed for an error alone

            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
            raise ConfigurationError(f"Unknown setting {name!r} {where}. {hint}")


def refuse_misspelt(
    variables: Iterable[str],
    prefix: str,
    known: Iterable[str],
    others: Callable[[], Iterable[str]],
) -> None:
    """Refuse an environment variable that is nearly that of a setting.

    Any other variable may belong to another program or to a plugin, and is passed over.

    Args:
        variables: the names of all variables.
        prefix: the beginning of the settings' variables, up to the underscore.
        known: the settings.
        others: gives the prefixes of plugins; called only if a variable looks misspelt.

    Raises:
        ConfigurationError: a variable is misspelt; the message names the setting.
    """
    names = [each.upper() for each in known]
    for variable in variables:
        name = variable.removeprefix(f"{prefix}_")
        if name == variable or name in names:
            continue
        for near in names:
            if edits(name, near) <= (1 if len(near) < SHORT else 2):
                if is_of_another(variable, prefix, others()):
                    break
                raise ConfigurationError(
                    f"Unknown environment variable {variable}. Did you mean {prefix}_{near}?"
                )


def edits(one: str, other: str) -> int:
    """Return the number of edits between two names.

    An edit adds, drops or replaces a letter, or swaps it with the next one.
    """
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


def is_of_another(variable: str, prefix: str, others: Iterable[str]) -> bool:
    """Tell whether a variable of the prefix belongs to a plugin with a longer prefix."""
    return any(
        variable.startswith(f"{other}_") for other in others if other.startswith(f"{prefix}_")
    )
