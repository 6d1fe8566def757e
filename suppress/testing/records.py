"""The suite of a record of opt-outs."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from suppress.opt_outs.contract import Action, Changes, Destination, Overtaken, Record, Replaced
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.people import People, Person

ANN, BOB, CY = "+14155552671", "+14155552672", "+442079460958"
ONE, OTHER = Destination("one", "0123456789abcdef"), Destination("other", "fedcba9876543210")
EVIDENCE = Evidence(900.5, "Eve", "She said so.", "phone", "call-17")

Opening = Callable[[], Record]


class RecordContract:
    """Tests of a record; subclass it, and give the fixture `opening`."""

    @pytest.fixture
    def opening(self) -> Opening:
        """A function that opens a handle, each time to the same record, which is empty at first.

        Each call stands for another process. Where a record cannot be shared by processes, it
        returns the same handle each time.
        """
        raise NotImplementedError("give a fixture named `opening`")

    def test_is_empty_at_first(self, opening: Opening) -> None:
        """There are no changes, and nothing waits."""
        record = opening()
        assert list(record.changes_since(None)) == []
        assert not record.destinations()
        assert not record.backlog()
        assert not record.pending(ONE)
        assert not record.forgotten()
        assert not record.reset()
        assert record.where

    def test_keeps_every_attribute(self, opening: Opening) -> None:
        """The changes come back as they were appended, through this handle and another one."""
        record = opening()
        people = People.of(
            [Person(ANN, "(415) 555-2671\0\n\u00c9va", "US"), Person(BOB, BOB), Person(CY)]
        )
        first = Changes("add", "sms", people, 1000.25, EVIDENCE)
        position = record.append([first], expected=None)
        again = Changes(
            *("remove", "sms", People.of([Person(ANN, ANN)]), 1001.0),
            correction=True,
            takes_back=[position - 2],
            releases=[],
        )
        last = record.append([again], expected=position)
        for each in (record, opening()):
            added, removed = each.changes_since(None)
            assert contents(added) == contents(first)
            assert contents(removed) == contents(again)
            assert list(added.positions) == [position - 2, position - 1, position]
            assert (added.position, removed.position) == (position, last)
            assert list(removed.positions) == [last]
            assert each.people([position, last]) == People.of([Person(CY), Person(ANN, ANN)])
            assert each.people([]) == People()

    def test_finds_the_changes_of_some_people(self, opening: Opening) -> None:
        """By their positions, and by the last digits of their numbers."""
        record = opening()
        added = change("add", ANN, BOB, CY, evidence=EVIDENCE)
        position = record.append([added], expected=None)
        taken = dataclasses.replace(change("remove", ANN), correction=True, takes_back=[position])
        last = record.append([taken], expected=position)
        for each in (record, opening()):
            batches = each.changes_since(None)
            everyone = [it.at(place) for it in batches for place in range(len(it.positions))]
            ann, bob, cy, again = everyone
            assert each.changes_at([last, ann.position]) == [again, ann]
            assert each.changes_at([last + 1]) == []
            assert each.changes_ending([ANN[-4:]]) == [ann, again]
            assert each.changes_ending([BOB[-4:], CY[-4:], "0000"]) == [bob, cy]
            assert each.changes_ending([]) == []
        position = record.forget([ann.position, cy.position], {}, made_at=2.0, expected=last)
        for each in (record, opening()):
            assert each.changes_at([cy.position, bob.position]) == [bob]
            assert each.changes_ending([ANN[-4:], CY[-4:]]) == [again]

    def test_gives_the_changes_behind_a_position(self, opening: Opening) -> None:
        """And says so where no change ended at that position."""
        record = opening()
        positions = [append(record, "add", each) for each in (ANN, BOB, CY)]
        assert positions == sorted(positions)
        for place, position in enumerate(positions):
            found = [each.position for each in opening().changes_since(position)]
            assert found == positions[place + 1 :]
        for unknown in (positions[0] - 1, positions[-1] + 1):
            with pytest.raises(Replaced):
                list(record.changes_since(unknown))

    def test_appends_all_or_nothing(self, opening: Opening) -> None:
        """Changes of several channels take consecutive positions; one of nobody takes one too."""
        record, other = opening(), opening()
        nobody = Changes("remove", "rcs", made_at=1.0)
        position = record.append([change("add", ANN), nobody, change("add", BOB)], expected=None)
        found = [each.position for each in other.changes_since(None)]
        assert found == [position - 2, position - 1, position]
        with pytest.raises(Overtaken):
            other.append([change("add", CY), change("add", BOB)], expected=None)
        with pytest.raises(Overtaken):
            other.forget([position], {}, made_at=2.0, expected=position - 1)
        assert [each.position for each in record.changes_since(None)] == found

    def test_loses_nothing_of_threads_that_append_at_once(self, opening: Opening) -> None:
        """Whoever is overtaken reads what the others have done, and appends again."""
        numbers = [f"+4479{place:08d}" for place in range(40)]

        def append_some(some: Sequence[str]) -> None:
            record = opening()
            for number in some:
                append(record, "add", number)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(append_some, [numbers[place::4] for place in range(4)]))
        changes = list(opening().changes_since(None))
        assert sorted(each.people.numbers[0] for each in changes) == numbers
        assert len({each.position for each in changes}) == len(numbers)

    def test_gives_what_waits_in_order_and_pages(self, opening: Opening) -> None:
        """For each destination its own, until it was taken."""
        record = opening()
        numbers = [f"+4479{place:08d}" for place in range(7)]
        append(record, "add", *numbers, tell={ONE: numbers, OTHER: numbers[:1]})
        append(record, "remove", numbers[0], tell={ONE: numbers[:1]})
        waiting = opening().pending(ONE)
        expected = [("add", each) for each in numbers] + [("remove", numbers[0])]
        assert [(each.action, each.number) for each in waiting] == expected
        assert {(each.source, each.account, each.channel) for each in waiting} == {(*ONE, "sms")}
        assert [each.id for each in waiting] == sorted({each.id for each in waiting})
        page = record.pending(ONE, after=waiting[2].id, limit=3)
        assert page == waiting[3:6]
        assert record.pending(ONE, channels=["viber"]) == []
        assert record.waits(ONE, "sms", [*numbers[5:], ANN]) == set(numbers[5:])
        assert record.waits(ONE, "viber", numbers) == set()
        assert record.destinations() == [ONE, OTHER]
        record.acknowledge([each.id for each in waiting[:7]])
        assert opening().pending(ONE) == waiting[7:]
        assert len(record.pending(OTHER)) == 1

    def test_tells_of_more_than_its_people(self, opening: Opening) -> None:
        """A destination can be told of others than those whom a change is about, or of nobody's."""
        record = opening()
        append(record, "add", ANN, tell={ONE: [ANN, BOB]})
        last = append(record, "add", evidence=EVIDENCE, tell={ONE: [CY], OTHER: [BOB]})
        for each in (record, opening()):
            assert [it.number for it in each.pending(ONE)] == [ANN, BOB, CY]
            assert [it.number for it in each.pending(OTHER)] == [BOB]
            *_, about_nobody = each.changes_since(None)
            assert contents(about_nobody) == contents(change("add", evidence=EVIDENCE))
            assert (about_nobody.position, list(about_nobody.positions)) == (last, [])
            assert [number for _, number in everybody(each)] == [ANN]

    def test_counts_what_waits(self, opening: Opening) -> None:
        """By destination, action and channel."""
        record = opening()
        append(record, "add", ANN, BOB, tell={ONE: [ANN, BOB]})
        append(record, "remove", CY, tell={ONE: [CY], OTHER: [CY]})
        first, second, *_ = record.pending(ONE)
        record.reject([first.id, second.id], "down.", 5.0, refused=False)
        record.reject([second.id], "no such number.", 7.0, refused=True)
        found = opening().backlog()
        assert [(each.source, each.action, each.count, each.refused) for each in found] == [
            *(("one", "add", 2, 1), ("one", "remove", 1, 0), ("other", "remove", 1, 0)),
        ]
        assert (found[0].tries, found[0].error, found[0].channel) == (2, "no such number.", "sms")
        assert (found[1].tries, found[1].error) == (0, None)

    def test_a_refusal_holds_back_what_follows_for_its_number(self, opening: Opening) -> None:
        """As long as it is younger than a limit, and not from a time still to come."""
        record = opening()
        append(record, "add", ANN, BOB, tell={ONE: [ANN, BOB]})
        append(record, "remove", BOB, CY, tell={ONE: [CY]})
        refused, *_ = record.pending(ONE)
        record.reject([refused.id], "no such number.", 100.0, refused=True)
        append(record, "add", ANN, tell={ONE: [ANN]})

        def pending(refused_before: float | None, now: float = 200.0) -> list[str]:
            page = opening().pending(ONE, refused_before=refused_before, now=now)
            return [each.number for each in page]

        assert pending(99.0) == [BOB, CY]
        assert pending(100.0) == pending(None) == [ANN, BOB, CY, ANN]
        assert pending(10.0, now=50.0) == [ANN, BOB, CY, ANN], "the clock was set back"
        (found,) = [each for each in record.pending(ONE) if each.refused]
        assert record.next_refused(ONE, channels=["sms"], now=200.0) == found.tried_at
        assert record.next_refused(ONE, channels=["viber"], now=200.0) is None
        assert record.next_refused(ONE, channels=["sms"], now=50.0) is None
        (found,) = [each for each in record.pending(ONE) if each.refused]
        assert (
            dataclasses.replace(found, tries=0, tried_at=None, error=None, refused=False) == refused
        )
        assert (found.tries, found.tried_at, found.error) == (1, 100.0, "no such number.")

    def test_the_opposite_of_a_refused_change_replaces_it(self, opening: Opening) -> None:
        """A source need not remove what it never took, and is told again of what it kept."""
        record = opening()
        orders: list[tuple[Action, Action, list[Action]]] = [
            ("add", "remove", []),
            ("remove", "add", ["add"]),
        ]
        for first, then, left in orders:
            append(record, first, ANN, BOB, tell={ONE: [ANN, BOB], OTHER: [ANN]})
            ann, bob = record.pending(ONE)
            record.reject([ann.id], "no.", 1.0, refused=True)
            record.acknowledge([bob.id])
            append(record, then, ANN, tell={ONE: [ANN], OTHER: [ANN]})
            assert [each.action for each in opening().pending(ONE)] == left
            assert [each.action for each in record.pending(OTHER)] == [first, then]
            waiting = [*record.pending(ONE), *record.pending(OTHER)]
            record.acknowledge([each.id for each in waiting])

    def test_forgets_people(self, opening: Opening) -> None:
        """Their numbers are gone, what was said of them alone too; a keyed hash is left."""
        record = opening()
        append(record, "add", ANN, evidence=EVIDENCE, tell={ONE: [ANN]})
        append(record, "add", ANN, BOB, evidence=EVIDENCE, tell={OTHER: [ANN, BOB]})
        last = append(record, "add", ANN, tell={ONE: [ANN]})
        refused, waiting = record.pending(ONE)
        record.reject([refused.id], "no.", 1.0, refused=True)
        mine = [at for at, number in everybody(record) if number == ANN]
        value = int(ANN)
        position = record.forget(
            mine, {"sms": {value: True, 14155550000: False}}, made_at=9.0, expected=last
        )
        for each in (record, opening()):
            alone, together, again, forgotten = each.changes_since(None)
            assert [number for _, number in everybody(each)] == [BOB]
            assert (alone.evidence.texts, list(alone.positions)) == ((None,) * 4, [])
            assert together.evidence == EVIDENCE
            assert again.position == last
            assert contents(forgotten) == contents(
                Changes("forget", "", made_at=9.0, takes_back=mine)
            )
            (here,) = each.forgotten().values()
            assert list(here.traces_of(value)) == [(position, 9.0, True)]
            assert list(here.traces_of(14155550000)) == [(position, 9.0, False)]
            assert not here.traces_of(int(BOB))
            assert each.pending(ONE) == [waiting]
            assert [left.number for left in each.pending(OTHER)] == [ANN, BOB]
        record.reject([waiting.id], "down.", 2.0, refused=False)
        assert len(opening().pending(ONE)) == 1
        record.reject([waiting.id], "no.", 3.0, refused=True)
        assert not opening().pending(ONE)

    def test_releases_the_forgotten(self, opening: Opening) -> None:
        """On the channel of the removal, and no other."""
        record = opening()
        last = append(record, "add", ANN)
        values = {int(ANN): True}
        position = record.forget(
            [last], {"sms": values, "viber": values}, made_at=2.0, expected=last
        )
        record.append(
            [dataclasses.replace(change("remove", ANN), releases=[position])], expected=position
        )
        assert opening().forgotten().keys() == {"viber"}
        assert [list(each.releases) for each in opening().changes_since(None)][-1] == [position]

    def test_one_may_be_forgotten_again(self, opening: Opening) -> None:
        """Each time is known, and released apart from the others."""
        record, values = opening(), {int(ANN): True}
        positions = []
        for _ in range(2):
            added = append(record, "add", ANN)
            last = record.forget([added], {"sms": values}, made_at=2.0, expected=added)
            positions.append(last)
        (here,) = opening().forgotten().values()
        assert [each.position for each in here.traces_of(int(ANN))] == positions
        assert here.count == 1
        release = dataclasses.replace(change("remove", ANN), releases=positions[:1])
        record.append([release], expected=last)
        (here,) = opening().forgotten().values()
        assert [each.position for each in here.traces_of(int(ANN))] == positions[1:]


def change(
    action: Action,
    *numbers: str,
    evidence: Evidence | None = None,
    tell: dict[Destination, list[str]] | None = None,
) -> Changes:
    """Return changes of some people on the channel `sms`."""
    people = People.of([Person(each, each) for each in numbers])
    return Changes(action, "sms", people, 1000.0, evidence or Evidence(), tell=tell or {})


def append(
    record: Record,
    action: Action,
    *numbers: str,
    evidence: Evidence | None = None,
    tell: dict[Destination, list[str]] | None = None,
) -> int:
    """Append changes to a record behind whatever is there, and return their position."""
    changes = change(action, *numbers, evidence=evidence, tell=tell)
    while True:
        known = list(record.changes_since(None))
        try:
            return record.append([changes], expected=known[-1].position if known else None)
        except Overtaken:
            continue


def everybody(record: Record) -> list[tuple[int, str]]:
    """Return the positions and numbers of all people in a record."""
    return [
        pair
        for each in record.changes_since(None)
        for pair in zip(each.positions, each.people.numbers, strict=True)
    ]


def contents(changes: Changes) -> tuple[object, ...]:
    """Return all that is said by changes, but for their positions."""
    return (
        *(changes.action, changes.channel, list(changes.people.rows())),
        *(changes.made_at, changes.evidence, changes.correction),
        *(list(changes.takes_back), list(changes.releases)),
    )
