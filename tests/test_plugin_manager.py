"""Plugins: found as a stranger's would be, and never silently absent."""

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import suppress
from support.builders import ListSource, listed
from support.remotes import RemotePlugin
from suppress import ConfigurationError, ServerUrl, Settings, Source, Suppressor
from suppress.plugin_manager import Plugins

LISTED = "+14155552671"

STRANGER = f"""
import suppress

class Crm:
    name = "crm"
    channels = {{"sms", "letter"}}

    def load(self, channels, progress):
        yield suppress.Entry("{LISTED}", {{"sms"}})

@suppress.hookimpl
def suppress_sources(settings):
    return Crm()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a plugin where Python looks for packages, as an installer would."""

    def put(name: str, code: str) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"stranger_{name}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[suppress]\n{name} = stranger_{name}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, f"stranger_{name}", raising=False)

    return put


def settings(**more: Any) -> Settings:
    return Settings(store=None, **more)


def test_our_own_are_found_as_a_strangers_would_be() -> None:
    points = {each.name: each for each in importlib.metadata.entry_points(group="suppress")}
    assert points["bsg"].value == "suppress_bsg"
    assert points["file"].value == "suppress_file"
    found = Plugins().found
    assert found["bsg"].version == found["file"].version == suppress.__version__


def test_a_strangers_is_found_and_obeyed(install: Callable[[str, str], None]) -> None:
    install("crm", STRANGER)
    assert Plugins().found["crm"].version == "1.2"
    suppressor = Suppressor(settings())
    assert suppressor.channels == ("letter", "sms")
    assert suppressor.is_suppressed(LISTED, "sms")


class TestThatLacksALibrary:
    """It is not there, unless it is asked for: who does not use it need not install it."""

    @pytest.fixture(autouse=True)
    def lacking(self, install: Callable[[str, str], None]) -> None:
        install("lacking", "import nowhere_to_be_found.below")

    def test_is_silently_not_there(self, caplog: pytest.LogCaptureFixture) -> None:
        suppressor = Suppressor(settings(), plugins=[ListSource(listed(LISTED))])
        assert suppressor.is_suppressed(LISTED, "sms")
        assert caplog.messages == []

    def test_is_shown_with_what_it_lacks(self) -> None:
        plugin = Plugins().found["lacking"]
        assert plugin.missing == "nowhere_to_be_found"
        assert plugin.error == "nowhere_to_be_found is not installed"

    @pytest.mark.parametrize(
        "asked_for",
        [
            {"sources": ("lacking",)},
            {"sources": ("list", "lacking")},
            {"sources": ("list", "lacking.crm")},
            {"tables": {"lacking": {"url": "x"}}},
            {"environ": {"SUPPRESS_LACKING_URL": "x"}},
        ],
        ids=str,
    )
    def test_is_an_error_where_it_is_asked_for(self, asked_for: dict[str, Any]) -> None:
        said = r"'lacking' cannot be imported \(nowhere_to_be_found is .* Install nowhere_to_be"
        with pytest.raises(ConfigurationError, match=said):
            Suppressor(settings(**asked_for), plugins=[ListSource()])

    def test_is_not_in_the_way_of_others_that_are_named(self) -> None:
        given = settings(sources=("list",), tables={"lacking": {"url": "x"}})
        assert Suppressor(given, plugins=[ListSource()]).channels == ("sms", "viber")


class TestThatIsBroken:
    """A module of its own or of suppress that is not there is no library to install."""

    @pytest.fixture(
        autouse=True,
        params=[
            "raise RuntimeError('nowhere_to_be_found')",
            "import suppress.nowhere_to_be_found",
            "import stranger_broken.nowhere_to_be_found",
            "from json import nowhere_to_be_found",
        ],
    )
    def broken(self, install: Callable[[str, str], None], request: pytest.FixtureRequest) -> None:
        install("broken", request.param)

    def test_is_reported_by_name(self, caplog: pytest.LogCaptureFixture) -> None:
        error = Plugins().found["broken"].error
        assert error is not None
        assert "nowhere_to_be_found" in error
        assert Plugins().found["broken"].missing is None
        assert "The plugin 'broken' cannot be imported" in caplog.text

    @pytest.mark.parametrize("sources", [None, ("broken",), ("list", "broken")])
    def test_is_an_error_where_it_may_be_asked_for(self, sources: tuple[str, ...] | None) -> None:
        with pytest.raises(ConfigurationError, match="'broken' cannot be imported"):
            Suppressor(settings(sources=sources), plugins=[ListSource()])

    def test_is_not_in_the_way_of_others(self) -> None:
        source = ListSource(listed(LISTED))
        suppressor = Suppressor(settings(sources=("list",)), plugins=[source])
        assert suppressor.is_suppressed(LISTED, "sms")


class TestSources:
    def test_none_configured(self) -> None:
        with pytest.raises(ConfigurationError, match="Set BSG_API_KEY"):
            Suppressor(settings())

    def test_one_that_is_asked_for_has_to_be_there(self) -> None:
        with pytest.raises(ConfigurationError, match="'crm', which is not installed"):
            Suppressor(settings(sources=("list", "crm")), plugins=[ListSource()])

    @pytest.mark.parametrize("name", ["bsg", "file"])
    def test_one_of_ours_that_is_asked_for_has_to_be_configured(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match="is missing"):
            Suppressor(settings(sources=(name,)))

    def test_those_not_asked_for_are_not_read(self) -> None:
        one, two = ListSource(listed(LISTED), name="one"), ListSource(name="two")
        suppressor = Suppressor(settings(sources=("two",)), plugins=[one, two])
        assert suppressor.snapshot("sms").sources == ("two",)
        assert not one.loads

    def test_a_table_of_no_plugin(self) -> None:
        with pytest.raises(ConfigurationError, match=r"\[suppress\.bgs\].*bsg, file"):
            Suppressor(settings(tables={"bgs": {"api_key": "x"}}), plugins=[ListSource()])

    def test_a_strangers_is_not_asked_where_those_handed_in_are_enough(
        self, install: Callable[[str, str], None]
    ) -> None:
        install("crm", STRANGER.replace("return Crm()", "raise RuntimeError"))
        one = ListSource(listed(LISTED))
        assert Suppressor(settings(sources=("list",)), plugins=[one]).sources == (one,)
        with pytest.raises(ConfigurationError, match="'crm' cannot offer"):
            Suppressor(settings(), plugins=[one])

    @pytest.mark.parametrize(
        ("asked_for", "read"),
        [
            (("crm",), {"crm", "crm.hr", "crm.old"}),
            (("crm.hr", "list"), {"crm.hr", "list"}),
            (("crm.hr", "crm", "crm.hr"), {"crm", "crm.hr", "crm.old"}),
            (None, {"crm", "crm.hr", "crm.old", "list"}),
        ],
    )
    def test_a_kind_means_all_of_its_sources(
        self, asked_for: tuple[str, ...] | None, read: set[str]
    ) -> None:
        plugins = [ListSource(name=each) for each in ("crm", "crm.hr", "crm.old", "list")]
        found = Suppressor(settings(sources=asked_for), plugins=plugins).sources
        assert sorted(each.name for each in found) == sorted(read)

    def test_two_of_one_name(self) -> None:
        with pytest.raises(ConfigurationError, match="Two sources are named 'list'"):
            Suppressor(settings(), plugins=[ListSource(), ListSource()])

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            (ListSource(name="My List"), "source name 'My List'"),
            (ListSource(name="crm.hr.old"), "source name 'crm.hr.old'"),
            (ListSource(name="crm."), "source name 'crm.'"),
            (ListSource(channels="sms"), "has no set of channels"),
            (ListSource(channels=()), "has no set of channels"),
            (ListSource(channels=["../sms"]), "'../sms'"),
        ],
    )
    def test_names_that_cannot_be_used(self, source: ListSource, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            Suppressor(settings(), plugins=[source])

    def test_what_is_no_source(self) -> None:
        class Plugin:
            @suppress.hookimpl
            def suppress_sources(self) -> object:
                return "crm"

        with pytest.raises(ConfigurationError, match="str is not a source"):
            Suppressor(settings(), plugins=[Plugin()])

    def test_one_plugin_may_offer_several(self) -> None:
        class Plugin:
            @suppress.hookimpl
            def suppress_sources(self) -> list[Source]:
                return [ListSource(name="one"), ListSource(listed(LISTED), name="two")]

        assert Suppressor(settings(), plugins=[Plugin()]).snapshot("sms").sources == ("one", "two")


class TestCommands:
    def test_are_offered(self) -> None:
        class Plugin:
            @suppress.hookimpl
            def suppress_commands(self) -> list[click.Command]:
                return [click.Command("hello")]

        plugins = Plugins([Plugin()])
        offered = {name: plugins.commands_of(name) for name in plugins.found}
        assert {each.name for each in offered.pop("bsg")} == {"login", "sandbox", "demo"}
        assert offered.pop("file") == ()
        assert {each.name for each in offered.pop("serve")} == {"serve"}
        ((command,),) = filter(None, offered.values())
        assert command.name == "hello"


class TestServers:
    def test_the_first_plugin_that_knows_the_url_is_asked(self, tmp_path: Path) -> None:
        class Other:
            @suppress.hookimpl
            def suppress_remote(self, url: ServerUrl, settings: Settings) -> None:
                return None

        plugins = Plugins([Other(), RemotePlugin(), Other()])
        url = ServerUrl(f"test://{tmp_path}/server")
        remote = plugins.remote(Settings(store=url))
        assert remote is not None
        assert remote.describe() == "test://server"
        assert plugins.remote(Settings(store=None)) is None
        assert plugins.remote(Settings(store=tmp_path)) is None

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("etcd://u:s3cret@h", r"The server etcd://u@h cannot be used: no plugin knows etcd://"),
            ("missing://u:s3cret@h", r"missing://u@h cannot be used: nothere is not installed"),
            ("redis+missing://h", r"nothere is not installed. Run `pip install .*\[redis\]'`"),
        ],
    )
    def test_one_that_cannot_be_used_says_what_to_install(self, url: str, message: str) -> None:
        class Lacking:
            @suppress.hookimpl
            def suppress_remote(self, url: ServerUrl, settings: Settings) -> None:
                if "missing" in url.scheme:
                    raise ModuleNotFoundError("no", name="nothere")

        with pytest.raises(ConfigurationError, match=message) as caught:
            Plugins([Lacking()]).remote(Settings(store=ServerUrl(url)))
        assert "s3cret" not in str(caught.value)

    def test_a_suppressor_has_it(self, tmp_path: Path) -> None:
        plugin, source = RemotePlugin(), ListSource(listed(LISTED))
        one = Suppressor(
            plugins=[plugin, source],
            sources=["list"],
            background=False,
            store=f"test://{tmp_path}/server",
            local_copy=tmp_path / "copies",
        )
        assert one.is_suppressed(LISTED, "sms")
        (remote,) = plugin.made
        assert "publish" in remote.calls
        assert [path.is_dir() for path in (tmp_path / "copies").iterdir()] == [True]
