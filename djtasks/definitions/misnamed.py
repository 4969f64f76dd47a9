"""Options and methods of other task queues, and misspelt ones: what to write instead."""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from djtasks.formats.suggestions import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

_SPAN = "Use .using(run_after=timedelta(seconds=...))."
_LIMIT = "Use timeout=, in seconds or as a timedelta. It raises TaskTimeout in the task."
_ATTEMPTS = "Use max_attempts=, which counts the first run: three retries are max_attempts=4."
_CHAIN = "Use .bind(...) in a djtasks.Workflow, or in djtasks.chain(), group() or chord()."
_ENQUEUE = "Use .enqueue(...), with the same arguments."

_OPTIONS = {
    "queue": "Use queue_name=.",
    "countdown": _SPAN,
    "delay": _SPAN,
    "eta": "Use .using(run_after=...) with an aware datetime.",
    "run_at": "Use .using(run_after=...) with an aware datetime.",
    "max_retries": _ATTEMPTS,
    "retries": _ATTEMPTS,
    "autoretry_for": "Use retry_on=, and max_attempts= for how often.",
    "dont_autoretry_for": "Use give_up_on=.",
    "throws": "Use cancel_on=: these exceptions end a task as CANCELLED, logged at INFO.",
    "default_retry_delay": "Use backoff=Backoff(first_delay=...).",
    "retry_delay": "Use backoff=Backoff(first_delay=...).",
    "retry_backoff": "Use backoff=Backoff(...).",
    "retry_backoff_max": "Use backoff=Backoff(longest_delay=...).",
    "retry_jitter": "Use backoff=Backoff(jitter=...).",
    "bind": "Use takes_context=True: the first argument is then the context.",
    "time_limit": _LIMIT,
    "soft_time_limit": _LIMIT,
    "rate_limit": "djtasks limits no rates. A task may raise Retry(delay=...) to run later.",
    "ignore_result": 'Use store="errors", which keeps only failures.',
    "name": "The name of a task is the path of its function. A former one belongs in aliases=.",
    "acks_late": "A task is always acknowledged after it ran. max_crashes=1 never starts it twice.",
}
_INTERNAL = ("func", "run_after_delay", "overridden")
_METHODS = {
    "delay": _ENQUEUE,
    "send": _ENQUEUE,
    "kiq": _ENQUEUE,
    "defer": _ENQUEUE,
    "delay_on_commit": "Use .enqueue(...): in a transaction, the task exists once it commits.",
    "apply_async": "Use .using(run_after=..., queue_name=..., priority=...).enqueue(...).",
    "apply": "Use .call(...), which runs the function here.",
    "s": _CHAIN,
    "si": _CHAIN,
    "signature": _CHAIN,
    "chunks": "Use .enqueue_many(items).",
    "map": "Use .enqueue_many(items), or .map(task, items) of a djtasks.Workflow.",
    "retry": "Raise djtasks.Retry(delay=...) in the task.",
    "AsyncResult": "Use .get_result(id).",
}


def method_error(name: str) -> AttributeError:
    """Return the error for an attribute that tasks do not have, with the way to it if known."""
    hint = _METHODS.get(name)
    return AttributeError(f"A task has no attribute {name!r}.{f' {hint}' if hint else ''}")


def explaining(what: str) -> Callable[[F], F]:
    """Decorate a function so that its TypeError for an unknown option says what to write.

    A call that fits costs nothing more.
    """

    def decorate(function: F) -> F:
        names = list(signature(function).parameters)[1:]

        @wraps(function)
        def explained(*args: Any, **options: Any) -> Any:
            try:
                return function(*args, **options)
            except TypeError:
                unknown = next((name for name in options if name not in names), None)
                if unknown is None:
                    raise
            hint = hint_for(unknown, names)
            raise TypeError(f"{what} has no option {unknown!r}. {hint}")

        return cast("F", explained)

    return decorate


def hint_for(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of an option that is not known."""
    if name in _OPTIONS:
        return _OPTIONS[name]
    shown = [one for one in known if one not in _INTERNAL]
    return did_you_mean(name, shown) or f"It has: {', '.join(shown)}."
