"""What a store promises the indexer."""

from datetime import timedelta

from djtasks.formats.ids import new_id
from djtasks.store.base import Lane, Store
from tests.store.contract.records import insert, insert_claimed

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
DEFAULT = Lane("default", 0)


class ScanContract:
    """`scan`, `fell_due` and `due_page`."""

    def test_a_look_finds_every_lane_with_ready_records(self, store: Store) -> None:
        insert(store)
        insert(store)
        insert(store, priority=5)
        insert(store, queue="mail", priority=-3, delay=HOUR)
        insert(store, queue="Zeta", backend="somebody-elses")
        insert_claimed(store, new_id(), queue="reports")

        scan = store.scan()

        expected = {DEFAULT, Lane("default", 5), Lane("mail", -3), Lane("Zeta", 0)}
        assert set(scan.lanes) == expected
        assert len(scan.lanes) == len(expected)

    def test_a_look_puts_the_high_priorities_of_a_queue_first(self, store: Store) -> None:
        for priority in (-1, 100, 0):
            insert(store, priority=priority)

        assert [lane.priority for lane in store.scan().lanes] == [100, 0, -1]

    def test_a_look_at_nothing_has_the_clock(self, store: Store) -> None:
        before = store.now()

        scan = store.scan()

        assert scan.lanes == []
        assert before <= scan.now <= store.now()

    def test_what_fell_due_between_two_looks_is_found(self, store: Store) -> None:
        now, lanes = store.now(), [DEFAULT, Lane("mail", 5)]
        insert(store, run_after=now - HOUR)
        at_last_look = insert(store, run_after=now - SECOND)
        found = insert(store, run_after=now)
        mail = insert(store, queue="mail", priority=5, run_after=now)
        insert(store, run_after=now + SECOND)
        insert(store, run_after=now, backend="somebody-elses")

        due = store.fell_due(lanes, after=now - SECOND, until=now, limit=10)

        assert at_last_look not in {record.id for record in due}
        assert {record.id for record in due} == {found, mail}
        assert {record.lane for record in due} == set(lanes)
        assert {record.run_after for record in due} == {now}

    def test_the_limit_of_what_fell_due_is_for_each_lane(self, store: Store) -> None:
        now, lanes = store.now(), [DEFAULT, Lane("mail", 0)]
        for queue in ("default", "mail"):
            for _ in range(3):
                insert(store, queue=queue, run_after=now)

        due = store.fell_due(lanes, after=now - HOUR, until=now, limit=2)

        assert sorted(record.lane.queue for record in due) == ["default", "default", "mail", "mail"]

    def test_pages_follow_each_other_oldest_first(self, store: Store) -> None:
        now = store.now()
        same = [insert(store, run_after=now - HOUR) for _ in range(3)]
        old = insert(store, run_after=now - 2 * HOUR)
        insert(store, run_after=now + HOUR)
        insert(store, run_after=now - HOUR, priority=1)
        insert(store, run_after=now - HOUR, backend="somebody-elses")

        first = store.due_page(DEFAULT, until=now, limit=2)
        second = store.due_page(DEFAULT, until=now, limit=2, after=first[-1])
        third = store.due_page(DEFAULT, until=now, limit=2, after=second[-1])

        assert [record.id for record in first] == [old, same[0]]
        assert [record.id for record in second] == same[1:]
        assert third == []

    def test_nothing_fell_due_in_no_lane(self, store: Store) -> None:
        now = store.now()

        assert store.fell_due([], after=now - HOUR, until=now, limit=1) == []
