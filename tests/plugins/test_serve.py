"""The service over HTTP, as a process of its own on a free port."""

import gzip
import http.client
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import requests

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import suppress
from support.builders import ListSource, by_hand, environ_of_list
from support.commands import COMMAND, run_text
from support.serving import TOKEN, Service, peak, served
from suppress_http.backend import Backend
from suppress_http.checking import CheckAnswer, CheckRequest
from suppress_http.health import HealthAnswer
from suppress_http.opt_outs import OptInAnswer, OptInRequest, OptOutAnswer, OptOutRequest
from suppress_http.replies import ReplyAnswer, ReplyRequest
from suppress_http.server import listener
from suppress_http.settings import ServeSettings

PAGE = (Path(__file__).parents[2] / "docs/how-to/serve.md").read_text()

STOPPED = b"+14155552671\n+442079460958\n"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environ_of_list(tmp_path_factory.mktemp("serve"), STOPPED)


@pytest.fixture(scope="module")
def service(environ: dict[str, str]) -> Iterator[Service]:
    with served(environ) as found:
        yield found


@pytest.fixture(scope="module")
def with_token(environ: dict[str, str]) -> Iterator[Service]:
    with served({**environ, "SUPPRESS_SERVE_TOKEN": TOKEN}) as found:
        yield found


@pytest.mark.parametrize(
    ("number", "region", "outcome", "e164"),
    [
        ("+1 415 555 2672", None, "allowed", "+14155552672"),
        (14155552672, None, "allowed", "+14155552672"),
        (14155552672.0, None, "allowed", "+14155552672"),
        (1.4155552671e10, None, "suppressed", "+14155552671"),
        (14155552672.5, None, "invalid", None),
        ("(415) 555-2671", "US", "suppressed", "+14155552671"),
        ("n/a", None, "invalid", None),
        (10**4000, None, "invalid", None),
    ],
)
def test_one_number_is_checked(
    service: Service, number: str | float, region: str | None, outcome: str, e164: str | None
) -> None:
    question = {"number": number, "channel": "sms", "default_region": region}
    found = service.post("/check", question)
    assert found.status_code == 200
    answer = found.json()
    assert (answer["outcome"], answer["e164"]) == (outcome, e164)
    assert answer["listed_by"] == (
        [{"source": "file", "id": "line 1", "added_at": None}] if outcome == "suppressed" else []
    )
    assert found.headers["cache-control"] == "no-store"


def test_an_array_is_answered_with_all_outcomes_and_counts(service: Service) -> None:
    sent = ["+14155552671", 14155552672, {"a": [1, ", ]"]}, None]
    answer = service.post("/screen?channel=sms", [*sent[:2], None]).json()
    assert [each["recipient"] for each in answer["recipients"]] == [*sent[:2], None]
    assert [each["outcome"] for each in answer["recipients"]] == [
        *("suppressed", "allowed", "invalid")
    ]
    assert answer["counts"] == {"allowed": 1, "suppressed": 1, "invalid": 1}
    empty = service.post("/screen?channel=sms", []).json()
    assert empty["recipients"] == []


def test_lines_are_answered_with_lines(service: Service) -> None:
    body = b'{"id": 1, "to": "+14155552671"}\n\n{"id": 2, "to": "+14155552672"}'
    for data in (body, gzip.compress(body)):
        found = service.post("/screen?channel=sms&key=to", data=data, headers=NDJSON)
        rows = [json.loads(line) for line in found.text.splitlines()]
        assert [row["recipient"]["id"] for row in rows] == [1, 2]
        assert [row["outcome"] for row in rows] == ["suppressed", "allowed"]
        assert found.headers["suppress-counts"] == "allowed=1, suppressed=1, invalid=0"
    only = service.post("/screen?channel=sms&key=to&outcome=allowed", data=body, headers=NDJSON)
    assert [json.loads(line)["recipient"]["id"] for line in only.text.splitlines()] == [2]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/screen?channel=sms", b'"+14155552672"\n{broken\n', 422),
        ("/screen?channel=smss", b"1\n", 404),
        ("/screen", b"1\n", 422),
        ("/screen?channel=sms&outcom=allowed", b"1\n", 422),
        ("/screen?channel=sms&default_region=XX", b"1\n", 422),
        ("/check", b"{}", 415),
        ("/nowhere", b"", 404),
        ("/check/", b"", 404),
        ("/replies/other/", b"", 404),
    ],
)
def test_an_error_is_a_problem_and_nothing_else(
    service: Service, path: str, body: bytes, status: int
) -> None:
    found = service.post(path, data=body, headers=NDJSON, allow_redirects=False)
    assert found.status_code == status
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["status"] == status
    assert found.json()["retryable"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"number": "+14155552671", "chanel": "sms"}', 422),
        (b'{"number": true, "channel": "sms"}', 422),
        (b'{"number": "+14155552671", "channel": "sms", "default_region": "XX"}', 422),
        (b'"' + b"1" * 2**21 + b'"', 413),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    service: Service, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    found = service.post("/check", data=body, headers=headers)
    assert found.status_code == status
    assert "4155552671" not in found.text


ASK_REGION = "(send default_region: a code such as US, or international)"
WHOSE = f"digits without a plus: say whose they are {ASK_REGION}"


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (
            "/opt-outs",
            {"channel": "sms"},
            "unknown field `channel`. It can have: channels, numbers",
        ),
        ("/opt-outs", {"numbers": ["14155550001"], "channels": ["sms"]}, f"141******01: {WHOSE}."),
        ("/opt-ins", {"numbers": ["(415) 555-0001"], "channel": "sms"}, f"(415*****01: {WHOSE}."),
        ("/screen?channel=sms", {"1": "+14155552672"}, "it is a JSON object, not a JSON array."),
        ("/screen?chanel=sms", [], "It can have: channel, default_region, key, outcome."),
        ("/screen?channel=sms", 4155552672, "it is not a JSON array."),
        ("/screen?channel=sms", [1, {}], "(name its key, as in /screen?channel=sms&key=phone)."),
    ],
)
def test_a_message_says_what_to_send(
    service: Service, path: str, content: object, said: str
) -> None:
    answer = service.post(path, content)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_number_whose_region_is_unknown_has_a_reason_that_says_what_to_send(
    service: Service,
) -> None:
    number = "14155552672"
    assert service.post("/check", {"number": number, "channel": "sms"}).json()["reason"] == WHOSE
    answer = service.post("/screen?channel=sms", [number, "+14155552672"]).json()
    assert [each["reason"] for each in answer["recipients"]] == [WHOSE, "not listed for sms"]
    national = {"number": "0800 CALL", "channel": "sms"}
    assert ASK_REGION in service.post("/check", national).json()["reason"]


def test_a_large_list_takes_little_memory_and_is_answered_whole(service: Service) -> None:
    count = 200_000

    def lines() -> Iterator[bytes]:
        for start in range(0, count, 1000):
            yield b"".join(b'"+1415%07d"\n' % each for each in range(start, start + 1000))

    before = peak(service.process.pid)
    with service.post("/screen?channel=sms", data=lines(), headers=NDJSON, stream=True) as found:
        allowed = sum(b'"allowed"' in line for line in found.iter_lines())
    assert found.headers["suppress-counts"] == f"allowed={allowed}, suppressed=0, invalid=0"
    assert allowed == count
    assert peak(service.process.pid) - before < 60_000


def test_a_long_answer_without_room_is_an_error(environ: dict[str, str]) -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of another process are those of Linux")
    body = b"".join(b'"+1415%07d"\n' % each for each in range(50_000))
    with served(environ) as found:
        wait_until(lambda: found.get("/health").status_code == 200)
        most, limit = resource.RLIM_INFINITY, resource.RLIMIT_FSIZE
        resource.prlimit(found.process.pid, limit, (2**12, most))
        for kind in ("application/x-ndjson", "application/json"):
            content = body if "nd" in kind else b"[" + b",".join(body.split()) + b"]"
            failed = found.post("/screen?channel=sms", data=content, headers={"Content-Type": kind})
            assert (failed.status_code, failed.json()["retryable"]) == (503, True)
            assert "TMPDIR" in failed.json()["detail"]
        resource.prlimit(found.process.pid, limit, (most, most))
        assert found.post("/screen?channel=sms", data=body, headers=NDJSON).status_code == 200
        found.end()
        _, errors = found.process.communicate()
        assert errors == ""


def test_people_are_opted_out_and_back_in(service: Service) -> None:
    number, question = "+14155550001", {"number": "+14155550001", "channel": "sms"}
    wish = {"numbers": [number], "channels": ["sms"], "reason": "asked", "reference": "m1"}
    assert service.post("/opt-outs", wish).json() == {"new": {"sms": 1}}
    assert service.post("/opt-outs", wish).json() == {"new": {"sms": 0}}
    assert service.post("/check", question).json()["outcome"] == "suppressed"
    wish = {"numbers": [number, "+14155552671"], "channel": "sms"}
    answer = service.post("/opt-ins", wish).json()
    assert answer == {"still_listed_by": {number: [], "+14155552671": ["file"]}}
    assert service.post("/check", question).json()["outcome"] == "allowed"


def test_what_is_no_number_opts_nobody_out(service: Service) -> None:
    for odd in ("n/a", 14155550002.5, 0.0, -14155550002.0):
        wish = {"numbers": ["+14155550002", odd], "channels": ["sms"]}
        found = service.post("/opt-outs", wish)
        assert (found.status_code, found.json()["type"]) == (422, "urn:suppress:invalid-number")
        assert "4155550002" not in found.text
    question = {"number": "+14155550002", "channel": "sms"}
    assert service.post("/check", question).json()["outcome"] == "allowed"


def test_a_page_on_the_web_cannot_call(service: Service) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert service.get("/health", headers={"Host": host}).status_code == 421
    assert service.post("/replies/other", {}, headers={"Host": "any"}).status_code == 404
    body = '{"numbers":["+14155550003"],"channels":["sms"]}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        found = service.post("/opt-outs", data=body, headers={"Content-Type": kind})
        assert found.status_code == 415


def test_a_proxy_passes_nothing_on_without_a_token(service: Service, with_token: Service) -> None:
    for name in ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"):
        refused = service.get("/metrics", headers={name: "192.0.2.1"})
        assert refused.status_code == 421
        assert "SUPPRESS_SERVE_TOKEN" in refused.json()["detail"]
        passed = with_token.get("/metrics", headers={**BEARER, name: "192.0.2.1"})
        assert passed.status_code == 200


def test_without_the_token_nothing_is_said_but_the_health(with_token: Service) -> None:
    question = {"number": "+14155552671", "channel": "sms"}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        for found in (
            with_token.post("/check", question, headers=headers),
            with_token.get("/metrics", headers=headers),
        ):
            assert found.status_code == 401
            assert found.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in found.text
    assert with_token.post("/check", question, headers=BEARER).status_code == 200
    assert with_token.get("/health").status_code == 200


def test_the_health_is_good_until_a_list_is_missing(
    environ: dict[str, str], tmp_path: Path
) -> None:
    gone = {**environ, "SUPPRESS_STORE": str(tmp_path), "SUPPRESS_FILE_PATH": str(tmp_path / "no")}
    with served({**gone, "SUPPRESS_SERVE_TOKEN": TOKEN}) as found:
        answer = found.get("/health")
        assert answer.status_code == 503
        assert "sms: the stop list was never read" in answer.json()["reason"]
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["retry-after"]) > 0
        assert str(tmp_path) not in answer.text
        wait_until(lambda: str(tmp_path / "no") in found.get("/health", headers=BEARER).text)
        question = {"number": "+14155552672", "channel": "sms"}
        failed = found.post("/check", question, headers=BEARER)
        assert (failed.status_code, failed.json()["retryable"]) == (503, True)
        assert "retry-after" in failed.headers


def test_the_health_is_good_of_a_service_that_nobody_asks(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with served({**environ, "SUPPRESS_STORE": str(tmp_path)}) as found:
        wait_until(lambda: found.get("/health").status_code == 200)


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_need_a_token(environ: dict[str, str], host: str) -> None:
    done = run_text(["serve", "--host", host, "--port", "0"], env=environ)
    assert done.returncode == 2
    assert "SUPPRESS_SERVE_TOKEN" in done.stderr


@pytest.mark.parametrize("token", ["", "short"])
def test_a_weak_token_is_refused(environ: dict[str, str], token: str) -> None:
    done = run_text(["serve"], env={**environ, "SUPPRESS_SERVE_TOKEN": token})
    assert done.returncode == 2
    assert "openssl" in done.stderr


def test_a_unix_socket_is_for_its_owner_alone(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "socket"
    for _ in range(2):  # the first leaves its socket behind
        with served(environ, "--unix-socket", str(path)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            connection = http.client.HTTPConnection("any.name")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(path))
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            connection.close()
            assert (
                "Another process"
                in run_text(["serve", "--unix-socket", str(path)], env=environ).stderr
            )
    path.unlink()
    path.write_text("mine")
    assert run_text(["serve", "--unix-socket", str(path)], env=environ).returncode == 2
    assert path.read_text() == "mine"


def test_a_place_that_is_none_is_named_in_words(environ: dict[str, str], tmp_path: Path) -> None:
    token = {**environ, "SUPPRESS_SERVE_TOKEN": TOKEN}
    for option, place, why in (
        ("--host", "a..b", "label"),
        ("--host", "nowhere.invalid", "known"),
        ("--unix-socket", str(tmp_path / ("x" * 200)), "too long"),
        ("--unix-socket", str(tmp_path / "no" / "socket"), "No such file"),
    ):
        done = run_text(["serve", option, place], env=token)
        assert done.returncode == 2
        assert done.stderr.startswith(f"Error: Nothing can listen on {place}")
        assert why in done.stderr


def test_a_name_of_this_machine_that_is_another_address_needs_a_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("0.0.0.0", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [here])
    backend = Backend(by_hand(ListSource(), store="none"), ServeSettings(host="localhost"))
    with pytest.raises(suppress.ConfigurationError, match=r"localhost is 0\.0\.0\.0 here"):
        listener(backend).__enter__()


def test_a_socket_is_removed_by_whoever_made_it(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    backend = Backend(by_hand(ListSource(), store="none"), ServeSettings(unix_socket=path))
    first, second = listener(backend), listener(backend)
    listening, _ = first.__enter__()
    listening.close()  # it takes no more requests, and still answers some
    with second:
        first.__exit__(None, None, None)
        assert path.is_socket()
    assert not path.exists()


def test_a_socket_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    backend = Backend(by_hand(ListSource(), store="none"), ServeSettings(unix_socket=path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        with pytest.raises(suppress.ConfigurationError, match="Another process serves"):
            listener(backend).__enter__()
        assert path.is_socket()


def test_a_bomb_of_blank_lines_is_refused(environ: dict[str, str]) -> None:
    with served({**environ, "SUPPRESS_SERVE_MAX_BODY": "1000000"}) as found:
        for kind, begin in (("x-ndjson", b""), ("json", b"[")):
            bomb = gzip.compress(begin + b"\n" * 100_000_000)
            headers = {"Content-Type": f"application/{kind}"}
            refused = found.post("/screen?channel=sms", data=bomb, headers=headers)
            assert refused.status_code == 422
            assert "1,000,000 bytes" in refused.text


def test_sigterm_lets_answers_finish(environ: dict[str, str]) -> None:
    with served(environ) as found:
        begun, go_on = threading.Event(), threading.Event()
        answers: list[requests.Response] = []

        def lines() -> Iterator[bytes]:
            yield b'"+14155552672"\n'
            begun.set()
            assert go_on.wait(20)
            yield b'"+14155552671"\n'

        def screen() -> None:
            answers.append(found.post("/screen?channel=sms", data=lines(), headers=NDJSON))

        thread = threading.Thread(target=screen)
        thread.start()
        assert begun.wait(20)
        found.get("/health")  # the request before it was taken
        found.process.terminate()
        wait_until(lambda: is_closed(found.url))
        go_on.set()
        thread.join(20)
        assert answers[0].headers["suppress-counts"] == "allowed=1, suppressed=1, invalid=0"
        assert found.process.wait(20) == 143
        _, errors = found.process.communicate()
        assert errors == ""


def is_closed(url: str) -> bool:
    try:
        requests.get(f"{url}/health", timeout=5)
    except requests.ConnectionError:
        return True
    return False


def sample(service: Service, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    return next((float(each.split()[-1]) for each in lines if each.startswith(name)), 0.0)


def test_metrics_have_no_number(service: Service) -> None:
    service.post("/check", {"number": "+14155552671", "channel": "sms"})
    screened = 'suppress_recipients_total{channel="sms",outcome="invalid"}'
    before = sample(service, screened)
    service.post("/screen?channel=sms", ["n/a", "x", "+14155552672"])
    assert sample(service, screened) == before + 2
    service.get("/4155552671")
    page = service.get("/metrics").text
    assert 'suppress_http_requests_total{endpoint="/check",status="200"}' in page
    assert 'suppress_http_requests_total{endpoint="other",status="404"}' in page
    assert 'suppress_recipients_total{channel="sms",outcome="suppressed"}' in page
    assert 'suppress_snapshot_age_seconds{channel="sms"}' in page
    assert 'suppress_entries{channel="sms"} 2.0' in page
    assert "4155552671" not in page


def test_without_the_extra_the_command_says_what_to_install(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError(name='starlette')")
    path = os.pathsep.join([str(tmp_path), environ.get("PYTHONPATH", "")])
    done = run_text(["serve"], env={**environ, "PYTHONPATH": path})
    assert done.returncode == 2
    assert "suppress-filter[serve]" in done.stderr


def rows_of_the_page() -> dict[str, list[str]]:
    """Return the cells of the table of endpoints, by the endpoint."""
    table = PAGE.partition("| endpoint |")[2].partition("\n\n")[0]
    lines = [each.strip("| ").split(" | ") for each in table.splitlines()[2:]]
    return {cells[0].strip("`"): cells[1:] for cells in lines}


@pytest.mark.parametrize(
    ("endpoint", "asked", "answer"),
    [
        ("POST /check", CheckRequest, CheckAnswer),
        ("POST /opt-outs", OptOutRequest, OptOutAnswer),
        ("POST /opt-ins", OptInRequest, OptInAnswer),
        ("POST /replies/other", ReplyRequest, ReplyAnswer),
        ("GET /health", None, HealthAnswer),
    ],
)
def test_the_page_lists_the_fields(
    endpoint: str, asked: type[msgspec.Struct] | None, answer: type[msgspec.Struct]
) -> None:
    takes, answers = rows_of_the_page()[endpoint]
    required = {each.encode_name: each.required for each in fields_of(asked)}
    named = re.findall(r"(\*\*)?`(\w+)`", takes)
    assert {name: bool(bold) for bold, name in named} == required
    assert re.findall(r"`(\w+)`", answers) == [each.encode_name for each in fields_of(answer)]


def fields_of(kind: type[msgspec.Struct] | None) -> "tuple[msgspec.structs.FieldInfo, ...]":
    return () if kind is None else msgspec.structs.fields(kind)


def test_the_service_starts_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "stopped.txt").write_text(PAGE.partition(":caption: stopped.txt\n\n")[2][:13])
    commands = PAGE.partition("```sh\n")[2].partition("```")[0].splitlines()[1:]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SUPPRESS_SERVE_PORT": "0"}
    commands[-1] = commands[-1].replace("suppress", f"exec {COMMAND}", 1)
    with subprocess.Popen(
        ["sh", "-ec", "\n".join(commands)],
        stdout=subprocess.PIPE,
        env=environ,
        cwd=tmp_path,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = re.search(r"http://[\d.:]+\d", process.stdout.readline())
            assert url is not None
            question = {"number": "+14155552671", "channel": "sms"}
            answer = requests.post(f"{url[0]}/check", json=question, timeout=30).json()
            assert answer["outcome"] == "suppressed"
        finally:
            process.kill()


def test_the_description_has_the_headers_and_forms_of_answers(service: Service) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    unhealthy = paths["/health"]["get"]["responses"]["503"]
    assert list(unhealthy["content"]) == ["application/json"]
    assert "Suppress-Counts" in paths["/screen"]["post"]["responses"]["200"]["headers"]
    for place in paths.values():
        for operation in place.values():
            assert "Retry-After" in operation["responses"]["5XX"]["headers"]


SCHEMATHESIS = """\
[checks.positive_data_acceptance]
# A text that the description allows may still be no phone number.
expected-statuses = ["2xx", "422"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("paths", ["/(check|screen)", "/(opt|replies|health|metrics|openapi)"])
def test_the_description_is_kept(environ: dict[str, str], tmp_path: Path, paths: str) -> None:
    pytest.importorskip("schemathesis")
    settings = {
        "SUPPRESS_STORE": str(tmp_path / "store"),
        "SUPPRESS_SERVE_TOKEN": TOKEN,
        "SUPPRESS_SERVE_REPLY_SECRET": TOKEN,
    }
    (tmp_path / "schemathesis.toml").write_text(SCHEMATHESIS)
    with served({**environ, **settings}) as found:
        wait_until(lambda: found.get("/health").status_code == 200)
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("schemathesis"), "--config-file"),
                *(str(tmp_path / "schemathesis.toml"), "run", f"{found.url}/openapi.json"),
                *("-H", f"Authorization: Bearer {TOKEN}", "-H", f"X-Reply-Secret: {TOKEN}"),
                *(
                    "--include-path-regex",
                    f"^{paths}",
                    "--max-examples",
                    "15",
                    "--seed",
                    "1",
                    "--phases",
                    "examples,coverage,fuzzing",
                ),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=55,
            cwd=tmp_path,
            env=environ,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Operations:" in done.stdout
