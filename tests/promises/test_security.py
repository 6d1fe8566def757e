"""Security: no key, token or number is shown, files are guarded, and TLS stays on."""

import asyncio
import contextlib
import copy
import hashlib
import http.server
import importlib.util
import json
import logging
import os
import pickle
import pprint
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import responses
import rich.pretty
import rich.traceback
import trustme
import urllib3.connection
from click.testing import CliRunner, Result

import suppress.aio
import suppress.cli
from support import commands
from support import faulty_server as faulty
from support.builders import ListSource, by_hand, limit_bsg, listed, wait_for
from support.commands import COMMAND
from suppress import (
    ConfigurationError,
    Secret,
    Settings,
    SourceError,
    StopListUnavailable,
    Suppressor,
)
from suppress.plugin_manager import Plugins
from suppress_bsg.client import Client
from suppress_bsg.kept_key import KeptKey
from suppress_bsg.kept_key import key_file as key_file_if_any
from suppress_bsg.limits import BsgLimits
from suppress_bsg.sandbox import Sandbox, made_up
from suppress_bsg.settings import BsgSettings
from suppress_bsg.signing_in import KeptToken
from suppress_bsg.source import BsgSource

URL = "https://one-api.bsg.world"
KEY = "live_c0rrect-h0rse"
TOKEN = "eyJ0eXAi.b4ttery-staple"
ENVIRON = {"BSG_API_KEY": KEY}

Run = Callable[..., Result]

modes = pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes")


def shows(text: str) -> bool:
    """Tell whether a text shows most of the key or the token."""
    return any(part in text for part in (KEY, KEY[5:], TOKEN, TOKEN[9:]))


def shows_a_number(text: str) -> bool:
    """Tell whether a text shows a number of the test's list; an object's address is not one."""
    return re.search(r"(?<![0-9a-f])4155\d{6}(?![0-9a-f])", text) is not None


def rendered(error: BaseException) -> str:
    """Its traceback with the local variables of every frame but the test's own."""
    assert error.__traceback__ is not None
    below = error.__traceback__.tb_next
    plain = traceback.TracebackException(type(error), error, below, capture_locals=True)
    rich_one = rich.traceback.Traceback.extract(
        type(error), error, below, show_locals=True, locals_max_string=10**6
    )
    frames = [frame.locals or {} for stack in rich_one.stacks for frame in stack.frames]
    assert frames
    return "".join(plain.format()) + str([[*map(str, each.values())] for each in frames])


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(made_up(600), api_key=KEY) as running:
        yield running


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process; what it does to the log is undone."""
    log = logging.getLogger("suppress")
    monkeypatch.setattr(log, "handlers", list(log.handlers))

    def running(*arguments: str, typed: str | bytes = "", **environ: str) -> Result:
        result = CliRunner().invoke(
            suppress.cli.command_line, arguments, input=typed, env=environ, prog_name="suppress"
        )
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return running


def settings_file(text: str, mode: int = 0o600) -> Path:
    """The user's own settings file; a relative path in it begins in its folder."""
    path = key_file().with_name("suppress.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[suppress]\n{text}\n")
    path.chmod(mode)
    return path


def key_file() -> Path:
    path = key_file_if_any()
    assert path is not None
    return path


def file_of_key(text: str | bytes = f" {KEY}\n", mode: int = 0o600) -> Path:
    path = key_file().with_name("key.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


class TestSecret:
    @pytest.mark.parametrize(
        "show",
        [
            repr,
            str,
            format,
            "{}".format,
            "%s".__mod__,
            "%r".__mod__,
            pprint.pformat,
            rich.pretty.pretty_repr,
            lambda secret: f"{secret} {secret!r} {[secret]} {BsgSettings(api_key=secret)}",
            lambda secret: json.dumps({"key": secret}, default=str),
        ],
    )
    def test_is_not_shown(self, show: Callable[[Any], str]) -> None:
        shown = show(Secret(KEY))
        assert "***" in shown
        assert not shows(shown)

    @pytest.mark.parametrize(
        "encode", [pickle.dumps, json.dumps, msgspec.json.encode, msgspec.to_builtins, vars, iter]
    )
    def test_is_not_encoded(self, encode: Callable[[Any], object]) -> None:
        with pytest.raises(TypeError) as raised:
            encode(Secret(KEY))
        assert not shows(str(raised.value))

    def test_is_a_value(self) -> None:
        secret = Secret(KEY)
        assert secret.reveal() == Secret(secret).reveal() == KEY
        assert {secret} == {Secret(KEY)} != {Secret(TOKEN)}
        assert secret != KEY
        assert copy.copy(secret) == copy.deepcopy(secret) == secret
        with pytest.raises(AttributeError):
            secret.text = TOKEN

    @modes
    def test_is_kept_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "key"
        Secret(KEY).keep(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert Secret.read(path) == Secret(KEY)
        assert list(path.parent.iterdir()) == [path]


class TestWhereTheKeyComesFrom:
    @pytest.mark.parametrize(
        ("file", "environ", "found"),
        [
            ("api_key = 'f'", {}, "f"),
            ("api_key_file = 'key.txt'", {}, KEY),
            ("", {"BSG_API_KEY": "e"}, "e"),
            ("", {"BSG_API_KEY_FILE": "home/suppress/key.txt"}, KEY),
            ("api_key = 'f'", {"BSG_API_KEY": "e"}, "e"),
            ("api_key = 'f'", {"BSG_API_KEY_FILE": "home/suppress/key.txt"}, KEY),
            ("api_key_file = 'no.txt'", {"BSG_API_KEY": "e"}, "e"),
            ("api_key_file = 'no.txt'", {"BSG_API_KEY_FILE": "home/suppress/key.txt"}, KEY),
        ],
    )
    def test_the_environment_wins(self, file: str, environ: dict[str, str], found: str) -> None:
        file_of_key()
        own = self.section(file, environ)
        assert own is not None
        assert own.api_key == Secret(found)

    @pytest.mark.parametrize(
        ("file", "environ", "text", "said"),
        [
            ("api_key = 'f'\napi_key_file = 'key.txt'", {}, KEY, "are both set"),
            ("", {"BSG_API_KEY": "e", "BSG_API_KEY_FILE": "x"}, KEY, "are both set"),
            ("api_key_file = 'no.txt'", {}, KEY, "the file cannot be read: No such file"),
            ("", {"BSG_API_KEY_FILE": KEY}, KEY, "the file cannot be read: No such file"),
            ("api_key_file = 'key.txt'", {}, " \n", "it is empty"),
            ("api_key_file = 'key.txt'", {}, KEY.encode() + b"\xff", "it is not text"),
        ],
    )
    def test_what_makes_no_sense(
        self, file: str, environ: dict[str, str], text: str | bytes, said: str
    ) -> None:
        file_of_key(text)
        with pytest.raises(ConfigurationError, match=f"BSG_API_KEY.*{said}") as raised:
            self.section(file, environ)
        assert not shows(str(raised.value))

    def test_a_relative_path_is_relative_to_the_settings_file(self) -> None:
        file_of_key()
        settings_file("[suppress.bsg]\napi_key_file = 'key.txt'")
        own = Settings.load(environ={}).section("bsg", BsgSettings, environ_prefix="BSG")
        assert own is not None
        assert own.api_key == Secret(KEY)

    @pytest.mark.parametrize(
        ("file", "environ", "found"),
        [
            ("", {}, "kept"),
            (f"base_url = '{URL}/'", {}, "kept"),
            ("api_key = 'f'", {}, "f"),
            ("", ENVIRON, KEY),
            ("base_url = 'https://other.example'", ENVIRON, KEY),
        ],
    )
    def test_one_that_was_kept_is_the_last_to_be_used(
        self, file: str, environ: dict[str, str], found: str
    ) -> None:
        KeptKey(Secret("kept"), URL).keep(key_file())
        settings = Settings.load(settings_file(f"[suppress.bsg]\n{file}"), environ=environ)
        (source,) = Plugins().sources(settings)
        assert isinstance(source, BsgSource)
        assert source.identity.endswith(hashlib.sha256(found.encode()).hexdigest())

    @pytest.mark.parametrize("address", [URL, None, "https://mine.example/api"])
    @pytest.mark.parametrize("where", ["file", "environment"])
    def test_one_that_was_kept_goes_to_no_other_address(
        self, address: str | None, where: str
    ) -> None:
        kept = key_file()
        kept.parent.mkdir(parents=True)
        if address is None:  # as an earlier version has kept it
            kept.write_text(f"{KEY}\n")
            kept.chmod(0o600)
        else:
            KeptKey(Secret(KEY), address).keep(kept)
        table = "base_url = 'https://evil.example'" if where == "file" else ""
        environ = {} if where == "file" else {"BSG_BASE_URL": "https://evil.example"}
        settings = Settings.load(settings_file(f"[suppress.bsg]\n{table}"), environ=environ)
        said = f"kept belongs to {address or URL}, but BSG_BASE_URL .* is https://evil.example"
        with pytest.raises(ConfigurationError, match=said) as raised:
            Plugins().sources(settings)
        assert not shows(rendered(raised.value))

    def section(self, file: str, environ: dict[str, str]) -> BsgSettings | None:
        settings = Settings.load(settings_file(f"[suppress.bsg]\n{file}"), environ=environ)
        return settings.section("bsg", BsgSettings, environ_prefix="BSG")


class TestLogin:
    @pytest.mark.parametrize("typed", [f"{KEY}\n", f" {KEY} \nmore\n"])
    def test_a_key_from_a_pipe(self, run: Run, server: Sandbox, typed: str) -> None:
        done = run("login", typed=typed, BSG_BASE_URL=server.url)
        assert (done.exit_code, done.stdout) == (
            0,
            f"The key works, and is kept in {key_file()}.\n",
        )
        assert key_file().read_text() == f"{KEY}\n{server.url}\n"
        read = run("refresh", "--channel", "sms", BSG_BASE_URL=server.url, SUPPRESS_STORE="none")
        assert read.exit_code == 0
        assert not shows(done.output + read.output)
        elsewhere = run("refresh", BSG_BASE_URL=server.url.replace("127.0.0.1", "localhost"))
        assert elsewhere.exit_code == 2
        assert f"belongs to {server.url}, but" in elsewhere.stderr

    @pytest.mark.parametrize(
        ("typed", "status", "said"),
        [
            (f"{KEY}-wrong\n", 3, r"Error: The key was not kept\. BSG refused .* \(status 40\d\)"),
            (f"{KEY} ключ\n".encode(), 2, "not an API key"),
            (f"{KEY}\xff\n".encode("latin-1"), 2, "not an API key"),
            ("\n", 2, "There is no key on standard input."),
            ("", 2, "There is no key on standard input."),
        ],
    )
    def test_a_key_that_is_none(
        self, run: Run, server: Sandbox, typed: str | bytes, status: int, said: str
    ) -> None:
        done = run("login", typed=typed, BSG_BASE_URL=server.url)
        assert done.exit_code == status
        assert re.search(said, done.stderr)
        assert not shows(done.output)
        assert not key_file().exists()

    def test_tells_when_another_key_is_set(self, run: Run, server: Sandbox) -> None:
        settings_file("[suppress.bsg]\napi_key = 'f'")
        done = run("login", typed=KEY, BSG_BASE_URL=server.url, BSG_API_KEY_FILE="no.txt")
        assert done.stderr == "It is not used while BSG_API_KEY_FILE or api_key is set.\n"

    @modes
    @pytest.mark.slow
    def test_a_prompt_without_an_echo(self, server: Sandbox) -> None:
        import pty  # noqa: PLC0415 - not on every platform
        import termios  # noqa: PLC0415

        terminal, inside = pty.openpty()
        with subprocess.Popen(
            [COMMAND, "login"],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            env={**os.environ, "BSG_BASE_URL": server.url},
        ) as process:
            os.close(inside)
            seen = b""
            while b"BSG API key" not in seen:
                seen += os.read(terminal, 1000)
            arguments = Path(f"/proc/{process.pid}/cmdline")
            if arguments.exists():
                assert not shows(arguments.read_text())
            # What is typed while the echo is still on is thrown away with it.
            wait_for(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, f"{KEY}\n".encode())
            with contextlib.suppress(OSError):  # the end, on a terminal
                while more := os.read(terminal, 1000):
                    seen += more
            assert process.wait(10) == 0
        os.close(terminal)
        assert b"kept in" in seen
        assert not shows(seen.decode())
        assert key_file().read_text() == f"{KEY}\n{server.url}\n"
        assert stat.S_IMODE(key_file().stat().st_mode) == 0o600


class TestNothingIsShown:
    @pytest.mark.parametrize(
        ("file", "environ", "said"),
        [
            ("", ENVIRON | {"SUPPRESS_TTL": "soon"}, "SUPPRESS_TTL"),
            ("", ENVIRON | {"BSG_TIMEOUT": "soon"}, "BSG_TIMEOUT"),
            ("", ENVIRON | {"BSG_CHANNELS": "smss"}, "BSG_CHANNELS"),
            ("", ENVIRON | {"BSG_BASE_URL": "http://one-api.bsg.world"}, "BSG_BASE_URL"),
            ("", {"BSG_API_KEY": f"{KEY} ключ"}, "BSG_API_KEY"),
            (f"api_key = '{KEY}'", {}, "'api_key' in the table"),
            (f"[suppress.bsg]\napi_key = '{KEY}'\nx = 1", {}, "'x' in the table"),
            (f"[suppress.bsg]\napi_key = '{KEY}'\nchannels = 1", {}, "BSG_CHANNELS"),
            (
                f"[suppress.bsg]\napi_key = ['{KEY}']",
                {},
                "BSG_API_KEY .* Expected text, got a (list|table)",
            ),
            (
                f"[suppress.bsg]\napi_key = {{a = '{KEY}'}}",
                {},
                "BSG_API_KEY .* Expected text, got a (list|table)",
            ),
            (f"[suppress.bsg]\napi_key = '{KEY}'\napi_key_file = '.'", {}, "both set"),
            (f"[suppress.bsg]\napi_key = '{KEY}'\n=", {}, "is not TOML"),
            (f"[suppress.bsg]\napi_key = {KEY}", {}, "is not TOML"),
            (f"[suppress.other]\napi_key = '{KEY}'", {}, "belongs to no plugin"),
        ],
    )
    def test_by_wrong_settings(
        self, monkeypatch: pytest.MonkeyPatch, file: str, environ: dict[str, str], said: str
    ) -> None:
        settings_file(file)
        for name, text in environ.items():
            monkeypatch.setenv(name, text)
        with pytest.raises(ConfigurationError, match=said) as raised:
            Plugins().sources(Settings.load())
        assert not shows(rendered(raised.value))

    @pytest.mark.parametrize(
        ("path", "answer", "said"),
        [
            ("login", {"status": 401, "body": KEY}, r"refused the API key \(status 401\)"),
            (
                "login",
                {"status": 500, "json": {"message": f"{'.' * 190}{KEY}"}},
                r"status 500 .*\*",
            ),
            ("login", {"json": {"bearers": TOKEN}}, "not what was expected"),
            ("login", {"json": {"bearer": [TOKEN]}}, "not what was expected"),
            ("login", {"body": f'{{"bearer": "{TOKEN}'}, "not what was expected"),
            ("login", {"body": f'{{"bearer": "{TOKEN}"{" " * 5000}}}'}, "larger than"),
            ("login", {"body": RuntimeError(KEY)}, "RuntimeError"),
            ("list", {"status": 422, "json": {"message": f"{KEY} {TOKEN}"}}, r"\(\*\*\* \*\*\*\)"),
            ("list", {"status": 422, "json": {"message": "+14155552671"}}, r"\(\+141\*+71\)"),
            ("list", {"status": 422, "json": {"message": "\x1b[2J\n"}}, r"\(\\x1b\[2J\\n\)"),
            ("list", {"body": OSError(TOKEN)}, "CA_BUNDLE"),
            ("list", {"body": TOKEN}, "not what was expected"),
        ],
    )
    def test_by_a_server_that_errs(
        self, path: str, answer: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BSG_API_KEY", KEY)
        limit_bsg(monkeypatch, BsgLimits(retries=0, largest_answer=5000))
        suppressor = suppress.Suppressor(store=None)
        login: dict[str, Any] = answer if path == "login" else {"json": {"bearer": TOKEN}}
        with responses.RequestsMock(assert_all_requests_are_fired=False) as api:
            api.post(f"{URL}/api/auth/login", **login)
            api.get(f"{URL}/api/stoplist", **answer)
            with pytest.raises(StopListUnavailable, match=said) as raised:
                suppressor.refresh("sms")
        assert not shows(rendered(raised.value))

    @pytest.mark.parametrize("ends", [OSError, KeyboardInterrupt])
    @pytest.mark.parametrize("signed_in", [False, True])
    def test_by_a_connection_that_ends(
        self,
        server: Sandbox,
        monkeypatch: pytest.MonkeyPatch,
        ends: type[BaseException],
        signed_in: bool,
    ) -> None:
        def end(*_arguments: object, **_more: object) -> None:
            raise ends

        settings = BsgSettings(api_key=Secret(KEY), base_url=server.url)
        source = BsgSource(settings, limits=BsgLimits(retries=0))
        with Client(server.url, Secret(KEY)) as client:
            if signed_in:
                token = client.sign_in()
                source._kept.token = token
            monkeypatch.setattr(urllib3.connection.HTTPConnection, "request", end)
            with pytest.raises((SourceError, KeyboardInterrupt)) as raised:
                source.load(frozenset({"sms"}), lambda _done, _total: None)
            text = rendered(raised.value)
            assert not shows(text)
            assert not signed_in or token.bearer.reveal() not in text

    @pytest.mark.parametrize("path", ["/api/auth/login", "/api/stoplist"])
    @pytest.mark.parametrize(
        "fault",
        [
            faulty.reset_before_the_answer,
            faulty.reset_in_the_body,
            faulty.length_is_too_large,
            faulty.body_a_byte_at_a_time,
            faulty.endless,
            faulty.instead(b'{"data": [{"phone": "14155552671", "id": {}}, 5], "bearer": 1}'),
        ],
    )
    @pytest.mark.slow
    def test_in_the_context_of_an_error(
        self, path: str, fault: faulty.Fault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even where it is not printed: who reports errors may look there."""
        with faulty.FaultyServer(faulty.items(5), fault=faulty.on(path, fault)) as broken:
            settings = BsgSettings(api_key=Secret(faulty.KEY), base_url=broken.url)
            source = BsgSource(settings, load_timeout=0.5, limits=BsgLimits(retries=0))
            with pytest.raises(SourceError) as raised:
                source.load(frozenset({"sms"}), lambda _done, _total: None)
        found: list[BaseException] = [raised.value]
        for each in found:
            found += [more for more in (each.__cause__, each.__context__) if more is not None]
            # What the test runner was at has no frames below.
            below = each.__traceback__ and each.__traceback__.tb_next
            text = rendered(each) if below else ""
            text += f"{each!r} {vars(each)} {vars(getattr(each, 'request', None) or each)}"
            assert faulty.KEY not in text
            assert faulty.TOKEN_MARK not in text
            assert not shows_a_number(text)

    def test_by_a_token_that_cannot_be_sent(self, server: Sandbox) -> None:
        kept = KeptToken()
        kept.token = suppress.BearerToken(Secret(f"{TOKEN}\n{TOKEN}"))
        with (
            Client(server.url, Secret(KEY), kept=kept) as client,
            pytest.raises(SourceError) as raised,
        ):
            client.listing(offset=0, limit=15, channel=None)
        assert not shows(rendered(raised.value))

    @pytest.mark.parametrize("kind", [SourceError, RuntimeError])
    @pytest.mark.parametrize(
        "ask",
        [
            lambda made, numbers: made.is_suppressed(numbers[-1], "sms"),
            lambda made, numbers: made.filter_recipients(numbers, "sms"),
            lambda made, numbers: made.screen([(each,) for each in numbers], "sms"),
            lambda made, numbers: made.screen(numbers, "smss"),
            lambda made, numbers: made.screen(numbers, "sms", default_region="XX"),
            lambda made, numbers: made.add([*numbers, "44***123"], "sms"),
            lambda made, numbers: made.remove([*numbers, "44***123"], "sms"),
            lambda made, numbers: made.remove(numbers[:1], "sms"),
            lambda made, _numbers: made.refresh("sms"),
            lambda made, _numbers: made.snapshot("sms"),
        ],
    )
    def test_no_number_in_the_variables_of_a_traceback(
        self,
        ask: Callable[[suppress.Suppressor, list[str]], object],
        kind: type[Exception],
        tmp_path: Path,
    ) -> None:
        source = ListSource(listed("+14155552670"))
        settings = Settings(sources=("list",), store=tmp_path, ttl=0.0, max_stale=0.0)
        made = suppress.Suppressor(settings, plugins=[source], background=False)
        made.snapshot("sms")
        source.failure = kind("no")
        if kind is RuntimeError:  # the entries of a source that fails in the middle
            source.failure = None
            source.instead = broken
        with pytest.raises(suppress.SuppressError) as raised:
            ask(made, ["+14155552671", "4155552672", "99"])
        error = raised.value
        # The call of the test itself stands in two frames.
        assert error.__traceback__ is not None
        error = error.with_traceback(error.__traceback__.tb_next)
        shown = rendered(error)
        assert not shows_a_number(shown)
        if isinstance(error.__cause__, RuntimeError):
            assert "in broken" in shown, "who wrote the source is shown where it failed"

    def test_no_number_in_the_variables_of_a_traceback_of_the_module(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("suppress.default._made", None)
        for ask in (
            lambda: suppress.is_suppressed("+14155552671", "sms"),
            lambda: suppress.filter_recipients(["+14155552671"], "sms"),
            lambda: suppress.add(["+14155552671"], "sms"),
            lambda: asyncio.run(suppress.aio.screen(["+14155552671"], "sms")),
        ):
            with pytest.raises(ConfigurationError) as raised:
                ask()
            for frame, _ in traceback.walk_tb(raised.value.__traceback__):
                if frame.f_code.co_filename not in (__file__, asyncio.runners.__file__):
                    shown = repr(frame.f_locals)
                    assert "4155552671" not in shown, frame.f_code

    def test_in_any_log(
        self, server: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        tokens: list[str] = []
        monkeypatch.setattr(
            "suppress.exchange.bearer.BearerToken.__init__", self.remembering(tokens)
        )
        caplog.set_level(logging.DEBUG)
        odd = ListSource(listed("+999123456789", "00001234567890123"))
        monkeypatch.setenv("BSG_API_KEY", KEY)
        monkeypatch.setenv("BSG_BASE_URL", server.url)
        suppressor = suppress.Suppressor(plugins=[odd], store=None)
        suppressor.screen(["+14155552671", "n/a", "12345678901234567890"], "sms")
        assert "urllib3" in caplog.text
        assert "2 entries of the sms stop list are not phone numbers" in caplog.text
        (token,) = tokens
        assert not shows(caplog.text)
        assert token not in caplog.text
        assert not re.search(r"\d{7}", caplog.text)

    def remembering(self, tokens: list[str]) -> Callable[..., None]:
        init = suppress.BearerToken.__init__

        def remember(self: suppress.BearerToken, bearer: Secret) -> None:
            tokens.append(bearer.reveal())
            init(self, bearer)

        return remember

    @pytest.mark.parametrize(
        "command",
        [
            ("refresh",),
            ("status",),
            ("plugins",),
            ("check", "+14155552671", "--channel", "sms"),
        ],
    )
    @pytest.mark.slow
    def test_as_json(self, run: Run, server: Sandbox, command: tuple[str, ...]) -> None:
        done = run(*command, "--json", BSG_BASE_URL=server.url, BSG_API_KEY=KEY)
        assert done.exit_code == 0
        assert json.loads(done.stdout)
        assert not shows(done.output)

    @pytest.mark.parametrize(
        ("number", "more", "status"),
        [
            ("12345678901234567890", ["--channel", "sms"], 4),
            ("+1 415 555 267", ["--channel", "sms", "--default-region", "XX"], 2),
            ("+14155552671", ["--channel", "smss"], 2),
        ],
    )
    def test_no_number_in_an_error(
        self, run: Run, server: Sandbox, number: str, more: list[str], status: int
    ) -> None:
        done = run("check", number, *more, BSG_BASE_URL=server.url, BSG_API_KEY=KEY)
        assert done.exit_code == status
        assert done.stderr.startswith("Error: ")
        assert not re.search(r"\d{7}", done.stderr)

    @pytest.mark.parametrize(
        ("form", "text"),
        [("csv", "phone\n14155552671,1\n"), ("jsonl", '{"phone": +14155552671}\n')],
    )
    @pytest.mark.slow
    def test_no_number_in_an_error_of_a_file(self, server: Sandbox, form: str, text: str) -> None:
        done = commands.run_text(
            ["filter", "--channel", "sms", "--format", form],
            stdin=text,
            env={**os.environ, **ENVIRON, "BSG_BASE_URL": server.url},
        )
        assert done.returncode == 4
        assert done.stderr.startswith("Error: ")
        assert not re.search(r"\d{7}", done.stderr)

    def test_in_the_arguments_of_a_process(self) -> None:
        group = suppress.cli.command_line
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            for parameter in command.params:
                takes_a_text = not (isinstance(parameter, click.Option) and parameter.is_flag)
                words = " ".join(parameter.opts)
                secret = re.search("key|token|secret|password", words, re.IGNORECASE)
                assert not (takes_a_text and secret), f"{name} {words}"

    @pytest.mark.slow
    def test_by_a_sandbox_of_ones_own_key(self) -> None:
        with subprocess.Popen(
            [COMMAND, "sandbox", "--port", "0", "--size", "1", "--require-key"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRON},
        ) as process:
            assert process.stdout is not None
            lines = process.stdout.readline() + process.stdout.readline()
            url = lines.strip().rpartition("=")[2]
            try:
                with Client(url, KEY) as client:
                    client.sign_in()
                with Client(url, "test_x") as client, pytest.raises(SourceError, match="refused"):
                    client.sign_in()
                arguments = Path(f"/proc/{process.pid}/cmdline")
                if arguments.exists():
                    lines += arguments.read_text()
            finally:
                process.send_signal(signal.SIGINT)
        assert not shows(lines)

    def test_a_sandbox_that_requires_a_key_has_to_have_one(self, run: Run) -> None:
        done = run("sandbox", "--require-key")
        assert done.exit_code == 2
        assert "needs a key. Set BSG_API_KEY." in done.stderr


WRITTEN = "can be written by others, who could change who gets messages. Run `chmod go-w "
FOREIGN = "belongs to another user, who could change who gets messages. Use one of your own."
READ = "holds a key, and others can read it. Run `chmod 600 "


@modes
class TestFilesOfOthers:
    @pytest.mark.parametrize(
        ("mode", "file", "said"),
        [
            (0o600, "[suppress.bsg]\napi_key = 'f'", []),
            (0o400, "[suppress.bsg]\napi_key = 'f'", []),
            (0o644, "ttl = 60", []),
            (0o644, "[suppress.bsg]\napi_key = 'f'", [READ]),
            (0o640, "[suppress.bsg]\napi_key = 'f'", [READ]),
            (0o604, "[suppress.bsg]\napi_key = 'f'", [READ]),
            (0o644, "[suppress.bsg]\napi_key_file = 'key.txt'", []),
        ],
    )
    def test_a_settings_file_that_others_read(
        self, mode: int, file: str, said: list[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        file_of_key()
        path = settings_file(file, mode)
        Settings.load(path, environ={}).section("bsg", BsgSettings, environ_prefix="BSG")
        assert caplog.messages == [f"The settings file {path} {each}{path}`" for each in said]

    @pytest.mark.parametrize("mode", [0o664, 0o620, 0o602, 0o666])
    def test_a_settings_file_that_others_write_is_refused(self, mode: int) -> None:
        path = settings_file("[suppress.bsg]\napi_key = 'f'", mode)
        for named in (path, None):
            with pytest.raises(ConfigurationError) as raised:
                Settings.load(named, environ={})
            assert str(raised.value) == f"The settings file {path} {WRITTEN}{path}`."

    @pytest.mark.parametrize(("mode", "said"), [(0o600, []), (0o400, []), (0o440, [READ])])
    def test_a_key_that_others_read(
        self, mode: int, said: list[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        path = file_of_key(mode=mode)
        settings = Settings(environ={"BSG_API_KEY_FILE": str(path)})
        settings.section("bsg", BsgSettings, environ_prefix="BSG")
        assert caplog.messages == [f"The key file {path} {each}{path}`" for each in said]

    @pytest.mark.parametrize("kept", [True, False])
    def test_a_key_that_others_write_is_refused(self, kept: bool) -> None:
        path = key_file() if kept else file_of_key()
        if kept:
            KeptKey(Secret(KEY), URL).keep(path)
        path.chmod(0o602)
        settings = Settings(environ={} if kept else {"BSG_API_KEY_FILE": str(path)})
        with pytest.raises(ConfigurationError) as raised:
            Plugins().sources(settings)
        assert str(raised.value) == f"The key file {path} {WRITTEN}{path}`."
        assert not shows(rendered(raised.value))

    def test_those_of_another_user_are_refused(self, given_away: Callable[[Path], None]) -> None:
        key, path = file_of_key(), settings_file("ttl = 60")
        settings = Settings(environ={"BSG_API_KEY_FILE": str(key)})
        given_away(key)
        with pytest.raises(ConfigurationError, match=f"key file {key} {FOREIGN}"):
            Plugins().sources(settings)
        given_away(path)
        with pytest.raises(ConfigurationError, match=f"settings file {path} {FOREIGN}"):
            Settings.load(path, environ={})

    def test_a_link_of_another_user_is_refused(
        self, tmp_path: Path, given_away: Callable[[Path], None]
    ) -> None:
        link = tmp_path / "link.toml"
        link.symlink_to(settings_file("ttl = 60"))
        assert Settings.load(link, environ={}).ttl == 60
        given_away(link)
        with pytest.raises(ConfigurationError, match=f"the link {link} belongs to another user"):
            Settings.load(link, environ={})

    def test_settings_from_a_pipe(self) -> None:
        """As a shell hands them in, of `<(...)`."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as stream:
            stream.write("[suppress]\nttl = 60\n")
        assert Settings.load(f"/dev/fd/{reading}", environ={}).ttl == 60
        os.close(reading)

    @pytest.mark.parametrize("setting", ["list", "file of changes"])
    def test_a_list_that_others_write_is_warned_of(
        self, setting: str, caplog: pytest.LogCaptureFixture, given_away: Callable[[Path], None]
    ) -> None:
        table = (Path(suppress.__file__).parent / "numbers/renumbering.tsv").read_text()
        path = Path("file").absolute()
        path.write_text(table.partition("\n")[0] if setting != "list" else "+14155552671\n")
        variable = "SUPPRESS_FILE_PATH" if setting == "list" else "SUPPRESS_RENUMBERING"
        settings = Settings.load(environ=ENVIRON | {"SUPPRESS_STORE": "none", variable: "file"})
        path.chmod(0o644)
        Suppressor(settings)
        assert caplog.messages == []
        path.chmod(0o646)
        Suppressor(settings)
        given_away(path)
        Suppressor(settings)
        assert caplog.messages == [
            f"The {setting} {path} {WRITTEN}{path}`.",
            f"The {setting} {path} {FOREIGN}",
        ]

    def test_a_command_shows_it_once(self, run: Run, server: Sandbox) -> None:
        path = settings_file(f"[suppress.bsg]\napi_key = '{KEY}'", 0o644)
        done = run("refresh", BSG_BASE_URL=server.url)
        assert done.stderr == f"Warning: The settings file {path} {READ}{path}`\n"


@modes
class TestStoresOfOthers:
    LISTED = "+14155552671"

    @pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
    def test_one_that_others_write_is_refused(self, mode: int, tmp_path: Path) -> None:
        store = tmp_path / "store"
        self.made(store).snapshot("sms")
        running = self.made(store)
        running.add([self.LISTED], "sms")
        store.chmod(mode)
        said = f"The store {store} {WRITTEN}{store}"
        with pytest.raises(ConfigurationError, match=said):
            self.made(store)
        # A process that had it open before is no exception.
        for ask in (running.refresh, lambda: running.add([self.LISTED], "sms")):
            with pytest.raises(ConfigurationError, match=said):
                ask()
        store.chmod(0o700)
        assert self.made(store).is_suppressed(self.LISTED, "sms")

    def test_one_that_another_user_makes_in_time_is_refused(
        self, tmp_path: Path, given_away: Callable[[Path], None]
    ) -> None:
        store = tmp_path / "store"
        waiting = self.made(store)
        store.mkdir(0o700)
        given_away(store)
        with pytest.raises(ConfigurationError, match=f"store {store} {FOREIGN}"):
            waiting.is_suppressed(self.LISTED, "sms")

    def test_a_link_of_another_user_is_refused(
        self, tmp_path: Path, given_away: Callable[[Path], None]
    ) -> None:
        (tmp_path / "own").mkdir(0o700)
        link = tmp_path / "store"
        link.symlink_to("own")
        self.made(link).snapshot("sms")
        given_away(link)
        with pytest.raises(ConfigurationError, match=f"the link {link} belongs to another user"):
            self.made(link)

    @pytest.mark.parametrize("kind", ["snapshot", "numbers", "origins"])
    def test_a_forged_snapshot_is_not_taken(
        self,
        tmp_path: Path,
        kind: str,
        given_away: Callable[[Path], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """One that was laid in the folder while others could write there."""
        if os.geteuid() != 0:
            pytest.skip("takes root")
        store = tmp_path / "store"
        forger = self.made(store, lists=())
        assert not forger.is_suppressed(self.LISTED, "sms")
        (forged,) = store.glob(f"*.{kind}")
        given_away(forged)
        assert self.made(store).is_suppressed(self.LISTED, "sms")
        assert "its file belongs to another user" in caplog.text
        assert [each.stat().st_uid for each in store.glob(f"*.{kind}")] == [0]

    @pytest.mark.parametrize("name", ["opt-outs.sqlite3", "opt-outs.sqlite3-journal"])
    def test_forged_opt_outs_are_not_taken(
        self, tmp_path: Path, name: str, given_away: Callable[[Path], None]
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("takes root")
        store = tmp_path / "store"
        self.made(store).add([self.LISTED], "sms")
        (store / name).touch()
        given_away(store / name)
        with pytest.raises(ConfigurationError, match=f"store {store / name} {FOREIGN}"):
            self.made(store).is_suppressed(self.LISTED, "sms")

    def made(self, store: Path, lists: tuple[str, ...] = (LISTED,)) -> Suppressor:
        source = ListSource(listed(*lists))
        return by_hand(source, store=store)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestNetwork:
    """TLS is verified, whatever is set; nothing travels in the clear."""

    @pytest.fixture(params=["127.0.0.1"])
    def tls(
        self, request: pytest.FixtureRequest, authority: trustme.CA
    ) -> Iterator[tuple[str, list[str]]]:
        """A server with a certificate for a name; its address, and the requests that it saw."""
        seen: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                seen.append(self.path)
                body = json.dumps({"bearer": TOKEN}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(request.param).configure_cert(context)
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        with serving(server):
            yield f"https://127.0.0.1:{server.server_port}", seen

    @pytest.fixture(autouse=True)
    def no_bundle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.parametrize(
        "environ",
        [
            {},
            {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""},
            {"REQUESTS_CA_BUNDLE": "0"},
            {"REQUESTS_CA_BUNDLE": "false"},
            {"CURL_CA_BUNDLE": "/missing"},
            {"PYTHONHTTPSVERIFY": "0"},
            {"SSL_CERT_FILE": "/missing", "SSL_CERT_DIR": "/missing"},
        ],
        ids=str,
    )
    def test_no_variable_makes_it_trust(
        self, tls: tuple[str, list[str]], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, text in environ.items():
            monkeypatch.setenv(name, text)
        url, seen = tls
        said = "not trusted|CA_BUNDLE names no file"
        with Client(url, KEY) as client, pytest.raises(SourceError, match=said) as raised:
            client.sign_in()
        assert seen == []
        assert not shows(rendered(raised.value))

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_an_authority_of_ones_own(
        self,
        tls: tuple[str, list[str]],
        variable: str,
        authority: trustme.CA,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        authority.cert_pem.write_to_path("ca.pem")
        monkeypatch.setenv(variable, "ca.pem")
        url, seen = tls
        with Client(url, KEY) as client:
            client.sign_in()
        assert seen == ["/api/auth/login"]

    @pytest.mark.parametrize("tls", ["another.example"], indirect=True)
    def test_a_certificate_of_another_host(
        self,
        tls: tuple[str, list[str]],
        authority: trustme.CA,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        authority.cert_pem.write_to_path("ca.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "ca.pem")
        url, seen = tls
        with Client(url, KEY) as client, pytest.raises(SourceError, match="not trusted"):
            client.sign_in()
        assert seen == []

    @pytest.mark.parametrize("name", ["verify", "tls_verify", "insecure"])
    def test_no_setting_is_for_it(self, name: str) -> None:
        settings = Settings(tables={"bsg": {"api_key": KEY, name: False}})
        with pytest.raises(ConfigurationError, match="Unknown setting"):
            settings.section("bsg", BsgSettings)

    def test_what_is_for_this_machine_is_for_no_proxy(
        self, server: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        with Client(server.url, KEY) as client:
            client.sign_in()

    @pytest.mark.parametrize(
        ("status", "said"),
        [(407, r"asks for a login \(status 407\). Put a name"), (403, r"refuses .*status 403")],
    )
    def test_a_proxy_that_refuses(
        self, status: int, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with proxy(status) as (url, asked):
            monkeypatch.setenv("HTTPS_PROXY", url)
            with Client(URL, KEY) as client, pytest.raises(SourceError, match=said) as raised:
                client.sign_in()
        assert len(asked) == 1, "it is not asked again"
        assert asked[0].startswith("CONNECT one-api.bsg.world:443 ")
        assert "BSG" not in str(raised.value)
        assert not shows(rendered(raised.value))

    def test_a_proxy_that_refuses_what_is_not_encrypted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with proxy(407) as (url, _):
            monkeypatch.setenv("http_proxy", url)
            with (
                Client("http://one-api.example", KEY, allow_http=True) as client,
                pytest.raises(
                    SourceError, match=r"No answer to signing in: the proxy asks for a login"
                ) as raised,
            ):
                client.sign_in()
        assert "BSG" not in str(raised.value)

    def test_a_proxy_whose_library_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if importlib.util.find_spec("socks") is not None:
            pytest.skip("the library is there")
        monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")
        said = r"the proxy speaks SOCKS, .* Install requests\[socks\]"
        with (
            Client(URL, KEY, load_timeout=1.0, limits=BsgLimits(retry_delay=60.0)) as client,
            pytest.raises(SourceError, match=said),
        ):
            client.sign_in()

    def test_the_sandbox_listens_on_loopback_alone(self, server: Sandbox) -> None:
        port = int(server.url.rpartition(":")[2])
        addresses = ("127.0.0.1", "127.0.0.2", "::1", own_address())
        assert [each for each in addresses if answers(each, port)] == ["127.0.0.1"]


def broken() -> Iterator[suppress.Entry]:
    """A source whose own frame, which stays, has no number in a variable."""
    yield suppress.Entry(14155552670, {"sms"})
    raise RuntimeError("no")


@contextlib.contextmanager
def serving(server: http.server.HTTPServer) -> Iterator[None]:
    """The server answers while the block runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def proxy(status: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that refuses everything; its address, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def refuse(self) -> None:
            asked.append(self.requestline)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_CONNECT = do_POST = refuse  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}", asked


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def own_address() -> str:
    """The machine's address on a network; loopback's second one if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.2"
        return str(probe.getsockname()[0])
