"""Queues that live in Redis."""

from typing import Any

from benchmarks.peers.lineup.contestant import DJANGO, Contestant, Durability

_UNSAVED = "what Redis had not yet saved"
_HUEY = ("{bin}/huey_consumer", "benchmarks.peers.contestants.huey.queue", "-n", "-q")
_DRAMATIQ = ("{bin}/dramatiq", "benchmarks.peers.contestants.dramatiq", "-p", "2")
_TASKIQ = (
    *("{bin}/taskiq", "worker", "benchmarks.peers.contestants.taskiq:broker"),
    *("--workers", "2", "--log-level", "ERROR", "--max-prefetch", "200", "--max-async-tasks"),
)
_RQ = (
    *("{bin}/rq", "worker", "peers", "-w", "rq.worker.SimpleWorker", "--url", "{redis}"),
    *("--logging_level", "ERROR"),
)
_VTASKS = (*DJANGO, "runworker", "--concurrency")
_COMMON: dict[str, Any] = {"group": "redis"}


def _huey(name: str, *, results: bool) -> Contestant:
    return Contestant(
        name=name,
        module="huey",
        **_COMMON,
        packages=("huey", "redis"),
        durability=Durability(
            "a list in Redis",
            "a hash in Redis" if results else "none",
            "the tasks that run: they are popped before",
            _UNSAVED,
        ),
        count=5000,
        work=((*_HUEY, "-k", "thread", "-w", "8"),) * 2,
        nap=() if results else ((*_HUEY, "-k", "thread", "-w", "50"),) * 2,
        no_nap="as huey" if results else "",
        settings={"results": results},
    )


IN_REDIS = (
    Contestant(
        name="dramatiq",
        module="dramatiq",
        **_COMMON,
        packages=("dramatiq", "redis"),
        durability=Durability(
            "a list and a hash in Redis", "none", "nothing: requeued after a minute", _UNSAVED
        ),
        count=4000,
        work=((*_DRAMATIQ, "-t", "8"),),
        nap=((*_DRAMATIQ, "-t", "50"),),
    ),
    _huey("huey", results=False),
    _huey("huey-results", results=True),
    Contestant(
        name="rq",
        module="rq",
        **_COMMON,
        packages=("rq", "redis"),
        durability=Durability(
            "a hash and a list in Redis",
            "a stream in Redis, for 500 s",
            "nothing: found abandoned, and marked as failed",
            _UNSAVED,
        ),
        count=800,
        work=(_RQ,) * 2,
        no_nap="one task a process",
    ),
    Contestant(
        name="taskiq",
        module="taskiq",
        **_COMMON,
        packages=("taskiq", "taskiq-redis", "redis"),
        durability=Durability(
            "a stream in Redis", "none", "nothing: claimed by another after 10 min", _UNSAVED
        ),
        count=5000,
        work=((*_TASKIQ, "100"),),
        nap=((*_TASKIQ, "50"),),
    ),
    Contestant(
        name="django-vtasks",
        module="django_vtasks",
        group="django-vtasks",
        needs_python=(3, 12),
        packages=("django-vtasks", "django-vcache", "Django"),
        durability=Durability(
            "a list in Redis",
            "none",
            "nothing: set aside as dead, run again only with VTASKS_MAX_RESCUES",
            _UNSAVED,
        ),
        count=6000,
        work=((*_VTASKS, "20"),) * 2,
        nap=((*_VTASKS, "50"),) * 2,
        django={
            "apps": ["django_vtasks"],
            "TASKS": {
                "default": {
                    "BACKEND": "django_vtasks.backends.valkey.ValkeyTaskBackend",
                    "OPTIONS": {"BROKER_URL": "{redis}"},
                }
            },
        },
        is_django=True,
    ),
    Contestant(
        name="django-q2",
        module="django_q2",
        group="django-q2",
        packages=("django-q2", "Django", "redis", "psycopg"),
        durability=Durability(
            "a list in Redis",
            "a row in PostgreSQL",
            "what it had fetched: popped before, up to 4 ahead of its workers",
            _UNSAVED,
        ),
        count=600,
        work=((*DJANGO, "qcluster"),),
        no_nap="one task a process",
        django={
            "apps": ["django_q"],
            "Q_CLUSTER": {
                "name": "peers",
                "workers": 2,
                "recycle": 1_000_000,
                "save_limit": 0,
                "scheduler": False,
                "log_level": "ERROR",
                "redis": "{redis}",
            },
        },
        tables=("django_q_task",),
        is_django=True,
    ),
)
