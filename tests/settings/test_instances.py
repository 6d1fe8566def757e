"""Several sources of one kind: `[suppress.own]`, `[suppress.own.crm]`, and their variables."""

from dataclasses import dataclass, field

import pytest

from support.settings_files import load
from suppress import ConfigurationError, InvalidSetting, Secret


@dataclass(frozen=True)
class Lists:
    url: str
    column: str = "phone"
    id_column: str | None = None
    token: Secret | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.column:
            raise InvalidSetting("column", "must be the name of a column")


@pytest.mark.parametrize(
    ("file", "environ", "found"),
    [
        ("", {}, {}),
        ('[suppress.own]\nurl = "a"', {}, {"own": "a"}),
        ('[suppress.own.crm]\nurl = "b"', {}, {"own.crm": "b"}),
        (
            '[suppress.own]\nurl = "a"\ncrm.url = "b"\n[suppress.own.x-1]\nurl = "c"',
            {},
            {"own": "a", "own.crm": "b", "own.x-1": "c"},
        ),
        ('[suppress.own.crm]\nurl = "b"', {"SUPPRESS_OWN_CRM_URL": "c"}, {"own.crm": "c"}),
        ('[suppress.own.x-1]\nurl = "b"', {"SUPPRESS_OWN_X_1_URL": "c"}, {"own.x-1": "c"}),
        ("", {"SUPPRESS_OWN_CRM_URL": "c"}, {"own.crm": "c"}),
        ("", {"SUPPRESS_OWN_A_B_URL": "c", "SUPPRESS_OWN_URL": "d"}, {"own": "d", "own.a_b": "c"}),
        ('sources = ["own.crm"]', {"SUPPRESS_OWN_CRM_URL": "c"}, {"own.crm": "c"}),
        ('sources = ["own.x-1"]', {"SUPPRESS_OWN_X_1_URL": "c"}, {"own.x-1": "c"}),
        # A value that is a table belongs to a setting that is one.
        ('[suppress.own]\nurl = "a"\n[suppress.own.headers]\nx = "y"', {}, {"own": "a"}),
        # A name of one letter makes no misspelt variable.
        ("", {"SUPPRESS_OWN_A_URL": "c", "SUPPRESS_OWN_A_COLUMN": "d"}, {"own.a": "c"}),
    ],
)
def test_each_has_its_settings(file: str, environ: dict[str, str], found: dict[str, str]) -> None:
    sections = load(file, environ).sections("own", Lists)
    assert {name: own.url for name, own in sections.items()} == found


def test_a_variable_goes_to_the_longest_setting() -> None:
    environ = {"SUPPRESS_OWN_CRM_URL": "a", "SUPPRESS_OWN_CRM_ID_COLUMN": "b"}
    assert load("", environ).sections("own", Lists) == {"own.crm": Lists("a", id_column="b")}


def test_another_prefix() -> None:
    file = '[suppress.own.crm]\nurl = "a"'
    environ = {"X_URL": "b", "X_CRM_COLUMN": "c", "X_HR_URL": "d", "X_OF_ANOTHER_COLUMN": "e"}
    assert load(file, environ).sections("own", Lists, environ_prefix="X") == {
        "own": Lists("b"),
        "own.crm": Lists("a", column="c"),
        "own.hr": Lists("d"),
    }


def test_a_variable_of_another_plugin_is_not_a_source() -> None:
    file = '[suppress.own-x]\nurl = "a"'
    assert load(file, {"SUPPRESS_OWN_X_URL": "b"}).sections("own", Lists) == {}


@pytest.mark.parametrize(
    ("file", "environ", "said"),
    [
        ("[suppress.own.crm]", {}, r"SUPPRESS_OWN_CRM_URL \(`url` in .*own\.crm\]\) is missing"),
        ('sources = ["own"]', {}, r"SUPPRESS_OWN_URL \(`url` in .*own\]\) is missing"),
        ('sources = ["own.crm"]', {}, r"SUPPRESS_OWN_CRM_URL \(.*\) is missing"),
        ("", {"SUPPRESS_OWN_CRM_COLUMN": "b"}, r"SUPPRESS_OWN_CRM_URL \(.*\) is missing"),
        ("", {"SUPPRESS_OWN_CRM_ULR": "b"}, "Unknown .*_CRM_ULR. Did you mean .*_CRM_URL"),
        ("", {"SUPPRESS_OWN_IDD_COLUMN": "b"}, "Unknown .* mean SUPPRESS_OWN_ID_COLUMN"),
        (
            '[suppress.own.crm]\nurl = "a"',
            {"SUPPRESS_OWN_CRM_COLUM": "b"},
            "Did you mean SUPPRESS_OWN_CRM_COLUMN",
        ),
        ('[suppress.own.crm]\nulr = "a"', {}, r"'ulr' in the table \[suppress\.own\.crm\]"),
        ('[suppress.own.CRM]\nurl = "a"', {}, r"\[suppress\.own\.CRM\] has a name that no"),
        ('[suppress.own]\nurl = "a"\ncrm = 5', {}, "Unknown setting 'crm'"),
        (
            '[suppress.own.crm]\nurl = "a"\ncolumn = ""',
            {},
            r"SUPPRESS_OWN_CRM_COLUMN \(`column` in the table \[suppress\.own\.crm\]\) must be",
        ),
        (
            '[suppress.own.a-b]\nurl = "a"\n[suppress.own.a_b]\nurl = "b"',
            {"SUPPRESS_OWN_A_B_COLUMN": "c"},
            r"SUPPRESS_OWN_A_B_COLUMN belongs to own\.a-b and to own\.a_b",
        ),
        (
            '[suppress.own.a]\nurl = "a"\n[suppress.own.a_id]\nurl = "b"',
            {"SUPPRESS_OWN_A_ID_COLUMN": "c"},
            r"belongs to own\.a and to own\.a_id",
        ),
    ],
)
def test_none_is_left_out_without_a_word(file: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load(file, environ).sections("own", Lists)


def test_a_section_has_no_sources_of_other_names() -> None:
    settings = load('[suppress.own]\nurl = "a"\n[suppress.own.crm]\nurl = "b"')
    with pytest.raises(ConfigurationError, match="Unknown setting 'crm'"):
        settings.section("own", Lists)


def test_a_secret_in_a_file() -> None:
    environ = {"SUPPRESS_OWN_CRM_URL": "a", "SUPPRESS_OWN_CRM_TOKEN_FILE": "none"}
    with pytest.raises(ConfigurationError, match=r"SUPPRESS_OWN_CRM_TOKEN_FILE .* cannot be read"):
        load("", environ).sections("own", Lists)


def test_a_setting_that_makes_no_sense_is_named_in_python() -> None:
    with pytest.raises(ConfigurationError, match="'column' must be the name of a column"):
        Lists("a", column="")
