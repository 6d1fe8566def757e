"""The key of a snapshot differs if anything does that the snapshot is made from."""

import re

import pytest

from support.builders import ListSource
from suppress.numbers.convention import Convention
from suppress.serving.keys import key_of

CONVENTION = Convention()


def named(**attributes: str) -> ListSource:
    source = ListSource(channels=["sms"])
    vars(source).update(attributes)
    return source


def test_it_names_the_channel_and_hides_the_rest() -> None:
    key = key_of("sms", [named(identity="https://example.com account 17")], CONVENTION, "")
    assert re.fullmatch("sms-[0-9a-f]{16}", key)


def test_the_same_makes_the_same() -> None:
    assert key_of("sms", [named()], CONVENTION, "a") == key_of("sms", [named()], CONVENTION, "a")


@pytest.mark.parametrize(
    "other",
    [
        key_of("viber", [named()], CONVENTION, "a"),
        key_of("sms", [named(name="other")], CONVENTION, "a"),
        key_of("sms", [named(identity="other")], CONVENTION, "a"),
        key_of("sms", [named(region="GB")], CONVENTION, "a"),
        key_of("sms", [named(), named(name="second")], CONVENTION, "a"),
        key_of("sms", [named()], Convention(possible_only=False), "a"),
        key_of("sms", [named()], CONVENTION, "b"),
    ],
)
def test_another_thing_makes_another(other: str) -> None:
    assert other != key_of("sms", [named()], CONVENTION, "a")


def test_sources_of_other_channels_and_the_senders_region_do_not_matter() -> None:
    key = key_of("sms", [named()], CONVENTION, "a")
    viber = ListSource(channels=["viber"])
    assert key_of("sms", [named(), viber], Convention("GB"), "a") == key
