"""djtasks, and the bare loop over its table and index."""

from benchmarks.peers.lineup.contestant import DJANGO, Contestant, Durability

_DJANGO = {
    "apps": ["djtasks"],
    "CACHES": {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "{redis}"}},
    "TASKS": {
        "default": {
            "BACKEND": "djtasks.backend.DjtasksBackend",
            "QUEUES": ["default"],
            "OPTIONS": {"cache": "default", "imports": ["benchmarks.peers.contestants.djtasks"]},
        }
    },
}
_WORKER = (*DJANGO, "runworker", "--no-reload", "--processes", "2")
_PACKAGES = ("djtasks", "Django", "psycopg", "redis")

WITH_DJTASKS = (
    Contestant(
        name="ceiling",
        module="djtasks",
        group=None,
        packages=_PACKAGES,
        durability=Durability(
            "a row in PostgreSQL, its id in Redis", "the row", "what is in its hands hangs", "ids"
        ),
        count=20_000,
        work=(("{bin}/python", "-m", "benchmarks.peers.contestants.ceiling"),) * 2,
        no_nap="a loop has no concurrency",
        django=_DJANGO,
        tables=("djtasks_taskrecord",),
        is_django=True,
    ),
    Contestant(
        name="djtasks",
        module="djtasks",
        group=None,
        packages=_PACKAGES,
        durability=Durability(
            "a row in PostgreSQL, its id in Redis",
            "the row",
            "nothing: another takes the tasks over",
            "nothing: the ids are put back from the rows",
        ),
        count=20_000,
        work=(_WORKER,),
        nap=((*_WORKER, "--threads", "50"),),
        django=_DJANGO,
        tables=("djtasks_taskrecord",),
        is_django=True,
    ),
)
