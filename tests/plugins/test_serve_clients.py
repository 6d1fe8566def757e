"""The examples of clients in other languages, run where the language is installed."""

import contextlib
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from support.builders import environ_of_list
from support.serving import TOKEN, Service, served

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

CLIENTS = [("node", "serve_client.mjs"), ("php", "serve_client.php")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = environ_of_list(tmp_path_factory.mktemp("clients"), b"+14155552671\n")
    with served({**environ, "SUPPRESS_SERVE_TOKEN": TOKEN}) as found:
        yield found


def run(url: str, language: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    if (program := shutil.which(language)) is None:
        pytest.skip(f"{language} is not installed")
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={
            "PATH": os.environ["PATH"],
            "SERVICE": url,
            "SERVICE_TIMEOUT": "2",
            "SUPPRESS_SERVE_TOKEN": TOKEN,
        },
    )


def evaluated(url: str, language: str, javascript: str, php: str) -> Any:
    """Evaluate an expression with the client, in one of the languages; return its value."""
    if language == "node":
        client = (EXAMPLES / "serve_client.mjs").as_uri()
        code = (
            f"import * as it from {json.dumps(client)}; console.log(JSON.stringify({javascript}))"
        )
        done = run(url, "node", "--input-type=module", "-e", code)
    else:
        client = json.dumps(str(EXAMPLES / "serve_client.php"))
        flags = "JSON_PRESERVE_ZERO_FRACTION"
        names = "check, screen, filter, optOut, optIn, health"
        code = f"use Suppress\\ServiceError; use function Suppress\\{{{names}}}; require {client};"
        done = run(url, "php", "-r", f"{code} echo json_encode({php}, {flags});")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


LANGUAGES = pytest.mark.parametrize("language", ["node", "php"])


@pytest.mark.parametrize(("language", "script"), CLIENTS)
def test_a_client_sends_to_the_allowed_alone(service: Service, language: str, script: str) -> None:
    numbers = "+14155552671", "+14155552672", "n/a"
    done = run(service.url, language, str(EXAMPLES / script), *numbers)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "not to +14155552671: suppressed, listed for sms by file (line 1)",
        "to +14155552672",
        "not to n/a: invalid, not a phone number",
        '[{"id":2,"phone":"+14155552672"}]',
    ]


@LANGUAGES
def test_a_client_names_the_region(service: Service, language: str) -> None:
    found = evaluated(
        service.url,
        language,
        'await Promise.all([it.check("415 555 2672", "sms", "US"), '
        'it.check("415 555 2672", "sms"), it.screen(["415 555 2671"], "sms", "US")])',
        '[check("415 555 2672", "sms", "US"), check("415 555 2672", "sms"), '
        'screen(["415 555 2671"], "sms", "US")]',
    )
    assert [found[0]["outcome"], found[0]["e164"]] == ["allowed", "+14155552672"]
    assert found[1]["outcome"] == "invalid"
    assert "send default_region" in found[1]["reason"]
    assert found[2][0]["outcome"] == "suppressed"


@LANGUAGES
def test_a_client_returns_recipients_as_they_were(service: Service, language: str) -> None:
    found = evaluated(
        service.url,
        language,
        'await (people => it.filter(people, "sms", "to").then(found => '
        "[found.length, found[0] === people[1], found]))([{to: '+14155552671'}, "
        "{to: '+14155552672', score: 1.0, tags: {}}, {}, {to: null}])",
        'filter(array_filter([null, ["to" => "+14155552671"], (object) ["to" => "+14155552672", '
        '"score" => 1.0, "tags" => new stdClass()], [], ["to" => null]]), "sms", "to")',
    )
    kept = {"to": "+14155552672", "score": 1.0, "tags": {}}
    assert found == ([1, True, [kept]] if language == "node" else [kept])
    if language == "php":
        assert isinstance(found[0]["score"], float)


@LANGUAGES
def test_a_client_opts_people_out_and_in(service: Service, language: str) -> None:
    number = {"node": "+14155552681", "php": "+14155552682"}[language]
    javascript = (
        'await (async () => [await it.optOut(["NUMBER"], ["sms", "viber"], {via: "form"}), '
        'await it.optOut(["NUMBER"], ["sms"]), (await it.check("NUMBER", "sms")).outcome, '
        'await it.optIn(["NUMBER", "+14155552671"], "sms", {reason: "asked"}), '
        '(await it.check("NUMBER", "sms")).outcome, (await it.check("NUMBER", "viber")).outcome])()'
    )
    php = (
        '[optOut([7 => "NUMBER"], [7 => "sms", 8 => "viber"], ["via" => "form"]), '
        'optOut(["NUMBER"], ["sms"]), check("NUMBER", "sms")["outcome"], '
        'optIn([7 => "NUMBER", 8 => "+14155552671"], "sms", ["reason" => "asked"]), '
        'check("NUMBER", "sms")["outcome"], check("NUMBER", "viber")["outcome"]]'
    )
    found = evaluated(
        service.url, language, javascript.replace("NUMBER", number), php.replace("NUMBER", number)
    )
    assert found == [
        {"sms": 1, "viber": 1},
        {"sms": 0},
        "suppressed",
        {number: [], "+14155552671": ["file"]},
        "allowed",
        "suppressed",
    ]


@LANGUAGES
def test_a_client_asks_for_the_health(service: Service, language: str) -> None:
    found = evaluated(service.url, language, "await it.health()", "health()")
    assert {name: each["state"] for name, each in found.items()} == {
        "sms": "fresh",
        "viber": "fresh",
    }


UNHEALTHY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 54\r\n\r\n"
    b'{"status":"unavailable","reason":"gone","channels":{}}'
)


@LANGUAGES
def test_a_list_that_may_not_serve_is_an_error_with_the_reason(language: str) -> None:
    with silent(UNHEALTHY) as url:
        found = failure(url, language, javascript="it.health()", php="health()")
    assert found == {"status": 503, "retryable": True, "retryAfter": 5, "message": "gone"}


FILTER = (
    'it.filter([{to: "+14155552672"}], "CHANNEL", "to")',
    'filter([["to" => "+14155552672"]], "CHANNEL", "to")',
)

FAILURE = {
    "node": "await CALL.catch(error => ({...error, "
    "name: error.constructor.name, message: error.message}))",
    "php": "(function () { try { return CALL; } "
    'catch (ServiceError $error) { return ["name" => get_class($error), "status" => '
    '$error->status, "retryable" => $error->retryable, "retryAfter" => $error->retryAfter, '
    '"message" => $error->getMessage()]; } })()',
}


def failure(
    url: str,
    language: str,
    channel: str = "sms",
    *,
    javascript: str = FILTER[0],
    php: str = FILTER[1],
) -> dict[str, Any]:
    """Return the fields of the error that a client throws."""
    codes = (
        caught.replace("CALL", call.replace("CHANNEL", channel))
        for caught, call in zip(FAILURE.values(), (javascript, php), strict=True)
    )
    found: dict[str, Any] = evaluated(url, language, *codes)
    assert found.pop("name") in ("ServiceError", "Suppress\\ServiceError")
    return found


@LANGUAGES
def test_an_error_says_whether_to_try_again(service: Service, language: str) -> None:
    found = failure(service.url, language, channel="smss")
    assert found.pop("message").startswith("No source serves the channel 'smss'.")
    assert found == {"status": 404, "retryable": False, "retryAfter": None}


@LANGUAGES
def test_a_service_that_is_down_may_be_asked_again(language: str) -> None:
    found = failure("http://127.0.0.1:9", language)  # nobody listens there
    assert found.pop("message") == "The service does not answer."
    assert found == {"status": None, "retryable": True, "retryAfter": None}


@pytest.mark.parametrize(
    ("sent", "status", "retry_after"),
    [
        (b"", None, None),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"recipients":[', 200, None),
        (
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nBusy",
            503,
            5,
        ),
    ],
    ids=["nothing", "half", "proxy"],
)
@LANGUAGES
def test_an_answer_that_is_none_may_be_asked_for_again(
    language: str, sent: bytes, status: int | None, retry_after: int | None
) -> None:
    with silent(sent) as url:
        found = failure(url, language)
    found.pop("message")
    assert found == {"status": status, "retryable": True, "retryAfter": retry_after}


@contextlib.contextmanager
def silent(sent: bytes) -> Iterator[str]:
    """Serve the beginning of an answer, and then nothing; yield the address."""
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            assert isinstance(self.request, socket.socket)
            self.request.recv(2**16)
            self.request.sendall(sent)
            ended.wait(60)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield "http://{}:{}".format(*server.server_address)
        finally:
            ended.set()
            server.shutdown()


PAGE = """<?php
function answer(): string
{{
    require_once {client};
    return Suppress\\check('+14155552671', 'sms')['outcome'];
}}
function check(): string
{{
    return answer(); // a function of this name belongs to the application
}}
echo check();
"""


def test_a_page_on_the_web_uses_the_client(service: Service, tmp_path: Path) -> None:
    """The names of a script, such as `$argv`, are not there, and nothing but the answer is sent."""
    (page := tmp_path / "index.php").write_text(
        PAGE.format(client=json.dumps(str(EXAMPLES / "serve_client.php")))
    )
    flags = "-d", "register_argc_argv=0", "-d", "display_errors=1"
    assert run(service.url, "php", *flags, str(page)).stdout == "suppressed"
    with served_by_php(service.url, tmp_path, *flags) as url:
        answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.text) == (200, "suppressed")


@contextlib.contextmanager
def served_by_php(url: str, folder: Path, *flags: str) -> Iterator[str]:
    """Serve the pages in a folder; yield the address."""
    if (program := shutil.which("php")) is None:
        pytest.skip("php is not installed")
    environ = {"PATH": os.environ["PATH"], "SERVICE": url, "SUPPRESS_SERVE_TOKEN": TOKEN}
    with subprocess.Popen(
        [program, *flags, "-S", "127.0.0.1:0", "-t", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"\((http://\S+)\)", process.stderr.readline())
            assert found is not None
            yield found[1]
        finally:
            process.kill()


@pytest.mark.parametrize(("language", "script"), CLIENTS)
def test_a_client_sends_to_nobody_without_an_answer(language: str, script: str) -> None:
    done = run("http://127.0.0.1:9", language, str(EXAMPLES / script), "+14155552672")
    assert done.returncode != 0
    assert "to +" not in done.stdout
