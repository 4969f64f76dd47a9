"""Give orders to workers."""

from uuid import UUID

from django.db import transaction

from djtasks.engine import Engine
from djtasks.models import WorkerRecord

ORDERS = ("drain", "resume", "stop", "dump")


def order_worker(engine: Engine, worker: UUID, order: str) -> bool:
    """Ask a child to drain, resume, stop or dump its stacks; False when it is gone.

    Its supervisor reads the order at the next heartbeat. Written after the caller's
    transaction, if there is one: a lock held on the row would silence its heartbeat.
    """
    if order not in ORDERS:
        raise ValueError(f"An order is one of {', '.join(ORDERS)}, got {order!r}.")
    child = WorkerRecord.objects.using(engine.database).filter(pk=worker)
    transaction.on_commit(lambda: child.update(order=order), using=engine.database)
    return child.exists()
