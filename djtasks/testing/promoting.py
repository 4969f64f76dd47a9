"""What the promoter does between two tasks, in the test's own thread and transaction."""

from djtasks.compat import task_backends
from djtasks.engine import Engine
from djtasks.models import WorkflowRecord
from djtasks.protocol.workflows import WorkflowState
from djtasks.store.promotion import look
from djtasks.worker.ends import WorkflowEnd, announce_ends


def promote(engine: Engine) -> bool:
    """Move what can move in all running workflows; return whether anything has moved.

    Sends `workflow_finished` for those that are over.
    """
    rows = WorkflowRecord.objects.using(engine.database)
    running = rows.filter(backend=engine.alias, state=WorkflowState.RUNNING)
    ids = list(running.values_list("pk", flat=True))
    if not ids:
        return False
    found = look(engine.store, ids, every=True)
    ends = [WorkflowEnd(*one) for one in found.ended]
    announce_ends(type(task_backends[engine.alias]), engine.alias, ends)
    return bool(found.changed)
