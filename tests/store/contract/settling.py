"""What a store promises a worker that has done its work, or will not."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from djtasks.formats.ids import new_id
from djtasks.protocol.records import Claim, Notes, Settlement
from djtasks.protocol.states import State
from djtasks.store.base import ERRORS_KEPT, Store
from tests.store.contract.records import (
    claim,
    insert,
    insert_claimed,
    request_cancel,
    row_of,
    rows,
)


def settlement(claimed: Claim, state: State = State.SUCCESSFUL, **changes: Any) -> Settlement:
    """Return a verdict on a claim."""
    return Settlement(id=claimed.id, fence=claimed.fence, state=state, **changes)


def error_entry(number: int) -> str:
    """Return one entry for the errors, as JSON."""
    return json.dumps({"message": f"boom {number}"})


class SettleContract:
    """`settle`, `give_back` and `report_progress`."""

    def test_a_settled_record_has_its_result_and_no_worker(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker, unique_key="k")

        written = store.settle([settlement(claimed, value='{"sum": 3}')], worker=worker)

        row = row_of(store, claimed.id)
        assert written == {claimed.id}
        assert (row.state, row.worker, row.fence) == (State.SUCCESSFUL, None, claimed.fence)
        assert (row.return_value, row.attempt) == ({"sum": 3}, 1)
        assert row.worker_ids == [str(worker)]
        assert row.finished_at is not None
        assert (row.key, row.unique_key) == ("k", None)

    def test_every_kind_of_verdict_fits_into_one_settle(self, store: Store) -> None:
        worker = new_id()
        finals = [State.SUCCESSFUL, State.FAILED, State.CANCELLED, State.EXPIRED]
        claims = [insert_claimed(store, worker) for _ in range(6)]
        verdicts = [settlement(c, s) for c, s in zip(claims, [*finals, State.READY], strict=False)]
        away = settlement(claims[5], deletes=True)

        written = store.settle([away, *reversed(verdicts)], worker=worker)

        states = [row_of(store, claimed.id).state for claimed in claims[:5]]
        assert written == {claimed.id for claimed in claims}
        assert states == [*finals, State.READY]
        assert not rows(store).filter(pk=claims[5].id).exists()

    def test_a_settle_may_be_sent_again(self, store: Store) -> None:
        worker = new_id()
        verdict = settlement(insert_claimed(store, worker), value="1")
        store.settle([verdict], worker=worker)

        assert store.settle([verdict], worker=worker) == set()

        assert row_of(store, verdict.id).attempt == 1

    def test_only_the_owner_of_the_newest_fence_settles(self, store: Store) -> None:
        worker, other = new_id(), new_id()
        old = insert_claimed(store, worker)
        store.give_back([(old.id, old.fence)], worker=worker)
        new = claim(store, old.id, worker)

        for verdict, by in [
            (settlement(old), worker),
            (settlement(new), other),
            (settlement(old, deletes=True), worker),
            (settlement(new, deletes=True), other),
        ]:
            assert store.settle([verdict], worker=by) == set()

        assert (row_of(store, old.id).state, row_of(store, old.id).fence) == (State.RUNNING, 2)

    def test_nothing_can_be_settled(self, store: Store) -> None:
        assert store.settle([], worker=new_id()) == set()

    def test_a_retry_waits_for_its_delay_and_keeps_its_key(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker, unique_key="k")
        started = row_of(store, claimed.id).started_at
        before = store.now()
        retry = settlement(claimed, State.READY, delay=3600.0, error=error_entry(1))

        store.settle([retry], worker=worker)

        row = row_of(store, claimed.id)
        waits = row.run_after - before
        assert (row.state, row.worker, row.attempt) == (State.READY, None, 1)
        assert timedelta(hours=1) <= waits < timedelta(hours=1, minutes=5)
        assert (row.unique_key, row.finished_at, row.started_at) == ("k", None, started)
        assert row.errors == [{"message": "boom 1"}]

    def test_a_retry_of_a_cancelled_record_ends_it(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker, unique_key="k")
        request_cancel(store, claimed.id)

        store.settle([settlement(claimed, State.READY, delay=1.0)], worker=worker)

        row = row_of(store, claimed.id)
        assert (row.state, row.unique_key) == (State.CANCELLED, None)
        assert row.finished_at is not None

    def test_a_success_outruns_a_cancel(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker)
        request_cancel(store, claimed.id)

        store.settle([settlement(claimed)], worker=worker)

        assert row_of(store, claimed.id).state == State.SUCCESSFUL

    def test_what_never_started_spends_nothing(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker)
        refused = settlement(claimed, State.EXPIRED, spent=False, started=False)

        store.settle([refused], worker=worker)

        row = row_of(store, claimed.id)
        assert (row.attempt, row.worker_ids, row.started_at) == (0, None, None)
        assert row.finished_at is not None

    def test_the_newest_errors_and_every_worker_are_kept(self, store: Store) -> None:
        id_, workers = insert(store), [new_id() for _ in range(ERRORS_KEPT + 2)]
        for number, worker in enumerate(workers):
            again = settlement(
                claim(store, id_, worker), State.READY, delay=0.0, error=error_entry(number)
            )
            store.settle([again], worker=worker)

        row, newest = row_of(store, id_), range(2, ERRORS_KEPT + 2)
        assert row.errors == [{"message": f"boom {number}"} for number in newest]
        assert row.worker_ids == [str(worker) for worker in workers]

    def test_values_of_json_come_back_as_they_went(self, store: Store) -> None:
        worker, values = new_id(), ["null", "false", "0", '""', "[]", '{"ä": ["€", "😀\\n"]}', None]
        claims = [insert_claimed(store, worker) for _ in values]
        verdicts = [settlement(c, value=v) for c, v in zip(claims, values, strict=True)]

        store.settle(verdicts, worker=worker)

        stored = [row_of(store, claimed.id).return_value for claimed in claims]
        assert stored == [None, False, 0, "", [], {"ä": ["€", "😀\n"]}, None]

    def test_hundreds_of_results_each_reach_their_own_record(self, store: Store) -> None:
        worker, other = new_id(), new_id()
        mine = [insert_claimed(store, worker) for _ in range(120)]
        again = insert_claimed(store, other)
        store.settle([settlement(again, State.READY)], worker=other)
        retried = claim(store, again.id, worker)
        lost, stale = insert_claimed(store, other), mine.pop()
        verdicts = [settlement(c, value=str(n)) for n, c in enumerate([*mine, retried])]
        unknown_claims = [Settlement(id=stale.id, fence=stale.fence - 1, state=State.SUCCESSFUL)]
        unknown_claims.append(settlement(lost))

        written = store.settle([*unknown_claims, *verdicts], worker=worker)

        ours = [row_of(store, c.id) for c in (*mine, retried)]
        assert written == {row.pk for row in ours}
        assert [row.return_value for row in ours] == list(range(120))
        assert {(row.state, row.worker, row.unique_key) for row in ours} == {(2, None, None)}
        assert [row.attempt for row in ours] == [1] * 119 + [2]
        assert ours[-1].worker_ids == [str(other), str(worker)]
        assert {row_of(store, c.id).state for c in (lost, stale)} == {State.RUNNING}

    def test_large_results_are_stored_however_many_there_are(self, store: Store) -> None:
        worker, large = new_id(), json.dumps("x" * 256_000)
        claims = [insert_claimed(store, worker) for _ in range(80)]

        written = store.settle([settlement(c, value=large) for c in claims], worker=worker)

        assert written == {claimed.id for claimed in claims}
        assert rows(store).filter(state=State.SUCCESSFUL).count() == len(claims)

    def test_what_is_given_back_is_as_if_never_claimed(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker, unique_key="k")

        assert store.give_back([(claimed.id, claimed.fence)], worker=worker) == 1

        row = row_of(store, claimed.id)
        assert (row.state, row.worker, row.unique_key) == (State.READY, None, "k")
        assert (row.attempt, row.crash_count, row.started_at) == (0, 0, None)
        assert row.finished_at is None

    def test_a_cancelled_record_that_is_given_back_ends(self, store: Store) -> None:
        worker = new_id()
        claims = [insert_claimed(store, worker, unique_key=key) for key in ("a", "b")]
        request_cancel(store, claims[0].id)

        count = store.give_back([(c.id, c.fence) for c in claims], worker=worker)

        ended, ready = (row_of(store, claimed.id) for claimed in claims)
        assert count == 2
        assert (ended.state, ended.unique_key) == (State.CANCELLED, None)
        assert (ready.state, ready.unique_key) == (State.READY, "b")
        assert ended.finished_at is not None

    def test_only_the_owner_gives_back(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker)

        assert store.give_back([(claimed.id, claimed.fence)], worker=new_id()) == 0
        assert store.give_back([(claimed.id, claimed.fence + 1)], worker=worker) == 0
        assert store.give_back([], worker=worker) == 0

        assert row_of(store, claimed.id).state == State.RUNNING

    def test_progress_is_stored_while_the_worker_owns_the_record(self, store: Store) -> None:
        worker = new_id()
        mine, lost = insert_claimed(store, worker), insert_claimed(store, new_id())
        reports = [(claimed.id, claimed.fence, '{"done": 3}') for claimed in (mine, lost)]

        store.report_progress(reports, worker=worker)

        assert row_of(store, mine.id).progress == {"done": 3}
        assert row_of(store, lost.id).progress is None

    def test_metadata_is_saved_while_the_worker_owns_the_record(self, store: Store) -> None:
        worker = new_id()
        claimed = insert_claimed(store, worker, metadata='{"a": 1}')

        assert json.loads(claimed.metadata or "") == {"a": 1}
        assert store.save_metadata(claimed, '{"a": 2}', worker=worker)
        assert not store.save_metadata(claimed, '{"a": 3}', worker=new_id())
        later = structs.replace(claimed, fence=claimed.fence + 1)
        assert not store.save_metadata(later, '{"a": 3}', worker=worker)
        assert row_of(store, claimed.id).metadata == {"a": 2}

    def test_a_settle_keeps_the_metadata_unless_it_brings_another(self, store: Store) -> None:
        worker = new_id()
        kept, newer, retried = (
            insert_claimed(store, worker, metadata='{"a": 1}') for _ in range(3)
        )
        again = Settlement.retry(retried, timedelta(0), Notes(metadata='{"a": 3}'))

        store.settle(
            [settlement(kept), settlement(newer, metadata='{"a": 2}'), again], worker=worker
        )

        stored = [row_of(store, c.id).metadata for c in (kept, newer, retried)]
        assert stored == [{"a": 1}, {"a": 2}, {"a": 3}]

    def test_a_settle_keeps_the_last_progress_unless_it_brings_another(self, store: Store) -> None:
        worker = new_id()
        kept, newer = insert_claimed(store, worker), insert_claimed(store, worker)
        reports: list[tuple[UUID, int, str]] = [(c.id, c.fence, "1") for c in (kept, newer)]
        store.report_progress(reports, worker=worker)

        store.settle([settlement(kept), settlement(newer, progress="2")], worker=worker)

        assert [row_of(store, c.id).progress for c in (kept, newer)] == [1, 2]
