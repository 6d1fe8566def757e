"""The endpoints of the sandbox, from a request to the content of its answer."""

import operator
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta

from suppress_bsg.sandbox.admission import Throttle, Tokens
from suppress_bsg.sandbox.request import Refusal, Request, decode, filter_of, one_of, page_of, whole
from suppress_bsg.sandbox.search import Criterion, criteria_of, test_of
from suppress_bsg.sandbox.stop_list import (
    HIGHEST_PHONE,
    LOWEST_PHONE,
    Channel,
    SandboxEntry,
    SandboxList,
)


class _Login(msgspec.Struct):
    api_key: str


class _Attach(msgspec.Struct):
    phones: Annotated[
        list[Annotated[int, Meta(ge=LOWEST_PHONE, le=HIGHEST_PHONE)]], Meta(max_length=1000)
    ]
    types: Annotated[list[Channel], Meta(min_length=1)]


class _Detach(msgspec.Struct):
    ids: Annotated[list[int], Meta(max_length=200)]
    types: Annotated[list[Channel], Meta(min_length=1)]


def _entry(row: SandboxEntry) -> dict[str, object]:
    return {
        "id": row.id,
        "phone": row.phone,
        "created_at": row.created_at,
        "sms_stoplist": "sms" in row.channels,
        "viber_stoplist": "viber" in row.channels,
        "rcs_stoplist": "rcs" in row.channels,
    }


class Service:
    """The endpoints, from a request to the content of its answer."""

    def __init__(
        self, stop_list: SandboxList, tokens: Tokens, throttle: Throttle, api_key: str | None
    ) -> None:
        self._stop_list = stop_list
        self._tokens = tokens
        self._throttle = throttle
        self._api_key = api_key

    def answer(self, request: Request) -> object:
        """Return the content of the answer.

        Raises:
            Refusal: the answer is not 200.
        """
        methods = ROUTES.get(request.path)
        if methods is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not found.")
        endpoint = methods.get(request.method)
        if endpoint is None:
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed.", Allow=", ".join(methods)
            )
        if request.path not in _OPEN:
            self._tokens.check(request.token)
        if not self._throttle.admits(request):
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many duplicate request detected")
        return endpoint(self, request)

    def login(self, request: Request) -> object:
        """`POST /api/auth/login`."""
        key = decode(request.body, _Login).api_key
        right = (
            key.startswith(("live_", "test_")) if self._api_key is None else key == self._api_key
        )
        if not right:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "The API key is wrong.")
        return {"bearer": self._tokens.issue()}

    def refresh(self, _request: Request) -> object:
        """`POST /api/auth/refresh`."""
        return {"bearer": self._tokens.issue()}

    def listing(self, request: Request) -> object:
        """`GET /api/stoplist`."""
        query = parse_qs(request.query, keep_blank_values=True)
        limit, offset = page_of(query, default_limit=30)
        with self._stop_list.reading(filter_of(query)) as rows:
            data = [_entry(row) for row in rows[offset : offset + limit]]
            return {"data": data, "total": len(rows)}

    def attach(self, request: Request) -> object:
        """`POST /api/stoplist/attach`."""
        wanted = decode(request.body, _Attach)
        rows = self._stop_list.attach(wanted.phones, wanted.types)
        return {"data": [_entry(row) for row in rows]}

    def detach(self, request: Request) -> object:
        """`POST /api/stoplist/detach`."""
        wanted = decode(request.body, _Detach)
        self._stop_list.detach(wanted.ids, wanted.types)
        return {"success": True}

    def search(self, request: Request) -> object:
        """`GET /api/stoplist/search`."""
        query = parse_qs(request.query, keep_blank_values=True)
        limit, offset = page_of(query, default_limit=50)
        whole(query.get("contact_group_id", ["0"])[-1], "contact_group_id")
        key = operator.attrgetter(one_of(query, "sort", ("id", "phone")))
        descending = one_of(query, "way", ("asc", "desc")) == "desc"
        criteria = criteria_of(query)
        tests = [test_of(criterion) for criterion in criteria.values()]
        with self._stop_list.reading() as rows:
            found = [row for row in rows if all(test(row) for test in tests)]
            found.sort(key=key, reverse=descending)
            data = [_entry(row) for row in found[offset : offset + limit]]
        page = {"limit": limit, "offset": offset, "total": len(found)}
        return {
            "data": data,
            "meta": {"page": page, "search": criteria.get("search", Criterion())},
        }


_OPEN: Final = frozenset({"/api/auth/login"})
ROUTES: Final[dict[str, dict[str, Callable[[Service, Request], object]]]] = {
    "/api/auth/login": {"POST": Service.login},
    "/api/auth/refresh": {"POST": Service.refresh},
    "/api/stoplist": {"GET": Service.listing},
    "/api/stoplist/attach": {"POST": Service.attach},
    "/api/stoplist/detach": {"POST": Service.detach},
    "/api/stoplist/search": {"GET": Service.search},
}
