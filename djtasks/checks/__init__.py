"""System checks, with stable ids (reference: docs/reference/checks.md)."""

from collections.abc import Iterator
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.db import DEFAULT_DB_ALIAS, connections, router

from djtasks import middleware
from djtasks.checks.definitions import (
    check_annotations,
    check_encryption,
    check_policies,
    check_schedules,
    check_tasks,
)
from djtasks.compat import InvalidTaskBackend
from djtasks.definitions import registry
from djtasks.definitions.options import LONGEST_QUEUE, is_queue
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.errors import InvalidOption
from djtasks.formats.suggestions import did_you_mean
from djtasks.inspection.exposure import exposures_of
from djtasks.signals import ties
from djtasks.store import queue_database

SLOTS = 8
_SQLITE_PATIENCE = 20
_KEYS = ("BACKEND", "QUEUES", "OPTIONS")
_SUPPORTED = ("postgresql", "mysql", "sqlite")

SQLITE_LINES = """\
"OPTIONS": {
    "transaction_mode": "IMMEDIATE", "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
},"""


def check_alias(alias: str) -> list[checks.CheckMessage]:
    """Check the settings of one TASKS alias; Django's own `tasks` check calls this."""
    try:
        engine = engine_of(alias)
    except (InvalidOption, InvalidTaskBackend) as error:
        return [checks.Error(f"TASKS[{alias!r}]: {error}", id="djtasks.E001")]
    found = [*_check_keys(alias), *_check_queues(alias), *_check_imports(engine)]
    if not any(one.is_serious() for one in found):
        # With other queues than it names, a task could not even be defined.
        registry.import_tasks(engine.options.imports)
        found += [*check_tasks(engine), *check_annotations(engine), *check_encryption(engine)]
        found += [*check_policies(engine), *check_schedules(engine)]
    return [*found, *_check_broker(engine), *_check_middleware(engine)]


def _check_keys(alias: str) -> Iterator[checks.CheckMessage]:
    for key in settings.TASKS[alias]:
        if key not in _KEYS:
            meant = did_you_mean(str(key).upper(), _KEYS) or f"Known: {', '.join(_KEYS)}."
            yield checks.Error(
                f"TASKS[{alias!r}] has the unknown key {key!r}. {meant}", id="djtasks.E021"
            )


def _check_queues(alias: str) -> Iterator[checks.CheckMessage]:
    queues = settings.TASKS[alias].get("QUEUES", [])
    is_list = isinstance(queues, list | tuple | set | frozenset)
    if not is_list or not all(map(is_queue, queues)):
        yield checks.Error(
            f"TASKS[{alias!r}]['QUEUES'] must be a list of printable names of 1 to "
            f"{LONGEST_QUEUE} characters, got {queues!r}.",
            id="djtasks.E006",
        )
        return
    for name in sorted(queues):
        if "," in name or name != name.strip():
            yield checks.Warning(
                f"TASKS[{alias!r}]['QUEUES']: no worker can be told to serve the queue {name!r}, "
                f"since `runworker --queues` separates names by commas and spaces around them.",
                hint="Choose a name without commas and without spaces at its ends.",
                id="djtasks.W021",
            )


def _check_imports(engine: Engine) -> Iterator[checks.CheckMessage]:
    for path in engine.options.imports:
        try:
            found = find_spec(path)
        except (ImportError, ValueError):
            found = None
        if found is None:
            yield checks.Error(
                f"TASKS[{engine.alias!r}]: OPTIONS['imports'] names the module {path!r}, which "
                f"does not exist.",
                id="djtasks.E007",
            )


def _check_broker(engine: Engine) -> Iterator[checks.CheckMessage]:
    try:
        _ = engine.broker
    except ImproperlyConfigured as error:
        yield checks.Error(f"TASKS[{engine.alias!r}]: {error}", id="djtasks.E003")
    except Exception as error:  # noqa: BLE001 - CACHES may name no such alias, or worse
        yield checks.Error(
            f"TASKS[{engine.alias!r}]: the broker {engine.options.broker!r} cannot be built: "
            f"{error}",
            id="djtasks.E003",
        )


def _check_middleware(engine: Engine) -> Iterator[checks.CheckMessage]:
    try:
        loaded = middleware.load(engine.options.middleware)
        if any(iscoroutinefunction(task.func) for task in registry.all_tasks()):
            middleware.chain(loaded, _any_coroutine)
    except ImproperlyConfigured as error:
        yield checks.Error(f"TASKS[{engine.alias!r}]: {error}", id="djtasks.E004")


async def _any_coroutine(_context: Any) -> None:
    """Stand in for a coroutine task."""


@checks.register("djtasks")
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check the settings that all aliases share; open no connection."""
    if not our_aliases():
        return []
    found: list[checks.CheckMessage] = []
    if not settings.USE_TZ:
        found.append(
            checks.Error(
                "djtasks needs USE_TZ = True.",
                hint="Due times are compared with the database's clock in UTC.",
                id="djtasks.E002",
            )
        )
    found += _check_database(queue_database())
    found += _check_command()
    found += _check_ties()
    return found


def _check_database(alias: str) -> Iterator[checks.CheckMessage]:
    connection = connections[alias]
    if connection.vendor not in _SUPPORTED:
        yield checks.Error(
            f"DATABASES[{alias!r}] is {connection.vendor}, which djtasks does not support.",
            hint="Route the app `djtasks` to PostgreSQL, MariaDB, MySQL or SQLite.",
            id="djtasks.E005",
        )
    if connection.vendor == "sqlite" and not is_sqlite_ready(alias):
        yield checks.Warning(
            f"DATABASES[{alias!r}] is SQLite with Django's default options: a writer blocks all "
            f"other connections, so workers run one task at a time.",
            hint=f"Add this to DATABASES[{alias!r}]:\n{SQLITE_LINES}",
            id="djtasks.W001",
        )
    if alias != DEFAULT_DB_ALIAS:
        yield checks.Warning(
            f"Tasks are stored in {alias!r}, not beside your data in {DEFAULT_DB_ALIAS!r}.",
            hint="Enqueueing is then not atomic with your own changes: a task may run even if "
            "your transaction rolls back. Use a database router that keeps `djtasks` with your "
            "data.",
            id="djtasks.W002",
        )
    yield from _check_pool(alias)


def _check_pool(alias: str) -> Iterator[checks.CheckMessage]:
    pool = connections[alias].settings_dict.get("OPTIONS", {}).get("pool")
    # psycopg_pool: min_size is 4 by default, and max_size the same.
    sizes = pool if isinstance(pool, dict) else {}
    size = int(sizes.get("max_size") or sizes.get("min_size") or 4)
    if pool and size < SLOTS:
        yield checks.Warning(
            f"The pool of DATABASES[{alias!r}] has {size} connections, fewer than the {SLOTS} "
            f"threads of a worker process.",
            hint="Set OPTIONS['pool']['max_size'] to at least the threads of a process, or run "
            "workers with fewer --threads.",
            id="djtasks.W003",
        )


def is_sqlite_ready(alias: str) -> bool:
    """Return whether several connections can write to this SQLite without locking errors."""
    options = connections[alias].settings_dict.get("OPTIONS", {})
    return (
        str(options.get("transaction_mode", "")).upper() in ("IMMEDIATE", "EXCLUSIVE")
        and "wal" in str(options.get("init_command", "")).lower()
        and options.get("timeout", 0) >= _SQLITE_PATIENCE
    )


def _check_command() -> Iterator[checks.CheckMessage]:
    owner = get_commands().get("runworker")
    name = owner if isinstance(owner, str) else getattr(owner, "name", "")
    if name != "djtasks":
        yield checks.Warning(
            f"The command `runworker` comes from {name!r}, not from djtasks.",
            hint="Start workers with `manage.py djtasks_worker`, or put 'djtasks' before that app "
            "in INSTALLED_APPS.",
            id="djtasks.W004",
        )


def _check_ties() -> Iterator[checks.CheckMessage]:
    for model, path, _backend in sorted(ties(), key=str):
        if router.db_for_write(model) != queue_database():
            yield checks.Warning(
                f"enqueue_on() ties {model._meta.label} to {path}, but they live in different "  # noqa: SLF001
                f"databases.",
                hint="The task is then enqueued even if the model's transaction rolls back.",
                obj=model,
                id="djtasks.W005",
            )


@checks.register("djtasks", deploy=True)
def check_servers(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Ask each broker for problems; part of `check --deploy` since it opens connections."""
    found: list[checks.CheckMessage] = []
    for alias in our_aliases():
        try:
            broker = engine_of(alias).broker
        except Exception:  # noqa: BLE001, S112 - check_alias has said why
            continue
        found += [
            checks.Warning(
                f"TASKS[{alias!r}]: {problem.message}",
                hint=problem.remedy,
                id=_SERVER_IDS.get(problem.code, "djtasks.W019"),
            )
            for problem in (broker.diagnose() if broker else [])
        ]
    return found


@checks.register("djtasks", deploy=True)
def check_exposure(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check, from the settings alone, how each Redis is protected."""
    found: list[checks.CheckMessage] = []
    for alias in our_aliases():
        try:
            exposures = exposures_of(engine_of(alias))
        except (InvalidOption, InvalidTaskBackend):
            continue  # check_alias has said why
        for one in exposures:
            text, hint, id_ = _EXPOSURES[one.code]
            message = f"TASKS[{alias!r}]: {text.format(place=one.place)}"
            found.append(checks.Warning(message, hint=hint, id=id_))
    return found


_EXPOSURES = {
    "plaintext": (
        "The connection to Redis at {place} does not use TLS: it sends passwords in clear text.",
        "Use rediss:// in LOCATION. On a private network, you can silence this check.",
        "djtasks.W015",
    ),
    "no-password": (
        "Redis at {place} does not require a password.",
        "Anyone who can connect to it can delay tasks and read their ids, but nothing else. Set a "
        "user and a password (docs/guides/security.md lists the rights it needs).",
        "djtasks.W016",
    ),
}
_SERVER_IDS = {
    "unreachable": "djtasks.W010",
    "too-old": "djtasks.W011",
    "eviction": "djtasks.W012",
    "full": "djtasks.W013",
    "password": "djtasks.W014",
}
