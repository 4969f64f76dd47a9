"""Middleware: a function around a function, as in Django's HTTP layer, outermost first.

    def tracing(run):
        def traced(context):
            with start_span(context.task_path, attempt=context.attempt):
                return run(context)
        return traced

For a coroutine task, `run` is a coroutine function (check with `iscoroutinefunction(run)`), and
the function that you return must be one too. A middleware may wrap, time, set context and raise
(which fails the attempt). It cannot change the row.
"""

from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from djtasks.context import Context

Run = Callable[[Context], Any]
Middleware = Callable[[Run], Run]


def load(paths: Sequence[str]) -> list[Middleware]:
    """Return the middleware of OPTIONS['middleware'].

    Raises ImproperlyConfigured for a path that cannot be imported.
    """
    loaded = []
    for path in paths:
        try:
            loaded.append(import_string(path))
        except ImportError as error:
            raise ImproperlyConfigured(
                f"OPTIONS['middleware'] names {path!r}, which cannot be imported: {error}"
            ) from error
    return loaded


def chain(middleware: Sequence[Middleware], run: Run) -> Run:
    """Return `run` wrapped in all of `middleware`; the first one is the outermost."""
    is_async = iscoroutinefunction(run)
    for wrap in reversed(middleware):
        run = wrap(run)
        if is_async and not iscoroutinefunction(run):
            name = getattr(wrap, "__qualname__", repr(wrap))
            raise ImproperlyConfigured(
                f"The middleware {name!r} wraps a coroutine task in a plain function. Return "
                f"an `async def` when `iscoroutinefunction(run)`."
            )
    return run
