"""Validate the options of a task.

A record stores its `target`, the object that a task is about, as text: `shop.order:7`.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from djtasks.compat import InvalidTask
from djtasks.definitions.exceptions import RULES, ExceptionClass
from djtasks.errors import InvalidArguments
from djtasks.formats.durations import as_duration
from djtasks.formats.json_values import decode, encode
from djtasks.formats.moments import as_moment
from djtasks.formats.suggestions import did_you_mean
from djtasks.protocol.hints import MAX_PRIORITY, MIN_PRIORITY
from djtasks.protocol.retry import Backoff

_MOST = 32_000
# What the columns take.
_LONGEST_PATH = 255
_LONGEST_TARGET = 255
_LONGEST_TAG = 100
_MOST_TAGS = 20
LONGEST_QUEUE = 64


def shape_options(task: Any) -> None:
    """Normalize a task's options; raise InvalidTask for the first one that is not valid.

    Durations become timedeltas, and classes become tuples. Django's `validate_task` checks what
    only a backend knows, such as the names of its queues.
    """
    owner = f"task {_name(task.func)!r}"
    for option in _SHAPED:
        value = getattr(task, option)
        shaped = shape_option(option, value, owner=owner)
        if shaped is not value:
            object.__setattr__(task, option, shaped)


def shape_option(option: str, value: Any, *, owner: str) -> Any:
    """Return one option as a task keeps it; raise InvalidTask, naming its owner, if not valid."""
    if option in _SHAPES:
        fits, expected = _SHAPES[option]
        if not fits(value):
            raise _wrong(owner, option, expected, value)
    if option in _READ:
        return _READ[option](owner, option, value)
    match option:
        case "sensitive" | "encrypted" | "aliases" | "tags":
            return () if value is None else _names(value)
        case "priority":
            # A whole number that came as a float would fail behind the INSERT.
            return int(value)
        case "run_after" if value is not None and value.tzinfo is not None:
            return as_moment(value)
        case _:
            return value


def require_queue(name: str, alias: str, queues: Collection[str]) -> None:
    """Raise InvalidTask, naming the queues of the alias, unless this is one of them.

    Without any queues, an alias accepts all names. The first words are Django's.
    """
    if not queues or name in queues:
        return
    given = settings.TASKS[alias].get("QUEUES", queues)
    if isinstance(given, str):
        known = f" must be a list of names, got {given!r}."
    else:
        names = sorted(map(str, given))
        known = f" has: {', '.join(names)}. {did_you_mean(name, names)}".rstrip()
    raise InvalidTask(f"Queue {name!r} is not valid for backend. TASKS[{alias!r}]['QUEUES']{known}")


def with_missing_setting(error: InvalidTask) -> InvalidTask:
    """Return the error, and the reason why a backend of Django's has raised it: no TASKS."""
    if hasattr(settings, "TASKS") and settings.is_overridden("TASKS"):
        return error
    return InvalidTask(
        f"{error} TASKS is not set, so Django's own backend has checked this task. To use djtasks, "
        f"set TASKS['default']['BACKEND'] to 'djtasks.backend.DjtasksBackend'."
    )


def target_of(instance: Any) -> str:
    """Return the text that records store for a model instance.

    Raises InvalidTask unless it is a saved model instance. Returns text unchanged, since it comes
    from this function.
    """
    if isinstance(instance, str):
        return instance
    meta = getattr(instance, "_meta", None)
    if meta is None or getattr(instance, "pk", None) is None:
        raise InvalidTask(f"'target' must be a saved model instance, got {instance!r}.")
    label = meta.concrete_model._meta.label_lower  # noqa: SLF001 - Django's documented Meta API
    target = f"{label}:{instance.pk}"
    if len(target) > _LONGEST_TARGET:
        raise InvalidTask(
            f"'target', as model label and key, must fit into {_LONGEST_TARGET} characters, got "
            f"{target[:100]!r} ({len(target)} characters)."
        )
    return target


def _name(function: Any) -> str:
    """Return the path of a task's function, or the repr of a callable without a name."""
    if not hasattr(function, "__qualname__"):
        return repr(function)
    if function.__name__ == "<lambda>":
        raise InvalidTask("A lambda has no name that workers could look up. Use `def`.")
    path = f"{function.__module__}.{function.__qualname__}"
    if len(path) > _LONGEST_PATH:
        raise InvalidTask(
            f"The path of a task must have at most {_LONGEST_PATH} characters; {path!r} has "
            f"{len(path)}."
        )
    return path


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def is_queue(value: Any) -> bool:
    """Return whether this is a valid queue name."""
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_QUEUE and value.isprintable()


def _is_path(value: Any) -> bool:
    """Return whether this could be the path of a module-level function."""
    names = value.split(".") if isinstance(value, str) else []
    return len(names) > 1 and len(value) <= _LONGEST_PATH and all(n.isidentifier() for n in names)


def _are_names(value: Any) -> bool:
    """Return whether this is the name of an argument, or a collection of names."""
    return all(isinstance(name, str) for name in _names(value))


_COUNT = f"a whole number from 1 to {_MOST:,}"
_NAMES = "the name of an argument or a tuple of them"
_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "priority": (
        lambda v: isinstance(v, int | float) and v in range(MIN_PRIORITY, MAX_PRIORITY + 1),
        f"a whole number between {MIN_PRIORITY} and {MAX_PRIORITY}",
    ),
    "queue_name": (is_queue, f"a printable text of 1 to {LONGEST_QUEUE} characters"),
    "run_after": (
        lambda v: v is None or isinstance(v, datetime),
        "a datetime (in using() also a timedelta)",
    ),
    "max_attempts": (_is_count, _COUNT),
    "max_crashes": (_is_count, _COUNT),
    "backoff": (lambda v: isinstance(v, Backoff) or callable(v), "a Backoff or a function"),
    "store": (lambda v: v in ("all", "errors", "none"), "'all', 'errors' or 'none'"),
    "sensitive": (_are_names, _NAMES),
    "encrypted": (_are_names, _NAMES),
    "aliases": (
        lambda v: all(_is_path(path) for path in _names(v)),
        "a dotted path such as 'shop.tasks.send_mail' or a tuple of them",
    ),
    "tags": (
        lambda v: v is None or _are_tags(v),
        f"a list of at most {_MOST_TAGS} printable texts of 1 to {_LONGEST_TAG} characters",
    ),
    "metadata": (lambda v: v is None or isinstance(v, Mapping), "a dict of JSON values"),
    "typed": (lambda v: isinstance(v, bool), "True or False"),
    "unique": (
        lambda v: v is None or isinstance(v, str | bool) or callable(v),
        "True, a text or a function of the arguments",
    ),
}


_SHAPED = (*_SHAPES, "timeout", "expires", "run_after_delay", *RULES)


def _is_collection(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)


def _are_tags(value: Any) -> bool:
    return (
        _is_collection(value)
        and len(value) <= _MOST_TAGS
        and all(
            isinstance(one, str) and 1 <= len(one) <= _LONGEST_TAG and one.isprintable()
            for one in value
        )
    )


def _names(value: Any) -> tuple[Any, ...]:
    return tuple(value) if _is_collection(value) else (value,)


def _wrong(owner: str, option: str, expected: str, value: object) -> InvalidTask:
    return InvalidTask(f"{option!r} of {owner} must be {expected}, got {value!r}.")


def _duration(owner: str, option: str, value: Any) -> "timedelta | datetime | None":
    if value is None:
        return None
    if isinstance(value, datetime) and option == "expires":
        if value.tzinfo is None:
            raise _wrong(owner, option, "an aware datetime", value)
        return as_moment(value)
    duration = as_duration(value)
    # A delay may come out of arithmetic: what is due already is due at once.
    if duration is None or (duration <= timedelta(0) and option != "run_after_delay"):
        raise _wrong(owner, option, "a positive timedelta or number of seconds", value)
    return duration


def _metadata(owner: str, option: str, value: Any) -> dict[str, Any] | None:
    """Return a copy, as it comes out of JSON: what the caller changes later changes no task."""
    if value is None:
        return None
    try:
        copy: dict[str, Any] = decode(encode(value, option))
    except InvalidArguments as error:
        raise InvalidTask(f"The metadata of {owner} cannot be stored: {error}") from error
    return copy


def _exceptions(owner: str, option: str, value: Any) -> tuple[ExceptionClass, ...] | None:
    if value is None:
        return None if option == "retry_on" else ()
    classes = _names(value)
    if not all(map(_is_exception, classes)):
        expected = "an exception class, its dotted path or a tuple of them"
        raise _wrong(owner, option, expected, value)
    return classes


def _is_exception(value: Any) -> bool:
    return _is_path(value) or (isinstance(value, type) and issubclass(value, BaseException))


_READ: dict[str, Callable[[str, str, Any], Any]] = {
    **dict.fromkeys(("timeout", "expires", "run_after_delay"), _duration),
    **dict.fromkeys(("retry_on", "give_up_on", "cancel_on"), _exceptions),
    "metadata": _metadata,
}
