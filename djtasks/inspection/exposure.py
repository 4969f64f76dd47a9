"""How exposed a Redis is, judged from the settings without a connection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from djtasks.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """`code`: plaintext or no-password; `place` is where the Redis is, without its password."""

    code: str
    place: str


def exposures_of(engine: Engine) -> list[Exposure]:
    """Return what somebody on the network could do to the Redis of an alias."""
    given: Any = settings.CACHES.get(engine.options.cache or "", {})
    location = given.get("LOCATION", "")
    places = [location] if isinstance(location, str) else list(location)
    options = given.get("OPTIONS", {})
    found: list[Exposure] = []
    for place in _urls(places):
        found += _exposures(
            place, has_password=bool(options.get("PASSWORD") or options.get("password"))
        )
    return found


def _urls(places: Sequence[Any]) -> list[str]:
    return [url for place in places if isinstance(place, str) for url in place.split(",")]


def _exposures(url: str, *, has_password: bool) -> Iterator[Exposure]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return  # the broker says what is wrong with it
    if parts.scheme not in ("redis", "rediss") or _is_here(host):
        return
    place = f"{host}:{port}" if port else host
    if parts.scheme == "redis":
        yield Exposure(code="plaintext", place=place)
    if not (parts.password or has_password or "password=" in parts.query):
        yield Exposure(code="no-password", place=place)


def _is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
