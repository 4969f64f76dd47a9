"""The clients that a CACHES alias gives the broker; nothing connects here."""

from typing import Any

import pytest
from django.test import override_settings
from redis import BlockingConnectionPool
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

from djtasks.brokers.redis_clients import _scouts_of, client_of
from djtasks.engine import engine_of
from djtasks.inspection.exposure import exposures_of
from tests.settings import OURS

DJANGOS = "django.core.cache.backends.redis.RedisCache"


def client(location: Any, **options: Any) -> Any:
    made = {"BACKEND": DJANGOS, "LOCATION": location, "OPTIONS": options}
    with override_settings(CACHES={"default": made}):
        return client_of("default", lambda: "key", timeout=3.0)


@pytest.mark.parametrize(
    ("location", "connection"),
    [
        ("redis://example.com:6380/2", Connection),
        ("rediss://example.com:6380/2", SSLConnection),
        ("unix:///run/redis.sock?db=2", UnixDomainSocketConnection),
        ("redis://example.com:6380/2,redis://replica.example.com", Connection),
        (["redis://example.com:6380/2", "redis://replica.example.com"], Connection),
    ],
)
def test_the_first_server_of_djangos_cache_is_used(location: Any, connection: type) -> None:
    pool = client(location).connection_pool

    assert pool.connection_class is connection
    assert pool.connection_kwargs["db"] == 2
    assert pool.connection_kwargs.get("host", "example.com") == "example.com"


def test_the_options_of_djangos_cache_apply_except_those_that_could_lose_hints() -> None:
    made = client(
        "rediss://example.com",
        username="web",
        password="secret",
        db=5,
        ssl_ca_certs="/etc/ca.pem",
        pool_class="redis.BlockingConnectionPool",
        max_connections=7,
        socket_timeout=99,
        retry_on_timeout=True,
        decode_responses=True,
        serializer="django.core.cache.backends.redis.RedisSerializer",
    ).connection_pool

    asked = made.connection_kwargs
    assert type(made) is BlockingConnectionPool
    assert made.max_connections == 7
    assert (asked["username"], asked["password"], asked["db"]) == ("web", "secret", 5)
    assert asked["ssl_ca_certs"] == "/etc/ca.pem"
    assert (asked["socket_timeout"], asked["decode_responses"]) == (3.0, False)
    assert "retry_on_timeout" not in asked


CLUSTER = "djtasks.brokers.redis_cluster.ClusterConnectionFactory"
SENTINEL = "django_redis.pool.SentinelConnectionFactory"


TLS = {"ssl_ca_certs": "/etc/ca.pem"}


@pytest.mark.parametrize(
    ("location", "options"),
    [
        (
            "rediss://example.com:6380/2",
            {"CONNECTION_FACTORY": CLUSTER, "CONNECTION_POOL_KWARGS": TLS},
        ),
        (
            "redis://primary/2",
            {
                "CONNECTION_FACTORY": SENTINEL,
                "SENTINELS": [("example.com", 26379)],
                "SENTINEL_KWARGS": {"ssl": True, **TLS},
                "CONNECTION_POOL_KWARGS": {"ssl": True, **TLS},
            },
        ),
    ],
    ids=["cluster", "sentinel"],
)
def test_tls_reaches_the_scouts_and_the_server_that_they_name(
    location: str, options: dict[str, Any]
) -> None:
    made = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "OPTIONS": options}
    with override_settings(CACHES={"default": made}):
        pool = client_of("default", lambda: "key", timeout=3.0).connection_pool

    scouts = [scout.connection_pool for scout in _scouts_of(pool)]
    assert scouts
    for one in (pool, *scouts):
        connection = one.connection_class(**one.connection_kwargs)
        assert isinstance(connection, SSLConnection)
        assert connection.ca_certs == "/etc/ca.pem"


def test_a_password_in_the_options_of_djangos_cache_is_a_password() -> None:
    made = {"BACKEND": DJANGOS, "LOCATION": "rediss://example.com"}
    tasks = {"default": {"BACKEND": OURS, "OPTIONS": {"cache": "default"}}}
    for options, found in (({}, ["no-password"]), ({"password": "secret"}, [])):
        with override_settings(CACHES={"default": made | {"OPTIONS": options}}, TASKS=tasks):
            assert [one.code for one in exposures_of(engine_of("default"))] == found
