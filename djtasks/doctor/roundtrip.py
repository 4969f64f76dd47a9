"""Send one record through every step of the main path, in a transaction that is rolled back.

Nobody else ever sees it: no worker can claim it, and its hint is in a separate index.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from djtasks.brokers import Broker
from djtasks.doctor.explaining import broker_finding
from djtasks.doctor.findings import Examination, Finding, Stopwatch, bad, ok
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import new_id
from djtasks.protocol.hints import Hint
from djtasks.protocol.records import Claim, NewRecord, Settlement

# All examinations share one name: some brokers keep a queue forever once it was used.
QUEUE = "djtasks.doctor"
_WAIT = timedelta(milliseconds=500)
# Another examination at the same time may take our hint instead of its own.
_TRIES = 4


def make_round_trip(examination: Examination) -> Iterator[Finding]:
    """Insert, push, pop, claim and settle a record, and report the time of each step."""
    engine, me = examination.engine, new_id()
    with transaction.atomic(using=engine.database):
        yield from _steps(engine, me)
        transaction.set_rollback(True, using=engine.database)


def _steps(engine: Engine, me: UUID) -> Iterator[Finding]:
    watch = Stopwatch()
    record = _record(engine)
    inserted = engine.store.insert(record)
    yield ok("insert", "A record is stored.", seconds=watch.lap())
    if engine.broker is not None:
        yield from _through(engine.broker, inserted.hint_for(record))
    watch.lap()
    claims = engine.store.claim([record.id], worker=me, queues=[QUEUE])
    if not claims:
        yield bad(
            "claim",
            "claim",
            "The record that was just stored cannot be claimed.",
            "Either the database's clock went back, or a trigger changes the table of tasks. "
            "Remove the trigger.",
        )
        return
    yield ok("claim", "It is claimed.", seconds=watch.lap())
    yield _settle(engine, claims[0], me)


def _record(engine: Engine) -> NewRecord:
    return NewRecord(
        id=new_id(),
        backend=engine.alias,
        task_path=QUEUE,
        queue=QUEUE,
        priority=0,
        args="[]",
        kwargs="{}",
    )


def _through(broker: Broker, hint: Hint) -> Iterator[Finding]:
    watch = Stopwatch()
    try:
        for _ in range(_TRIES):
            broker.push([hint])
            pushed = watch.lap()
            popped = broker.pop([QUEUE], limit=100, wait=_WAIT)
            if hint.id in popped:
                yield ok("push", "Its id is in the index.", seconds=pushed)
                yield ok("pop", "It comes out again.", seconds=watch.lap())
                return
    except BrokerUnavailable as error:
        yield broker_finding("push", error)
        return
    yield bad(
        "pop",
        "lost-hint",
        f"An id that was pushed did not come out again in {_TRIES} tries.",
        "Make sure that LOCATION in CACHES names one server, and that nothing empties it. "
        "Meanwhile, the indexer finds the tasks, and they run.",
    )


def _settle(engine: Engine, claim: Claim, me: UUID) -> Finding:
    watch = Stopwatch()
    settlement = Settlement.succeeded(claim, "null")
    if engine.store.settle([settlement], worker=me) == {claim.id}:
        text = "Its result is stored, and everything is rolled back."
        return ok("settle", text, seconds=watch.lap())
    return bad(
        "settle",
        "settle",
        "The result of a claimed record cannot be stored.",
        "A trigger changes the table of tasks. Remove it.",
    )
