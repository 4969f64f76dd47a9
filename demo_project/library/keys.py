"""How a reading and its tasks find each other: by the tasks' unique keys.

A file's task is unique by "<reading>/<file>", so a file never has two live tasks, its record
can be looked up by key for as long as it is kept, and the live ones of a reading stand side
by side in the index of unique keys.
"""

from typing import Any

from djtasks.models import TaskRecord
from djtasks.protocol.states import State

READ_FILE = "demo_project.library.tasks.read_file"
WRITE_REPORT = "demo_project.library.tasks.write_report"
# The name of the schedule that reads the newest reading's folders again.
READ_AGAIN = "read again"


def file_key(reading_id: int, file_id: int) -> str:
    """Return what makes the task of a file unique."""
    return f"{reading_id}/{file_id}"


def records_of(reading_id: int) -> Any:
    """Return the records of all files of a reading, finished ones included."""
    return TaskRecord.objects.filter(key__startswith=f"{READ_FILE}:{reading_id}/")


def live_records_of(reading_id: int) -> Any:
    """Return the records of the files that are still to be read."""
    return TaskRecord.objects.filter(unique_key__startswith=f"{READ_FILE}:{reading_id}/")


def running_files(reading_id: int) -> set[int]:
    """Return the ids of the files that are in a worker's hands."""
    running = live_records_of(reading_id).filter(state=State.RUNNING)
    return {int(key.rpartition("/")[2]) for key in running.values_list("key", flat=True)}


def is_report_coming(reading_id: int) -> bool:
    """Return whether a task is going to write this reading's report."""
    exists: bool = TaskRecord.objects.filter(unique_key=f"{WRITE_REPORT}:{reading_id}").exists()
    return exists
