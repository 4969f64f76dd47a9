"""Operations on tasks, queues, workers and schedules, for the admin, the CLI and code.

Each is a conditional UPDATE that checks its row count. So two people, or a person and a worker,
never undo each other's changes.

Each takes an engine first, for its clock and its database. Ids may be of any TASKS alias.
"""

from djtasks.operations.actions import ACTIONS, Action, Refusal
from djtasks.operations.bulk.run import bulk_task, start_bulk, stop_bulk
from djtasks.operations.bulk.selection import Selection, selected
from djtasks.operations.pruning import prune
from djtasks.operations.queues import pause_queue, purge_queue, resume_queue
from djtasks.operations.rotation import Rotation, rotate_keys
from djtasks.operations.schedules import ScheduleDraft, run_now
from djtasks.operations.schedules import delete as delete_schedule
from djtasks.operations.schedules import pause as pause_schedule
from djtasks.operations.schedules import resume as resume_schedule
from djtasks.operations.schedules import revert as revert_schedule
from djtasks.operations.schedules import save as save_schedule
from djtasks.operations.tasks import OperationResult, cancel, discard, reschedule, retry
from djtasks.operations.workers import ORDERS, order_worker

# The options of each bulk action.
BULK_ACTIONS = {name: action.options for name, action in ACTIONS.items()}

__all__ = [
    "ACTIONS",
    "BULK_ACTIONS",
    "ORDERS",
    "Action",
    "OperationResult",
    "Refusal",
    "Rotation",
    "ScheduleDraft",
    "Selection",
    "bulk_task",
    "cancel",
    "delete_schedule",
    "discard",
    "order_worker",
    "pause_queue",
    "pause_schedule",
    "prune",
    "purge_queue",
    "reschedule",
    "resume_queue",
    "resume_schedule",
    "retry",
    "revert_schedule",
    "rotate_keys",
    "run_now",
    "save_schedule",
    "selected",
    "start_bulk",
    "stop_bulk",
]
