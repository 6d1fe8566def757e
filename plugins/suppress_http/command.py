"""The command `suppress serve`."""

import dataclasses
from pathlib import Path
from typing import Any

import click

import suppress
from suppress_http import NAME
from suppress_http.settings import ServeSettings


@click.command(short_help="Answer programs in other languages over HTTP.")
@click.option("--host", help="Address to listen on (default: SUPPRESS_SERVE_HOST, or 127.0.0.1).")
@click.option(
    "--port",
    type=int,
    help="Port to listen on; 0 takes a free one (default: SUPPRESS_SERVE_PORT, or 8090).",
)
@click.option(
    "--unix-socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Unix socket to listen on, in place of a port; only you can use it.",
)
def serve(host: str | None, port: int | None, unix_socket: Path | None) -> None:
    """Answer programs in other languages over HTTP: check, screen, opt out, take replies.

    Without a token it is for this machine alone. To serve others, set SUPPRESS_SERVE_TOKEN;
    callers send it in the header `Authorization: Bearer TOKEN`. /openapi.json describes the
    service, /health is for probes and /metrics for Prometheus.

    \b
      suppress serve
      suppress serve --unix-socket /run/suppress/socket
      suppress serve --host 0.0.0.0 --port 8090
    """
    if unix_socket is not None and (host is not None or port is not None):
        raise click.UsageError("--unix-socket takes the place of --host and --port. Leave it out.")
    settings = suppress.Settings.load()
    own = settings.section(NAME, ServeSettings) or ServeSettings()
    given: dict[str, Any] = {"host": host, "port": port, "unix_socket": unix_socket}
    changes = {name: value for name, value in given.items() if value is not None}
    if host is not None or port is not None:
        changes["unix_socket"] = None
    own = _with(own, changes)
    try:
        from suppress_http.backend import Backend  # noqa: PLC0415 - needs the extra
        from suppress_http.metrics import new_registry  # noqa: PLC0415 - as above
        from suppress_http.server import listener  # noqa: PLC0415 - as above
        from suppress_http.server import serve as answer  # noqa: PLC0415 - as above
        from suppress_prometheus import Metrics  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise suppress.ConfigurationError(
            f"`suppress serve` needs an extra ({error.name} is not installed). Run "
            "`pip install 'suppress-filter[serve]'`."
        ) from error
    registry = new_registry()
    backend = Backend(suppress.Suppressor(settings, plugins=[Metrics(registry)]), own)
    with listener(backend) as (listening, address):
        channels = ", ".join(backend.suppressor.channels)
        click.echo(f"Serving {channels} on {address}. End it with Ctrl-C.")
        answer(backend, listening, registry)


def _with(own: ServeSettings, changes: dict[str, Any]) -> ServeSettings:
    try:
        return dataclasses.replace(own, **changes)
    except suppress.InvalidSetting as error:
        raise click.UsageError(f"--{error.name.replace('_', '-')} {error.reason}.") from None
