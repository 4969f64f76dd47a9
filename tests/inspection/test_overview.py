"""The overview: charts, rates and rankings from the statistics, and what must be done."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from djtasks import inspection
from djtasks.engine import Engine, engine_of
from djtasks.formats.durations import floor
from djtasks.formats.histograms import bucket_of
from djtasks.formats.ids import new_id
from djtasks.inspection import CHART_RANGES, live_counts, overview, queues_of, workers_of
from djtasks.models import QueueSample, Schedule, WorkerRecord
from djtasks.operations import pause_queue
from djtasks.schedules import Every
from djtasks.store import samples, statistics
from djtasks.store.statistics import Sums, new_row
from djtasks.testing import run_due
from tests.tasks import add, explode

everywhere = pytest.mark.django_db(databases="__all__")
MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)


def note(
    engine: Engine, at: datetime, *, path: str = "shop.send", step: int = 0, **counts: Any
) -> None:
    row = new_row(engine.alias, at, (path, "mail"), Sums(**counts), step=step)
    statistics.insert(engine.database, [row])


def sample(engine: Engine, at: datetime, ready: int, *, queue: str = "mail") -> None:
    row = QueueSample(
        backend=engine.alias, step=60, at=floor(at, MINUTE), queue=queue, ready=ready,
        running=4, slots=16,
    )  # fmt: skip
    samples.insert(engine.database, [row])


def worker(**columns: Any) -> WorkerRecord:
    fields: dict[str, Any] = {"backend": "default", "host": "h", "pid": 1, "version": "1"}
    return WorkerRecord.objects.create(supervisor=new_id(), slots=8, **fields | columns)


@everywhere
@pytest.mark.parametrize("name", CHART_RANGES)
def test_every_span_has_a_point_for_each_step_and_the_newest_is_now(
    database: str, name: str
) -> None:
    engine = engine_of("default")
    now = engine.store.now()
    note(engine, now, successful=3, failed=1, runs={bucket_of(2.0): 4}, waits={0: 4})
    sample(engine, now, 5, queue="")

    found = overview(engine, name)

    span = CHART_RANGES[name]
    assert len(found.points) == len(found.moments) == span.length // span.step
    assert sum(point.successful for point in found.points[-2:]) == 3
    (point,) = [p for p in found.points if p.failed]
    assert point.run_p95 == pytest.approx(2.0, rel=0.1)
    assert 0.25 in {p.busy for p in found.points}


@everywhere
def test_an_empty_installation_has_an_overview(database: str) -> None:
    found = overview(engine_of("default"), "nonsense")

    assert found.chart_range.name == "1h"
    assert {point.run_p95 for point in found.points} == {None}
    assert (found.tasks, found.slowest, found.alerts, found.backlogs) == ([], [], [], [])


@everywhere
def test_tasks_are_ranked_by_their_times_and_failures(database: str) -> None:
    engine = engine_of("default")
    now = engine.store.now()
    note(engine, now, path="quick", successful=9, failed=1, run_sum=1, runs={bucket_of(0.1): 10})
    note(engine, now, path="slow", successful=1, run_sum=60, runs={bucket_of(60): 1})
    before = floor(floor(now - HOUR, 10 * MINUTE) - WEEK, HOUR)
    note(engine, before, path="slow", step=3_600, runs={bucket_of(30): 1})

    found = overview(engine)

    assert [task.task_path for task in found.slowest] == ["slow", "quick"]
    assert [(t.task_path, t.failed, t.failed_share) for t in found.most_failing] == [
        ("quick", 1, 0.1)
    ]
    assert found.slowest[0].run_p95_before == pytest.approx(30, rel=0.1)
    assert found.slowest[1].run_p95_before is None


def figures(engine: Engine) -> inspection.QueueFigures:
    queues = queues_of(engine, workers_of(engine))
    found = inspection.queue_figures(engine, queues, engine.store.now())
    return next(queue for queue in found if queue.facts.name == "mail")


def test_a_queue_that_shrinks_tells_when_it_is_empty(engine: Engine) -> None:
    worker()
    add.using(queue_name="mail").enqueue_many([(1, 2)] * 60)
    now = engine.store.now()
    for minutes in range(5):
        sample(engine, now - minutes * MINUTE, 60 + 30 * minutes)
        note(engine, now - minutes * MINUTE, successful=40)

    mail = figures(engine)

    assert not mail.is_growing
    assert mail.drain == 2 * MINUTE
    assert 40 <= mail.done_per_minute <= 50
    assert mail.coming_per_minute == pytest.approx(mail.done_per_minute - 30)
    assert mail.done[-5:] == [40] * 5


def test_a_queue_that_grows_or_has_no_worker_never_drains(engine: Engine) -> None:
    add.using(queue_name="mail").enqueue_many([(1, 2)] * 5)
    now = engine.store.now()
    note(engine, now, successful=10)
    without = figures(engine)
    worker()
    with_one = figures(engine)
    for minutes in range(3):
        sample(engine, now - minutes * MINUTE, 100 - minutes)
    growing = figures(engine)

    assert without.drain is None
    assert with_one.drain is not None
    assert (growing.is_growing, growing.drain) == (True, None)


def test_the_strip_counts_what_is_now(engine: Engine) -> None:
    worker()
    explode.enqueue()
    run_due()
    add.enqueue_many([(1, 2)] * 3)
    add.using(run_after=HOUR).enqueue_many([(1, 2)] * 2)
    from djtasks.models import TaskRecord

    later = TaskRecord.objects.filter(run_after__gt=engine.store.now()).first()
    assert later is not None
    TaskRecord.objects.filter(pk=later.pk).update(attempt=1)

    now = live_counts(engine)

    assert (now.ready, now.running, now.failed_last_hour) == (3, 0, 1)
    assert (now.retrying, now.scheduled) == (1, 1)
    assert (now.workers, now.slots) == (1, 8)


def test_what_must_be_done_is_told_worst_first(engine: Engine) -> None:
    worker(version="2", queues=["mail"])
    worker(version="1", queues=["mail"])
    silent = worker(queues=["mail"])
    WorkerRecord.objects.filter(pk=silent.pk).update(heartbeat_at=engine.store.now() - HOUR)
    add.using(queue_name="reports").enqueue(1, 2)

    alerts = overview(engine).alerts

    assert [(alert.code, alert.level) for alert in alerts] == [
        ("no-worker", "bad"), ("silent-worker", "warn"), ("versions", "warn"),
    ]  # fmt: skip
    assert alerts[0].text == "No live worker serves queue 'reports'. 1 task is due."
    assert alerts[0].command == "manage.py runworker --backend default --queues reports"


def test_a_paused_queue_without_a_worker_is_no_alarm(engine: Engine) -> None:
    add.using(queue_name="reports").enqueue(1, 2)
    pause_queue(engine, "reports", by="Ada")

    assert overview(engine).alerts == []


def test_schedules_that_nobody_fires_are_told_with_what_to_start(engine: Engine) -> None:
    made = {"backend": "default", "task_path": add.module_path, "rule": Every(HOUR).as_dict()}
    Schedule.objects.create(
        name="paused", is_enabled=False, next_run_at=engine.store.now() - HOUR, **made
    )
    Schedule.objects.create(name="next", next_run_at=engine.store.now(), **made)
    assert overview(engine).alerts == []

    Schedule.objects.create(name="late", next_run_at=engine.store.now() - HOUR, **made)

    (alert,) = overview(engine).alerts
    assert (alert.code, alert.level) == ("no-scheduler", "bad")
    assert alert.command == "manage.py runbeat --backend default"


def test_a_deploy_is_where_the_first_worker_of_a_version_started(engine: Engine) -> None:
    first = worker(version="2")
    worker(version="2")
    old = worker(version="1")
    WorkerRecord.objects.filter(pk=old.pk).update(started_at=engine.store.now() - 2 * HOUR)

    first.refresh_from_db()

    assert [(mark.version, mark.at) for mark in overview(engine).deploys] == [
        ("2", first.started_at)
    ]
