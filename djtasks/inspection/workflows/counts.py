"""Count the members of nodes by state: one statement, over an index, and only as long as it may."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.models import Count

from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.store.errors import DatabaseFailure, classify

COUNTING_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCounts:
    """How many members of a node, or of a whole workflow, are in each state."""

    waiting: int = 0
    ready: int = 0
    running: int = 0
    successful: int = 0
    failed: int = 0
    cancelled: int = 0
    expired: int = 0

    @property
    def over(self) -> int:
        """Return how many are final."""
        return self.successful + self.failed + self.cancelled + self.expired

    @property
    def live(self) -> int:
        """Return how many are not final."""
        return self.waiting + self.ready + self.running

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.over + self.live

    @property
    def not_successful(self) -> int:
        """Return how many are final without success."""
        return self.over - self.successful


def sum_of(counts: Iterable[NodeCounts]) -> NodeCounts:
    """Return the counts of several nodes together."""
    found = list(counts)
    return NodeCounts(
        **{one.name: sum(getattr(each, one.name) for each in found) for one in fields(NodeCounts)}
    )


def counts_by_node(engine: Engine, nodes: Iterable[int]) -> dict[int, NodeCounts] | None:
    """Return the counts of these nodes by id; None if counting takes more than two seconds.

    A node without members has none. SQLite counts for as long as it takes.
    """
    wanted = sorted(set(nodes))
    if not wanted:
        return {}
    members = TaskRecord.objects.using(engine.database).filter(node__in=wanted).order_by()
    # Not of a column, so that the index alone is read.
    asked = members.values_list("node", "state").annotate(count=Count("*"))
    try:
        rows = _in_time(engine, *asked.query.get_compiler(using=engine.database).as_sql())
    except OperationalError as error:
        if classify(error) is not DatabaseFailure.LOCKED:
            raise
        return None
    found: dict[int, dict[str, int]] = {}
    for node, state, count in rows:
        found.setdefault(node, {})[State(state).name.lower()] = count
    return {node: NodeCounts(**states) for node, states in found.items()}


def _in_time(engine: Engine, statement: str, values: Any) -> list[Any]:
    """Return the rows of a SELECT; raise OperationalError if it takes more than two seconds."""
    connection: Any = connections[engine.database]
    is_ours = not connection.in_atomic_block
    with transaction.atomic(using=engine.database), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A large share of the table is counted faster from it, if it is in memory.
            before = _settings(cursor, str(1000 * COUNTING_SECONDS), "off")
        elif connection.vendor == "mysql" and connection.mysql_is_mariadb:
            statement = f"SET STATEMENT max_statement_time={COUNTING_SECONDS} FOR {statement}"
        elif connection.vendor == "mysql":
            hint = f"SELECT /*+ MAX_EXECUTION_TIME({1000 * COUNTING_SECONDS}) */ "
            statement = hint + statement.removeprefix("SELECT ")
        cursor.execute(statement, values)
        rows = list(cursor.fetchall())
        if connection.vendor == "postgresql" and not is_ours:
            _settings(cursor, *before)
    return rows


def _settings(cursor: Any, timeout: str, seqscan: str) -> Any:
    """Set them until the end of the transaction, and return what they were."""
    cursor.execute(
        "SELECT current_setting('statement_timeout'), current_setting('enable_seqscan'), "
        "set_config('statement_timeout', %s, true), set_config('enable_seqscan', %s, true)",
        [timeout, seqscan],
    )
    return cursor.fetchone()[:2]
