"""Check the database: its migrations, rights, clock, connections and open transactions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from djtasks.doctor.explaining import database_finding
from djtasks.doctor.findings import Examination, Finding, Stopwatch, bad, ok, warn
from djtasks.doctor.rights import rights_of
from djtasks.formats.durations import in_words

LONGEST_SKEW = timedelta(seconds=2)
LONGEST_TRANSACTION = timedelta(minutes=5)
_FULL_SHARE = 0.8
# No probe reads or changes a row: the server only checks the rights.
_PROBES = {
    "SELECT": "SELECT 1 FROM {table} WHERE 1 = 0",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
    "DELETE": "DELETE FROM {table} WHERE 1 = 0",
}
_CONNECTIONS = {
    "postgresql": "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity",
    "mysql": "SELECT count(*), @@max_connections FROM information_schema.processlist",
}
_ALL_CHARACTERS = {"UTF8", "SQL_ASCII"}
_NARROW_COLUMNS = """
SELECT table_name, character_set_name FROM information_schema.columns
WHERE table_schema = database() AND table_name LIKE 'djtasks\\_%'
    AND character_set_name NOT IN ('utf8mb4', 'binary')
    AND column_name IN ('message', 'exception', 'place', 'reason', 'paused_reason', 'name')
ORDER BY table_name LIMIT 1"""
_OLDEST_TRANSACTION = """
SELECT pid, state, application_name, date_trunc('second', clock_timestamp() - xact_start)
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND clock_timestamp() - xact_start >= %s
ORDER BY xact_start LIMIT 1"""


def check_server(examination: Examination) -> Iterator[Finding]:
    """Connect, and report the server's version."""
    connection = connections[examination.engine.database]
    watch = Stopwatch()
    connection.ensure_connection()
    seconds = watch.lap()
    version = ".".join(map(str, connection.get_database_version()))
    yield ok(
        "database",
        f"{connection.display_name} {version} answers as DATABASES[{connection.alias!r}].",
        seconds=seconds,
    )
    if connection.vendor == "sqlite":
        yield from _journal(connection)


def _journal(connection: Any) -> Iterator[Finding]:
    """Warn if the file is not in WAL mode, whatever the settings ask for."""
    mode = _row(connection, "PRAGMA journal_mode")[0]
    if str(mode).lower() != "wal":
        yield warn(
            "database",
            "no-wal",
            f"SQLite's journal mode is {str(mode)!r}: each writer locks out everybody else.",
            'Add "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL" to its '
            "OPTIONS, and keep the file on a local disk.",
        )


def check_migrations(examination: Examination) -> Iterator[Finding]:
    """Report the migrations of djtasks that are not applied."""
    alias = examination.engine.database
    executor = MigrationExecutor(connections[alias])
    ours = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "djtasks"]
    missing = [migration.name for migration, _ in executor.migration_plan(ours)]
    if missing:
        yield bad(
            "migrations",
            "migrations",
            f"{len(missing)} are not applied to {alias!r}: {', '.join(missing)}.",
            f"Run: manage.py migrate djtasks --database {alias}",
        )
    else:
        yield ok("migrations", "All migrations are applied.")


def check_rights(examination: Examination) -> Iterator[Finding]:
    """Try each statement that the role needs, on no row, in a transaction that is rolled back."""
    alias, watch = examination.engine.database, Stopwatch()
    rights = rights_of(examination.role)
    with transaction.atomic(using=alias):
        refused = list(_refusals(alias, rights))
        transaction.set_rollback(True, using=alias)
    for error, tables in _by_meaning(alias, refused).items():
        yield bad(error.part, error.code, f"{error.text} ({', '.join(tables)})", error.remedy)
    if not refused:
        text = f"The database user has the rights of a {examination.role} on {len(rights)} tables."
        yield ok("rights", text, seconds=watch.lap())


def _refusals(
    alias: str, rights: dict[type[Model], frozenset[str]]
) -> Iterator[tuple[str, Exception]]:
    connection = connections[alias]
    quote = connection.ops.quote_name
    for model, verbs in rights.items():
        table, key = model._meta.db_table, model._meta.pk  # noqa: SLF001 - Django's Meta API
        for verb in sorted(verbs):
            statement = _PROBES[verb].format(
                table=quote(table), column=quote(str(key.column) if key else "id")
            )
            try:
                with transaction.atomic(using=alias), connection.cursor() as cursor:
                    cursor.execute(statement)
            except DatabaseError as error:
                yield f"{verb} {table}", error


def _by_meaning(alias: str, refused: list[tuple[str, Exception]]) -> dict[Finding, list[str]]:
    """Group the refused statements by reason."""
    found: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
    for what, error in refused:
        finding = database_finding("rights", alias, error)
        _first, tables = found.setdefault((finding.code, finding.remedy), (finding, []))
        tables.append(what)
    return dict(found.values())


def check_text(examination: Examination) -> Iterator[Finding]:
    """Look for a character set that lacks characters, such as LATIN1, or utf8mb3 of MySQL."""
    connection = connections[examination.engine.database]
    if connection.vendor == "postgresql":
        encoding = _row(connection, "SHOW server_encoding")[0]
        if encoding not in _ALL_CHARACTERS:
            yield _narrow(
                f"The database is encoded in {encoding}",
                "Dump it, and restore it into a database with ENCODING 'UTF8'.",
            )
    elif connection.vendor == "mysql":
        narrow = _row(connection, _NARROW_COLUMNS)
        if narrow is not None:
            table, charset = narrow
            yield _narrow(
                f"{table} stores texts in {charset}",
                f"For each table of djtasks, run: ALTER TABLE {table} CONVERT TO CHARACTER SET "
                f"utf8mb4. It locks the table while it copies it.",
            )


def _narrow(what: str, remedy: str) -> Finding:
    text = f"{what}, which lacks characters such as emoji. djtasks writes them as \\U0001f389."
    return warn("text", "charset", text, remedy)


def check_clock(examination: Examination) -> Iterator[Finding]:
    """Compare this host's clock with the database's, which decides what is due."""
    before = examination.clock()
    now = examination.engine.store.now()
    skew = now - (before + (examination.clock() - before) / 2)
    yield judge_clock("clock", "the database", skew)


def judge_clock(part: str, whose: str, skew: timedelta) -> Finding:
    """Return a finding about the clock of `whose`, which is `skew` ahead of this host's."""
    if abs(skew) <= LONGEST_SKEW:
        seconds = abs(skew).total_seconds()
        return ok(part, f"The clock of {whose} agrees with this host's within {seconds:.1f} s.")
    words = f"{in_words(abs(skew))} {'ahead of' if skew > timedelta(0) else 'behind'}"
    return bad(
        part,
        "clock",
        f"The clock of {whose} is {words} this host's.",
        "Synchronize both with NTP (chrony or systemd-timesyncd). The database's clock decides "
        "what is due, so a run_after that this host computes comes that much early or late.",
    )


def check_connections(examination: Examination) -> Iterator[Finding]:
    """Count the server's connections."""
    connection = connections[examination.engine.database]
    question = _CONNECTIONS.get(connection.vendor)
    if question is None:
        return
    used, limit = _row(connection, question)
    if used > _FULL_SHARE * limit:
        yield warn(
            "connections",
            "connections",
            f"{used:,} of the server's {limit:,} connections are in use.",
            "Raise max_connections, put a pgbouncer in front, or run fewer processes and threads.",
        )
    else:
        yield ok("connections", f"{used:,} of the server's {limit:,} connections are in use.")


def check_transactions(examination: Examination) -> Iterator[Finding]:
    """Look for a session that keeps PostgreSQL from cleaning up, among those this role can see."""
    connection = connections[examination.engine.database]
    if connection.vendor != "postgresql":
        return
    oldest = _row(connection, _OLDEST_TRANSACTION, [LONGEST_TRANSACTION])
    if oldest is None:
        yield ok(
            "transactions", f"No transaction has been open for {in_words(LONGEST_TRANSACTION)}."
        )
        return
    pid, state, program, age = oldest
    yield warn(
        "transactions",
        "long-transaction",
        f"Session {pid} ({program or 'no name'}, {state}) has been in one transaction for "
        f"{in_words(age)}.",
        "PostgreSQL cannot clean up behind it, so finding due tasks gets slower and slower. "
        f"End it: SELECT pg_terminate_backend({pid}); and set idle_in_transaction_session_timeout.",
    )


def _row(connection: Any, statement: str, parameters: list[Any] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
