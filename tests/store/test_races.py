"""Two connections want the same record: one of them gets it, whatever the database."""

from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.operations import cancel, retry
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import FINAL, State
from djtasks.store import Store, open_store
from tests.store.connections import elsewhere
from tests.store.contract.records import insert, insert_claimed, row_of, rows

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

ROUNDS = 5


@pytest.fixture
def store(database: str) -> Store:
    return open_store("default")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Return what each of them returned, started together on connections of their own."""
    start = Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        start.wait(30)
        return work()

    return [future.result(60) for future in [elsewhere(one, work) for work in works]]


@pytest.mark.parametrize("opposite", [False, True])
def test_no_record_is_claimed_twice(store: Store, opposite: bool) -> None:
    ids, (ann, bob) = [insert(store) for _ in range(40)], (new_id(), new_id())
    wanted = list(reversed(ids)) if opposite else ids

    claims = at_once(
        lambda: store.claim(ids, worker=ann, queues=None),
        lambda: store.claim(wanted, worker=bob, queues=None),
    )

    taken = [claimed.id for share in claims for claimed in share]
    assert sorted(taken) == sorted(ids)
    assert set(rows(store).values_list("fence", flat=True)) == {1}


def test_no_due_record_is_claimed_twice(store: Store) -> None:
    for _ in range(40):
        insert(store)
    lanes = store.scan().lanes

    claims = at_once(*[lambda: store.claim_due(lanes, worker=new_id(), limit=30) for _ in range(2)])

    taken = [claimed.id for share in claims for claimed in share]
    assert len(taken) == len(set(taken)) >= 30
    assert set(rows(store).filter(pk__in=taken).values_list("fence", flat=True)) == {1}


def test_one_of_two_results_is_stored(store: Store) -> None:
    worker = new_id()
    claims = [insert_claimed(store, worker) for _ in range(20)]

    def settle(value: str, order: int) -> set[Any]:
        verdicts = [
            Settlement(id=c.id, fence=c.fence, state=State.SUCCESSFUL, value=value)
            for c in claims[::order]
        ]
        return store.settle(verdicts, worker=worker)

    first, second = at_once(lambda: settle("1", 1), lambda: settle("2", -1))

    assert first | second == {claimed.id for claimed in claims}
    assert first & second == set()
    for claimed in claims:
        row = row_of(store, claimed.id)
        assert (row.return_value, row.attempt) == (1 if claimed.id in first else 2, 1)


def test_a_record_is_settled_or_given_back_and_never_both(store: Store) -> None:
    worker = new_id()
    claims = [insert_claimed(store, worker) for _ in range(20)]
    verdicts = [Settlement(id=c.id, fence=c.fence, state=State.SUCCESSFUL) for c in claims]
    owned = [(claimed.id, claimed.fence) for claimed in reversed(claims)]

    written, count = at_once(
        lambda: store.settle(verdicts, worker=worker),
        lambda: store.give_back(owned, worker=worker),
    )

    assert len(written) + count == len(claims)
    for claimed in claims:
        done = row_of(store, claimed.id).state == State.SUCCESSFUL
        assert done is (claimed.id in written)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_claim_and_a_cancel_leave_no_record_in_between(store: Store, round_: int) -> None:
    id_, worker = insert(store, unique_key="k"), new_id()

    claims, cancelled = at_once(
        lambda: store.claim([id_], worker=worker, queues=None),
        lambda: cancel(engine_of("default"), [id_]),
    )

    row = row_of(store, id_)
    assert row.cancel_requested is bool(cancelled)
    if claims:
        assert (row.state, row.worker, row.unique_key) == (State.RUNNING, worker, "k")
        assert row.finished_at is None
    else:
        assert (row.state, row.worker, row.unique_key) == (State.CANCELLED, None, None)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_record_that_is_retried_twice_at_once_is_retried_once(store: Store, round_: int) -> None:
    id_ = insert(store, unique_key="k")
    rows(store).filter(pk=id_).update(state=State.FAILED, unique_key=None)

    answers = at_once(
        lambda: retry(engine_of("default"), [id_]), lambda: retry(engine_of("default"), [id_])
    )

    row = row_of(store, id_)
    assert sum(len(answer.changed) for answer in answers) == 1
    assert (row.state, row.unique_key, row.fence) == (State.READY, "k", 0)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_prune_never_deletes_what_was_retried(store: Store, round_: int) -> None:
    id_ = insert(store)
    rows(store).filter(pk=id_).update(state=State.FAILED, finished_at=store.now())
    final = rows(store).filter(pk=id_, state__in=FINAL)

    answer, deleted = at_once(
        lambda: retry(engine_of("default"), [id_]), lambda: final._raw_delete(store.database)
    )

    assert len(answer.changed) + bool(deleted) == 1
    assert rows(store).filter(pk=id_).exists() is bool(answer.changed)
