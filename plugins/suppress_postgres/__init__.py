"""The plugin for PostgreSQL, which keeps snapshots and opt-outs for many machines.

A URL `postgresql://...` in `store` or `opt_outs` names the database. All of it lies in a schema
of its own, which the plugin makes and migrates.
"""

from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from suppress_postgres.connections import PostgresConnections

SCHEMES = "postgresql", "postgres"


@suppress.hookimpl
def suppress_remote(url: suppress.ServerUrl, settings: suppress.Settings) -> suppress.Remote | None:
    """Offer the store in a database."""
    if url.scheme not in SCHEMES:
        return None
    from suppress_postgres.remote import PostgresRemote  # noqa: PLC0415 - few name a database

    return PostgresRemote(_connections(url, settings))


@suppress.hookimpl
def suppress_record(
    url: suppress.ServerUrl, settings: suppress.Settings
) -> suppress.SharedRecord | None:
    """Offer the record of opt-outs in a database."""
    if url.scheme not in SCHEMES:
        return None
    from suppress_postgres.record import PostgresRecord  # noqa: PLC0415 - few name a database

    return PostgresRecord(_connections(url, settings))


def _connections(url: suppress.ServerUrl, settings: suppress.Settings) -> "PostgresConnections":
    from suppress_postgres.connections import PostgresConnections  # noqa: PLC0415
    from suppress_postgres.settings import PostgresSettings  # noqa: PLC0415

    own = settings.section("postgres", PostgresSettings)
    return PostgresConnections(url, own or PostgresSettings())
