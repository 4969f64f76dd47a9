"""Parse and validate TASKS[alias]["OPTIONS"]."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from djtasks.errors import InvalidOption
from djtasks.formats.durations import as_duration
from djtasks.formats.encryption import is_key
from djtasks.formats.suggestions import did_you_mean
from djtasks.protocol.states import FINAL, State

_NAMED_BROKERS = ("redis", "kombu", "database", "memory")
MOST_BYTES = 1_000_000
MISSED_HEARTBEATS = 6
_SHORTEST_HEARTBEAT = timedelta(milliseconds=100)
REDACT = (
    r"passw(or)?d|passphrase|secret|token|api_?key|private_?key|authori[sz]ation|credential|cookie"
)


def _default_retention() -> "dict[State, timedelta | None]":
    week, month = timedelta(days=7), timedelta(days=30)
    return {state: month if state is State.FAILED else week for state in sorted(FINAL)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one TASKS alias.

    `broker`: "redis", "kombu", "database" (no broker), "memory" or the dotted path of a class.
    `cache`: the CACHES alias whose Redis the broker uses.
    `broker_url`: the server of the broker "kombu"; `broker_options`: kombu's transport options,
        and "ssl".
    `namespace`: separates installations on one Redis; None uses the one in the database.
    `imports`: modules with tasks besides each app's `tasks`.
    `middleware`: dotted paths, outermost first.
    `policies`: options of tasks, by patterns of their paths; see `djtasks.definitions.policies`.
    `retention`: how long finished records are kept, by state; None keeps them for ever.
    `max_wait`: a record that waited longer ranks first; None means that only priority counts.
    `max_arguments`, `max_result`: the largest size as JSON, in bytes.
    `redact`: a regular expression for names of arguments and keys whose values the admin hides;
        None hides only what `@task(sensitive=...)` names.
    `encryption_keys`: Fernet keys for encrypted arguments; the first encrypts, all decrypt.
    `private_errors`: whether error messages and tracebacks are as private as arguments.
    `heartbeat`: how often a worker reports that it is alive; after six missed ones it counts as
        dead.
    `reuse_connections`: whether tasks of a worker share its database sessions where CONN_MAX_AGE
        is 0; False gives each task a session of its own.
    """

    broker: str = "database"
    cache: str | None = None
    namespace: str | None = None
    imports: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    retention: Mapping[State, timedelta | None] = field(default_factory=_default_retention)
    max_wait: timedelta | None = None
    max_arguments: int = 64_000
    max_result: int = 256_000
    redact: str | None = REDACT
    private_errors: bool = False
    heartbeat: timedelta = timedelta(seconds=5)
    reuse_connections: bool = True
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    broker_url: str | None = field(default=None, repr=False)
    broker_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def lease(self) -> timedelta:
        """How long a worker may be silent before it counts as dead."""
        return self.heartbeat * MISSED_HEARTBEATS


def parse_options(raw: Any) -> Options:
    """Return the options; raise InvalidOption for the first one that is not valid."""
    if not isinstance(raw, Mapping):
        raise InvalidOption(f"OPTIONS must be a dict, got {raw!r}.")
    known = [option.name for option in fields(Options)]
    for key in raw:
        if key not in known:
            raise InvalidOption(f"{key!r} is not a djtasks option.{_suggestion(str(key), known)}")
    parsed = {key: _PARSERS[key](key, value) for key, value in raw.items()}
    parsed.setdefault("broker", _default_broker(parsed))
    if parsed["broker"] == "redis" and not parsed.get("cache"):
        raise InvalidOption(
            "The broker 'redis' needs 'cache': the alias in CACHES whose LOCATION is the "
            "Redis to use, with the RedisCache of Django or django-redis as its BACKEND."
        )
    if parsed["broker"] == "kombu" and not parsed.get("broker_url"):
        raise InvalidOption(
            "The broker 'kombu' needs 'broker_url': where its server is, such as "
            "'amqp://user:password@rabbitmq.example.com:5672/shop'."
        )
    return Options(**parsed)


def _default_broker(parsed: Mapping[str, Any]) -> str:
    if parsed.get("cache"):
        return "redis"
    return "kombu" if parsed.get("broker_url") else "database"


def _suggestion(key: str, known: Sequence[str]) -> str:
    meant = did_you_mean(key, known) or f"Known: {', '.join(known)}."
    return f" {meant}"


def _expected(key: str, what: str, value: object) -> InvalidOption:
    return InvalidOption(f"The option {key!r} must be {what}, got {value!r}.")


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _expected(key, "a non-empty string", value)
    return value


def _url(key: str, value: object) -> str:
    if isinstance(value, str) and re.match(r"[A-Za-z][A-Za-z0-9+]*://", value):
        return value
    # Not the value itself, which may hold a password.
    raise InvalidOption(
        f"The option {key!r} must be a URL with a scheme, such as 'amqp://rabbitmq.example.com/'."
    )


def _dict(key: str, value: object) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return dict(value)
    raise InvalidOption(
        f"The option {key!r} must be a dict with text keys, got {type(value).__name__!r}."
    )


def _broker(key: str, value: object) -> str:
    name = _text(key, value)
    if name in _NAMED_BROKERS or "." in name:
        return name
    raise InvalidOption(
        f"The option 'broker' must be one of {', '.join(_NAMED_BROKERS)} or the dotted path "
        f"of a broker class, got {value!r}.{_suggestion(name, _NAMED_BROKERS)}"
    )


def _namespace(key: str, value: object) -> str:
    name = _text(key, value)
    if not all(character.isalnum() or character in "-_." for character in name):
        raise _expected(key, "letters, digits, '-', '_' or '.'", value)
    return name


def _paths(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(path, str) for path in value):
        raise _expected(key, "a list of dotted paths", value)
    return tuple(value)


def _policies(key: str, value: object) -> dict[str, dict[str, Any]]:
    policies = _dict(key, value)
    return {_text(key, name): _dict(f"{key}[{name}]", one) for name, one in policies.items()}


def _redact(key: str, value: object) -> str | None:
    if value is None:
        return None
    pattern = _text(key, value)
    try:
        re.compile(pattern)
    except re.error as error:
        raise _expected(key, f"a regular expression ({error})", value) from error
    return pattern


def _encryption_keys(key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(map(is_key, value)):
        return tuple(value)
    # Not the value itself, which is secret.
    raise InvalidOption(
        f"The option {key!r} must be a list of Fernet keys: texts of 32 bytes as URL-safe base64. "
        f"Cryptography's Fernet.generate_key().decode() returns one."
    )


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _expected(key, "True or False", value)
    return value


def _size(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _expected(key, "a number of bytes", value)
    if not 0 < value <= MOST_BYTES:
        raise _expected(key, f"from 1 to {MOST_BYTES:,} bytes", value)
    return value


def _duration(key: str, value: object) -> timedelta:
    duration = as_duration(value)
    if duration is None or duration <= timedelta(0):
        raise _expected(key, "a positive timedelta or number of seconds", value)
    return duration


def _duration_or_none(key: str, value: object) -> timedelta | None:
    return None if value is None else _duration(key, value)


def _heartbeat(key: str, value: object) -> timedelta:
    duration = _duration(key, value)
    if duration < _SHORTEST_HEARTBEAT:
        raise _expected(key, "at least 0.1 seconds", value)
    return duration


def _retention(key: str, value: object) -> dict[State, timedelta | None]:
    if value is None or isinstance(value, timedelta):
        return {state: _duration_or_none(key, value) for state in sorted(FINAL)}
    if not isinstance(value, Mapping):
        raise _expected(key, "None, a timedelta or a dict of them by state name", value)
    names = {state.name.lower(): state for state in sorted(FINAL)}
    kept = _default_retention()
    for name, duration in value.items():
        state = names.get(str(name).lower())
        if state is None:
            raise InvalidOption(
                f"The option 'retention' names the unknown state {name!r}."
                f"{_suggestion(str(name).lower(), list(names))}"
            )
        kept[state] = _duration_or_none(f"retention[{name}]", duration)
    return kept


_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "broker": _broker,
    "cache": _text,
    "broker_url": _url,
    "broker_options": _dict,
    "namespace": _namespace,
    "imports": _paths,
    "middleware": _paths,
    "policies": _policies,
    "retention": _retention,
    "max_wait": _duration_or_none,
    "max_arguments": _size,
    "max_result": _size,
    "redact": _redact,
    "encryption_keys": _encryption_keys,
    "private_errors": _flag,
    "heartbeat": _heartbeat,
    "reuse_connections": _flag,
}
