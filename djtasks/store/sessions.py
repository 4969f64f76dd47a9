"""Database connections in worker processes: the engine's own and those of tasks."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

from djtasks.store.forks import disconnect_copies, leave_copies_alone

ENGINE_STATEMENT_SECONDS = 20
ENGINE_LOCK_SECONDS = 5
# If a host vanishes within a transaction, the server's TCP notices after two hours by default.
# Its locks must not last that long, since no worker could take over its tasks.
ENGINE_IDLE_SECONDS = 10
_KEPT_OPEN = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
_SQLITE_PATIENCE = 20
_IDLE_SECONDS = 1.0

# If the server vanishes, each call of the engine ends before the watchdog strikes.
_LIBPQ_LIVENESS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_MYSQL_LIVENESS = {"connect_timeout": 5, "read_timeout": 30, "write_timeout": 30}


def prepare_process(*, reuse_connections: bool = True) -> None:
    """Adapt the DATABASES settings to a worker process, before its first connection.

    With CONN_MAX_AGE = 0, Django's default, every task opens a connection of its own. With
    `reuse_connections`, such an alias gets 60 s and health checks instead, unless it has a pool.
    SQLite gets IMMEDIATE transactions and a timeout of 20 s, unless the project sets these
    options. A process that a task forks gets no connection of ours, and its CONN_MAX_AGE is the
    project's again.
    """
    for database in connections.settings:
        settings = connections[database].settings_dict
        options = settings["OPTIONS"]
        if reuse_connections and settings["CONN_MAX_AGE"] == 0 and not options.get("pool"):
            _before[database] = {name: settings[name] for name in _KEPT_OPEN}
            settings.update(_KEPT_OPEN)
        if settings["ENGINE"].endswith("sqlite3"):
            options.setdefault("transaction_mode", "IMMEDIATE")
            options.setdefault("timeout", _SQLITE_PATIENCE)
    disconnect_copies(_forget)


@contextmanager
def prepared_process(*, reuse_connections: bool = True) -> Iterator[None]:
    """Call prepare_process() for this block; afterwards the settings are the project's again."""
    before = {database: _copied(connections.settings[database]) for database in connections}
    prepare_process(reuse_connections=reuse_connections)
    try:
        yield
    finally:
        leave_copies_alone(_forget)
        _before.clear()
        for database, settings in before.items():
            connections.settings[database].update(settings)


def _copied(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in _KEPT_OPEN} | {"OPTIONS": {**settings["OPTIONS"]}}


_before: dict[str, dict[str, Any]] = {}


def _forget() -> None:
    _opened.connections.clear()
    for database, settings in _before.items():
        connections.settings[database].update(settings)


def use_engine_connection(database: str) -> None:
    """Give this thread its own connection to `database` for the engine's statements.

    It is READ COMMITTED, outside any pool, with timeouts on everything. Behind a pgbouncer in
    transaction mode, a session setting would not stay with this thread, so none is made. We
        detect it by DISABLE_SERVER_SIDE_CURSORS, which Django's documentation asks for.
    """
    shared = connections[database]
    shared.close()
    options = dict(shared.settings_dict["OPTIONS"])
    ours = shared.settings_dict | {
        "OPTIONS": options,
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
    }
    is_ours = not is_pooled(shared)
    _PREPARE.get(shared.vendor, _leave)(options, is_ours=is_ours)
    engine: Any = type(shared)(ours, database)
    engine.djtasks_setup = _SETUP.get(shared.vendor) if is_ours else None
    connections[database] = engine


@contextmanager
def engine_connection(database: str) -> Iterator[None]:
    """Call use_engine_connection() for this block; afterwards the thread has its former one."""
    before = connections[database]
    if not before.in_atomic_block:
        before.close()
    del connections[database]
    use_engine_connection(database)
    try:
        yield
    finally:
        ours: Any = connections[database]
        ours.close()
        if ours in _opened.connections:
            _opened.connections.remove(ours)
        connections[database] = before


def is_pooled(connection: Any) -> bool:
    """Return whether there is a pgbouncer in transaction mode between us and the server."""
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))


def _leave(options: dict[str, Any], *, is_ours: bool) -> None:
    """Leave the options of other databases unchanged."""


def _prepare_postgresql(options: dict[str, Any], *, is_ours: bool) -> None:
    options.pop("pool", None)
    options.pop("isolation_level", None)
    # Send arrays as parameters: as literals in the statement, they cost 8 µs an id.
    options["server_side_binding"] = True
    for name, value in _LIBPQ_LIVENESS.items():
        options.setdefault(name, value)
    if is_ours:
        # psycopg's default, which Django turns off: saves a ninth of the server's time.
        options.setdefault("prepare_threshold", 5)


def _prepare_mysql(options: dict[str, Any], *, is_ours: bool) -> None:  # noqa: ARG001
    options["isolation_level"] = "read committed"
    for name, value in _MYSQL_LIVENESS.items():
        options.setdefault(name, value)


def _prepare_sqlite(options: dict[str, Any], *, is_ours: bool) -> None:  # noqa: ARG001
    options["transaction_mode"] = "IMMEDIATE"
    options["timeout"] = max(options.get("timeout", 0), _SQLITE_PATIENCE)


_PREPARE = {
    "postgresql": _prepare_postgresql,
    "mysql": _prepare_mysql,
    "sqlite": _prepare_sqlite,
}

# Sent as a statement of its own after connecting. Put into the project's `init_command` or
# `options`, it breaks some of them, and proxies refuse options that they do not know.
_SETUP = {
    "postgresql": f"""SELECT
        set_config('statement_timeout', '{ENGINE_STATEMENT_SECONDS}s', false),
        set_config('lock_timeout', '{ENGINE_LOCK_SECONDS}s', false),
        set_config('idle_in_transaction_session_timeout', '{ENGINE_IDLE_SECONDS}s', false),
        -- Read hundreds of rows by primary key, never the whole table with its dead rows.
        set_config('enable_seqscan', 'off', false),
        set_config('default_transaction_isolation', 'read committed', false)""",
    # MariaDB reads what is in the comment; MySQL ignores it and has no such limit.
    "mysql": f"""SET SESSION innodb_lock_wait_timeout={ENGINE_LOCK_SECONDS}
        /*M!100301 , SESSION idle_transaction_timeout={ENGINE_IDLE_SECONDS} */""",
}


def _set_up(connection: Any, **_signal: Any) -> None:
    """Send the statement of an engine connection; close the connection if that fails."""
    statement = getattr(connection, "djtasks_setup", None)
    if statement is None:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except BaseException:
        connection.close()
        raise


connection_created.connect(_set_up, dispatch_uid="djtasks.store.sessions.engine")


class _Opened(threading.local):
    """The connections that this thread has opened since this module was imported.

    Collected from Django's signal: calling `connections.all()` after each task costs 2 µs an alias.
    """

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self.checked_at = 0.0


_opened = _Opened()


def _remember(connection: Any, **_signal: Any) -> None:
    if connection not in _opened.connections:
        _opened.connections.append(connection)


connection_created.connect(_remember, dispatch_uid="djtasks.store.sessions")


def check_before_task() -> None:
    """Close what has become too old or unusable while this thread had no task for a second."""
    if _opened.connections and monotonic() - _opened.checked_at > _IDLE_SECONDS:
        refresh_connections()


def close_after_task(*, went_well: bool = True, was_interrupted: bool = False) -> None:
    """Clean this thread's connections up for the next task: none broken, none in use.

    If the task left a transaction open, its connection is closed, which rolls it back. After a
    failure, check all connections: one may have broken before Django sent its signal. If the task
    was interrupted, close them all: it may have been within a statement or within Django's code.
    """
    if was_interrupted:
        for connection in connections.all(initialized_only=True):
            _discard(connection)
        return
    if went_well:
        if not _opened.connections:
            return
        used = tuple(_opened.connections)
    else:
        used = tuple(connections.all(initialized_only=True))
    _opened.checked_at = monotonic()
    for connection in used:
        if connection.in_atomic_block or _is_in_manual_mode(connection):
            _abandon(connection)
        else:
            connection.close_if_unusable_or_obsolete()
            connection.queries_log.clear()


def refresh_connections() -> Sequence[Any]:
    """Close those of this thread's connections that are broken or too old and not in use.

    Return the connections of this thread, for `are_worn`. It keeps them up to date.
    """
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
    _opened.checked_at = monotonic()
    return _opened.connections


def are_worn(opened: Sequence[Any]) -> bool:
    """Return whether one of these connections has had an error or is too old; for any thread."""
    return any(
        connection.connection is not None
        and (
            connection.errors_occurred
            or (connection.close_at is not None and monotonic() >= connection.close_at)
        )
        for connection in opened
    )


def _is_in_manual_mode(connection: Any) -> bool:
    return connection.connection is not None and not connection.autocommit


def _discard(connection: Any) -> None:
    """Throw a connection away in whatever state it is; a pool gets it back closed."""
    if connection.connection is not None:
        with suppress(Exception):
            connection.connection.close()
    try:
        _abandon(connection)
    except Exception:  # noqa: BLE001 - the server ends the session
        connection.connection = None
        with suppress(AttributeError):
            del connections[connection.alias]


def _abandon(connection: Any) -> None:
    connection.in_atomic_block = False
    connection.run_on_commit = []
    connection.close()
    if connection in _opened.connections:
        _opened.connections.remove(connection)
    del connections[connection.alias]
