"""A server on loopback that answers as Telnyx's API does, until it is told a fault."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from support.faulty_server import Answer, Asked, Fault, FaultyServer, Item

KEY: Final = "KEY0123SECRET456"
PATH: Final = "/v2/messaging_optouts"


def block(place: int, **fields: Any) -> Item:
    """An opt-out as the API gives it."""
    return {
        "from": "+13125550001",
        "to": f"+1415555{place:04}",
        "messaging_profile_id": "4001-a",
        "keyword": "STOP",
        "created_at": f"2025-04-28 12:00:{place // 100 % 60:02}.{place:06}+00:00",
        **fields,
    }


def blocks(count: int, first: int = 0) -> list[Item]:
    """Opt-outs in the order of their times."""
    return [block(place) for place in range(first, first + count)]


class FaultyTelnyx(FaultyServer):
    """Telnyx's listing of opt-outs, over a list that the test holds in its hands.

    Args:
        listed: the opt-outs, in the server's order.
        fault: what is done with an answer, if anything.
        edit: called before each page with the number of its request; may change the list.
        meta: what a page says of itself, from what is right and the number of the request.
    """

    def __init__(
        self,
        listed: Sequence[Item] = (),
        *,
        fault: Callable[[Asked], Fault | None] = lambda _asked: None,
        edit: Callable[[list[Item], int], None] = lambda _items, _number: None,
        meta: Callable[[Item, int], Item] = lambda right, _number: right,
    ) -> None:
        super().__init__(listed, fault=fault)
        self._edit, self._meta = edit, meta

    def _answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            said = f"No such key: {asked.headers.get('authorization')}"
            return _answered({"errors": [{"code": "10009", "detail": said}]}, 401)
        if asked.path != PATH:
            return _answered({"errors": [{"code": "10005", "title": "Not found"}]}, 404)
        with self._lock:
            self._edit(self.items, asked.number)
            wanted = {
                "messaging_profile_id": asked.query.get("filter[messaging_profile_id]"),
                "from": asked.query.get("filter[from]"),
            }
            found = [
                each
                for each in self.items
                if all(value in (None, each[name]) for name, value in wanted.items())
                and asked.query.get("created_at[gte]", "") <= each["created_at"].replace(" ", "T")
            ]
        number, size = int(asked.query["page[number]"]), int(asked.query["page[size]"])
        meta = {
            "page_number": number,
            "page_size": size,
            "total_pages": -(-len(found) // size),
            "total_results": len(found),
        }
        data = found[(number - 1) * size : number * size]
        return _answered({"data": data, "meta": self._meta(meta, asked.number)})


def _answered(content: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(content).encode(), status)
