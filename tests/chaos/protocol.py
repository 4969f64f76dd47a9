"""What must never be seen, whatever happens: the invariants of a state machine for hypothesis."""

from hypothesis.stateful import invariant

from djtasks.protocol.states import FINAL, State
from tests.chaos import machine
from tests.chaos.events import WORKERS, Events, any_of

FAIR_ROUNDS = 40


class Protocol(Events):
    """Rules are what may happen next; invariants are what must never be seen."""

    @invariant()
    def records_move_by_the_table(self) -> None:
        for row in self._rows():
            state = State(row.state)
            before, fence = self.seen.get(row.pk, (state, row.fence))
            assert row.fence >= fence, "a fence went back"
            assert before not in FINAL or state == before, f"{before.name} became {state.name}"
            assert (row.worker is not None) == (state is State.RUNNING)
            assert (row.unique_key is None) == (state in FINAL)
            assert row.attempt <= row.max_attempts
            assert row.crash_count <= row.max_crashes
            self.seen[row.pk] = (state, row.fence)

    @invariant()
    def nothing_that_has_started_is_given_back(self) -> None:
        owners = {child.id: child for child in self.children}
        for row in self._rows():
            if row.worker in owners and (row.pk, row.fence) in self.starts:
                unknown_claims = owners[row.worker].holdings.unknown_claims([(row.pk, row.fence)])
                assert not unknown_claims, "its own audit would give it back"

    @invariant()
    def nobody_is_taken_alive(self) -> None:
        for child in self.children:
            assert child.has_row or child.id in self.stood_still, "taken alive"

    def teardown(self) -> None:
        """I1: without further faults, fair turns bring every record to its end."""
        for child in self.children:
            child.is_stopped = False
            child.answer()
        while self.site.late:
            self.site.late.pop(0)()
        for _ in range(FAIR_ROUNDS):
            if all(State(row.state) in FINAL for row in self._rows()):
                return
            self._take_a_fair_turn()
        raise AssertionError(f"stuck: {[(r.state, r.worker) for r in self._rows()]}")

    def _take_a_fair_turn(self) -> None:
        self.index()
        for can, act in (
            (machine.can_fetch, lambda turn: self.fetch(turn, "arrives", index=True)),
            (machine.can_start, self.start),
            (machine.can_finish, lambda turn: self.finish(turn, raises=False)),
            (machine.can_settle, lambda turn: self.settle(turn, "arrives")),
            (machine.acts, lambda turn: self.audit(turn, "arrives")),
        ):
            for turn in range(WORKERS):
                if any_of(self, can):
                    act(turn)
        self.look((True,) * WORKERS, scans=1)
