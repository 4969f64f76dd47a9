"""Database connections inside worker processes: the engine's own, and those of tasks."""

import threading
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

ENGINE_STATEMENT_SECONDS = 20
ENGINE_LOCK_SECONDS = 5
# A host that vanishes within a transaction must not keep its locks until the server's TCP
# notices, which takes two hours where nobody has changed it: nobody could take its tasks.
ENGINE_IDLE_SECONDS = 10
_TASK_CONNECTION_AGE = 60
_SQLITE_PATIENCE = 20

# So that no call of the engine outlives the watchdog when the other side vanishes.
_LIBPQ_LIVENESS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_MYSQL_LIVENESS = {"connect_timeout": 5, "read_timeout": 30, "write_timeout": 30}


def prepare_process() -> None:
    """Fit the DATABASES settings to a worker process, before its first connection.

    With CONN_MAX_AGE = 0, Django's default, every task would pay for a connection of its own;
    such an alias gets 60 s and health checks, unless it has a pool. SQLite gets IMMEDIATE
    transactions and 20 s of patience where the project chose nothing.
    """
    for database in connections.settings:
        settings = connections[database].settings_dict
        options = settings["OPTIONS"]
        if settings["CONN_MAX_AGE"] == 0 and not options.get("pool"):
            settings["CONN_MAX_AGE"] = _TASK_CONNECTION_AGE
            settings["CONN_HEALTH_CHECKS"] = True
        if settings["ENGINE"].endswith("sqlite3"):
            options.setdefault("transaction_mode", "IMMEDIATE")
            options.setdefault("timeout", _SQLITE_PATIENCE)


def use_engine_connection(database: str) -> None:
    """Give this thread a connection of its own for the engine's statements on `database`.

    READ COMMITTED, outside any pool, with timeouts on everything. Behind a pgbouncer in
    transaction mode (told by DISABLE_SERVER_SIDE_CURSORS, as Django's documentation asks
    for it) no session setting would stay ours, so none is made.
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
    _PREPARE.get(shared.vendor, _leave)(options, is_pooled=is_pooled(shared))
    connections[database] = type(shared)(ours, database)


def is_pooled(connection: Any) -> bool:
    """Return whether a pgbouncer in transaction mode stands between us and the server."""
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))


def _leave(options: dict[str, Any], *, is_pooled: bool) -> None:
    """Other databases are used as they are."""


def _prepare_postgresql(options: dict[str, Any], *, is_pooled: bool) -> None:
    options.pop("pool", None)
    options.pop("isolation_level", None)
    # Arrays travel as they are: as literals in the text of the statement they cost 8 µs an id.
    options["server_side_binding"] = True
    for name, value in _LIBPQ_LIVENESS.items():
        options.setdefault(name, value)
    if not is_pooled:
        # psycopg's own default, which Django turns off: a ninth of the server's time.
        options.setdefault("prepare_threshold", 5)
        given = options.get("options", "")
        options["options"] = (
            f"{given} -c statement_timeout={ENGINE_STATEMENT_SECONDS}s "
            f"-c lock_timeout={ENGINE_LOCK_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={ENGINE_IDLE_SECONDS}s "
            # A batch of hundreds by primary key, never the whole table with its dead rows.
            "-c enable_seqscan=off "
            "-c default_transaction_isolation=read\\ committed"
        ).strip()


def _prepare_mysql(options: dict[str, Any], *, is_pooled: bool) -> None:  # noqa: ARG001
    options["isolation_level"] = "read committed"
    for name, value in _MYSQL_LIVENESS.items():
        options.setdefault(name, value)
    # What is in the comment is MariaDB's; MySQL, which has no such limit, does not read it.
    patience = (
        f"SESSION innodb_lock_wait_timeout={ENGINE_LOCK_SECONDS} "
        f"/*M!100301 , SESSION idle_transaction_timeout={ENGINE_IDLE_SECONDS} */"
    )
    given = options.get("init_command", "")
    if not given:
        options["init_command"] = f"SET {patience}"
    elif given.upper().startswith("SET ") and ";" not in given:
        # The drivers run one statement, so ours joins the project's.
        options["init_command"] = f"{given}, {patience}"


def _prepare_sqlite(options: dict[str, Any], *, is_pooled: bool) -> None:  # noqa: ARG001
    options["transaction_mode"] = "IMMEDIATE"
    options["timeout"] = max(options.get("timeout", 0), _SQLITE_PATIENCE)


_PREPARE = {
    "postgresql": _prepare_postgresql,
    "mysql": _prepare_mysql,
    "sqlite": _prepare_sqlite,
}


class _Opened(threading.local):
    """The connections that were opened in this thread since this module was imported.

    Known from Django's signal: to ask `connections.all()` after each task costs 2 µs an alias.
    """

    def __init__(self) -> None:
        self.connections: list[Any] = []


_opened = _Opened()


def _remember(connection: Any, **_signal: Any) -> None:
    if connection not in _opened.connections:
        _opened.connections.append(connection)


connection_created.connect(_remember, dispatch_uid="djtasks.store.sessions")


def close_after_task(*, went_well: bool = True) -> None:
    """Leave this thread's connections as a task must find them: none broken, none in use.

    A transaction that the task left open is rolled back with its connection. A task that
    failed may have met a connection that broke before Django told of it: then all are seen to.
    """
    if went_well:
        if not _opened.connections:
            return
        used = tuple(_opened.connections)
    else:
        used = tuple(connections.all(initialized_only=True))
    for connection in used:
        if connection.in_atomic_block or _is_in_manual_mode(connection):
            _abandon(connection)
        else:
            connection.close_if_unusable_or_obsolete()
            connection.queries_log.clear()


def refresh_connections() -> None:
    """Close this thread's connections that are broken or old and not in use."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


def _is_in_manual_mode(connection: Any) -> bool:
    return connection.connection is not None and not connection.autocommit


def _abandon(connection: Any) -> None:
    connection.in_atomic_block = False
    connection.run_on_commit = []
    connection.close()
    if connection in _opened.connections:
        _opened.connections.remove(connection)
    del connections[connection.alias]
