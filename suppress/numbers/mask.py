"""What may be shown of a number."""

import re


def mask(number: object) -> str:
    """What may be shown of a number, or of a text with numbers in it, in errors and logs.

    Of every run of seven digits or more (separators between them do not end a run) the
    first three and the last two stay.
    """
    if isinstance(number, str):
        text = str.__str__(number)  # not what a subclass prints
    else:
        text = str(number) if isinstance(number, int) else type(number).__name__

    def hide(match: re.Match[str]) -> str:
        run = re.sub(r"\D", "", match[0])
        return f"{run[:3]}{'*' * (len(run) - 5)}{run[-2:]}"

    return re.sub(r"\d(?:[^\w,;]{0,3}\d){6,}", hide, text)
