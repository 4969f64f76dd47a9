"""The schedules of the shop: one that does well, one that fails, a paused and a broken one."""

from datetime import datetime, timedelta
from typing import Any

from djtasks.engine import Engine
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import State
from djtasks.schedules import Crontab, Every, Rule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def make_schedules(engine: Engine) -> None:
    """Write them, with the runs of the last days."""
    now = engine.store.now()
    report = _schedule(
        "monthly sales report",
        "shop.reports.build_monthly_sales_report",
        now,
        _nightly("0 6 1 * *"),
    )
    _runs(report, now, DAY, "ssssssfsssss")
    _runs(
        _schedule("inventory", "shop.tasks.sync_inventory", now, Every(timedelta(minutes=15))),
        now,
        timedelta(minutes=15),
        "sssssssfsssssssssffs",
    )
    _runs(
        _schedule(
            "tracking of open shipments",
            "shop.integrations.warehouse.adapters.royal_mail.refresh_tracking_status_for_open_shipments",
            now,
            _nightly("*/10 8-18 * * mon-fri"),
            is_enabled=False,
            paused_by="maria",
            paused_at=now - 3 * HOUR,
            paused_reason="Royal Mail answers 503 since this morning, see INC-311",
        ),
        now,
        HOUR,
        "sssffff",
    )
    _schedule(
        "newsletter",
        "shop.marketing.send_newsletter",
        now,
        _nightly("0 9 * * tue"),
        broken="No task is registered as 'shop.marketing.send_newsletter'.",
    )


def _nightly(expression: str) -> Rule:
    return Crontab(expression, tz="Europe/Athens")


def _schedule(name: str, path: str, now: datetime, rule: Rule, **columns: Any) -> Schedule:
    return Schedule.objects.create(
        backend="default",
        name=name,
        task_path=path,
        rule=rule.as_dict(),
        next_run_at=rule.next_after(now),
        **columns,
    )


def _runs(schedule: Schedule, now: datetime, step: timedelta, ends: str) -> None:
    states = {"s": State.SUCCESSFUL, "f": State.FAILED}
    TaskRecord.objects.bulk_create(
        TaskRecord(
            backend="default",
            task_path=schedule.task_path,
            queue="default",
            schedule=schedule.pk,
            state=states[end],
            due_at=(due := now - step * back),
            enqueued_at=due,
            started_at=due + timedelta(seconds=1),
            finished_at=due + timedelta(seconds=9.4),
            attempt=1,
        )
        for back, end in zip(range(len(ends), 0, -1), ends, strict=True)
    )
