"""A source that takes opt-outs, and remembers how."""

from collections.abc import Callable, Mapping, Sequence

from support.builders import ListSource, listed
from suppress import Refused

Call = tuple[str, str, tuple[str, ...]]


class Taker(ListSource):
    """A source that takes opt-outs; keeps its calls, and fails or refuses when told to."""

    add_at_once = 3
    remove_at_once = 2

    def __init__(self, *numbers: str, name: str = "list", identity: str = "") -> None:
        super().__init__(listed(*numbers), name=name)
        self.identity = identity
        self.calls: list[Call] = []
        self.ids: dict[str, list[str | int]] = {}
        self.poison: set[str] = set()
        self.down: BaseException | None = None
        self.on_taking: Callable[[], None] = lambda: None

    def add(self, numbers: Sequence[str], channel: str) -> None:
        assert 0 < len(numbers) <= self.add_at_once
        self._call("add", numbers, channel)

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        assert 0 < len(numbers) <= self.remove_at_once
        self.ids.update((number, list(ids)) for number, ids in numbers.items())
        self._call("remove", list(numbers), channel)

    def _call(self, action: str, numbers: Sequence[str], channel: str) -> None:
        assert len(set(numbers)) == len(numbers)
        self.calls.append((action, channel, tuple(numbers)))
        if self.down is not None:
            raise self.down
        if self.poison.intersection(numbers):
            raise Refused("no such number.")
        self.on_taking()

    def once(self, do: Callable[[], None]) -> None:
        """Have something done while the next call is taken."""

        def taking() -> None:
            self.on_taking = lambda: None
            do()

        self.on_taking = taking

    def took(self) -> list[Call]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls
