"""Background tasks for Django that are never lost and are operated from the admin."""

from djtasks.definitions.task import Task, task
from djtasks.errors import Cancel, Retry, TaskCancelled, TaskTimeout
from djtasks.protocol.retry import Backoff
from djtasks.schedules import CatchUp, Coalesce, Crontab, Every, Once, SkipIfOlderThan
from djtasks.schedules.periodic import periodic
from djtasks.workflows import Workflow, chain, chord, group

__all__ = [
    "Backoff",
    "Cancel",
    "CatchUp",
    "Coalesce",
    "Crontab",
    "Every",
    "Once",
    "Retry",
    "SkipIfOlderThan",
    "Task",
    "TaskCancelled",
    "TaskTimeout",
    "Workflow",
    "__version__",
    "chain",
    "chord",
    "enqueue_on",
    "group",
    "periodic",
    "task",
]
__version__ = "0.1.0"

from djtasks.signals import enqueue_on
