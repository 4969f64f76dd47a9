"""Results with the values of encrypted arguments, which a test may look at."""

from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any

from djtasks.engine import engine_of
from djtasks.enqueueing.encrypting import opened_call
from djtasks.errors import MissingKey
from djtasks.formats.json_values import decode
from djtasks.protocol.records import NewRecord
from djtasks.results import TaskResult, from_record

if TYPE_CHECKING:
    from djtasks.models import TaskRecord


def from_row(row: "TaskRecord") -> TaskResult[Any]:
    """Return the result of a row with all arguments, as far as this process has the keys."""
    return _with_values(from_record(row), row.task_path, row.args, row.kwargs)


def with_values(result: TaskResult[Any], record: NewRecord) -> TaskResult[Any]:
    """Return a result with the arguments of its record."""
    return _with_values(result, record.task_path, decode(record.args), decode(record.kwargs))


def _with_values(result: TaskResult[Any], path: str, args: Any, kwargs: Any) -> TaskResult[Any]:
    if isinstance(kwargs, dict):
        return result
    shown = copy(result)
    with suppress(MissingKey):
        args, kwargs = opened_call(path, args, kwargs, engine_of(result.backend).cipher)
        object.__setattr__(shown, "args", args)
        object.__setattr__(shown, "kwargs", kwargs)
    return shown
