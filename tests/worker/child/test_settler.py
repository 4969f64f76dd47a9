"""Results reach their rows whatever the database does to the batch."""

import pytest
from django.db import InterfaceError, OperationalError
from msgspec.structs import force_setattr

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.settler import FULL_BUFFER, Settler
from tests import tasks
from tests.worker.making import WORKER, LostReplies, claim_all


@pytest.fixture
def store(live_engine):
    return LostReplies(live_engine.store)


@pytest.fixture
def told():
    return []


@pytest.fixture
def holdings():
    return Holdings()


@pytest.fixture
def settler(store, holdings, told):
    return Settler(store, WORKER, holdings, on_settled=[told.extend])


def run_all(settler, holdings, store):
    """Claim and run everything due, and put what came out into the settler."""
    pipeline = Pipeline(store, WORKER)
    finished = []
    for claim in claim_all(WORKER):
        holdings.add(claim)
        finished.append(execute_here(pipeline, claim))
        settler.put(finished[-1])
    return finished


def states():
    return sorted(TaskRecord.objects.values_list("state", flat=True))


def test_what_has_collected_is_written_in_one_statement(settler, holdings, store, told):
    tasks.add.enqueue_many((n, n) for n in range(100))
    run_all(settler, holdings, store)

    settler.tick()

    assert states() == [State.SUCCESSFUL] * 100
    assert store.calls.count("settle") == 1
    assert len(told) == 100
    assert len(holdings) == 0


def test_a_lost_answer_is_asked_for_again_and_news_is_told_at_most_once(
    settler, holdings, store, told
):
    tasks.add.enqueue_many((n, n) for n in range(3))
    run_all(settler, holdings, store)
    store.losing["settle"] = 1

    with pytest.raises(OperationalError):
        settler.tick()
    assert len(holdings) == 3
    settler.tick()

    assert states() == [State.SUCCESSFUL] * 3
    assert set(TaskRecord.objects.values_list("attempt", flat=True)) == {1}
    assert told == []
    assert len(holdings) == 0


def test_a_claim_that_came_before_the_answer_to_the_last_settle_stays_in_hand(
    settler, holdings, store, monkeypatch
):
    tasks.flaky.enqueue()
    run_all(settler, holdings, store)
    again = []

    def claimed_meanwhile(*args, **kwargs):
        written = real(*args, **kwargs)
        again.extend(claim_all(WORKER))
        holdings.add(again[0])
        return written

    real = store._store.settle
    monkeypatch.setattr(store._store, "settle", claimed_meanwhile)
    settler.tick()

    assert again[0].attempt == 1
    assert holdings.unknown_claims(store.owned_by(WORKER)) == []


@pytest.mark.usefixtures("servers")
def test_a_result_that_the_database_refuses_fails_alone(settler, holdings, store, told):
    tasks.add.enqueue_many((n, n) for n in range(9))
    finished = run_all(settler, holdings, store)
    bad = finished[4]
    force_setattr(bad.settlement, "value", '"\\u0000"')

    settler.tick()

    assert states() == [State.SUCCESSFUL] * 8 + [State.FAILED]
    row = TaskRecord.objects.get(state=State.FAILED)
    assert row.pk == bad.claim.id
    assert row.errors[0]["class"] == "djtasks.errors.UnstorableResult"
    assert len(holdings) == 0
    assert len(told) == 8


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [(State.READY, "delay", 1e300), (State.SUCCESSFUL, "value", '"\ud800"')],
    ids=["too far", "not Unicode"],
)
def test_a_result_that_no_driver_takes_fails_alone(settler, holdings, store, state, field, value):
    tasks.add.enqueue_many((n, n) for n in range(4))
    tasks.asks_for_retry.enqueue(5)
    finished = run_all(settler, holdings, store)
    bad = next(one for one in finished if one.settlement.state is state)
    force_setattr(bad.settlement, field, value)

    settler.tick()

    row = TaskRecord.objects.get(state=State.FAILED)
    assert row.pk == bad.claim.id
    assert row.errors[-1]["class"] == "djtasks.errors.UnstorableResult"
    assert not TaskRecord.objects.filter(state=State.RUNNING).exists()
    assert len(holdings) == 0
    assert settler.is_empty


@pytest.mark.parametrize("error", [RuntimeError("a bug"), SystemExit(3)])
def test_a_task_that_cannot_even_be_failed_is_set_aside(
    settler, holdings, store, monkeypatch, error
):
    from djtasks.worker.child import settler as module

    monkeypatch.setattr(module, "_LOCKED_PAUSE", 0.0)
    tasks.add.enqueue_many((n, n) for n in range(3))
    bad = run_all(settler, holdings, store)[1]
    real = store._store.settle

    def settle(settlements, *, worker):
        if is_broken and any(one.id == bad.claim.id for one in settlements):
            raise error
        return real(settlements, worker=worker)

    monkeypatch.setattr(store._store, "settle", settle)
    is_broken = True

    settler.tick()

    assert states() == [State.RUNNING] + [State.SUCCESSFUL] * 2
    assert bad.claim.id in holdings
    is_broken = False
    settler.tick()
    assert states() == [State.SUCCESSFUL] * 3
    assert len(holdings) == 0


@pytest.mark.parametrize("error", [InterfaceError("gone"), ConnectionResetError(), MemoryError()])
def test_an_outage_that_is_no_database_error_fails_no_task(
    settler, holdings, store, monkeypatch, error
):
    tasks.add.enqueue_many((n, n) for n in range(3))
    run_all(settler, holdings, store)

    def away(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(store._store, "settle", away)
        with pytest.raises(type(error)):
            settler.tick()
    settler.tick()

    assert states() == [State.SUCCESSFUL] * 3


@pytest.mark.parametrize("error", [RuntimeError("a listener"), SystemExit(3)])
def test_a_listener_that_fails_keeps_no_result_from_the_next(holdings, store, told, error):
    def broken(_batch):
        raise error

    settler = Settler(store, WORKER, holdings, on_settled=[broken, told.extend])
    tasks.add.enqueue(1, 2)
    run_all(settler, holdings, store)

    settler.tick()

    assert len(told) == 1
    assert settler.is_empty


def test_a_result_that_is_no_longer_ours_is_let_go(settler, holdings, store, told):
    tasks.add.enqueue(1, 2)
    (finished,) = run_all(settler, holdings, store)
    TaskRecord.objects.update(worker=None, state=State.READY)

    settler.tick()

    assert states() == [State.READY]
    assert told == []
    assert len(holdings) == 0
    assert settler.is_empty
    assert finished.settlement.state is State.SUCCESSFUL


@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(transaction=True)
def test_a_locked_row_holds_up_no_other(live_engine, holdings, told, monkeypatch):
    import threading

    from django.db import connection, transaction

    from djtasks.worker.child import settler as module

    monkeypatch.setattr(module, "_LOCKED_PAUSE", 0.0)
    store = LostReplies(live_engine.store)
    settler = Settler(store, WORKER, holdings, on_settled=[told.extend])
    tasks.add.enqueue_many((n, n) for n in range(4))
    finished = run_all(settler, holdings, store)
    locked_id = finished[2].claim.id
    locked, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            TaskRecord.objects.select_for_update().get(pk=locked_id)
            locked.set()
            release.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(30)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")

    settler.tick()

    assert states() == [State.RUNNING] + [State.SUCCESSFUL] * 3
    assert locked_id in holdings
    release.set()
    holder.join()
    settler.tick()
    assert states() == [State.SUCCESSFUL] * 4
    assert len(holdings) == 0
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_a_full_buffer_says_so(settler):
    assert not settler.is_full

    for _ in range(FULL_BUFFER):
        settler.wake()

    assert settler.is_full
