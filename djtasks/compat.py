"""Django's tasks API, from Django 6 or from the `django-tasks` backport on Django 5.2.

Everything else imports these names from here.
"""

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

IN_DJANGO = importlib.util.find_spec("django.tasks") is not None

if TYPE_CHECKING or IN_DJANGO:
    from django.tasks import DEFAULT_TASK_BACKEND_ALIAS as DEFAULT_TASK_BACKEND_ALIAS
    from django.tasks import DEFAULT_TASK_QUEUE_NAME as DEFAULT_TASK_QUEUE_NAME
    from django.tasks import TaskContext as TaskContext
    from django.tasks import TaskResultStatus as TaskResultStatus
    from django.tasks import task_backends as task_backends
    from django.tasks.backends.base import BaseTaskBackend as BaseTaskBackend
    from django.tasks.base import TASK_REFRESH_ATTRS as TASK_REFRESH_ATTRS
    from django.tasks.base import Task as DjangoTask
    from django.tasks.base import TaskError as TaskError
    from django.tasks.base import TaskResult as DjangoTaskResult
    from django.tasks.exceptions import InvalidTask as InvalidTask
    from django.tasks.exceptions import InvalidTaskBackend as InvalidTaskBackend
    from django.tasks.exceptions import TaskResultDoesNotExist as TaskResultDoesNotExist
    from django.tasks.exceptions import TaskResultMismatch as TaskResultMismatch
    from django.tasks.signals import log_task_finished as log_task_finished
    from django.tasks.signals import log_task_started as log_task_started
    from django.tasks.signals import task_enqueued as task_enqueued
    from django.tasks.signals import task_finished as task_finished
    from django.tasks.signals import task_started as task_started

    LOGGER_NAME = "django.tasks"
else:
    if importlib.util.find_spec("django_tasks") is None:
        raise ImproperlyConfigured(
            "djtasks needs Django's tasks API, which Django 5.2 does not have. Install the "
            "backport with `pip install djtasks[django52]`, or upgrade to Django 6."
        )
    from django_tasks import (
        DEFAULT_TASK_BACKEND_ALIAS,
        DEFAULT_TASK_QUEUE_NAME,
        TaskContext,
        TaskResultStatus,
        task_backends,
    )
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import TASK_REFRESH_ATTRS, TaskError
    from django_tasks.base import Task as DjangoTask
    from django_tasks.base import TaskResult as DjangoTaskResult
    from django_tasks.exceptions import TaskResultDoesNotExist, TaskResultMismatch
    from django_tasks.signals import (
        log_task_finished,
        log_task_started,
        task_enqueued,
        task_finished,
        task_started,
    )

    try:
        from django_tasks.exceptions import InvalidTask, InvalidTaskBackend
    except ImportError:  # their names up to django-tasks 0.12
        from django_tasks.exceptions import InvalidTaskBackendError as InvalidTaskBackend
        from django_tasks.exceptions import InvalidTaskError as InvalidTask

    LOGGER_NAME = "django_tasks"

__all__ = [
    "DEFAULT_TASK_BACKEND_ALIAS",
    "DEFAULT_TASK_QUEUE_NAME",
    "IN_DJANGO",
    "LOGGER_NAME",
    "TASK_REFRESH_ATTRS",
    "BaseTaskBackend",
    "DjangoTask",
    "DjangoTaskResult",
    "InvalidTask",
    "InvalidTaskBackend",
    "TaskContext",
    "TaskError",
    "TaskResultDoesNotExist",
    "TaskResultMismatch",
    "TaskResultStatus",
    "is_task",
    "log_task_finished",
    "log_task_started",
    "register_checks",
    "task_backends",
    "task_enqueued",
    "task_finished",
    "task_started",
]


def is_task(value: Any) -> bool:
    """Return whether this is a task of Django's API, or of the backport's where both are loaded."""
    backport = sys.modules.get("django_tasks.base")
    classes = (DjangoTask, backport.Task) if backport is not None else (DjangoTask,)
    # Not isinstance(), which would make a lazy object evaluate itself.
    return issubclass(type(value), classes)


def register_checks() -> None:
    """Register the checks of TASKS; the backport does so only if it is in INSTALLED_APPS."""
    if IN_DJANGO:
        from django.tasks import checks
    else:
        from django_tasks import checks  # type: ignore[no-redef]
    assert checks
