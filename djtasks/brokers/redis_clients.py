"""Create Redis clients for the broker with the connection factory of a CACHES alias."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from djtasks.brokers.deadline import Deadline, with_deadline
from djtasks.formats.suggestions import did_you_mean

PUSH_TIMEOUT = 0.25


def client_of(
    cache: str, key: Callable[[], str], *, timeout: float, deadline: Deadline | None = None
) -> Any:
    """Return a Redis client with its own pool; on a cluster it connects to the owner of `key`.

    `timeout` is the seconds for one answer. `deadline` applies to its sockets; None: no deadline.
    A client disconnects when it is garbage-collected, so `key` must not refer to it.

    The project's settings for TLS, Sentinel and credentials apply. Its cache timeouts, decoding
    and retries do not: a retried pop would lose a batch.
    """
    _require_alias(cache)
    pool, client_class = _pool_of(cache, key)
    scouts = [scout.connection_pool for scout in _scouts_of(pool)]
    for scout in scouts:
        _tune(scout, timeout=PUSH_TIMEOUT, deadline=deadline)
    _tune(pool, timeout=timeout, deadline=deadline)
    client = client_class(connection_pool=pool)
    # Else the garbage collector would warn of each socket that it collects before its pool.
    weakref.finalize(client, _hang_up, [pool, *scouts]).atexit = False
    return client


def _pool_of(cache: str, key: Callable[[], str]) -> tuple[Any, Any]:
    """Return a new pool with the settings of the alias, and the class of its clients."""
    alias: Any = caches[cache]
    try:
        if isinstance(alias, RedisCache):
            # The first server of LOCATION: Django writes to it, and reads from the others.
            server: Any = alias._cache  # noqa: SLF001 - what builds the project's own pools
            pool = server._pool_class.from_url(server._servers[0], **server._pool_options)  # noqa: SLF001
            return pool, server._client  # noqa: SLF001
        shared, urls = alias.client.connection_factory, alias.client._server  # noqa: SLF001
    except AttributeError:
        raise ImproperlyConfigured(
            f"OPTIONS['cache'] names the CACHES alias {cache!r}, which is not a Redis cache. Set "
            f"its BACKEND to 'django.core.cache.backends.redis.RedisCache' or "
            f"'django_redis.cache.RedisCache'."
        ) from None
    factory = type(shared)(shared.options)  # with its own sentinels
    if hasattr(factory, "get_slot_pool"):
        pool = factory.get_slot_pool(urls, key)
    else:
        pool = factory.get_connection_pool(factory.make_connection_params(urls[0]))
    return pool, factory.redis_client_cls


def _require_alias(cache: str) -> None:
    known = list(caches.settings)
    if cache not in known:
        text = f"OPTIONS['cache'] names {cache!r}, which CACHES does not have."
        meant = did_you_mean(cache, known)
        raise ImproperlyConfigured(f"{text} It has: {', '.join(known)}. {meant}".rstrip())


def _scouts_of(pool: Any) -> Any:
    """Return the clients that this pool asks for the address to connect to."""
    manager = getattr(pool, "sentinel_manager", None)
    return manager.sentinels if manager is not None else getattr(pool, "scouts", [])


def _hang_up(pools: Iterable[Any]) -> None:
    for pool in pools:
        pool.disconnect()


def _tune(pool: Any, *, timeout: float, deadline: Deadline | None) -> None:
    pool.connection_kwargs.update(
        decode_responses=False,
        socket_timeout=timeout,
        socket_connect_timeout=PUSH_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    pool.connection_kwargs.pop("retry_on_timeout", None)
    pool.connection_kwargs.pop("retry_on_error", None)
    if deadline is not None:
        pool.connection_class = with_deadline(pool.connection_class, deadline)
        pool.timeout = timeout  # redis-py's BlockingConnectionPool waits 20 s for a free one
