"""A stop list in place of the default one, as applications use it in their tests."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.aio
from suppress import (
    ConfigurationError,
    StopListUnavailable,
    StoreUnavailable,
    Suppressed,
    UnknownChannel,
)
from suppress.default import replace_default
from suppress.serving.freshness import State
from suppress.serving.status import Health
from suppress.testing import Replacement, stop_list

LISTED, OTHER = "+14155552671", "+442079460958"


@pytest.fixture(autouse=True)
def another_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The application's own: a file with somebody else in it."""
    monkeypatch.setattr("suppress.default._made", None)
    monkeypatch.setattr("suppress.settings.program._given", None)
    (tmp_path / "list.txt").write_text(f"{OTHER}\n")
    monkeypatch.setenv("SUPPRESS_FILE_PATH", "list.txt")
    monkeypatch.setenv("SUPPRESS_FILE_QUIET", "0")
    monkeypatch.setenv("SUPPRESS_STORE", "none")


def allowed() -> list[str]:
    return suppress.filter_recipients([LISTED, OTHER], "sms")


def test_it_answers_while_the_block_runs() -> None:
    assert allowed() == [LISTED]
    with stop_list(sms=[LISTED]):
        assert allowed() == [OTHER]
        assert suppress.is_suppressed(LISTED, "sms")
        assert suppress.screen([LISTED], "sms").suppressed == [LISTED]
        assert asyncio.run(suppress.aio.filter_recipients([LISTED, OTHER], "sms")) == [OTHER]
    assert allowed() == [LISTED]


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(RuntimeError), stop_list(sms=[LISTED]):
        raise RuntimeError
    assert allowed() == [LISTED]


def test_blocks_within_blocks() -> None:
    with stop_list(sms=[LISTED, OTHER]):
        with stop_list(sms=[]):
            assert allowed() == [LISTED, OTHER]
        assert allowed() == []


def test_settings_that_change_meanwhile_hold_afterwards(tmp_path: Path) -> None:
    """Django's `override_settings` changes them, for example, and a fixture sets them."""
    assert allowed() == [LISTED]
    (tmp_path / "another.txt").write_text(f"{LISTED}\n")
    with stop_list(sms=[LISTED, OTHER]):
        suppress.configure({"file": {"path": "another.txt", "quiet": 0}}, folder=tmp_path)
        assert allowed() == []
        with stop_list(sms=[]):
            suppress.configure(None)
            assert allowed() == [LISTED, OTHER]
        suppress.configure({"sources": ["file"], "default_region": "US"}, folder=tmp_path)
        assert allowed() == []
    assert suppress.is_suppressed("(415) 555-2671", "sms") is False
    suppress.configure(None)
    assert allowed() == [LISTED]


def test_on_every_thread() -> None:
    found: list[list[str]] = []
    with stop_list(sms=[LISTED]):
        thread = threading.Thread(target=lambda: found.append(allowed()))
        thread.start()
        thread.join()
    assert found == [[OTHER]]


def test_its_channels_are_those_that_are_given() -> None:
    with stop_list(sms=[LISTED], viber=[]) as suppressor:
        assert suppressor.channels == ("sms", "viber")
        assert suppress.filter_recipients([LISTED], "viber") == [LISTED]
        with pytest.raises(UnknownChannel, match="email"):
            suppress.filter_recipients([LISTED], "email")


def test_numbers_in_national_form() -> None:
    with stop_list(default_region="US", sms=["(415) 555-2671"]):
        assert suppress.is_suppressed("415-555-2671", "sms")


class TestOptOuts:
    """An application that opts people out, and back in."""

    def test_they_take_effect(self) -> None:
        with stop_list(sms=[LISTED], viber=[]):
            assert suppress.add([OTHER, LISTED], "sms", reason="a letter", via="form") == 2
            assert allowed() == []
            assert suppress.filter_recipients([OTHER], "viber") == [OTHER]
            assert suppress.remove([OTHER, LISTED], "sms") == {OTHER: (), LISTED: ("test",)}
            assert allowed() == [OTHER]
            changes = [(each.action, each.reason) for each in suppress.history(OTHER)]
            assert changes == [("add", "a letter"), ("remove", None)]

    def test_a_reply_opts_out(self) -> None:
        with stop_list(sms=[], viber=[]):
            assert suppress.receive_reply(OTHER, "STOP", "viber") == suppress.Reply.OPT_OUT
            assert suppress.is_suppressed(OTHER, "viber")
            assert not suppress.is_suppressed(OTHER, "sms")
        with stop_list(stop_scope="all", sms=[], viber=[]):
            suppress.receive_reply(OTHER, "STOP", "viber")
            assert suppress.is_suppressed(OTHER, "sms")

    def test_whoever_is_forgotten_stays_suppressed(self) -> None:
        with stop_list(sms=[]):
            suppress.add([OTHER], "sms")
            assert suppress.forget(OTHER) == 1
            assert suppress.is_suppressed(OTHER, "sms")
            assert [each.action for each in suppress.history(OTHER)] == ["forget"]

    def test_the_awaited_functions_make_them_too(self) -> None:
        async def main() -> None:
            assert await suppress.aio.add([OTHER], "sms") == 1
            assert await suppress.aio.filter_recipients([OTHER], "sms") == []
            assert await suppress.aio.remove([OTHER], "sms") == {OTHER: ()}
            assert len(await suppress.aio.history(OTHER)) == 2
            assert await suppress.aio.forget(OTHER) == 2
            assert await suppress.aio.filter_recipients([OTHER], "sms") == [OTHER]

        with stop_list(sms=[]):
            asyncio.run(main())

    def test_they_end_with_the_block(self) -> None:
        with stop_list(sms=[]):
            suppress.add([OTHER], "sms")
            with stop_list(sms=[]):
                assert allowed() == [LISTED, OTHER]
            assert allowed() == [LISTED]
        with stop_list(sms=[]):
            assert suppress.history(OTHER) == []


class TestAStoreOfItsOwn:
    """For tests across blocks and processes."""

    def test_opt_outs_stay_in_it(self, tmp_path: Path) -> None:
        with stop_list(sms=[LISTED], store=tmp_path / "store"):
            suppress.add([OTHER], "sms")
            assert allowed() == []
        with stop_list(sms=[], store=str(tmp_path / "store")):
            assert allowed() == [LISTED], "the list is another one, and the opt-out stays"

    @pytest.mark.slow
    def test_another_process_has_them(self, tmp_path: Path) -> None:
        code = f"""
import suppress, suppress.testing
with suppress.testing.stop_list(sms=[], store="store"):
    assert suppress.is_suppressed({OTHER!r}, "sms")
    suppress.add([{LISTED!r}], "sms")
"""
        with stop_list(sms=[], store=tmp_path / "store"):
            suppress.add([OTHER], "sms")
            assert allowed() == [LISTED]
            subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
            assert allowed() == []

    def test_nothing_is_left_outside_it(self, tmp_path: Path) -> None:
        before = set(tmp_path.rglob("*"))
        with stop_list(sms=[LISTED], store=tmp_path / "store"):
            suppress.add([OTHER], "sms")
            suppress.forget(OTHER)
        shutil.rmtree(tmp_path / "store")
        assert set(tmp_path.rglob("*")) == before

    def test_a_second_run_in_the_same_place(self, tmp_path: Path) -> None:
        for _ in range(2):
            with stop_list(sms=[], store=tmp_path / "store"):
                assert suppress.add([OTHER], "sms") == 1
                assert allowed() == [LISTED]
            shutil.rmtree(tmp_path / "store")


QUESTIONS: dict[str, Callable[[], object]] = {
    "filter_recipients": allowed,
    "screen": lambda: suppress.screen([OTHER], "sms"),
    "is_suppressed": lambda: suppress.is_suppressed(OTHER, "viber"),
    "refresh": suppress.refresh,
    "remove": lambda: suppress.remove([OTHER], "sms"),
    "aio": lambda: asyncio.run(suppress.aio.is_suppressed(OTHER, "sms")),
    "guard": lambda: suppress.guard(channel="sms", to="phone")(lambda phone: phone)(OTHER),
}


class TestUnavailable:
    """An application whose stop list cannot be read."""

    @pytest.mark.parametrize("region", [None, "US", "international"])
    @pytest.mark.parametrize("store", [None, "store"])
    def test_no_snapshot_from_before_answers(self, region: str | None, store: str | None) -> None:
        with stop_list(default_region=region, store=store, sms=[LISTED]) as suppressor:
            with suppressor.unavailable(), pytest.raises(StopListUnavailable):
                allowed()
            assert allowed() == [OTHER]

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_every_question_says_so(self, name: str) -> None:
        with stop_list(sms=[], viber=[]) as suppressor:
            with suppressor.unavailable(), pytest.raises(StopListUnavailable) as raised:
                QUESTIONS[name]()
            assert raised.value.retryable
            assert "this test has made it unavailable" in str(raised.value)
            QUESTIONS[name]()

    def test_the_suppressor_itself_says_so(self) -> None:
        """An application may have been handed it."""
        with stop_list(sms=[]) as suppressor, suppressor.unavailable():
            with pytest.raises(StopListUnavailable):
                suppressor.snapshot("sms")
            assert suppressor.stored("sms") is None

    def test_the_status_says_so(self) -> None:
        with stop_list(sms=[], viber=[]) as suppressor:
            assert suppress.status().health(["sms", "viber"]) is Health.READY
            with suppressor.unavailable():
                for each in suppress.status().channels.values():
                    assert each.state is State.MISSING
                    assert each.failure is not None
                assert suppress.status().health(["viber"]) is Health.UNAVAILABLE
            assert suppress.status().health(["sms", "viber"]) is Health.READY

    def test_opt_outs_are_kept_all_the_same(self) -> None:
        with stop_list(sms=[]) as suppressor:
            suppress.add([LISTED], "sms")
            with suppressor.unavailable():
                assert suppress.add([OTHER], "sms") == 1
                suppress.receive_reply("+14155552673", "STOP", "sms")
                assert [each.action for each in suppress.history(OTHER)] == ["add"]
                assert suppress.forget("+14155552673") == 1
            assert allowed() == []
            assert suppress.is_suppressed("+14155552673", "sms")

    def test_it_ends_with_an_error_too(self) -> None:
        with stop_list(sms=[LISTED]) as suppressor:
            with pytest.raises(RuntimeError), suppressor.unavailable(), suppressor.unavailable():
                raise RuntimeError
            assert allowed() == [OTHER]

    def test_an_attempt_more_succeeds_when_it_has_ended(self) -> None:
        sent: list[str] = []

        @suppress.guard(channel="sms", to="phone")
        def send(phone: str) -> None:
            sent.append(phone)

        def attempt() -> bool:
            try:
                send(OTHER)
            except suppress.SuppressError as error:
                return not error.retryable
            return True

        with stop_list(sms=[LISTED]) as suppressor:
            with suppressor.unavailable():
                assert [attempt(), attempt()] == [False, False]
            assert attempt()
            with pytest.raises(Suppressed):
                send(LISTED)
        assert sent == [OTHER]

    def test_it_ends_although_reading_was_tried_again_meanwhile(self) -> None:
        with stop_list(sms=[LISTED], store=Path("store")) as suppressor:
            with suppressor.unavailable():
                for _ in range(3):
                    with pytest.raises(StopListUnavailable):
                        suppress.refresh("sms")
            assert suppress.is_suppressed(LISTED, "sms")
            assert suppress.refresh("sms")["sms"].count == 1


class TestStoreUnavailable:
    """An application whose opt-outs cannot be kept."""

    @pytest.fixture(params=[None, "store"])
    def suppressor(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replacement]:
        store = None if request.param is None else tmp_path / request.param
        with stop_list(sms=[LISTED], store=store) as suppressor:
            yield suppressor

    def test_an_opt_out_holds_in_this_process_alone(self, suppressor: Replacement) -> None:
        with suppressor.store_unavailable():
            with pytest.raises(StoreUnavailable, match="this process alone") as raised:
                suppress.add([OTHER], "sms")
            assert raised.value.retryable
            with pytest.raises(StoreUnavailable):
                suppress.receive_reply("+14155552673", "STOP", "sms")
            assert allowed() == []
        assert allowed() == []
        assert suppress.history(OTHER) == []
        assert suppress.add([OTHER], "sms") == 1
        assert len(suppress.history(OTHER)) == 1

    def test_nothing_is_taken_back_or_forgotten(self, suppressor: Replacement) -> None:
        suppress.add([OTHER], "sms")
        with suppressor.store_unavailable():
            with pytest.raises(StoreUnavailable):
                suppress.remove([OTHER], "sms")
            with pytest.raises(StoreUnavailable):
                suppress.forget(OTHER)
            assert len(suppress.history(OTHER)) == 1
            assert allowed() == []
        assert suppress.forget(OTHER) == 1

    def test_both_at_once(self, suppressor: Replacement) -> None:
        with suppressor.unavailable(), suppressor.store_unavailable():
            with pytest.raises(StopListUnavailable):
                allowed()
            with pytest.raises(StoreUnavailable):
                suppress.add([OTHER], "sms")
        assert allowed() == []


@pytest.mark.parametrize("number", ["(415) 555-2671", "n/a", "+14155552671 or +14155552672"])
def test_what_is_not_one_number_is_an_error(number: str) -> None:
    with pytest.raises(StopListUnavailable), stop_list(sms=[number]):
        pytest.fail("it is in force")


@pytest.mark.parametrize("text", [LISTED, LISTED.encode()])
def test_one_text_is_no_list_of_numbers(text: Any) -> None:
    with pytest.raises(TypeError, match="sms needs a list"), stop_list(sms=text):
        pytest.fail("it is in force")


def test_without_a_channel() -> None:
    with pytest.raises(ConfigurationError, match="channels"), stop_list():
        pytest.fail("it is in force")


def test_it_touches_neither_disk_nor_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even to look whether a key is kept, or settings are there."""
    monkeypatch.setenv("SUPPRESS_CONFIG", "missing.toml")
    monkeypatch.setenv("SUPPRESS_TTL", "soon")

    def use() -> None:
        with stop_list(sms=[LISTED], viber=[]) as suppressor:
            assert allowed() == [OTHER]
            assert suppress.add([OTHER], "sms") == 1
            suppress.receive_reply("+14155552673", "STOP", "viber")
            assert suppress.remove([OTHER], "sms") == {OTHER: ()}
            assert len(suppress.history(OTHER)) == 2
            assert suppress.forget(OTHER) == 2
            with suppressor.unavailable(), pytest.raises(StopListUnavailable):
                allowed()
            with suppressor.store_unavailable(), pytest.raises(StoreUnavailable):
                suppress.add([OTHER], "sms")

    use()  # whatever is imported for it is imported now
    seen: list[str] = []
    watching = [True]

    def is_for_plugins(path: object) -> bool:
        """Plugins are found in the metadata of packages."""
        return path in sys.path or str(path).endswith((".zip", "entry_points.txt"))

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        touches = event.startswith(("open", "os.", "shutil.", "socket.", "sqlite3.", "tempfile."))
        if watching[0] and touches and not is_for_plugins(arguments[0]):
            seen.append(f"{event} {arguments}")

    sys.addaudithook(watch)
    try:
        use()
    finally:
        watching[0] = False
    assert seen == []
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_a_suppressor_of_ones_own_takes_the_place_too() -> None:
    with stop_list(sms=[LISTED, OTHER]) as mine, stop_list(sms=[]), replace_default(mine):
        assert allowed() == []


@pytest.mark.slow
def test_it_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import suppress, suppress.testing\n"
        "with suppress.testing.stop_list(sms=['+14155552671']):\n"
        "    print(suppress.is_suppressed('+14155552671', 'sms'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


FIXTURE_TESTS = """
import suppress, pytest

def test_one(suppress_stop_list):
    suppress_stop_list(sms=["+14155552671"])
    assert suppress.is_suppressed("+14155552671", "sms")
    suppressor = suppress_stop_list(default_region="US", sms=[])
    assert not suppress.is_suppressed("415 555 2671", "sms")
    with suppressor.unavailable(), pytest.raises(suppress.StopListUnavailable):
        suppress.is_suppressed("415 555 2671", "sms")
    suppress.add(["415 555 2671"], "sms")
    assert suppress.is_suppressed("415 555 2671", "sms")

def test_another():
    with pytest.raises(suppress.ConfigurationError):
        suppress.is_suppressed("+14155552671", "sms")
"""


@pytest.mark.slow
def test_the_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPPRESS_FILE_PATH")
    monkeypatch.delenv("SUPPRESS_FILE_QUIET")
    (tmp_path / "test_app.py").write_text(FIXTURE_TESTS)
    command = ["-m", "pytest", "-q", "-p", "suppress_pytest", "test_app.py"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_plugin_of_pytest_imports_nothing_of_suppress() -> None:
    """Since pytest loads it in every run, whatever that tests."""
    code = "import sys, suppress_pytest; print('suppress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
