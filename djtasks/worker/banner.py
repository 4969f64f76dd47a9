"""The banner and the warnings that `runworker` prints when it starts."""

import os

from django.db import DatabaseError, connections

import djtasks
from djtasks.checks import is_sqlite_ready
from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.worker.config import WorkerConfig

# A child has a connection per thread, and one each for fetch, settle, housekeeping and, once there
# is a workflow, promotion. The supervisor has one each for itself, heartbeat, coordinator and
# sweep, and one for the scheduler.
_CHILD_CONNECTIONS = 4
_SUPERVISOR_CONNECTIONS = 4
_TOO_MANY = 0.8


def connections_needed(config: WorkerConfig) -> int:
    """Return how many database connections a worker may open."""
    children = max(config.processes, 1)
    supervisor = _SUPERVISOR_CONNECTIONS + config.beat
    return children * (config.threads + _CHILD_CONNECTIONS) + supervisor


def connection_limit(database: str) -> int | None:
    """Return how many connections the server allows; None if there is no limit or it is unknown."""
    connection = connections[database]
    question = {
        "postgresql": "SHOW max_connections",
        "mysql": "SELECT @@max_connections",
    }.get(connection.vendor)
    if question is None:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return int(cursor.fetchone()[0])
    except DatabaseError:
        connection.close()
        return None


def trouble_with(database: str) -> str:
    """Return in one line why a database cannot be reached; "" if it can."""
    try:
        connections[database].ensure_connection()
    except DatabaseError as error:
        return " ".join(str(error).split())
    return ""


def lines(engine: Engine, config: WorkerConfig) -> list[str]:
    """Return the lines of the banner."""
    settings = connections[engine.database].settings_dict
    queues = ", ".join(config.queues or engine.queues) or "any"
    order = "in this order" if config.queues else "in turn"
    limit = connection_limit(engine.database)
    needed = connections_needed(config)
    return [
        f"djtasks {djtasks.__version__}",
        f"  backend      {engine.alias}",
        f"  database     {engine.database} ({connections[engine.database].vendor}, "
        f"{settings['NAME']})",
        f"  broker       {engine.options.broker}"
        + (f" (CACHES[{engine.options.cache!r}])" if engine.options.cache else ""),
        f"  processes    {config.processes} x {config.threads} threads, "
        f"{config.async_slots} coroutines",
        f"  queues       {queues} ({order})",
        f"  tasks        {len(registry.all_tasks())} found",
        f"  connections  up to {needed}" + (f" of {limit}" if limit else ""),
    ]


def warnings(engine: Engine, config: WorkerConfig) -> list[str]:
    """Return warnings about problems that an operator should solve before they hurt."""
    found = []
    limit = connection_limit(engine.database)
    needed = connections_needed(config)
    if trouble := trouble_with(engine.database):
        found.append(f"The database does not answer; the worker retries until it does: {trouble}")
    if limit and needed > _TOO_MANY * limit:
        found.append(
            f"This worker may open {needed} of the server's {limit} connections. Use fewer "
            f"--processes or --threads, or raise max_connections."
        )
    if connections[engine.database].vendor == "sqlite" and not is_sqlite_ready(engine.database):
        found.append(
            "SQLite with default settings runs one task at a time. `manage.py check` shows the "
            "settings that let several run."
        )
    if not registry.all_tasks():
        found.append(
            "No tasks found. Put them into the `tasks` module of an installed app, or add their "
            "modules to OPTIONS['imports']."
        )
    return found


def warnings_of_process() -> list[str]:
    """Return warnings about how this process was started."""
    found = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        found.append("The worker and all tasks run as root. Give the worker a user of its own.")
    if os.getpid() == 1:
        found.append(
            "This worker is process 1 of its container, so nothing collects the processes that "
            "tasks leave behind. Start it under an init, such as tini or `docker run --init`."
        )
    return found
