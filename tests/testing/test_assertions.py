"""The assertions on the people whom an application messaged."""

import pytest

from suppress.testing import assert_nobody_listed, assert_nobody_lost, stop_list

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460959"


def test_they_hold_for_an_application_that_keeps_its_promises() -> None:
    with stop_list(sms=[LISTED], viber=[ANN]):
        assert_nobody_listed([ANN, BOB], "sms")
        assert_nobody_listed([], "sms")
        assert_nobody_lost([LISTED, ANN, "x", BOB, ANN], [BOB, "0014155552672"], "sms")
        assert_nobody_lost([LISTED, "x"], [], "sms")


def test_a_listed_recipient_is_found_however_it_is_written() -> None:
    messages = [{"to": ANN}, {"to": "1 (415) 555-2671"}]
    with stop_list(sms=[LISTED]), pytest.raises(AssertionError) as caught:
        assert_nobody_listed(messages, "sms", default_region="US", key=lambda each: each["to"])
    said = str(caught.value)
    assert said.startswith("1 recipient was messaged and is listed:\n")
    assert "listed for sms by test" in said
    assert "5552671" not in said
    assert "555-2671" not in said


def test_a_lost_recipient_is_found() -> None:
    with stop_list(sms=[LISTED]), pytest.raises(AssertionError) as caught:
        assert_nobody_lost([LISTED, *[ANN] * 7, BOB], [BOB], "sms")
    said = str(caught.value).splitlines()
    assert said[0] == "7 recipients may be messaged and were not:"
    assert said[1:] == ["  +141******72"] * 5 + ["  and 2 more"]


def test_on_another_channel() -> None:
    with stop_list(sms=[LISTED], viber=[]), pytest.raises(AssertionError):
        assert_nobody_lost([LISTED], [], "viber")


pytest_plugins = ["pytester"]


def test_the_fixture_has_two_names_and_yields_to_another(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import suppress

        def test_short(stop_list):
            stop_list(sms=["+14155552671"])
            assert suppress.is_suppressed("+14155552671", "sms")

        def test_long(suppress_stop_list):
            suppress_stop_list(sms=[])
            assert not suppress.is_suppressed("+14155552671", "sms")
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef stop_list(): return lambda **_: 1\n")
    pytester.runpytest_subprocess("-k", "short").assert_outcomes(failed=1)
