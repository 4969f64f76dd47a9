"""How fast the members of nodes end, from those that ended last."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

WINDOW = timedelta(minutes=5)
MOST_READ = 5_000


def paces_of(
    engine: Engine, opened: Mapping[int, datetime | None], now: datetime
) -> dict[int, float]:
    """Return how many members of each node succeeded per second in the last five minutes.

    `opened`: when each node began. Only the last 5,000 tasks that succeeded are read; if these
    cover less than five minutes, the pace is that of the time they cover.
    """
    if not opened:
        return {}
    ended = TaskRecord.objects.using(engine.database).filter(
        state=State.SUCCESSFUL, finished_at__gt=now - WINDOW
    )
    last = list(ended.order_by("-finished_at").values_list("node", "finished_at")[:MOST_READ])
    counts = Counter(node for node, _finished_at in last if node in opened)
    covered = WINDOW
    if len(last) == MOST_READ and (oldest := last[-1][1]) is not None:
        covered = now - oldest
    return {
        node: count / max(min(covered, now - (opened[node] or now)).total_seconds(), 1.0)
        for node, count in counts.items()
        if node is not None
    }
