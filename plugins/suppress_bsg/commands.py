"""The commands `suppress login`, `suppress sandbox` and `suppress demo`.

No command takes a key as an argument: every user of the machine can see arguments.
"""

import contextlib
import dataclasses
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import click
import msgspec
import phonenumbers
from rich.console import Console
from rich.table import Table

import suppress
from suppress_bsg import FILE_VARIABLE, NAME, PREFIX, VARIABLE, keys_set
from suppress_bsg.answers import decode_listing
from suppress_bsg.kept_key import KeptKey, key_file
from suppress_bsg.sandbox import Sandbox, SandboxEntry, made_up
from suppress_bsg.settings import CHANNELS, BsgSettings
from suppress_bsg.source import BsgSource

SANDBOX_KEY = "test_sandbox"
DEMO_ENTRIES = 5_000
STYLES = {"allowed": "green", "suppressed": "red", "invalid": "yellow"}


@click.command(short_help="Ask for BSG's API key, and keep it.")
def login() -> None:
    """Ask for BSG's API key, check it by signing in, and keep it for later.

    The key is kept in a file that only you can read. It is used if no other key is set, and
    only for the address that it was checked at. To forget it, delete the file. In a script,
    pass the key on standard input.

    \b
      suppress login
      suppress login < key.txt
    """
    settings = suppress.Settings.load()
    path = key_file()
    if path is None:
        raise suppress.ConfigurationError(
            "There is nowhere to keep the key: this user has no home folder. Set "
            f"{VARIABLE} instead, or {FILE_VARIABLE} to a file with the key."
        )
    key = _asked_for()
    given = {name: settings.environ[name] for name in settings.environ if name != FILE_VARIABLE}
    with_key = dataclasses.replace(settings, environ=given | {VARIABLE: key})
    own = with_key.sections(NAME, BsgSettings, environ_prefix=PREFIX)[NAME]
    try:
        BsgSource(own).sign_in()
    except suppress.SourceError as error:
        raise suppress.StopListUnavailable(f"The key was not kept. {error}") from None
    try:
        KeptKey(key, own.base_url).keep(path)
    except OSError as error:
        raise suppress.ConfigurationError(
            f"The key cannot be kept in {path}: {error.strerror}."
        ) from error
    click.echo(f"The key works, and is kept in {path}.")
    if others := keys_set(settings):
        click.echo(f"It is not used while {' or '.join(others)} is set.", err=True)


def _asked_for() -> suppress.Secret:
    if sys.stdin.isatty():
        try:
            return suppress.Secret(click.prompt("BSG API key", hide_input=True, err=True))
        except click.Abort:
            raise KeyboardInterrupt from None
    key = suppress.Secret(sys.stdin.buffer.readline().decode(errors="replace").strip())
    if not key.reveal():
        raise click.UsageError(
            "There is no key on standard input. Run `suppress login < FILE` with a key in FILE."
        )
    return key


@click.command(short_help="Serve a local imitation of BSG's API, to try things out.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on loopback; 0 for any free port.",
)
@click.option(
    "--size",
    default=10_000,
    show_default=True,
    type=click.IntRange(0, 5_000_000),
    help="Number of made-up entries.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Serve the entries of this file instead: an answer of the API as .json, or any file "
    "of numbers that `suppress filter` reads, with each number on every list.",
)
@click.option(
    "--column",
    "columns",
    metavar="NAME",
    multiple=True,
    help="Column or JSON key of the number in the file; can be repeated.",
)
@click.option(
    "--latency",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Milliseconds to wait before each answer.",
)
@click.option(
    "--throttle-duplicates",
    default=0.0,
    show_default=True,
    help="Seconds in which a repeated request is answered with 429.",
)
@click.option(
    "--require-key", is_flag=True, help="Accept only the key in BSG_API_KEY, and no other test key."
)
def sandbox(
    port: int,
    size: int,
    path: Path | None,
    columns: tuple[str, ...],
    latency: float,
    throttle_duplicates: float,
    *,
    require_key: bool,
) -> None:
    """Serve a local imitation of BSG's One-API, as far as the stop list goes.

    Use it to try and test things without an account. It serves this machine alone, ends with
    Ctrl-C, and keeps nothing.

    \b
      suppress sandbox --port 8080 --size 50000
      export BSG_BASE_URL=http://127.0.0.1:8080 BSG_API_KEY=test_sandbox
      suppress refresh
    """
    if require_key and not os.environ.get(VARIABLE):
        raise click.UsageError(f"--require-key needs a key. Set {VARIABLE}.")
    rows = made_up(size) if path is None else _rows_of(path, columns)
    try:
        server = Sandbox(
            rows,
            port=port,
            api_key=os.environ[VARIABLE] if require_key else None,
            latency=latency / 1000,
            throttle_duplicates=throttle_duplicates,
        )
        server.start()
    except OSError as error:
        raise click.UsageError(
            f"Port {port} cannot be used: {error.strerror}. Choose another one with --port."
        ) from error
    except ValueError as error:
        raise suppress.InputError(f"{path}: {error}.") from error
    with server, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"Serving {len(rows):,} entries at {server.url} until Ctrl-C.")
        key = "" if require_key else f" {VARIABLE}={SANDBOX_KEY}"
        click.echo(f"export BSG_BASE_URL={server.url}{key}")
        threading.Event().wait()


@click.command(short_help="Show the main job from end to end, without an account.")
def demo() -> None:
    """Show the main job from end to end, without an account.

    It starts a sandbox on this machine, reads the sandbox's stop list over HTTP as it would
    read BSG's, and screens a sample campaign against it.
    """
    rows = made_up(DEMO_ENTRIES)
    with Sandbox(rows, api_key=SANDBOX_KEY) as server:
        settings = suppress.Settings(
            sources=("bsg",),
            store=None,
            tables={"bsg": {"base_url": server.url, "api_key": SANDBOX_KEY}},
        )
        suppressor = suppress.Suppressor(settings, background=False)
        started = time.perf_counter()
        snapshot = suppressor.refresh("sms")["sms"]
        seconds = time.perf_counter() - started
        screening = suppressor.screen(_campaign(server.rows), "sms", default_region="US")
    console = Console()
    console.print(
        f"A sandbox of BSG's One-API ran on {server.url} with a stop list of {len(rows):,} "
        f"made-up entries. {snapshot.count:,} of them are people who asked for no more SMS; "
        f"they were read over HTTP in {seconds:.2f} s.\n\n"
        f"A sample campaign of {len(screening)} recipients, written as CRMs write them, was "
        "screened against it. Numbers in national form were read as US numbers:\n"
    )
    table = Table("recipient", "is", "outcome", "why")
    for decision in screening:
        table.add_row(
            str(decision.recipient),
            decision.e164 or "",
            f"[{STYLES[decision.outcome]}]{decision.outcome}",
            decision.reason,
        )
    console.print(table)
    counts = screening.counts
    console.print(
        f"\n{counts['allowed']} allowed, {counts['suppressed']} suppressed, "
        f"{counts['invalid']} invalid.\n\nTo try more, start such a server, and run the commands "
        "against it in another terminal:\n\n"
        f"  {_program()} sandbox --size 50000\n\n"
        f"  export BSG_BASE_URL=http://127.0.0.1:8080 BSG_API_KEY={SANDBOX_KEY}\n"
        f"  {_program()} refresh\n"
        f"  {_program()} check '+1 415 555 2671' --channel sms\n"
        f"  {_program()} filter --help\n\n"
        "With a BSG account, you only need an API key:\n\n"
        f"  {_program()} login\n"
        f"  {_program()} filter campaign.csv --channel sms -o allowed.csv",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _program() -> str:
    """Return the command that runs this program here."""
    return "suppress" if shutil.which("suppress") else os.path.relpath(sys.argv[0])


def _campaign(rows: tuple[SandboxEntry, ...]) -> list[str | int]:
    """Return recipients in many forms: listed for SMS, for Viber alone, or not at all."""
    style = phonenumbers.PhoneNumberFormat
    listed = [row.phone for row in rows if "sms" in row.channels]
    viber = [row.phone for row in rows if "sms" not in row.channels]
    american = next(phone for phone in listed if str(phone).startswith("1"))
    return [
        _written(listed[0], style.E164),
        listed[1],
        _written(listed[len(listed) // 2], style.INTERNATIONAL),
        _written(american, style.NATIONAL),
        _written(viber[0], style.INTERNATIONAL),
        "(415) 555-2671",
        14155552671,
        "+44 20 7946 0958",
        "tel:+1-202-555-0143",
        "n/a",
    ]


def _written(phone: int, style: int) -> str:
    return phonenumbers.format_number(phonenumbers.parse(f"+{phone}"), style)


def _rows_of(path: Path, columns: tuple[str, ...]) -> list[SandboxEntry]:
    if path.suffix == ".json":
        return _rows_of_answer(path)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    with path.open("rb") as stream:
        rows = suppress.Rows(stream, name=str(path), columns=columns)
        phones = dict.fromkeys(
            int(suppress.normalize(number)[1:]) for row in rows for number in row.numbers
        )
    return [
        SandboxEntry(place, phone, moment, set(CHANNELS)) for place, phone in enumerate(phones, 1)
    ]


def _rows_of_answer(path: Path) -> list[SandboxEntry]:
    try:
        entries = decode_listing(path.read_bytes()).data
        return [
            SandboxEntry(
                int(entry.id or ""),
                int(entry.phone or ""),
                str(entry.created_at),
                {name for name in CHANNELS if getattr(entry, f"{name}_stoplist")},
            )
            for entry in entries
        ]
    except (TypeError, ValueError, msgspec.DecodeError) as error:
        raise suppress.InputError(f"{path} is not an answer of the listing: {error}.") from error
