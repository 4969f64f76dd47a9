"""The drawing of a task's life: to scale, inside its box, with labels that stay apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from djtasks.admin.tasks.timeline import Drawing, drawing_of
from djtasks.engine import Engine
from djtasks.inspection import TaskFacts, task_facts
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.admin.incident import Incident
from tests.admin.invoice import late_invoice
from tests.tasks import add

HOUR = timedelta(hours=1)
NEVER, ALWAYS = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
FAILURE = {"class": "builtins.ValueError", "message": "boom", "traceback": "", "worker": ""}


def facts_of(engine: Engine, record: TaskRecord) -> TaskFacts:
    facts = task_facts(engine, record.pk)
    assert facts is not None
    return facts


def drawn(engine: Engine, **columns: Any) -> Drawing:
    record = TaskRecord.objects.create(
        backend="default", task_path="tests.tasks.add", queue="default", **columns
    )
    drawing = drawing_of(facts_of(engine, record))
    assert drawing is not None
    return drawing


def number(percent: str) -> float:
    return float(percent.removesuffix("%"))


def test_attempts_backoffs_now_and_the_next_attempt_stand_where_they_belong(
    engine: Engine,
) -> None:
    shop = Incident(engine, share=0.001)
    shop._work()
    drawing = drawing_of(facts_of(engine, late_invoice(shop)))
    assert drawing is not None

    classes = [bar.css for bar in drawing.bars]
    assert classes.count("seg-fail") == 3
    assert classes[-1] == "seg-next"
    assert [label.text for label in drawing.labels] == ["4", "now", "3", "2", "1"]
    # 18.1 minutes of 22.7 have passed, and what is next has 4 % behind it.
    assert number(drawing.now) == pytest.approx(100 * 18.1 / 22.67 / 1.04, abs=2)
    assert "attempt 1 timed out after 30 s" in drawing.said
    assert drawing.rows[-1].words.startswith("15 min")


def test_nothing_leaves_the_box_and_labels_stay_apart(engine: Engine) -> None:
    now = engine.store.now()
    errors = [
        FAILURE | {
            "started_at": (now - timedelta(seconds=100 - n)).isoformat(),
            "at": (now - timedelta(seconds=100 - n - 0.5)).isoformat(),
        }
        for n in range(10)
    ]  # fmt: skip
    drawing = drawn(
        engine, errors=errors, attempt=10, state=State.FAILED,
        enqueued_at=now - timedelta(hours=30), run_after=now, finished_at=now,
    )  # fmt: skip

    for bar in drawing.bars:
        assert 0 <= number(bar.x) <= number(bar.x) + number(bar.width) <= 100.02
    rows: dict[int, list[float]] = {}
    for label in drawing.labels:
        rows.setdefault(label.y, []).append(number(label.x))
    assert len(drawing.labels) < 10  # no room for all of them
    assert all(len(places) <= 2 for places in rows.values())
    assert drawing.now == ""


def test_a_task_that_was_just_enqueued_has_a_timeline(engine: Engine) -> None:
    record = TaskRecord.objects.get(pk=add.enqueue(1, 2).id)

    drawing = drawing_of(facts_of(engine, record))

    assert drawing is not None
    assert [bar.css for bar in drawing.bars] == ["seg-wait"]
    assert drawing.ticks[0].label.startswith("+")


def test_clocks_that_go_backwards_break_nothing(engine: Engine) -> None:
    now = engine.store.now()

    drawing = drawn(
        engine, state=State.SUCCESSFUL, attempt=1, run_after=now + timedelta(hours=1),
        last_attempted_at=now - timedelta(hours=5), finished_at=now - timedelta(hours=6),
    )  # fmt: skip

    assert all(0 <= number(bar.x) <= 100 for bar in drawing.bars)


@pytest.mark.parametrize("zone", ["Europe/Athens", "America/New_York"])
@pytest.mark.parametrize("moment", [NEVER, ALWAYS])
def test_a_moment_at_the_end_of_the_calendar_breaks_no_page(
    engine: Engine, admin: Client, settings: Any, zone: str, moment: datetime
) -> None:
    settings.TIME_ZONE = zone
    result = add.using(run_after=HOUR, expires=2 * HOUR).enqueue(1, 2)
    # As it was stored by an earlier version.
    TaskRecord.objects.update(run_after=moment, expires_at=moment)

    pages = [
        reverse("admin:djtasks_taskrecord_changelist"),
        reverse("admin:djtasks_taskrecord_change", args=[result.id]),
    ]

    assert [admin.get(page).status_code for page in pages] == [200, 200]
