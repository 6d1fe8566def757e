"""The tables of the schema, and the steps to them from those of earlier versions.

Each step is taken once, by whoever comes first, in one transaction under a lock. A schema that a
newer version has made is refused: it may mean something else.
"""

from typing import Any

import psycopg
from psycopg import sql

from suppress import ConfigurationError

STEPS = (
    """
    CREATE TABLE head (
        key text PRIMARY KEY, content bytea NOT NULL, published_at timestamptz NOT NULL
    );
    CREATE TABLE failure (
        key text PRIMARY KEY, content bytea NOT NULL, failed_at timestamptz NOT NULL
    );
    -- A part belongs to the head of its key, or has done so until `unnamed_since`.
    CREATE TABLE part (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text NOT NULL, digest text NOT NULL, chunks integer NOT NULL,
        unnamed_since timestamptz, UNIQUE (key, digest)
    );
    CREATE TABLE chunk (
        part bigint NOT NULL REFERENCES part ON DELETE CASCADE, number integer NOT NULL,
        content bytea NOT NULL, PRIMARY KEY (part, number)
    );
    -- Sorted integers: to compress them takes longer than to send them.
    ALTER TABLE chunk ALTER content SET STORAGE EXTERNAL;

    -- The record of opt-outs: one row, made with the first of them, and locked by who changes
    -- anything. It counts the batches, so that none can be missing.
    CREATE TABLE record (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        id text NOT NULL, hash_key bytea NOT NULL,
        made bigint NOT NULL DEFAULT 0, last bigint
    );
    -- The people of a batch are the rows of `change` up to its position, as many as its size,
    -- but for those who were forgotten: `people` of them are left.
    CREATE TABLE batch (
        position bigint PRIMARY KEY, ordinal bigint NOT NULL UNIQUE,
        size integer NOT NULL, people integer NOT NULL,
        action text NOT NULL, channel text NOT NULL, made_at double precision NOT NULL,
        correction boolean NOT NULL, takes_back bigint[] NOT NULL, releases bigint[] NOT NULL,
        wished_at double precision, made_by text, reason text, via text, reference text
    );
    -- `handed_in` is UTF-8, since a text may have a character that no column of text takes; NULL
    -- where it is the number.
    CREATE TABLE change (
        position bigint PRIMARY KEY, number text NOT NULL, handed_in bytea, region text NOT NULL
    );
    CREATE TABLE forgotten (
        position bigint NOT NULL REFERENCES batch, channel text NOT NULL, hash bytea NOT NULL,
        is_line boolean NOT NULL, PRIMARY KEY (position, channel, hash)
    );
    CREATE TABLE destination (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL, account text NOT NULL, UNIQUE (source, account)
    );
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        destination integer NOT NULL REFERENCES destination,
        action text NOT NULL, channel text NOT NULL, number text NOT NULL,
        made_at double precision NOT NULL, tries integer NOT NULL DEFAULT 0,
        tried_at double precision, error text,
        refused boolean NOT NULL DEFAULT false, forgotten boolean NOT NULL DEFAULT false
    );
    CREATE INDEX outbox_destination ON outbox (destination, id);
    CREATE INDEX outbox_refused ON outbox (number, channel) WHERE refused;
    """,
)

VERSION = len(STEPS)


def prepare(connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> None:
    """Have a schema of today's version.

    Args:
        connection: has the schema in its search path, and is in no transaction.
        schema: the name of the schema.

    Raises:
        psycopg.Error: it is not there, or of an earlier version, and cannot be made.
        ConfigurationError: the role may not make it, or a newer version has done so.
    """
    found = _version(connection, schema)
    if found < VERSION:
        try:
            with connection.transaction():
                connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{schema} version"]
                )
                found = _version(connection, schema)
                if found < VERSION:
                    _migrate(connection, schema, found)
                    return
        except psycopg.errors.InsufficientPrivilege as error:
            role, database = connection.info.user, connection.info.dbname
            raise ConfigurationError(
                f"The role {role!r} may not make the tables of suppress in the database "
                f"{database!r} ({error.diag.message_primary}). As a superuser, run: CREATE SCHEMA "
                f"{schema} AUTHORIZATION {role}; or let the role that owns the schema run "
                "`suppress status` once."
            ) from error
    if found > VERSION:
        raise ConfigurationError(
            f"A newer version of suppress has migrated the schema {schema!r}: use that version "
            "on this machine too."
        )


def _version(connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> int:
    """Return the version of the schema; 0 for none."""
    # Not `to_regclass`, which may answer from before another has made it.
    found = connection.execute(
        "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE nspname = %s AND relname = 'version'",
        [schema],
    ).fetchone()
    if found == (0,):
        return 0
    row = connection.execute("SELECT max(number) FROM version").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _migrate(connection: psycopg.Connection[tuple[Any, ...]], schema: str, found: int) -> None:
    """Take the steps that are left, within a transaction."""
    found_schemas = connection.execute(
        "SELECT count(*) FROM pg_namespace WHERE nspname = %s", [schema]
    ).fetchone()
    if found_schemas == (0,):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    if found == 0:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS version "
            "(number integer PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())"
        )
    for number, step in enumerate(STEPS[found:], found + 1):
        connection.execute(step)
        connection.execute("INSERT INTO version (number) VALUES (%s)", [number])
