"""The Django application: settings, the system check, the command, and the validator."""

import dataclasses
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.testing

pytest.importorskip("django")

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        INSTALLED_APPS=["suppress_django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ALLOWED_HOSTS=["testserver"],
        USE_I18N=False,
    )
    django.setup()

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import OutputWrapper, SystemCheckError
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path

from suppress_django.validators import NotSuppressed

LISTED, FREE = "+14155552671", "+14155552672"


class Person(models.Model):
    phone = models.CharField(max_length=32, validators=[NotSuppressed("sms")])

    class Meta:
        app_label = "shop"


class PersonForm(forms.ModelForm):
    class Meta:
        model = Person
        fields = ("phone",)


@suppress.guard(channel="sms", to="phone")
def send(phone: str, text: str) -> str:
    return f"sent to {phone}"


def subscribe(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST)
    if not form.is_valid():
        return JsonResponse(form.errors.get_json_data(), status=400)
    return JsonResponse({"id": form.save().pk}, status=201)


def greet(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        return HttpResponse(send(Person.objects.get(pk=pk).phone, "Hello"))
    except suppress.Suppressed as error:
        return HttpResponse(str(error), status=409)


URLS = path("people", subscribe), path("people/<int:pk>/greet", greet)


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of the example application, with a table of its own."""
    with override_settings(ROOT_URLCONF=URLS):
        with connection.schema_editor() as editor:
            editor.create_model(Person)
        yield Client()
        with connection.schema_editor() as editor:
            editor.delete_model(Person)


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Any]:
    """Settings for a list in a file, named from the base folder on."""
    (tmp_path / "stopped.txt").write_text(f"{LISTED}\n")
    file = {"PATH": "stopped.txt", "QUIET": 0}
    return {"SOURCES": ["file"], "STORE": tmp_path / "store", "FILE": file}


def test_the_application_sends_to_the_allowed_alone(client: Client) -> None:
    with suppress.testing.stop_list(sms=[]):
        pk = client.post("/people", {"phone": FREE}).json()["id"]
        assert client.post(f"/people/{pk}/greet").content.decode() == f"sent to {FREE}"
    with suppress.testing.stop_list(sms=[FREE]):
        assert client.post(f"/people/{pk}/greet").status_code == 409
        refused = client.post("/people", {"phone": FREE})
        assert refused.status_code == 400
        assert refused.json()["phone"][0]["code"] == "suppressed"


def test_settings_need_no_environment(lists: dict[str, Any], tmp_path: Path) -> None:
    with override_settings(SUPPRESS=lists, BASE_DIR=tmp_path):
        assert suppress.is_suppressed(LISTED, "sms")
        call_command("check")
        assert suppress.Settings.load().store == tmp_path / "store"
    with pytest.raises(suppress.ConfigurationError, match="No source"):
        suppress.is_suppressed(LISTED, "sms")


@dataclasses.dataclass(frozen=True)
class NamedLists:
    lists: dict[str, tuple[str, ...]]
    region: str | None = None


def test_names_that_are_no_settings_stay_as_they_are() -> None:
    """AWS tells `Default` from `default`, and an ARN in other letters leads nowhere."""
    lists: dict[str, tuple[str, ...]] = {"Default": ("sms",), "arn:aws:sms-voice:1:Calls": ("rcs",)}
    us = {"LISTS": lists, "REGION": "us-east-1"}
    with override_settings(SUPPRESS={"SOURCES": ["aws"], "AWS": {"LISTS": lists, "US": us}}):
        found = suppress.Settings.load().sections("aws", NamedLists)
    assert found == {"aws": NamedLists(lists), "aws.us": NamedLists(lists, "us-east-1")}


def test_the_environment_wins(
    lists: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPRESS_TTL", "7")
    with override_settings(SUPPRESS={**lists, "TTL": 9}, BASE_DIR=tmp_path):
        assert suppress.Settings.load().ttl == 7


def test_a_settings_file_beside_them_is_refused(
    lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPRESS_CONFIG", "other.toml")
    with (
        override_settings(SUPPRESS=lists),
        pytest.raises(suppress.ConfigurationError, match="SUPPRESS_CONFIG"),
    ):
        suppress.Settings.load()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"SOURCES": ["fille"]}, "'fille'"),
        ({"SOURCE": ["file"]}, "source"),
        ({"TTL": "soon"}, "SUPPRESS_TTL"),
        ({"FILE": {"PATHH": "x"}}, "pathh"),
        ({"DEFAULT_REGION": "USA"}, "USA"),
        ({"SMS": {"KEY": "x"}}, "belongs to no plugin"),
    ],
)
def test_settings_that_cannot_work_fail_the_check(
    lists: dict[str, Any], wrong: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with (
        override_settings(SUPPRESS={**lists, **wrong}, BASE_DIR=tmp_path),
        pytest.raises(SystemCheckError) as raised,
    ):
        call_command("check")
    assert "suppress.E001" in str(raised.value)
    assert words in str(raised.value)


def test_the_check_shows_no_key() -> None:
    key = "live_0123456789"
    wrong = {"SOURCES": ["bsg"], "BSG": {"API_KEY": key, "BASE_URL": "http://example.com"}}
    with override_settings(SUPPRESS=wrong), pytest.raises(SystemCheckError) as raised:
        call_command("check")
    assert key not in str(raised.value)


@pytest.mark.parametrize("wrong", [[], {7: "x"}, {"TTL": 1, "ttl": 2}, {"FILE": {None: 1}}])
def test_settings_that_are_no_tables_are_refused(wrong: Any) -> None:
    with pytest.raises(ImproperlyConfigured), override_settings(SUPPRESS=wrong):
        pass


def run(*arguments: str) -> tuple[int, str]:
    """The exit status and the output of a command of `manage.py`."""
    out = io.StringIO()
    try:
        call_command("suppress", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_commands_run_under_the_same_settings(lists: dict[str, Any], tmp_path: Path) -> None:
    with override_settings(SUPPRESS=lists, BASE_DIR=tmp_path):
        assert run("refresh", "--channel", "sms")[0] == 0
        assert run("check", FREE, "--channel", "sms")[0] == 0
        assert run("add", FREE, "--channel", "sms")[0] == 0
        status, said = run("check", FREE, "--channel", "sms")
        assert (status, "suppressed" in said) == (1, True)
        assert suppress.is_suppressed(FREE, "sms")
        assert "sms" in run("status", "--json")[1]
        assert run("check", FREE, "--channel", "smss")[0] == 2
        assert "refresh" in run()[1]


def test_a_command_writes_rows_to_a_stream_of_text(lists: dict[str, Any], tmp_path: Path) -> None:
    rows = f"name,phone\nZoë,{FREE}\nÅsa,{LISTED}\n"
    (tmp_path / "people.csv").write_text(rows, "utf-8")
    arguments = ["filter", str(tmp_path / "people.csv"), "--channel", "sms"]
    out, lines = io.StringIO(), io.StringIO()
    with override_settings(SUPPRESS=lists, BASE_DIR=tmp_path):
        call_command("suppress", *arguments, stdout=out, stderr=io.StringIO())
        call_command("suppress", *arguments, stdout=OutputWrapper(lines), stderr=io.StringIO())
        assert run(*arguments, "-o", str(tmp_path / "out.csv"))[0] == 0
        (tmp_path / "people.csv").write_text(rows, "utf-16")
        status, said = run(*arguments)
    assert out.getvalue() == lines.getvalue() == f"name,phone\nZoë,{FREE}\n"
    assert (tmp_path / "out.csv").read_text("utf-8") == out.getvalue()
    assert (status, said.startswith("\\xff\\xfen\0a\0")) == (0, True)


def test_a_model_and_a_migration_take_the_validator() -> None:
    validator = NotSuppressed("sms", default_region="US")
    written, imports = MigrationWriter.serialize(validator)
    assert written == "suppress_django.validators.NotSuppressed('sms', default_region='US')"
    assert imports == {"import suppress_django.validators"}
    assert validator == NotSuppressed("sms", default_region="US") != NotSuppressed("sms")
    with suppress.testing.stop_list(sms=[LISTED]), pytest.raises(ValidationError) as raised:
        Person(phone=LISTED).full_clean()
    assert raised.value.error_dict["phone"][0].code == "suppressed"


def code_of(validator: NotSuppressed, value: Any) -> str | None:
    try:
        validator(value)
    except ValidationError as error:
        return str(error.code)
    return None


def test_a_number_that_cannot_be_checked_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "suppress")
    gone = {"SOURCES": ["file"], "STORE": "none", "FILE": {"PATH": "gone.txt"}}
    with override_settings(SUPPRESS=gone, BASE_DIR=tmp_path):
        assert code_of(NotSuppressed("sms"), FREE) == "unavailable"
    assert "cannot be checked" in caplog.text


def test_a_wrong_channel_is_no_fault_of_the_person() -> None:
    with suppress.testing.stop_list(sms=[]), pytest.raises(suppress.UnknownChannel):
        NotSuppressed("smss")(FREE)


def test_the_messages_can_be_set() -> None:
    validator = NotSuppressed("sms", messages={"suppressed": "No."})
    with suppress.testing.stop_list(sms=[LISTED]):
        with pytest.raises(ValidationError, match=r"No\."):
            validator(LISTED)
        assert code_of(validator, "12") == "invalid"
        assert code_of(validator, FREE) is None


def test_works_with_django_phonenumber_field() -> None:
    formfields = pytest.importorskip("phonenumber_field.formfields")
    phonenumber = pytest.importorskip("phonenumber_field.phonenumber")

    class PhoneForm(forms.Form):
        phone = formfields.PhoneNumberField(region="US", validators=[NotSuppressed("sms")])

    with suppress.testing.stop_list(sms=[LISTED]):
        assert PhoneForm({"phone": "(415) 555-2672"}).is_valid()
        assert PhoneForm({"phone": "(415) 555-2671"}).errors.as_data()["phone"][0].code == (
            "suppressed"
        )
        unread = phonenumber.to_python("no number")
        assert code_of(NotSuppressed("sms"), unread) == "invalid"
