"""Tests that every broker must pass: subclass them to test a `djtasks.brokers.base.Broker`.

A subclass provides a `broker` fixture, and pytest runs the tests that it inherits:
docs/guides/writing-a-broker.md. For readable failures, call
`pytest.register_assert_rewrite("djtasks.testing.broker_contract")` in a conftest.py.
"""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from djtasks.brokers.base import Broker, Problem
from djtasks.formats.ids import new_id
from djtasks.protocol.hints import Hint, score_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOT_AT_ALL = timedelta(0)
A_WHILE = timedelta(seconds=1)
_PATIENCE = timedelta(seconds=30)


def hint(
    queue: str = "default",
    *,
    id_: UUID | None = None,
    priority: int = 0,
    run_after: datetime = NOON,
) -> Hint:
    """Return a hint of a new record, or of the record `id_`."""
    return Hint(id_ or new_id(), queue, score_of(priority, run_after))


def ids_of(hints: Sequence[Hint]) -> list[UUID]:
    """Return the ids of hints, in their order."""
    return [one.id for one in hints]


def pop_all(
    broker: Broker, queues: Sequence[str] = ("default",), *, count: int, limit: int = 100
) -> list[UUID]:
    """Pop until `count` ids have come, or nothing more comes for a while."""
    popped: list[UUID] = []
    while len(popped) < count:
        came = broker.pop(queues, limit=limit, wait=A_WHILE)
        if not came:
            break
        popped += came
    return popped


class BrokerContract:
    """Subclass it with a pytest fixture `broker`: an empty broker of TASKS["default"].

    A broker that keeps duplicates says so by `holds_once = False`, one that orders by high,
    normal and low priority and by arrival by `ranks_exactly = False`; all other promises hold
    for them too. `many` is the size of the largest push; a broker that takes milliseconds a
    hint may be tested with fewer.
    """

    many = 2_500

    def test_what_is_pushed_is_popped(self, broker: Broker) -> None:
        pushed = hint()

        broker.push([pushed])

        assert broker.pop(["default"], limit=10, wait=A_WHILE) == [pushed.id]

    def test_what_is_popped_is_gone(self, broker: Broker) -> None:
        broker.push([hint()])

        popped = pop_all(broker, count=1)

        assert len(popped) == 1
        assert broker.pop(["default"], limit=10, wait=NOT_AT_ALL) == []

    def test_push_returns_how_many_hints_were_new(self, broker: Broker) -> None:
        assert broker.push([hint(), hint("mail")]) == 2

    def test_an_id_that_is_held_already_is_not_new(self, broker: Broker) -> None:
        first, second = hint(), hint()
        broker.push([first])

        new = broker.push([first, second])

        popped = pop_all(broker, count=3)
        assert new == (1 if broker.holds_once else 2)
        assert set(popped) == {first.id, second.id}
        assert len(popped) == (2 if broker.holds_once else 3)

    def test_nothing_can_be_pushed(self, broker: Broker) -> None:
        assert broker.push([]) == 0

    def test_the_high_priority_comes_first(self, broker: Broker) -> None:
        low, high, middle = (hint(priority=priority) for priority in (-100, 100, 0))
        broker.push([low, high, middle])

        assert pop_all(broker, count=3) == [high.id, middle.id, low.id]

    def test_what_fell_due_earlier_comes_first(self, broker: Broker) -> None:
        late, early = hint(run_after=NOON), hint(run_after=NOON - timedelta(milliseconds=1))
        broker.push([late, early])

        popped = pop_all(broker, count=2)
        assert set(popped) == {early.id, late.id}
        assert popped == [early.id, late.id] or not broker.ranks_exactly

    def test_each_of_a_long_line_comes_in_its_turn(self, broker: Broker) -> None:
        hints = [hint(priority=priority) for priority in (90, 50, 10, 0, -10, -50, -90)]
        for one in reversed(hints):
            broker.push([one])

        popped = [broker.pop(["default"], limit=1, wait=A_WHILE) for _ in hints]

        came, turns = [id_ for ids in popped for id_ in ids], ids_of(hints)
        assert sorted(came) == sorted(turns)
        if broker.ranks_exactly:
            assert came == turns
        else:
            assert set(came[:3]) == set(turns[:3])
            assert came[3] == turns[3]

    def test_of_equal_ranks_what_was_inserted_earlier_comes_first(self, broker: Broker) -> None:
        hints = [hint() for _ in range(20)]
        broker.push(hints[10:])
        broker.push(hints[:10])

        popped = pop_all(broker, count=20)
        assert sorted(popped) == sorted(ids_of(hints))
        assert popped == ids_of(hints) or not broker.ranks_exactly

    def test_a_hint_that_is_pushed_again_takes_its_new_rank(self, broker: Broker) -> None:
        first, second = hint(), hint()
        broker.push([first, second])

        broker.push([hint(id_=second.id, priority=50)])

        assert broker.pop(["default"], limit=1, wait=A_WHILE) == [second.id]

    def test_no_more_than_the_limit_is_popped(self, broker: Broker) -> None:
        hints = [hint() for _ in range(5)]
        broker.push(hints)

        first = broker.pop(["default"], limit=2, wait=A_WHILE)

        rest = pop_all(broker, count=3)
        assert (len(first), len(rest)) == (2, 3)
        assert sorted(first + rest) == sorted(ids_of(hints))
        assert first == ids_of(hints[:2]) or not broker.ranks_exactly

    def test_earlier_queues_come_first_whatever_the_rank(self, broker: Broker) -> None:
        urgent, first = hint("reports", priority=100), hint("mail", priority=-100)
        broker.push([urgent, first])

        assert pop_all(broker, ["mail", "reports"], count=2) == [first.id, urgent.id]

    def test_other_queues_are_left_alone(self, broker: Broker) -> None:
        broker.push([hint("mail")])

        assert broker.pop(["default"], limit=1, wait=NOT_AT_ALL) == []
        assert broker.depths(["mail"]) == {"mail": 1}

    def test_the_names_of_queues_are_compared_letter_by_letter(self, broker: Broker) -> None:
        names = ["mail", "Mail", "mail:x", "{mail}", "mäil", "mail mail"]
        hints = {name: hint(name) for name in names}
        broker.push(list(hints.values()))

        popped = {name: pop_all(broker, [name], count=1) for name in names}

        assert popped == {name: [hints[name].id] for name in names}

    def test_every_byte_of_an_id_survives(self, broker: Broker) -> None:
        ids = [UUID(bytes=bytes([byte]) * 16) for byte in (0, 10, 13, 32, 127, 128, 255)]
        broker.push([hint(id_=id_) for id_ in ids])

        assert pop_all(broker, count=len(ids)) == ids

    def test_many_fit_into_one_push(self, broker: Broker) -> None:
        hints = [hint(queue) for _ in range(self.many // 2) for queue in ("default", "mail")]

        new = broker.push(hints)

        assert new == len(hints)
        assert set(pop_all(broker, ["default", "mail"], count=new)) == set(ids_of(hints))

    def test_who_does_not_wait_is_answered_at_once(self, broker: Broker) -> None:
        started, asked = time.monotonic(), 100

        for _ in range(asked):
            assert broker.pop(["default", "mail"], limit=1, wait=NOT_AT_ALL) == []

        # One slow answer tells of a busy machine, a hundred of a broker that waits.
        assert time.monotonic() - started < asked * A_WHILE.total_seconds()

    def test_a_pop_waits_no_longer_than_it_was_asked_to(self, broker: Broker) -> None:
        started = time.monotonic()

        assert broker.pop(["default"], limit=1, wait=timedelta(seconds=0.1)) == []

        assert time.monotonic() - started < _PATIENCE.total_seconds()

    def test_a_push_to_any_of_its_queues_wakes_who_waits(self, broker: Broker) -> None:
        pushed, popped = hint("mail"), list[UUID]()

        def wait_for_it() -> None:
            popped.extend(pop_all(broker, ["default", "mail"], count=1))

        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        broker.push([pushed])
        waiting.join(_PATIENCE.total_seconds())

        assert popped == [pushed.id]

    def test_two_who_pop_at_once_never_get_the_same_hint(self, broker: Broker) -> None:
        hints = [hint() for _ in range(self.many // 5)]
        shares: list[list[UUID]] = [[], []]
        broker.push(hints)

        def pop_into(share: list[UUID]) -> None:
            while came := broker.pop(["default"], limit=7, wait=NOT_AT_ALL):
                share.extend(came)

        threads = [threading.Thread(target=pop_into, args=[share]) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_PATIENCE.total_seconds())

        assert sorted(shares[0] + shares[1]) == sorted(ids_of(hints))

    def test_depths_counts_the_hints_of_each_queue(self, broker: Broker) -> None:
        broker.push([hint(), hint(), hint("mail")])

        depths = broker.depths(["default", "mail", "reports"])

        assert depths == {"default": 2, "mail": 1, "reports": 0}

    def test_depths_of_no_queue_are_none(self, broker: Broker) -> None:
        assert broker.depths([]) == {}

    def test_discarding_takes_nothing_else_along(self, broker: Broker) -> None:
        unwanted, kept, elsewhere = hint(), hint(), hint("mail")
        broker.push([unwanted, kept, elsewhere])

        broker.discard("default", [unwanted.id, elsewhere.id, new_id()])
        broker.discard("reports", [unwanted.id])
        broker.discard("default", [])

        left = pop_all(broker, ["default", "mail"], count=3)
        assert set(left) - {unwanted.id} == {kept.id, elsewhere.id}

    def test_a_diagnosis_names_each_problem_and_its_remedy(self, broker: Broker) -> None:
        problems = broker.diagnose()

        assert all(isinstance(problem, Problem) for problem in problems)
        assert all(p.code and p.message and p.remedy for p in problems)
