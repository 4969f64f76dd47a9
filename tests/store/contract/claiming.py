"""What a store promises a worker that looks for work."""

import json
from datetime import timedelta

from djtasks.formats.ids import new_id
from djtasks.models import QueueControl
from djtasks.protocol.states import State
from djtasks.store.base import Lane, Store
from tests.store.contract.records import (
    PATH,
    claim,
    insert,
    insert_claimed,
    row_of,
    rows,
)

HOUR = timedelta(hours=1)
DEFAULT = Lane("default", 0)


class ClaimContract:
    """`claim`, `claim_due`, `reassign` and `owned_by`."""

    def test_a_claim_makes_a_record_run_under_its_worker(self, store: Store) -> None:
        worker, id_ = new_id(), insert(store)

        claimed = claim(store, id_, worker)

        row = row_of(store, id_)
        assert (row.state, row.worker, row.fence) == (State.RUNNING, worker, 1)
        assert row.started_at is not None
        assert row.started_at == row.last_attempted_at
        assert (claimed.id, claimed.fence) == (id_, 1)

    def test_a_claim_carries_the_record(self, store: Store) -> None:
        claimed = insert_claimed(
            store,
            new_id(),
            queue="mail",
            priority=3,
            max_attempts=4,
            max_crashes=2,
            timeout=timedelta(seconds=90),
        )

        assert (claimed.task_path, claimed.queue, claimed.priority) == (PATH, "mail", 3)
        assert (json.loads(claimed.args), json.loads(claimed.kwargs)) == ([1], {"gift": True})
        assert (claimed.attempt, claimed.crash_count) == (0, 0)
        assert (claimed.max_attempts, claimed.max_crashes, claimed.timeout) == (4, 2, 90.0)
        assert (claimed.errors, claimed.worker_ids, claimed.is_expired) == (None, None, False)
        assert 0 <= claimed.waited < HOUR.total_seconds()
        enqueued_at = row_of(store, claimed.id).enqueued_at.timestamp()
        assert abs(claimed.enqueued_at - enqueued_at) < 0.001

    def test_a_claim_names_the_workflow_of_a_member(self, store: Store) -> None:
        workflow, id_ = new_id(), insert(store)
        rows(store).filter(pk=id_).update(workflow=workflow)

        assert claim(store, id_, new_id()).workflow == workflow
        assert insert_claimed(store, new_id()).workflow is None

    def test_claims_come_in_the_order_of_the_ids(self, store: Store) -> None:
        ids = [insert(store) for _ in range(9)]
        wanted = [*ids[6:], *ids[3:6], *ids[:3]]

        claims = store.claim(wanted, worker=new_id(), queues=None)

        assert [claimed.id for claimed in claims] == wanted

    def test_nobody_claims_what_runs_already(self, store: Store) -> None:
        first, id_ = new_id(), insert(store)
        claim(store, id_, first)

        assert store.claim([id_], worker=new_id(), queues=None) == []

        row = row_of(store, id_)
        assert (row.worker, row.fence) == (first, 1)

    def test_only_ready_due_records_of_ours_are_claimed(self, store: Store) -> None:
        good = insert(store, queue="mail")
        final = insert(store, queue="mail")
        rows(store).filter(pk=final).update(state=State.FAILED)
        others = [
            insert(store, queue="mail", delay=HOUR),
            insert(store, queue="mail", backend="somebody-elses"),
            insert(store, queue="Mail"),
            insert(store, queue="default"),
            final,
            new_id(),
        ]

        claims = store.claim([*others, good], worker=new_id(), queues=["mail", "reports"])

        assert [claimed.id for claimed in claims] == [good]
        assert rows(store).filter(state=State.RUNNING).count() == 1

    def test_nothing_can_be_claimed(self, store: Store) -> None:
        assert store.claim([], worker=new_id(), queues=None) == []
        assert store.claim_due([], worker=new_id(), limit=10) == []

    def test_a_record_past_its_expiry_is_claimed_and_says_so(self, store: Store) -> None:
        id_ = insert(store, expires=store.now() - HOUR)

        assert claim(store, id_, new_id()).is_expired

    def test_each_claim_moves_the_fence_up_and_the_start_stays(self, store: Store) -> None:
        worker = new_id()
        first = insert_claimed(store, worker)
        rows(store).filter(pk=first.id).update(attempt=1)
        started = row_of(store, first.id).started_at
        store.give_back([(first.id, first.fence)], worker=worker)

        second = claim(store, first.id, new_id())

        assert (second.fence, second.attempt) == (2, 1)
        assert row_of(store, first.id).started_at == started

    def test_due_records_are_claimed_lane_by_lane_oldest_first(self, store: Store) -> None:
        now = store.now()
        lanes = [Lane("mail", 5), Lane("default", 0)]
        young = insert(store, run_after=now - HOUR)
        old = insert(store, run_after=now - 2 * HOUR)
        first = insert(store, queue="mail", priority=5)
        insert(store, queue="mail", priority=4)
        insert(store, delay=HOUR)

        claims = store.claim_due(lanes, worker=new_id(), limit=10)

        assert [claimed.id for claimed in claims] == [first, old, young]

    def test_no_more_than_the_limit_is_claimed(self, store: Store) -> None:
        now, lanes = store.now(), [Lane("mail", 0), DEFAULT]
        ids = [insert(store, run_after=now - HOUR + timedelta(seconds=n)) for n in range(5)]
        first = insert(store, queue="mail")

        claims = store.claim_due(lanes, worker=new_id(), limit=3)

        assert [claimed.id for claimed in claims] == [first, *ids[:2]]
        assert rows(store).filter(state=State.RUNNING).count() == 3

    def test_by_age_alone_the_oldest_comes_first(self, store: Store) -> None:
        now, lanes = store.now(), [Lane("mail", 100), DEFAULT]
        insert(store, queue="mail", priority=100, run_after=now)
        middle = insert(store, queue="mail", priority=100, run_after=now - HOUR)
        oldest = insert(store, run_after=now - 2 * HOUR)

        claims = store.claim_due(lanes, worker=new_id(), limit=2, oldest_first=True)

        assert [claimed.id for claimed in claims] == [oldest, middle]

    def test_due_records_of_other_backends_are_left_alone(self, store: Store) -> None:
        insert(store, backend="somebody-elses")

        assert store.claim_due([DEFAULT], worker=new_id(), limit=1) == []

    def test_a_pause_holds_from_its_commit(self, store: Store) -> None:
        now, controls = store.now(), QueueControl.objects.using(store.database)
        ids = {queue: insert(store, queue=queue) for queue in ("open", "over", "paused", "ours")}
        controls.create(backend=store.backend, queue="paused", until=None)
        controls.create(backend=store.backend, queue="mail", until=now + HOUR)
        controls.create(backend=store.backend, queue="over", until=now - HOUR)
        controls.create(backend=store.backend, queue="open", paused=False)
        controls.create(backend="somebody-elses", queue="ours")
        mail = insert(store, queue="mail")
        lanes = [Lane(queue, 0) for queue in ("mail", *ids)]

        held = [
            *store.claim([ids["paused"], mail], worker=new_id(), queues=None),
            *store.claim([ids["paused"], mail], worker=new_id(), queues=["paused", "mail"]),
            *store.claim_due(lanes[:1] + [Lane("paused", 0)], worker=new_id(), limit=9),
            *store.claim_due([Lane("mail", 0)], worker=new_id(), limit=9, oldest_first=True),
        ]
        claims = store.claim([ids["open"], ids["over"]], worker=new_id(), queues=list(ids))
        due = store.claim_due(lanes, worker=new_id(), limit=9)

        assert held == []
        assert [claimed.id for claimed in (*claims, *due)] == [
            ids["open"],
            ids["over"],
            ids["ours"],
        ]

    def test_an_adopted_record_is_its_heirs(self, store: Store) -> None:
        worker, new_owner = new_id(), new_id()
        claimed = insert_claimed(store, worker)

        assert store.reassign(claimed, new_owner=new_owner, worker=worker) is True

        assert store.owned_by(new_owner) == [(claimed.id, claimed.fence)]
        assert store.owned_by(worker) == []

    def test_who_does_not_own_a_record_cannot_hand_it_on(self, store: Store) -> None:
        claimed, stranger = insert_claimed(store, new_id()), new_id()

        assert store.reassign(claimed, new_owner=stranger, worker=stranger) is False

        assert store.owned_by(stranger) == []

    def test_a_worker_owns_what_names_it(self, store: Store) -> None:
        worker, other = new_id(), new_id()
        mine = [insert_claimed(store, worker) for _ in range(3)]
        insert_claimed(store, other)

        assert sorted(store.owned_by(worker)) == sorted((c.id, c.fence) for c in mine)
