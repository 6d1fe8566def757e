"""The region that numbers in national form are read with."""

import pytest

from suppress import ConfigurationError, known_region
from suppress.numbers.region import INTERNATIONAL


def test_a_region_is_two_letters() -> None:
    assert known_region("us") == known_region("US") == "US"


@pytest.mark.parametrize("word", ["international", "International", "INTERNATIONAL"])
def test_or_the_word_international(word: str) -> None:
    assert known_region(word) == INTERNATIONAL == "international"


@pytest.mark.parametrize("odd", ["UK", "", "ZZ", "001", "USA", "intl", " US"])
def test_anything_else_is_refused_and_the_message_says_what_to_use(odd: str) -> None:
    message = (
        f"default_region: Unknown region {odd!r}. "
        "Use a two-letter code such as US, or the word international."
    )
    with pytest.raises(ConfigurationError) as raised:
        known_region(odd)
    assert str(raised.value) == message
