"""Statuses that the API answers a request with, and what to do about them."""

from collections.abc import Mapping

REFUSED_STATUSES = frozenset({400, 409, 413, 422})
"""Statuses that the same request would get again: its content is not accepted."""

NEXT_STEP: Mapping[int, str] = {
    401: "The token was refused twice. Check BSG_API_KEY.",
    403: "The key may not read the stop list. Check BSG_API_KEY.",
    404: "Check BSG_BASE_URL.",
    429: "Too many requests: lower BSG_PAGES_IN_FLIGHT, or try again later.",
}
