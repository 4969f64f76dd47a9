"""The models. A TaskRecord row is the task; the other tables are about running it."""

from djtasks.models.bulk import BulkAction
from djtasks.models.queues import Namespace, QueueControl
from djtasks.models.schedules import Schedule
from djtasks.models.statistics import (
    FailureCount,
    FailureGroup,
    QueueSample,
    StatisticsMark,
    TaskStatistics,
)
from djtasks.models.tasks import TaskRecord, TaskState
from djtasks.models.workers import Lease, WorkerRecord
from djtasks.models.workflows import (
    WorkflowEdge,
    WorkflowNode,
    WorkflowRecord,
)

__all__ = [
    "BulkAction",
    "FailureCount",
    "FailureGroup",
    "Lease",
    "Namespace",
    "QueueControl",
    "QueueSample",
    "Schedule",
    "StatisticsMark",
    "TaskRecord",
    "TaskState",
    "TaskStatistics",
    "WorkerRecord",
    "WorkflowEdge",
    "WorkflowNode",
    "WorkflowRecord",
]
