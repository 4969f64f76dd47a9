"""The Redis broker: one sorted set per queue, through a CACHES alias.

Needs Redis >= 7.0 or Valkey >= 7.2. It uses no scripts and keeps no list of popped ids. Members
are the 16 bytes of an id.
"""

import logging
import weakref
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from redis.exceptions import RedisError, ResponseError

from djtasks.brokers.base import NamespaceGetter, Problem, ServerFacts
from djtasks.brokers.deadline import Deadline
from djtasks.brokers.redis_clients import PUSH_TIMEOUT, client_of
from djtasks.brokers.redis_connections import KeptConnections
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import from_bytes
from djtasks.options import Options
from djtasks.protocol.hints import Hint

logger = logging.getLogger("djtasks.brokers")

PUSH_LIMIT = 0.4
POP_MARGIN = 2.0
LONGEST_WAIT = timedelta(seconds=1)
_IDS_A_COMMAND = 1_000
_ID_BYTES = 16

R = TypeVar("R")


class RedisBroker:
    """Keeps hints in Redis. It has two pools, because redis-py sets timeouts per pool."""

    holds_once = True
    ranks_exactly = True

    def __init__(self, alias: str, options: Options, namespace: NamespaceGetter) -> None:
        self._alias = alias
        self._cache = options.cache or "default"
        self._namespace = namespace
        self._prefix: str | None = None
        self._deadline = Deadline()
        pop_timeout = LONGEST_WAIT.total_seconds() + POP_MARGIN
        push_client = self._client(timeout=PUSH_TIMEOUT, deadline=self._deadline)
        self._pushing = KeptConnections(push_client)
        self._pop_client = self._client(timeout=pop_timeout, deadline=None)

    def _client(self, *, timeout: float, deadline: Deadline | None) -> Any:
        me: RedisBroker = weakref.proxy(self)  # frees a forgotten broker at once

        def key() -> str:
            return me._key("")

        return client_of(self._cache, key, timeout=timeout, deadline=deadline)

    def _key(self, queue: str) -> str:
        if self._prefix is None:
            # One hash tag: a pop reads several queues at once, also on Redis Cluster.
            self._prefix = f"djtasks:{{{self._namespace()}:{self._alias}}}:"
        return self._prefix + queue

    def push(self, hints: Sequence[Hint]) -> int:
        by_queue: dict[str, list[int | bytes]] = {}
        for hint in hints:
            by_queue.setdefault(hint.queue, []).extend((hint.score, hint.id.bytes))
        keys = [self._key(queue) for queue in by_queue]

        # Never NX: a plain ZADD also repairs a rank that is stale or forged.
        commands = [
            ("ZADD", key, *pairs[start : start + 2 * _IDS_A_COMMAND])
            for key, pairs in zip(keys, by_queue.values(), strict=True)
            for start in range(0, len(pairs), 2 * _IDS_A_COMMAND)
        ]

        def add() -> int:
            if len(commands) == 1:
                # For an enqueue() outside a transaction, which waits for nothing else.
                return int(self._pushing.ask(*commands[0]))
            pipeline = self._pushing.pipeline()
            for command in commands:
                pipeline.execute_command(*command)
            return sum(pipeline.execute())

        return self._within_push_limit(add, keys)

    def pop(self, queues: Sequence[str], *, limit: int, wait: timedelta) -> list[UUID]:
        keys = [self._key(queue) for queue in queues]
        seconds = min(wait, LONGEST_WAIT).total_seconds()
        # To Redis, a timeout of 0 s means forever; not waiting is a different command.
        head = ("BZMPOP", seconds) if seconds > 0 else ("ZMPOP",)

        def take() -> list[UUID]:
            answer = self._pop_client.execute_command(
                *head, len(keys), *keys, "MIN", "COUNT", limit
            )
            return _ids([pair[0] for pair in answer[1]], queue=answer[0]) if answer else []

        return self._guarded(take, keys)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        keys = [self._key(queue) for queue in queues]

        def count() -> list[int]:
            pipeline = self._pushing.pipeline()
            for key in keys:
                pipeline.zcard(key)
            return [int(counted) for counted in pipeline.execute()]

        return dict(zip(queues, self._within_push_limit(count, keys), strict=True))

    def discard(self, queue: str, ids: Sequence[UUID]) -> None:
        key = self._key(queue)

        def remove() -> None:
            for start in range(0, len(ids), _IDS_A_COMMAND):
                part = ids[start : start + _IDS_A_COMMAND]
                self._pushing.ask("ZREM", key, *(id_.bytes for id_ in part))

        self._within_push_limit(remove, [key])

    def diagnose(self) -> list[Problem]:
        from djtasks.brokers.redis_diagnosis import diagnose  # noqa: PLC0415

        return diagnose(self._pop_client, self._cache)

    def describe(self) -> ServerFacts:
        """Return what the server reports about itself. Raises BrokerUnavailable."""
        from djtasks.brokers.redis_diagnosis import describe  # noqa: PLC0415

        return self._guarded(lambda: describe(self._pop_client), [])

    def _within_push_limit(self, ask: Callable[[], R], keys: Sequence[str]) -> R:
        """Run a command for a producer, which a slow server must not block."""
        with self._deadline.within(PUSH_LIMIT):
            return self._guarded(ask, keys)

    def _guarded(self, ask: Callable[[], R], keys: Sequence[str]) -> R:
        try:
            return ask()
        except ResponseError as error:
            if "WRONGTYPE" in str(error):
                self._clear_foreign(keys)
            raise BrokerUnavailable(f"Redis refused a command: {error}") from error
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(f"Redis did not answer: {error}") from error
        except (ValueError, TypeError, LookupError) as error:
            # redis-py and djtasks parse numbers and pairs out of any answer.
            raise BrokerUnavailable(f"Redis sent an invalid answer: {error}") from error

    def _clear_foreign(self, keys: Sequence[str]) -> None:
        """Delete values of our keys that are not sorted sets: the index is rebuilt from rows."""
        for key in keys:
            try:
                if self._pushing.ask("TYPE", key) not in (b"zset", b"none"):
                    self._pushing.ask("UNLINK", key)
                    logger.error("Deleted foreign value under key=%s", key)
            except (RedisError, OSError):
                return


def _ids(members: Sequence[Any], *, queue: Any) -> list[UUID]:
    good = [m for m in members if isinstance(m, bytes) and len(m) == _ID_BYTES]
    if len(good) < len(members):
        logger.warning(
            "Dropped garbage from index key=%s count=%s", queue, len(members) - len(good)
        )
    return [from_bytes(member) for member in good]
