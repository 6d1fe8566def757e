"""Guarded tasks of Celery, run by its worker."""

import functools
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.testing
from suppress.serving.limits import ServingLimits

celery: Any = pytest.importorskip("celery")

from celery import signals  # noqa: E402
from celery.app import trace  # noqa: E402
from celery.contrib.testing.worker import start_worker  # noqa: E402

from suppress_celery import GuardedTask  # noqa: E402

LISTED, FREE = "+14155552671", "+14155552672"


class FailingList:
    """A source whose list cannot be read for some times."""

    name = "failing"
    channels = frozenset({"sms"})

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.loads = 0

    def load(self, channels: frozenset[str], progress: object) -> list[suppress.Entry]:
        self.loads += 1
        if self.loads <= self.failures:
            raise suppress.SourceError("It is being repaired.")
        return [suppress.Entry(LISTED, channels)]

    @suppress.hookimpl
    def suppress_sources(self) -> "FailingList":
        return self


def asking(source: FailingList) -> suppress.Suppressor:
    settings = suppress.Settings(sources=("failing",), store=None)
    limits = ServingLimits(retry_delay=0)
    return suppress.Suppressor(settings, plugins=[source], background=False, limits=limits)


@pytest.fixture
def app() -> Iterator[Any]:
    made = celery.Celery(
        "texts", broker="memory://", backend="cache+memory://", set_as_current=False
    )
    made.conf.task_store_eager_result = True
    made.conf.update(worker_hijack_root_logger=False, worker_redirect_stdouts=False)
    level = logging.root.level
    yield made
    made.close()
    logging.root.setLevel(level)  # a worker sets it


@pytest.fixture
def guarded(app: Any) -> Any:
    """The decorator of guarded tasks, which no other application gets."""
    return functools.partial(app.task, base=GuardedTask, shared=False)


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def stop_list() -> Iterator[None]:
    with suppress.testing.stop_list(sms=[LISTED], viber=[]):
        yield


@pytest.mark.slow
def test_a_worker_asks_when_it_sends(app: Any, guarded: Any, sent: list[str]) -> None:
    """The list of the moment of sending counts, not that of queueing."""

    @guarded(channel="sms", to="phone")
    def send(phone: str, text: str) -> str:
        sent.append(phone)
        return "sent"

    with suppress.testing.stop_list(sms=[]):
        queued = [send.delay(phone, text="Hello") for phone in (LISTED, FREE, "12")]
    with start_worker(app, pool="solo", perform_ping_check=False):
        listed, free, invalid = [each.get(timeout=30) for each in queued]
    assert sent == [FREE]
    assert free == "sent"
    reason = "listed for sms by test"
    assert listed == {"sent": False, "outcome": "suppressed", "reason": reason}
    assert (invalid["sent"], invalid["outcome"]) == (False, "invalid")


@pytest.mark.slow
def test_a_worker_tries_again_what_can_help(app: Any, guarded: Any, sent: list[str]) -> None:
    source = FailingList(2)

    @guarded(
        channel="sms",
        to="phone",
        suppressor=asking(source),
        retry_backoff_max=0,
        autoretry_for=(Exception,),
    )
    def send(phone: str) -> str:
        sent.append(phone)
        return "sent"

    with start_worker(app, pool="solo", perform_ping_check=False):
        assert send.delay(FREE).get(timeout=30) == "sent"
    assert sent == [FREE]
    assert source.loads == 3


APP = """
import suppress, suppress.testing
from celery import Celery
from suppress_celery import GuardedTask

app = Celery("app", broker="filesystem://", backend="file://results", set_as_current=False)
app.conf.broker_transport_options = {"control_folder": "control", "data_folder_in": "queue",
    "data_folder_out": "queue"}

@app.task(base=GuardedTask, channel="sms", to="phone")
def send(phone, text):
    return "sent"
"""


@pytest.mark.slow
def test_a_worker_of_its_own_process(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stopped.txt").write_text(f"{LISTED}\n")
    monkeypatch.setenv("SUPPRESS_FILE_PATH", str(tmp_path / "stopped.txt"))
    monkeypatch.setenv("SUPPRESS_FILE_QUIET", "0")
    monkeypatch.setenv("SUPPRESS_STORE", "none")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    for name in ("control", "queue", "results"):
        (folder / name).mkdir()
    (folder / "worker_app.py").write_text(APP)
    import worker_app  # type: ignore[import-not-found] # noqa: PLC0415

    queued = [worker_app.send.delay(phone, "Hello") for phone in (LISTED, FREE)]
    worker = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "worker_app",
        "worker",
        "-P",
        "solo",
        "-l",
        "INFO",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(worker, stdout=log, stderr=log) as ran:
        try:
            listed, free = [each.get(timeout=45) for each in queued]
        finally:
            ran.terminate()
    assert listed["outcome"] == "suppressed"
    assert free == "sent"
    said = (folder / "log").read_text()
    assert f"worker_app.send[{queued[0].id}] sent nothing: listed for sms by file" in said


@pytest.mark.parametrize("tries", [None, 2])
def test_an_unavailable_list_is_not_tried_for_ever(
    guarded: Any, sent: list[str], tries: int | None
) -> None:
    source = FailingList(1_000)

    @guarded(channel="sms", to="phone", suppressor=asking(source), max_retries=tries)
    def send(phone: str) -> None:
        sent.append(phone)

    state = send.apply([FREE], retries=10 if tries is None else tries)
    assert isinstance(state.result, suppress.StopListUnavailable)
    assert state.state == "FAILURE"
    assert sent == []


@pytest.mark.parametrize("options", [{}, {"retry_kwargs": {"max_retries": None}}])
def test_an_unavailable_list_is_not_tried_for_ever_by_celery_itself(
    guarded: Any, sent: list[str], options: dict[str, Any]
) -> None:
    """`autoretry_for` takes whatever leaves the body of a task, and its guard."""
    one = asking(FailingList(1_000))

    @suppress.guard(channel="sms", to="phone", suppressor=one)
    def text(phone: str) -> None:
        sent.append(phone)

    never = {"max_retries": None, "autoretry_for": (Exception,), **options}

    @guarded(channel="viber", to="phone", **never)
    def send_in_body(phone: str) -> None:
        text(phone)

    @guarded(channel="sms", to="phone", suppressor=one, **never)
    def send(phone: str) -> None:
        sent.append(phone)

    for task in (send, send_in_body):
        state = task.apply([FREE])
        assert isinstance(state.result, suppress.StopListUnavailable)
    assert sent == []


def test_a_queue_that_does_not_take_a_message_again_is_a_failure(
    app: Any, guarded: Any, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery rejects such a message, which is then nowhere."""

    @guarded(channel="sms", to="phone", suppressor=asking(FailingList(1)))
    def send(phone: str) -> None:
        sent.append(phone)

    def closed(*arguments: object, **options: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("celery.canvas.Signature.apply_async", closed)
    tracer = trace.build_tracer(send.name, send._get_current_object(), app=app)
    tracer("7", [FREE], {}, {"id": "7", "called_directly": False, "delivery_info": {}})
    kept = app.AsyncResult("7")
    assert (kept.state, type(kept.result)) == ("FAILURE", suppress.StopListUnavailable)
    assert sent == []


def test_other_errors_are_tried_again_as_the_body_says(guarded: Any) -> None:
    """Errors of other libraries may have a `retryable` as well."""
    tried = []

    class Busy(Exception):
        retryable = True

    @guarded(bind=True, channel="sms", to="phone", max_retries=None)
    def send(self: Any, phone: str) -> str:
        tried.append(phone)
        if len(tried) == 1:
            raise self.retry(exc=Busy())
        return "sent"

    assert send.apply([FREE], retries=50).get() == "sent"


def test_options_that_are_set_later_hold(app: Any, guarded: Any, sent: list[str]) -> None:
    """Celery sets the annotations of an application when a task is bound to it."""
    app.conf.task_annotations = {"send": {"channel": "viber", "on_invalid": str}}

    @guarded(name="send", channel="sms", to="phone")
    def send(phone: str) -> str:
        sent.append(phone)
        return "sent"

    assert send.apply([LISTED]).get() == "sent"
    assert "invalid" in send.apply(["12"]).get()
    send.channel = "sms"
    assert send.apply([LISTED]).get()["sent"] is False
    assert sent == [LISTED]


def test_a_parameter_may_have_any_name(guarded: Any) -> None:
    @guarded(channel="sms", to="self")
    def send(self: str) -> str:
        return "sent"

    assert send.apply([FREE]).get() == send.apply(kwargs={"self": FREE}).get() == "sent"
    assert send.apply([LISTED]).get()["sent"] is False


def test_every_way_into_the_body_asks(guarded: Any, sent: list[str]) -> None:
    @guarded(bind=True, channel="sms", to="phone")
    def send(self: Any, phone: str) -> str:
        sent.append(phone)
        return str(self.name)

    assert send(LISTED)["sent"] is False
    assert send.run(phone=LISTED)["sent"] is False
    assert send.apply([LISTED]).get()["sent"] is False
    assert sent == []
    assert send(FREE) == send.run(FREE) == send.name


def test_another_base_with_a_call_of_its_own_asks(app: Any, sent: list[str]) -> None:
    """Frameworks replace `__call__`, to run tasks in a context of theirs."""

    class InContext(celery.Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.run(*args, **kwargs)

    class Both(InContext, GuardedTask):
        abstract = True

    @app.task(base=Both, shared=False, channel="sms", to="phone")
    def send(phone: str) -> None:
        sent.append(phone)

    assert send.apply([LISTED]).get()["sent"] is False
    assert sent == []


def test_a_class_asks_by_its_own_options(app: Any, sent: list[str]) -> None:
    class Text(GuardedTask):
        name = "text"
        channel = "sms"
        to = staticmethod(lambda person: person["phone"])

        def run(self, person: dict[str, str]) -> None:
            sent.append(person["phone"])

    class OnViber(Text):
        name = "viber"
        channel = "viber"

    text, viber = app.register_task(Text()), app.register_task(OnViber())
    assert text.apply([{"phone": LISTED}]).get()["sent"] is False
    assert sent == []
    assert viber.apply([{"phone": LISTED}]).get() is None
    assert sent == [LISTED]


def test_a_handler_takes_the_place_of_the_send(guarded: Any) -> None:
    @guarded(
        channel=lambda phone: "sms",
        to=lambda phone: phone,
        on_suppressed=lambda decision: f"letter: {decision.reason}",
    )
    def send(phone: str) -> str:
        return "sent"

    assert send.apply([LISTED]).get() == "letter: listed for sms by test"
    assert send.apply(["12"]).get()["outcome"] == "invalid"


def test_a_wrong_channel_fails_at_once(guarded: Any, sent: list[str]) -> None:
    """This is no message to drop: all are affected, and somebody has to know."""

    @guarded(channel="smss", to="phone", autoretry_for=(Exception,))
    def send(phone: str) -> None:
        sent.append(phone)

    state = send.apply([FREE])
    assert isinstance(state.result, suppress.UnknownChannel)
    assert sent == []


def test_a_listed_number_in_the_body_is_not_tried_again(guarded: Any, sent: list[str]) -> None:
    @suppress.guard(channel="sms", to="phone")
    def text(phone: str) -> None:
        sent.append(phone)

    tried = []

    @guarded(channel="viber", to="phone", autoretry_for=(Exception,))
    def send(phone: str) -> None:
        tried.append(phone)
        text(phone)

    assert isinstance(send.apply([LISTED]).result, suppress.Suppressed)
    assert (len(tried), sent) == (1, [])


def test_a_bypass_lets_it_pass(guarded: Any, caplog: pytest.LogCaptureFixture) -> None:
    @guarded(channel="sms", to="phone")
    def send(phone: str) -> str:
        return "sent"

    with suppress.bypass(reason="confirms an opt-out"):
        assert send(LISTED) == "sent"
    assert "past the stop list" in caplog.text


def test_celery_shows_no_whole_number_of_the_arguments(guarded: Any) -> None:
    """The headers of the message have what it logs, and what its monitors show."""

    @guarded(channel="sms", to="phone")
    def send(phone: str, text: str) -> None: ...

    seen = []

    def published(headers: dict[str, str], **rest: object) -> None:
        seen.append((headers["argsrepr"], headers["kwargsrepr"]))

    signals.before_task_publish.connect(published)
    try:
        send.delay(LISTED, text="Hello")
        send.s(phone=LISTED, text="Hello").delay()
        send.apply_async([LISTED, "Hello"], argsrepr="(a person, a text)")
    finally:
        signals.before_task_publish.disconnect(published)
    masked = "'+141******71'"
    assert seen == [
        (f"({masked},)", "{'text': 'Hello'}"),
        ("()", f"{{'phone': {masked}, 'text': 'Hello'}}"),
        ("(a person, a text)", "{}"),
    ]


def test_a_drop_is_logged_without_the_number(
    guarded: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @guarded(channel="sms", to="phone")
    def send(phone: str) -> None:
        raise AssertionError("sent")

    caplog.set_level(logging.INFO, "suppress")
    result = [send.apply([each]).get() for each in (LISTED, "+1415555267123456789")]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "sent nothing: listed for sms by test" in caplog.text
    assert "5552671" not in caplog.text + str(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "phone"}, "Give it `channel`"),
        ({"channel": "sms"}, "Give it `to`"),
        ({"channel": "sms", "to": "number"}, "no parameter 'number'"),
        ({"channel": "sms", "to": "phone", "on_suppressed": "skip"}, "on_suppressed .* a function"),
        ({"channel": "sms", "to": "phone", "on_invalid": "raise"}, "on_invalid .* a function"),
    ],
)
def test_a_task_whose_options_cannot_work_is_refused(
    guarded: Any, options: dict[str, str], words: str
) -> None:
    with pytest.raises(TypeError, match=words):

        @guarded(lazy=False, **options)
        def send(phone: str) -> None: ...
