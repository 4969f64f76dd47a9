"""Support Redis Cluster, for which django-redis has no client.

All keys of an alias share one slot, so an ordinary client of one node is enough. Each new
connection asks the nodes of LOCATION which of them owns the slot.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django_redis.pool import ConnectionFactory
from redis import Redis, RedisCluster
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisError


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """OPTIONS["CONNECTION_FACTORY"] of a CACHES alias whose LOCATION lists nodes of a cluster."""

    def connect(self, url: str) -> Any:
        """Return a client of the whole cluster, for code that uses the alias as a cache."""
        params = self.make_connection_params(url)
        params.pop("parser_class")
        return RedisCluster.from_url(**params, **self.pool_cls_kwargs)

    def disconnect(self, connection: Any) -> None:
        connection.close()

    def get_slot_pool(self, urls: Sequence[str], key: Callable[[], str]) -> Any:
        """Return a pool whose connections go to the current owner of `key`.

        Its `scouts` are clients of the nodes in LOCATION.
        """
        pool, *scouts = (
            self.get_connection_pool(self.make_connection_params(url)) for url in (urls[0], *urls)
        )
        pool.scouts = [Redis(connection_pool=scout) for scout in scouts]
        pool.connection_class = _to_owner(pool.connection_class, pool.scouts, key)
        return pool


def _to_owner(connection_class: Any, scouts: Sequence[Any], key: Callable[[], str]) -> Any:
    """Return a subclass whose connections go to the owner of `key`'s slot."""

    def connect(self: Any) -> Any:
        self.host, self.port = _owner(scouts, key_slot(key().encode()))
        return connection_class._connect(self)  # noqa: SLF001 - the only way in

    def read_response(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return connection_class.read_response(self, *args, **kwargs)
        except MovedError as error:
            # The next connection asks for the new owner.
            self.disconnect()
            raise RedisConnectionError(f"the slot has moved: {error}") from error

    attributes = {"_connect": connect, "read_response": read_response}
    return type(f"Owner{connection_class.__name__}", (connection_class,), attributes)


def _owner(scouts: Sequence[Any], slot: int) -> tuple[str, int]:
    """Return host and port of the slot's owner, from the first scout that knows it."""
    failures = []
    for scout in scouts:
        try:
            # As two words: redis-py parses the answer to "CLUSTER SLOTS" itself.
            return _owner_in(scout.execute_command("CLUSTER", "SLOTS"), slot, scout)
        except (RedisError, OSError, LookupError, ValueError) as error:
            failures.append(str(error))
    raise RedisConnectionError(f"No node of the cluster knows the owner of the slot: {failures}")


def _owner_in(shards: Any, slot: int, scout: Any) -> tuple[str, int]:
    for first, last, (host, port, *_more), *_replicas in shards:
        if first <= slot <= last:
            # A node that does not know its own name leaves it empty: use the one we asked.
            return (host or b"").decode() or scout.connection_pool.connection_kwargs["host"], port
    raise LookupError(f"slot {slot} has no owner")
