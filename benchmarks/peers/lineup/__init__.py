"""Who takes part. The settings of each are here, and its code in benchmarks/peers/contestants."""

from benchmarks.peers.lineup.contestant import Contestant, Durability
from benchmarks.peers.lineup.in_postgres import IN_POSTGRES
from benchmarks.peers.lineup.in_redis import IN_REDIS
from benchmarks.peers.lineup.with_celery import WITH_CELERY
from benchmarks.peers.lineup.with_djtasks import WITH_DJTASKS

LINEUP: tuple[Contestant, ...] = (*WITH_DJTASKS, *WITH_CELERY, *IN_REDIS, *IN_POSTGRES)

__all__ = ["LINEUP", "Contestant", "Durability"]
