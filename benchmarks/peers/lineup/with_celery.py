"""Celery 5 on Redis: without results, with django-celery-results as shipped, and that tuned."""

from typing import Any

from benchmarks.peers.lineup.contestant import Command, Contestant, Durability

_PLAIN: Command = (
    *("{bin}/python", "-m", "celery", "-A", "benchmarks.peers.contestants.celery", "worker"),
    *("-l", "ERROR"),
)
# Neither looks for other workers nor tells them anything: what a busy site turns off first.
_LEAN: Command = (*_PLAIN, "--without-gossip", "--without-mingle", "--without-heartbeat")
_PREFORK: Command = ("-P", "prefork", "-c", "2")
_NAP = ((*_LEAN, "-P", "threads", "-c", "100"),)
_RESULTS: dict[str, Any] = {"result_backend": "django-db"}
_TUNED: dict[str, Any] = {"worker_prefetch_multiplier": 64}
_DJANGO = {"apps": ["django_celery_results"]}
_LOST = "the tasks that run: they are acknowledged before"


def _durability(result: str) -> Durability:
    return Durability("a list in Redis", result, _LOST, "what Redis had not yet saved")


_COMMON: dict[str, Any] = {"module": "celery", "group": "celery"}
_PACKAGES = ("celery", "kombu", "redis")
_WITH_RESULTS: dict[str, Any] = {
    **_COMMON,
    "packages": (*_PACKAGES, "django-celery-results", "Django", "psycopg"),
    "durability": _durability("a row in PostgreSQL"),
    "django": _DJANGO,
    "tables": ("django_celery_results_taskresult",),
    "is_django": True,
}

WITH_CELERY = (
    Contestant(
        name="celery",
        **_COMMON,
        packages=_PACKAGES,
        durability=_durability("none"),
        count=2000,
        work=((*_LEAN, *_PREFORK),),
        nap=_NAP,
        settings={"task_ignore_result": True, **_TUNED},
    ),
    Contestant(
        name="celery-results",
        **_WITH_RESULTS,
        count=300,
        work=((*_PLAIN, *_PREFORK),),
        no_nap="as celery",
        settings=_RESULTS,
    ),
    Contestant(
        name="celery-results-tuned",
        **_WITH_RESULTS,
        count=800,
        work=((*_LEAN, *_PREFORK),),
        no_nap="as celery",
        settings={**_RESULTS, **_TUNED, "CELERY_DB_REUSE_MAX": 1_000_000},
    ),
)
