"""A server on loopback that answers as AWS End User Messaging does, until it is told a fault."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from support.faulty_server import Answer, Asked, Fault, FaultyServer, Item

ARN: Final = "arn:aws:sms-voice:eu-west-1:123456789012:opt-out-list/"
TARGET: Final = "PinpointSMSVoiceV2."


def opted_out(place: int, *, by_message: bool = False) -> Item:
    """A number on a list as the service gives it."""
    return {
        "OptedOutNumber": f"+1415555{place:04}",
        "OptedOutTimestamp": 1_700_000_000.0 + place,
        "EndUserOptedOut": by_message,
    }


class FaultyAws(FaultyServer):
    """Some opt-out lists, in the protocol JSON 1.0, with pages and tokens as the service has them.

    Args:
        lists: the numbers on each list, by its name.
        fault: what is done with an answer, if anything.
        page: what a page is, from what is right and the number of the request.
        kept: numbers that the service does not let go.
    """

    def __init__(
        self,
        lists: Mapping[str, Sequence[Item]] | None = None,
        *,
        fault: Callable[[Asked], Fault | None] = lambda _asked: None,
        page: Callable[[Item, int], Item] = lambda right, _number: right,
        kept: Mapping[str, Item] | None = None,
    ) -> None:
        super().__init__(fault=fault)
        self.lists = {
            name: {each["OptedOutNumber"]: dict(each) for each in listed}
            for name, listed in (lists or {}).items()
        }
        self._page, self._kept = page, kept or {}

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The requests for an operation so far, decoded."""
        return [
            json.loads(each.body)
            for each in self.asked
            if each.headers["x-amz-target"] == TARGET + operation
        ]

    def _answer(self, asked: Asked) -> Answer:
        assert asked.headers["content-type"] == "application/x-amz-json-1.0"
        if "Credential=AKIA" not in asked.headers.get("authorization", ""):
            return refused("UnrecognizedClientException")
        wanted = json.loads(asked.body)
        name = wanted["OptOutListName"].rpartition("/")[2]
        operation = asked.headers["x-amz-target"].removeprefix(TARGET)
        with self._lock:
            listed = self.lists.get(name)
            if listed is None:
                return refused("ResourceNotFoundException", ResourceType="opt-out-list")
            about = {"OptOutListName": name, "OptOutListArn": ARN + name}
            if operation == "DescribeOptedOutNumbers":
                found = self._page_of(listed, wanted)
            elif operation == "PutOptedOutNumber":
                found = self._put(listed, wanted["OptedOutNumber"])
            else:
                found = self._delete(listed, wanted["OptedOutNumber"])
        if isinstance(found, Answer):
            return found
        return _answered(self._page({**about, **found}, asked.number))

    def _page_of(self, listed: dict[str, Item], wanted: Item) -> Item | Answer:
        if chosen := wanted.get("OptedOutNumbers"):
            if not listed.keys() >= set(chosen):
                return refused("ResourceNotFoundException", ResourceType="opted-out-number")
            return {"OptedOutNumbers": [listed[each] for each in chosen]}
        # A token says behind whom a page begins, so that edits before it move nobody.
        token = wanted.get("NextToken")
        last = "" if token is None else base64.b64decode(token).decode()
        rest = sorted(each for each in listed if each > last)
        size = wanted.get("MaxResults", 20)
        page = {"OptedOutNumbers": [listed[each] for each in rest[:size]]}
        if len(rest) > size:
            page["NextToken"] = base64.b64encode(rest[size - 1].encode()).decode()  # type: ignore[assignment]
        return page

    def _put(self, listed: dict[str, Item], number: str) -> Item | Answer:
        if number in self._kept:
            return refused(**self._kept[number])
        new = {"OptedOutNumber": number, "OptedOutTimestamp": 1.7e9, "EndUserOptedOut": False}
        return listed.setdefault(number, new)

    def _delete(self, listed: dict[str, Item], number: str) -> Item | Answer:
        if number in self._kept:
            return refused(**self._kept[number])
        if number not in listed:
            return refused("ResourceNotFoundException", ResourceType="opted-out-number")
        return listed.pop(number)


def refused(kind: str, status: int = 400, **details: str) -> Answer:
    """The answer that is an error of the service."""
    name = f"com.amazonaws.sms#{kind}"
    return _answered({"__type": name, "Message": f"no: {kind}", **details}, status)


def _answered(content: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(content).encode(), status)
