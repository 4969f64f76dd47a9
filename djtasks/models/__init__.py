"""The tables. The row of TaskRecord is the task; everything else is about running it."""

from djtasks.models.tasks import (
    BulkAction,
    FailureCount,
    FailureGroup,
    Lease,
    Namespace,
    QueueControl,
    QueueSample,
    Schedule,
    StatisticsMark,
    TaskRecord,
    TaskState,
    TaskStatistics,
    WorkerRecord,
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
]
