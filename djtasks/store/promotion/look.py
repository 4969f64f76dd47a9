"""One look at some workflows: lock them, read the facts, write what follows, in one transaction.

The facts are read by statements that begin when the locks are held. What is decided on a node comes
from its members as they are after the look has written to them, never from its plan: a member that
the look means to cancel may be claimed. Records are written without waiting, so a look waits for
nobody, and a person's open transaction delays one record.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import connections, transaction

from djtasks.store.base import Store
from djtasks.store.promotion.graph import Graph
from djtasks.store.promotion.members import Members, PortableMembers
from djtasks.store.promotion.rounds import Look, Pages, Rounds


def look(
    store: Store, workflows: Collection[UUID], *, every: bool = False, pages: Pages | None = None
) -> Look:
    """Move what can move in these workflows; return what the caller has to do next.

    It reads the nodes that are OPEN and what comes after those that end. With `every`, it also
    reads all that are PENDING or SKIPPED, as after a retry, a resume or a lost look. May be
    repeated, interrupted at any point, and run by several processes at once. Call it outside any
    transaction, on a connection that is READ COMMITTED; in a test's transaction nobody else writes.
    """
    result = Look()
    graph = Graph(store.database, store.backend)
    connection = connections[store.database]
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(using=store.database):
        if is_outermost and connection.vendor == "postgresql":
            # All that a look writes can be decided again, and a claim's commit makes it durable.
            connection.cursor().execute("SET LOCAL synchronous_commit = off")
        locked = graph.lock(workflows)
        if locked:
            members = members_of(store.database)
            rounds = Rounds(store, graph, members=members, result=result, pages=pages or Pages())
            rounds.run(locked, every=every)
    missing = set(workflows) - {one.id for one in locked}
    if missing:
        result.busy = set(graph.workflows.filter(pk__in=missing).values_list("pk", flat=True))
    return result


def members_of(database: str) -> Members:
    """Return the statements about members for this database."""
    if connections[database].vendor == "postgresql":
        from djtasks.store.promotion.postgres import PostgresMembers  # noqa: PLC0415

        return PostgresMembers(database)
    return PortableMembers(database)
