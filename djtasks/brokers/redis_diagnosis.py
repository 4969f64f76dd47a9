"""Find problems of a Redis server and their remedies, for checks, CLI and admin."""

from datetime import UTC, datetime, timedelta
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from djtasks.brokers.base import Problem, ServerFacts

OLDEST = (7, 0)
_FULL_SHARE = 0.95


def diagnose(client: Any, cache: str) -> list[Problem]:
    """Return the problems of the server behind `client`, the CACHES alias `cache`."""
    try:
        info = client.info("server")
    except NoPermissionError:
        return []  # INFO is often forbidden; the commands we need are not
    except AuthenticationError as error:
        return [
            Problem(
                code="password",
                message=f"Redis (CACHES[{cache!r}]) rejects the user or password: {error}",
                remedy="Correct them in its LOCATION (redis://USER:PASSWORD@HOST:PORT/0). "
                "Meanwhile, workers fetch tasks from the database.",
            )
        ]
    except (RedisError, OSError) as error:
        return [
            Problem(
                code="unreachable",
                message=f"Redis (CACHES[{cache!r}]) does not answer: {error}",
                remedy="Start it or correct its LOCATION. Meanwhile, workers fetch tasks from "
                "the database.",
            )
        ]
    return [*_version(info), *_eviction(client), *_fullness(client)]


def _version(info: dict[str, Any]) -> list[Problem]:
    text = str(info.get("redis_version", "0.0"))
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if version >= OLDEST:
        return []
    return [
        Problem(
            code="too-old",
            message=f"Redis {text} has no BZMPOP.",
            remedy="Use Redis 7.0 or newer, or Valkey 7.2 or newer.",
        )
    ]


def _eviction(client: Any) -> list[Problem]:
    try:
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy")
    except (RedisError, OSError):
        return []  # CONFIG is often forbidden on managed servers
    if policy in (None, "noeviction"):
        return []
    return [
        Problem(
            code="eviction",
            message=f"Redis may evict the index (maxmemory-policy is {policy!r}).",
            remedy="Set maxmemory-policy to noeviction, or use a separate Redis. An eviction "
            "loses no task, but the tasks wait until they are indexed again.",
        )
    ]


def _fullness(client: Any) -> list[Problem]:
    memory = client.info("memory")
    used, limit = int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0))
    if not limit or used < _FULL_SHARE * limit:
        return []
    return [
        Problem(
            code="full",
            message=f"Redis is full: {used:,} of the {limit:,} bytes of its maxmemory are used.",
            remedy="Raise maxmemory, or give the index a separate Redis. No task is lost: those "
            "that do not fit wait in the database.",
        )
    ]


def describe(client: Any) -> ServerFacts:
    """Return what the server behind `client` reports about itself; raises redis-py's errors."""
    try:
        info = client.info()
    except NoPermissionError:
        return ServerFacts(name="Redis")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version", "of an unknown version")
    return ServerFacts(
        name=f"{name} {version}",
        now=_clock(client),
        used=info.get("used_memory"),
        limit=info.get("maxmemory") or None,
    )


def _clock(client: Any) -> datetime | None:
    try:
        seconds, microseconds = client.time()
    except NoPermissionError:
        return None
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
