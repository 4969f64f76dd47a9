"""Pause, resume and purge queues."""

from datetime import datetime

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.formats.moments import as_moment
from djtasks.models import QueueControl
from djtasks.operations.tasks import records
from djtasks.protocol.states import State


def pause_queue(
    engine: Engine, queue: str, *, by: str, reason: str = "", until: datetime | None = None
) -> None:
    """Stop workers from claiming tasks of a queue; running tasks end as usual.

    The pause holds once it is committed. Tasks that are claimed but wait for a slot still start,
    or are given back within a second. If `until` is None, the pause lasts until somebody resumes
    the queue.
    """
    QueueControl.objects.using(engine.database).update_or_create(
        backend=engine.alias,
        queue=queue,
        defaults={
            "paused": True,
            "paused_by": by[:150],
            "reason": reason[:500],
            "paused_at": engine.now(),
            "until": None if until is None else as_moment(until),
        },
    )


def resume_queue(engine: Engine, queue: str) -> bool:
    """Resume a paused queue; return False if it was not paused."""
    controls = QueueControl.objects.using(engine.database)
    return bool(controls.filter(backend=engine.alias, queue=queue).delete()[0])


def purge_queue(engine: Engine, queue: str, *, page: int = 5_000) -> int:
    """Delete the READY records of a queue permanently, due or not; return how many.

    Running records stay, and so do those enqueued after this call. Each page is a transaction.
    """
    ready = records(engine).filter(
        backend=engine.alias, queue=queue, state=State.READY, pk__lte=new_id()
    )
    count = 0
    while ids := list(
        ready.order_by("-priority", "run_after", "pk").values_list("pk", flat=True)[:page]
    ):
        # The condition again, on the rows that are deleted.
        count += ready.filter(pk__in=ids)._raw_delete(engine.database)  # noqa: SLF001
        engine.outbox.withdraw(queue, ids)
    return count
