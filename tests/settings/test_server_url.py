"""URLs of servers: told from paths, and never shown with a password."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from support.settings_files import load
from suppress import ConfigurationError, ServerUrl, Settings

PASSWORD = "s3cr%40t"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"postgresql://app:{PASSWORD}@db.example:5432/app",
            "postgresql://app@db.example:5432/app",
        ),
        (f"postgresql://db/app?user=app&password={PASSWORD}", "postgresql://db/app"),
        (f"redis://:{PASSWORD}@cache/1", "redis://cache/1"),
        (f"redis+sentinel://a:{PASSWORD}@h1:1,h2:2/name", "redis+sentinel://a@h1:1,h2:2/name"),
        ("postgresql:///app?host=/run/postgresql", "postgresql:///app"),
    ],
)
def test_it_is_shown_without_the_password(text: str, shown: str) -> None:
    url = ServerUrl(text)
    assert str(url) == shown
    assert repr(url) == f"<ServerUrl {shown}>"
    assert url.reveal() == text
    assert url.has_password == (PASSWORD in text)
    assert copy.copy(url) == copy.deepcopy(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:s3cr@t@db/app",
        "postgresql://app:s3cr/t@db/app",
        "postgresql://app:s3cr?t@db/app",
        "postgresql://app:s3cr#t@db/app",
        "postgresql://db/app?password=s3cr@t",
        "postgresql:// app:s3crt",
    ],
)
def test_one_that_cannot_be_read_is_refused_and_not_quoted(text: str) -> None:
    if " " not in text:
        with pytest.raises(ValueError, match="%40 for @") as caught:
            ServerUrl(text)
        assert "s3cr" not in str(caught.value)
        with pytest.raises(ConfigurationError, match="SUPPRESS_STORE") as told:
            load(environ={"SUPPRESS_STORE": text})
        assert "s3cr" not in str(told.value)


def test_its_digest_is_that_of_the_server_without_the_password() -> None:
    one = ServerUrl("postgresql://app:old@db/app?sslmode=require&password=x")
    assert one.digest == ServerUrl("postgresql://app:new@db/app?sslmode=require").digest
    others = (
        "postgresql://app:old@db/other?sslmode=require",
        "postgresql://other:old@db/app?sslmode=require",
        "postgresql://app:old@db2/app?sslmode=require",
        "redis://app:old@db/app?sslmode=require",
        "postgresql://app:old@db/app?options=-csearch_path%3Dx",
    )
    assert len({ServerUrl(text).digest for text in others} | {one.digest}) == len(others) + 1


@pytest.mark.parametrize("text", ["/srv/store", "store", "C:/store", "./a://b", "none"])
def test_a_path_is_none(text: str) -> None:
    assert not ServerUrl.is_one(text)


def test_a_setting_takes_it_from_every_layer() -> None:
    url = ServerUrl(f"redis://:{PASSWORD}@cache/1")
    for settings in (
        load(f'store = "{url.reveal()}"'),
        load('store = "/a"', {"SUPPRESS_STORE": url.reveal()}),
        load('store = "/a"', {"SUPPRESS_STORE": "/b"}, store=url),
        load(store=url.reveal()),
    ):
        assert settings.store == url
        assert PASSWORD not in repr(settings)
    assert load(f'store = "{url.reveal()}"', {"SUPPRESS_STORE": "/b"}).store == Path("/b")
    assert load(f'store = "{url.reveal()}"', {"SUPPRESS_STORE": "none"}).store is None


def test_it_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"redis://:{PASSWORD}@cache/1\n")
    (tmp_path / "url").chmod(0o600)
    for settings in (
        load(f'store_file = "{tmp_path / "url"}"'),
        load('store = "/a"', {"SUPPRESS_STORE_FILE": str(tmp_path / "url")}),
    ):
        assert settings.store == ServerUrl(f"redis://:{PASSWORD}@cache/1")


def test_a_settings_file_with_a_password_that_others_can_read_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("settings.toml").touch(mode=0o644)
    load('store = "redis://cache/1"')
    assert not caplog.records
    load(f'store = "redis://:{PASSWORD}@cache/1"')
    assert "others can read it" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("value", ["5", "[]", "true"])
def test_what_is_neither_a_path_nor_a_url_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="Expected a path"):
        load(f"store = {value}")


@pytest.mark.parametrize("value", ["folder", "none", "/srv/suppress", 3])
def test_opt_outs_are_kept_on_a_server_or_where_the_store_is(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"SUPPRESS_OPT_OUTS.*Expected the URL of"):
        Settings.load(environ={}, opt_outs=value)
    url = "postgresql://app:s3cret@db.example/app"
    settings = Settings.load(environ={"SUPPRESS_OPT_OUTS": url, "SUPPRESS_STORE": "/srv"})
    assert settings.record == settings.opt_outs == ServerUrl(url)
    assert "s3cret" not in repr(settings)
    assert Settings.load(environ={"SUPPRESS_STORE": "/srv"}).record == Path("/srv")


def test_the_folder_for_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = ServerUrl("redis://cache/1")
    settings = load(f'local_copy = "{tmp_path}"', store=url)
    assert settings.folder_of(url) == tmp_path / url.digest
    assert settings.folder_of(tmp_path) == tmp_path
    assert settings.folder_of(None) is None
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert load(store=url).folder_of(url) == tmp_path / "data" / "suppress" / "copies" / url.digest


def test_it_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(ServerUrl("redis://cache/1"))
