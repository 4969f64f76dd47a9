"""What may happen next to two tasks and two workers: the rules of a state machine."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError
from hypothesis import strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from djtasks import operations
from djtasks.engine import engine_of
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.hints import Hint
from djtasks.protocol.records import Claim
from djtasks.protocol.states import LIVE, State
from djtasks.worker.duties.reaper import Reaper
from tests.chaos import machine, tasks
from tests.chaos.machine import Child, Installation
from tests.chaos.traces import steps

ALIAS = "model"
WORKERS = 2
TASKS = 2
# Of six looks without a heartbeat, a living worker has missed four at most.
MOST_MISSED = 4

fates = strategies.sampled_from(machine.FATES)
which = strategies.integers(0, WORKERS - 1)
either = strategies.booleans()


def any_of(protocol: "Events", can: Callable[[Child], bool]) -> bool:
    return any(can(child) for child in protocol.children)


class Events(RuleBasedStateMachine):
    """The rules, and a book of what they did, by which `Protocol` judges."""

    def __init__(self) -> None:
        super().__init__()
        TaskRecord.objects.all().delete()
        WorkerRecord.objects.all().delete()
        self.site = Installation(ALIAS)
        self.children = [Child(self.site) for _ in range(WORKERS)]
        self.reaper = Reaper(self.site.engine(self.site.store), write=self._write)
        self.is_read_only = False
        self.missed = dict.fromkeys((child.id for child in self.children), 0)
        self.stood_still: set[UUID] = set()
        self.starts: set[tuple[UUID, int]] = set()
        self.never_again: set[tuple[UUID, int]] = set()
        self.cancelled_at: dict[UUID, int] = {}
        self.revived_at: dict[UUID, int] = {}
        self.seen: dict[UUID, tuple[State, int]] = {}

    def _write(self) -> bool:
        if self.is_read_only:
            raise OperationalError("read-only")
        return True

    @initialize()
    def enqueue_first(self) -> None:
        self.enqueue(pushed=True, limits=(2, 3), key="first")

    @precondition(lambda self: TaskRecord.objects.filter(state__in=LIVE).count() < TASKS)
    @rule(
        pushed=either,
        limits=strategies.tuples(strategies.integers(1, 2), strategies.sampled_from([1, 3])),
        key=strategies.sampled_from(["first", "second"]),
    )
    def enqueue(self, pushed: bool, limits: tuple[int, int], key: str) -> None:
        attempts, crashes = limits
        fields = {"max_attempts": attempts, "max_crashes": crashes, "unique_key": key}
        steps.enqueue(self.site, pushed=pushed, **fields)

    @rule(number=strategies.integers(0, TASKS - 1))
    def forge_a_hint(self, number: int) -> None:
        self.site.broker.push([Hint(self._row(number).pk, "default", 0)])

    @rule(number=strategies.integers(0, TASKS - 1))
    def cancel(self, number: int) -> None:
        row = self._row(number)
        if operations.cancel(engine_of("default"), [row.pk]):
            self.cancelled_at.setdefault(row.pk, row.fence)

    @rule(number=strategies.integers(0, TASKS - 1))
    def revive(self, number: int) -> None:
        row = self._row(number)
        if operations.retry(engine_of("default"), [row.pk]).changed:
            self.cancelled_at.pop(row.pk, None)
            self.seen.pop(row.pk, None)
            self.never_again = {start for start in self.never_again if start[0] != row.pk}
            self.revived_at[row.pk] = row.fence

    @rule()
    def flush(self) -> None:
        while self.site.broker.pop(["default"], limit=10, wait=timedelta(0)):
            pass

    @rule()
    def index(self) -> None:
        look = self.site.store.scan()
        for lane in look.lanes:
            page = self.site.store.due_page(lane, until=look.now, limit=10)
            self.site.broker.push([Hint(one.id, "default", 0) for one in page])

    @precondition(lambda self: any_of(self, machine.can_fetch))
    @rule(turn=which, fate=fates, index=either)
    def fetch(self, turn: int, fate: str, index: bool) -> None:
        self._one_of(machine.can_fetch, turn).fetch(fate, index=index)

    @precondition(lambda self: any_of(self, machine.can_fetch))
    @rule(turn=which)
    def fetch_slowly(self, turn: int) -> None:
        self._one_of(machine.can_fetch, turn).fetch_slowly()

    @precondition(lambda self: any_of(self, machine.is_kept_waiting))
    @rule(turn=which)
    def answer(self, turn: int) -> None:
        self._one_of(machine.is_kept_waiting, turn).answer()

    @precondition(lambda self: any_of(self, machine.can_start))
    @rule(turn=which)
    def start(self, turn: int) -> None:
        child = self._one_of(machine.can_start, turn)
        self._assert_may_start(child, child.queued[0])
        child.start()

    @precondition(lambda self: any_of(self, machine.can_give_back))
    @rule(turn=which, fate=fates)
    def give_back(self, turn: int, fate: str) -> None:
        self._one_of(machine.can_give_back, turn).give_back(fate)

    @precondition(lambda self: any_of(self, machine.can_finish))
    @rule(turn=which, raises=either)
    def finish(self, turn: int, raises: bool) -> None:
        child = self._one_of(machine.can_finish, turn)
        tasks.told_to_raise = raises
        child.finish(next(iter(child.running)))

    @precondition(lambda self: any_of(self, machine.can_settle))
    @rule(turn=which, fate=fates)
    def settle(self, turn: int, fate: str) -> None:
        self._one_of(machine.can_settle, turn).settle(fate)

    @precondition(lambda self: any_of(self, machine.can_fetch))
    @rule(turn=which, index=either, raises=either, fate=fates)
    def fetch_and_run(self, turn: int, index: bool, raises: bool, fate: str) -> None:
        """Take the usual way at once, so that there is time for what is less usual."""
        child = self._one_of(machine.can_fetch, turn)
        child.fetch("arrives", index=index)
        while child.queued:
            self._assert_may_start(child, child.queued[0])
            child.start()
        tasks.told_to_raise = raises
        for id_ in list(child.running):
            child.finish(id_)
        child.settle(fate)

    @precondition(lambda self: any_of(self, machine.acts))
    @rule(turn=which, fate=fates)
    def audit(self, turn: int, fate: str) -> None:
        self._one_of(machine.acts, turn).audit(fate)

    @precondition(lambda self: self.site.late)
    @rule()
    def a_late_request_arrives(self) -> None:
        self.site.late.pop(0)()

    def _one_of(self, can: Callable[[Child], bool], turn: int) -> Child:
        able = [child for child in self.children if can(child)]
        return able[turn % len(able)]

    @rule(worker=which)
    def stop_or_continue(self, worker: int) -> None:
        child = self.children[worker]
        child.is_stopped = not child.is_stopped
        self.stood_still.add(child.id)

    @rule(worker=which, host=either)
    def kill(self, worker: int, host: bool) -> None:
        child = self.children[worker]
        child.die()
        if not host:
            child.leave()
        self._replace(worker)

    def _replace(self, worker: int) -> None:
        fresh = self.children[worker] = Child(self.site)
        self.missed[fresh.id] = 0

    @rule(beats=strategies.tuples(*[either] * WORKERS), scans=strategies.sampled_from([1, 7]))
    def look(self, beats: tuple[bool, ...], scans: int) -> None:
        """Let time pass: living workers beat often enough, and the reaper looks."""
        for _ in range(scans):
            for worker, beats_now in enumerate(beats):
                self._maybe_beat(worker, beats_now)
            self.is_read_only = False
            self.reaper.scan()

    def _maybe_beat(self, worker: int, beats_now: bool) -> None:
        child = self.children[worker]
        if not child.acts:
            return
        self.missed[child.id] += 1
        if beats_now or self.missed[child.id] > MOST_MISSED:
            self.missed[child.id] = 0
            child.heartbeat()
            if not child.is_alive:
                self._replace(worker)

    @rule(scans=strategies.sampled_from([1, 7]))
    def look_in_vain(self, scans: int) -> None:
        """Let time pass while the database can be read and not written."""
        self.is_read_only = True
        for _ in range(scans):
            try:
                self.reaper.scan()
            except OperationalError:
                continue
        self.missed = dict.fromkeys(self.missed, 0)

    def _assert_may_start(self, child: Child, claim: Claim) -> None:
        id_, fence = claim.id, claim.fence
        assert (id_, fence) not in self.starts, "a claim started twice"
        self.starts.add((id_, fence))
        if id_ in self.cancelled_at:
            assert fence <= self.cancelled_at[id_], "a cancelled task started again"
        # A process that stood still may start a claim from before another run was asked for.
        if claim.max_crashes == 1 and fence > self.revived_at.get(id_, 0):
            assert (id_, claim.attempt) not in self.never_again, "it must never start twice"
            self.never_again.add((id_, claim.attempt))
        if child.has_row:
            others = [one for one in self.children if one is not child and one.has_row]
            assert not any(id_ in one.running for one in others), "two living workers run it"

    def _row(self, number: int) -> TaskRecord:
        """Return one of the newest records."""
        newest = self._rows()[-TASKS:]
        return newest[number % len(newest)]

    @staticmethod
    def _rows() -> list[TaskRecord]:
        return list(TaskRecord.objects.order_by("pk"))
