"""Send orders to workers."""

from uuid import UUID

from django.db import transaction

from djtasks.engine import Engine
from djtasks.models import WorkerRecord

ORDERS = ("drain", "resume", "stop", "dump")


def order_worker(engine: Engine, worker: UUID, order: str) -> bool:
    """Ask a child to drain, resume, stop or dump its stacks; return False if it is gone.

    Its supervisor reads the order at the next heartbeat. The order is written after the
    caller's transaction, if there is one: a lock on the row would block its heartbeat.
    """
    if order not in ORDERS:
        raise ValueError(f"The order must be one of {', '.join(ORDERS)}, got {order!r}.")
    changes = {"order": order}
    if order == "dump":
        # Old stacks must not be taken for the new ones.
        changes["report"] = ""
    child = WorkerRecord.objects.using(engine.database).filter(pk=worker)
    counts: list[int] = []
    transaction.on_commit(lambda: counts.append(child.update(**changes)), using=engine.database)
    return bool(counts[0]) if counts else child.exists()
