"""The context variables with which a plain task begins.

The language and the time zone of Django live in context variables, and so do the values that
tracing and logging libraries bind. Coroutines have a context each; this gives one to plain tasks.
"""

from contextlib import suppress
from contextvars import Context

from django.core.cache import caches

from djtasks.compat import task_backends


def fresh_context() -> Context:
    """Return a context of which each task of a slot gets a copy: what one sets, none else sees.

    It holds the clients of CACHES and the backends of TASKS, which Django keeps in context
    variables too. They are shared by all tasks of the slot, so that no task has to make its own.
    """
    context = Context()
    context.run(_make_shared)
    return context


def _make_shared() -> None:
    for handler in (caches, task_backends):
        for alias in handler:
            with suppress(Exception):  # it is reported to the code that uses it
                handler[alias]
