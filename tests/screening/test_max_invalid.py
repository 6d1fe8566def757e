"""The bound on invalid recipients: a number of rows or a percentage, exactly."""

import pytest

from suppress import MaxInvalid, TooManyInvalid


@pytest.mark.parametrize(
    ("bound", "invalid", "total", "fails"),
    [
        ("0", 0, 10, False),
        ("0", 1, 10, True),
        ("3", 3, 3, False),
        ("3", 4, 1_000_000, True),
        ("0%", 0, 0, False),
        ("0%", 1, 10**9, True),
        ("10%", 1, 10, False),
        ("10%", 2, 19, True),
        ("0.1%", 1, 1000, False),
        ("0.1%", 1, 999, True),
        ("33.3333%", 1, 3, True),
        ("100%", 7, 7, False),
    ],
)
def test_the_bound(bound: str, invalid: int, total: int, *, fails: bool) -> None:
    if fails:
        with pytest.raises(TooManyInvalid, match=f"{invalid:,} of {total:,} .* limit is {bound}"):
            MaxInvalid(bound).check(invalid, total)
    else:
        MaxInvalid(bound).check(invalid, total)


def test_one_recipient() -> None:
    with pytest.raises(
        TooManyInvalid, match=r"^1 of 1 recipient is invalid, and the limit is 0\.$"
    ):
        MaxInvalid("0").check(1, 1)
