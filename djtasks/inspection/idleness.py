"""Whether there is anything left to do."""

from collections.abc import Sequence

from djtasks.engine import Engine
from djtasks.inspection.status import records_of
from djtasks.states import State


def is_idle(engine: Engine, queues: Sequence[str] | None) -> bool:
    """Return whether nothing is due or running in these queues (None: any of the alias)."""
    records = records_of(engine)
    if queues is not None:
        records = records.filter(queue__in=queues)
    if records.filter(worker__isnull=False).exists():
        return False
    due = records.filter(state=State.READY, run_after__lte=engine.store.now())
    return not due.exists()
