"""Delete records whose retention is over."""

from collections.abc import Iterable
from datetime import timedelta

from djtasks.engine import Engine
from djtasks.operations.tasks import records
from djtasks.protocol.states import FINAL


def prune(
    engine: Engine, *, page: int = 5_000, older_than: timedelta | None = None
) -> Iterable[int]:
    """Delete final records beyond their retention, a page at a time; yield each page's count.

    `older_than` replaces the retention of every state. Each page deletes by id, state *and*
    age: a record that was retried in between stays, even if it is final again.
    """
    now = engine.now()
    for state in sorted(FINAL):
        kept = engine.options.retention[state] if older_than is None else older_than
        if kept is None:
            continue
        old = records(engine).filter(state=state, backend=engine.alias, finished_at__lt=now - kept)
        while ids := list(old.order_by("finished_at").values_list("pk", flat=True)[:page]):
            yield old.filter(pk__in=ids)._raw_delete(engine.database)  # noqa: SLF001
