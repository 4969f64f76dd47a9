"""Queues that live in PostgreSQL."""

from typing import Any

from benchmarks.peers.lineup.contestant import DJANGO, Contestant, Durability

_NO_BROKER = "there is none"
_PROCRASTINATE = (
    *("{bin}/procrastinate", "--app=benchmarks.peers.contestants.procrastinate.app", "worker"),
    "-c",
)
_OX = (*DJANGO, "ox_worker", "--processes", "2", "--interval", "0.1", "--concurrency")
_PGQUEUER = ("{bin}/python", "-m", "benchmarks.peers.contestants.pgqueuer")
_COMMON: dict[str, Any] = {"group": "postgres"}

IN_POSTGRES = (
    Contestant(
        name="procrastinate",
        module="procrastinate",
        **_COMMON,
        packages=("procrastinate", "psycopg"),
        durability=Durability(
            "a row in PostgreSQL",
            "the row, without a return value",
            "nothing is lost, but it stays `doing` until code of yours retries it",
            _NO_BROKER,
        ),
        count=1000,
        work=((*_PROCRASTINATE, "10"),) * 2,
        nap=((*_PROCRASTINATE, "50"),) * 2,
        tables=("procrastinate_jobs", "procrastinate_events"),
    ),
    Contestant(
        name="pgqueuer",
        module="pgqueuer",
        **_COMMON,
        packages=("pgqueuer", "asyncpg", "uvloop"),
        durability=Durability(
            "a row in PostgreSQL",
            "a log row, without a return value",
            "nothing; up to 0.1 s of finished work is repeated",
            _NO_BROKER,
        ),
        count=20_000,
        work=((*_PGQUEUER, "100"),) * 2,
        nap=((*_PGQUEUER, "25", "50"),) * 2,
        tables=("pgqueuer", "pgqueuer_log", "pgqueuer_statistics"),
    ),
    Contestant(
        name="django-tasks-db",
        module="django_tasks_db",
        group="django-tasks-db",
        packages=("django-tasks-db", "django-tasks", "Django", "psycopg"),
        durability=Durability(
            "a row in PostgreSQL", "the row", "the tasks that run: they stay `RUNNING`", _NO_BROKER
        ),
        count=800,
        work=((*DJANGO, "db_worker", "-v", "0", "--interval", "0.1", "--no-startup-delay"),) * 2,
        no_nap="one task a process",
        django={
            "apps": ["django_tasks", "django_tasks_db"],
            "TASKS": {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
        },
        tables=("django_tasks_database_dbtaskresult",),
        poll=0.1,
        is_django=True,
    ),
    Contestant(
        name="django-ox",
        module="django_ox",
        group="django-ox",
        needs_python=(3, 12),
        packages=("django-ox", "Django", "psycopg"),
        durability=Durability(
            "a row in PostgreSQL", "the row", "nothing: taken over after 5 min", _NO_BROKER
        ),
        count=1000,
        work=((*_OX, "8"),),
        nap=((*_OX, "50"),),
        django={
            "apps": ["django_ox"],
            "TASKS": {"default": {"BACKEND": "django_ox.backend.OxBackend"}},
        },
        tables=("django_ox_oxtask",),
        poll=0.1,
        is_django=True,
    ),
)
