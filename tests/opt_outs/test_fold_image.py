"""The image of many opt-outs saves time, and is never believed where it does not fit."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suppress.numbers.convention import Convention
from suppress.opt_outs.evidence import NO_EVIDENCE
from suppress.opt_outs.fold import Fold
from suppress.opt_outs.image import Images
from suppress.opt_outs.limits import OptOutLimits
from suppress.opt_outs.people import People, Person
from suppress.opt_outs.record import OptOuts
from suppress.opt_outs.sqlite import SqliteRecord

NUMBERS = [f"+4479{place:08d}" for place in range(60)]
LATE, OTHER = "+14155552671", "+14155552672"


class Opened:
    """The opt-outs of a folder, as a process of their own has them; counts what is folded."""

    def __init__(self, folder: Path, convention: Convention | None = None) -> None:
        lock, convention = threading.Lock(), convention or Convention()
        self.images = Images(folder, convention)
        self.opt_outs = OptOuts(
            SqliteRecord(folder, lambda: lock),
            convention,
            self.images,
            limits=OptOutLimits(image_after=50),
        )

    def add(self, *numbers: str) -> None:
        people = People.of([Person(each, each) for each in numbers])
        self.opt_outs.add(people, ["sms"], lambda _: [], now=1.0, evidence=NO_EVIDENCE)

    def listed(self) -> list[bool]:
        opted_out = self.opt_outs.of("sms")
        return [number in opted_out for number in (*NUMBERS, LATE, OTHER)]


ALL_BUT_TWO = [True] * len(NUMBERS) + [False, False]
ALL_BUT_ONE = [True] * len(NUMBERS) + [True, False]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of people that were folded, one by one."""
    counts: list[int] = []
    then = Fold.then

    def counting(fold: Fold, changes: Any, convention: Convention) -> Fold:
        counts.append(sum(len(each.positions) for each in changes))
        return then(fold, changes, convention)

    monkeypatch.setattr(Fold, "then", counting)
    return counts


def test_others_fold_nothing_that_is_in_it(folder: Path, folded: list[int]) -> None:
    one, two = Opened(folder), Opened(folder)
    one.add(OTHER)
    two.listed()
    one.add(*NUMBERS[:59])
    folded.clear()
    assert two.listed()[:59] == [True] * 59
    assert Opened(folder).listed()[:59] == [True] * 59
    one.add(NUMBERS[59])
    assert Opened(folder).listed() == two.listed() == [True] * 60 + [False, True]
    assert sum(folded) == 3, "one each"


def test_it_is_there_before_the_changes_can_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody believes it until they can."""
    one, two = Opened(folder), Opened(folder)
    one.add(OTHER)
    seen: list[list[bool]] = []
    save = Images.save

    def overtaken(images: Images, fold: Fold) -> Fold:
        saved = save(images, fold)
        seen.append(two.listed())
        return saved

    monkeypatch.setattr(Images, "save", overtaken)
    one.add(*NUMBERS)
    assert seen == [[False] * 61 + [True]]
    monkeypatch.undo()
    assert two.listed() == [True] * 60 + [False, True]


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) * 9 // 10, len(content), 9):
        content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        damaged,
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.chmod(0o666),
    ],
    ids=["damaged", "gone", "empty", "cut", "of others"],
)
@pytest.mark.parametrize("kind", ["image", "head"])
def test_one_that_is_spoiled_is_not_used(
    folder: Path, folded: list[int], kind: str, spoil: Callable[[Path], object]
) -> None:
    one = Opened(folder)
    one.add(*NUMBERS)
    (path,) = folder.glob(f"*.{kind}")
    spoil(path)
    folded.clear()
    assert Opened(folder).listed() == ALL_BUT_TWO
    assert folded == [len(NUMBERS)]
    one.add(LATE)
    assert Opened(folder).listed() == ALL_BUT_ONE


def test_one_of_another_convention_is_not_used(folder: Path, folded: list[int]) -> None:
    Opened(folder).add(*NUMBERS)
    folded.clear()
    assert Opened(folder, Convention(possible_only=False)).listed() == ALL_BUT_TWO
    assert folded == [60]


def test_one_of_a_record_that_was_restored_is_not_used(folder: Path) -> None:
    one = Opened(folder)
    one.add(LATE)
    backup = (folder / "opt-outs.sqlite3").read_bytes()
    one.add(*NUMBERS)
    (folder / "opt-outs.sqlite3").write_bytes(backup)
    assert Opened(folder).listed() == [False] * 60 + [True, False]
    assert one.listed() == [False] * 60 + [True, False]


def test_there_is_one_at_a_time_for_its_owner_alone(folder: Path) -> None:
    one = Opened(folder)
    for start in range(0, 180, 60):
        one.add(*(f"+4478{start + place:08d}" for place in range(60)))
    paths = [*folder.glob("*.image"), *folder.glob("*.head")]
    assert len(paths) == 2
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_where_it_cannot_be_written_there_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, **_more: bool) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("suppress.opt_outs.image.atomic_write", full)
    one = Opened(folder)
    one.add(*NUMBERS)
    assert one.listed() == Opened(folder).listed() == ALL_BUT_TWO
    assert not list(folder.glob("*.image"))
