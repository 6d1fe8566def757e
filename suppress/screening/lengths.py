"""Lengths of time in words."""


def spoken(seconds: float) -> str:
    """Return a length of time in words, such as `2 h 5 min`."""
    if seconds < 0:
        return "from the future"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if days:
        return f"{days} day{'s' * (days != 1)} {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds) % 60} s" if minutes else f"{int(seconds)} s"
