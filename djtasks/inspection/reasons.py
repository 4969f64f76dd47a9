"""Why is it not running? A pure function over facts, and where the facts come from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.formats.durations import in_words
from djtasks.inspection.queue_position import Ahead, ahead_of
from djtasks.inspection.status import Pause, WorkerFacts, fetches, records_of, workers_of
from djtasks.models import QueueControl, TaskRecord
from djtasks.protocol.states import FINAL, State

_UNKNOWN = "djtasks.errors.UnknownTask"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyFacts:
    """What `why_not_running` looks at; all as of `now`, the database's clock.

    `workers` are the live ones that serve its queue, `silent` those that seem to have died.
    `is_known`: None when this process cannot tell whether workers have its code. `ahead` None:
    not counted, since it is not due. `refused` is what a worker without its code said.
    """

    now: datetime
    id: UUID
    task_path: str
    queue: str
    state: State
    attempt: int
    max_attempts: int
    run_after: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    expires_at: datetime | None
    worker: WorkerFacts | None
    owner: UUID | None
    last_error: str
    pause: Pause | None
    workers: Sequence[WorkerFacts]
    silent: Sequence[WorkerFacts]
    backend: str
    broker_is_away: bool
    is_known: bool | None
    refused: bool
    ahead: Ahead | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence. `kind` is what it says in a word; `holds`: it is why the task waits.

    `kind`: final, running, cancelling, lost, delayed, retrying, waiting, paused, no_worker,
    unknown_task, expired, behind, broker, starting; and for what is all right: open, served,
    known. `until`: when it stops being so, where that is known.
    """

    kind: str
    text: str
    holds: bool
    until: datetime | None = None


def why_not_running(facts: WhyFacts) -> list[Reason]:
    """Return why a record does not run, what holds it first, then what does not."""
    match facts.state:
        case state if state in FINAL:
            reasons = [_final(facts)]
        case State.RUNNING:
            reasons = list(_running(facts))
        case State.WAITING:
            text = "It waits for other tasks to end."
            reasons = [Reason(kind="waiting", text=text, holds=True)]
        case _:
            reasons = list(_ready(facts))
    return sorted(reasons, key=lambda reason: not reason.holds)


def _final(facts: WhyFacts) -> Reason:
    end = f", {_ago(facts.now, facts.finished_at)}" if facts.finished_at else ""
    name = facts.state.name.lower()
    text = f"It is final: {name}{end}."
    if facts.state is not State.SUCCESSFUL:
        text += " It runs again only when somebody retries it."
    return Reason(kind="final", text=text, holds=True)


def _running(facts: WhyFacts) -> Iterator[Reason]:
    since = f", since {in_words(facts.now - facts.started_at)}" if facts.started_at else ""
    where = facts.worker
    if where is None:
        text = (
            f"It is running{since}, as attempt {facts.attempt + 1}, on a worker that is gone "
            f"({facts.owner}): it is given back within 45 seconds if any worker is alive."
        )
        yield Reason(kind="lost", text=text, holds=True)
        return
    yield Reason(
        kind="running",
        text=(
            f"It is running now on {where.host}:{where.pid}{since}, as attempt "
            f"{facts.attempt + 1} of {facts.max_attempts}."
        ),
        holds=True,
    )
    if facts.worker in facts.silent:
        text = (
            f"That worker has been silent for {in_words(where.silent)}: it may have died. Its "
            f"tasks are given back by the next supervisor that looks."
        )
        yield Reason(kind="lost", text=text, holds=True)
    if facts.cancel_requested:
        text = "Somebody cancelled it: it is told within a heartbeat."
        yield Reason(kind="cancelling", text=text, holds=True)


def _ready(facts: WhyFacts) -> Iterator[Reason]:
    is_due = facts.run_after <= facts.now
    if not is_due:
        yield _later(facts)
    if facts.refused:
        text = (
            f"A worker took it and did not know {facts.task_path}: workers look again every 30 "
            f"seconds for an hour, then it fails. Deploy its code, or list its module in "
            f"OPTIONS['imports']."
        )
        yield Reason(kind="unknown_task", text=text, holds=True)
    if facts.expires_at is not None and facts.expires_at <= facts.now:
        text = f"It expired {_ago(facts.now, facts.expires_at)}: a worker ends it unrun."
        yield Reason(kind="expired", text=text, holds=True)
    yield _queue(facts)
    yield _served(facts)
    if facts.broker_is_away:
        text = "The broker does not answer: workers ask the database instead, which is slower."
        yield Reason(kind="broker", text=text, holds=False)
    if is_due:
        yield _turn(facts)
    if facts.is_known is not None and not facts.refused:
        yield _code(facts)


def _later(facts: WhyFacts) -> Reason:
    span = in_words(facts.run_after - facts.now)
    if not facts.attempt:
        text = f"It is not due yet: it may run in {span}."
        return Reason(kind="delayed", text=text, holds=True, until=facts.run_after)
    failed = f" failed with {facts.last_error}" if facts.last_error else " failed"
    text = (
        f"It is retrying: attempt {facts.attempt}{failed}, attempt {facts.attempt + 1} of "
        f"{facts.max_attempts} is due in {span}."
    )
    return Reason(kind="retrying", text=text, holds=True, until=facts.run_after)


def _queue(facts: WhyFacts) -> Reason:
    pause = facts.pause
    if pause is None:
        return Reason(kind="open", text=f"Its queue {facts.queue} is not paused.", holds=False)
    why = f": {pause.reason}" if pause.reason else ""
    end = f" It opens by itself in {in_words(pause.until - facts.now)}." if pause.until else ""
    text = (
        f"Its queue {facts.queue} is paused by {pause.by or 'somebody'} since "
        f"{in_words(facts.now - pause.since)}{why}.{end}"
    )
    return Reason(kind="paused", text=text, holds=True, until=pause.until)


def _served(facts: WhyFacts) -> Reason:
    if not facts.workers:
        text = (
            f"No live worker serves its queue {facts.queue}. Start one: manage.py runworker "
            f"--backend {facts.backend} --queues {facts.queue}"
        )
        return Reason(kind="no_worker", text=text, holds=True)
    count = len(facts.workers)
    slots = sum(worker.slots for worker in facts.workers)
    free = max(slots - sum(len(worker.tasks) for worker in facts.workers), 0)
    text = (
        f"{count} live worker{'s serve' if count > 1 else ' serves'} its queue {facts.queue}, "
        f"with {free} of {slots} slots free."
    )
    return Reason(kind="served", text=text, holds=False)


def _turn(facts: WhyFacts) -> Reason:
    ahead = facts.ahead
    if ahead is None or not ahead.count:
        held = facts.pause is not None or not facts.workers
        text = (
            "Nothing ranks before it: it is next."
            if held
            else ("Nothing ranks before it: a worker takes it within 10 seconds.")
        )
        return Reason(kind="starting", text=text, holds=not held)
    count = f"{ahead.count:,}" + ("+" if ahead.is_capped else "")
    wait = f", about {in_words(ahead.wait)} at the present rate" if ahead.wait is not None else ""
    text = f"It waits behind {count} other{'s' if ahead.count > 1 else ''}{wait}."
    return Reason(kind="behind", text=text, holds=True)


def _code(facts: WhyFacts) -> Reason:
    if facts.is_known:
        text = f"The code of {facts.task_path} is known here."
        return Reason(kind="known", text=text, holds=False)
    text = (
        f"No task is registered as {facts.task_path} in this process: a worker with the same "
        f"code gives it back. Was it moved or renamed?"
    )
    return Reason(kind="unknown_task", text=text, holds=True)


def _ago(now: datetime, then: datetime) -> str:
    return f"{in_words(max(now - then, timedelta(0)))} ago"


def facts_for_why(engine: Engine, record_id: UUID) -> WhyFacts | None:
    """Return the facts about one record of this alias, or None when there is none."""
    row = records_of(engine).filter(pk=record_id).first()
    return None if row is None else why_facts_of(engine, row, engine.store.now())


def why_facts_of(engine: Engine, row: TaskRecord, now: datetime) -> WhyFacts:
    """Return the facts about a record that was read already, or is not stored yet."""
    state = State(row.state)
    everybody = workers_of(engine)
    is_due = state is State.READY and row.run_after <= now
    last = next((e for e in reversed(row.errors or []) if isinstance(e, dict)), {})
    return WhyFacts(
        now=now,
        state=state,
        id=row.pk,
        started_at=row.last_attempted_at,
        worker=next((w for w in everybody if w.id == row.worker), None),
        owner=row.worker,
        last_error=str(last.get("class", "")).rpartition(".")[2],
        refused=state is State.READY and last.get("class") == _UNKNOWN,
        pause=_pause(engine, row.queue, now),
        workers=[w for w in everybody if fetches(engine, w) and _serves(w, row.queue)],
        silent=[w for w in everybody if w.silent > engine.options.lease],
        broker_is_away=bool(engine.broker and engine.broker.diagnose()),
        is_known=registry.find(row.task_path) is not None,
        ahead=ahead_of(engine, row, now) if is_due else None,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "task_path", "queue", "attempt", "max_attempts", "run_after", "finished_at",
    "cancel_requested", "expires_at", "backend",
)  # fmt: skip


def _serves(worker: WorkerFacts, queue: str) -> bool:
    return not worker.queues or queue in worker.queues


def _pause(engine: Engine, queue: str, now: datetime) -> Pause | None:
    controls = QueueControl.objects.using(engine.database).filter(backend=engine.alias)
    row = controls.filter(queue=queue, paused=True).first()
    if row is None or (row.until is not None and row.until <= now):
        return None
    return Pause(by=row.paused_by, since=row.paused_at, reason=row.reason, until=row.until)
