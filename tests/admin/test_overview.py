"""The overview: it tells what is wrong, over any span, also when nothing is known."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.html import escape

from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.models import TaskStatistics
from djtasks.models.statistics import ALL_TASKS
from tests.admin.incident import Incident
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def overview() -> str:
    return reverse("admin:djtasks_overview")


def test_an_incident_is_told_on_top(admin: Client, engine: Engine, overview: str) -> None:
    Incident(engine).happen()

    html = admin.get(overview).content.decode()

    top = html.partition('<nav class="djt-strip')[0]
    assert escape("No live worker serves queue 'reports'. 64 tasks are due.") in top
    assert "manage.py runworker --backend default --queues reports" in top
    assert "5d09e17, 7f3c2a1" in top


def test_every_span_is_drawn(admin: Client, engine: Engine, overview: str) -> None:
    Incident(engine).happen()

    for span in ("1h", "6h", "24h", "7d", "30d", "90d", "nonsense", "9" * 999):
        html = admin.get(overview, {"span": span}).content.decode()

        assert html.count('class="djt-panel djt-chart') == 5
        assert not re.search(r"\bnan\b", html, re.IGNORECASE)


def test_cancelled_tasks_are_drawn_apart_from_failures(
    admin: Client, engine: Engine, overview: str
) -> None:
    add.enqueue(1, 2)
    at = floor(engine.store.now(), timedelta(minutes=1)) - timedelta(minutes=3)
    TaskStatistics.objects.create(
        backend="default", step=60, at=at, task_path=ALL_TASKS, queue="default", failed=2,
        cancelled=7,
    )  # fmt: skip

    html = admin.get(overview).content.decode()

    assert "failed 2.0 · retried 0 · cancelled 7.0" in html


def test_an_empty_installation_shows_the_first_steps_instead_of_empty_charts(
    admin: Client, overview: str
) -> None:
    html = admin.get(overview).content.decode()

    assert "No task has run in 1 h" in html
    assert "<code>manage.py runworker</code>" in html
    assert ">New task</a></p>" in html
    assert 'class="djt-panel djt-chart' not in html


def test_a_task_that_waits_brings_the_charts_without_one_going_wrong(
    admin: Client, overview: str
) -> None:
    add.enqueue(1, 2)

    html = admin.get(overview).content.decode()

    assert "No task has run in 1 h" in html
    assert "Nothing has failed in 1 h" in html
    assert html.count("No values in this period.") == 4


def test_numbers_of_a_drawing_have_a_point_in_every_language(
    admin: Client, engine: Engine, overview: str
) -> None:
    Incident(engine).happen()

    with override_settings(LANGUAGE_CODE="de", USE_THOUSAND_SEPARATOR=True):
        html = admin.get(overview).content.decode()

    ours = html.partition('id="djt-live"')[2].partition('class="djt-foot"')[0]
    drawn = re.findall(r' (?:x|y|x1|y1|cx|cy|width|height)="([^"]*)"', ours)
    assert drawn
    assert not [value for value in drawn if not re.fullmatch(r"-?[\d.]+%?", value)]


@pytest.mark.usefixtures("servers")
def test_redis_that_is_gone_is_told_within_two_seconds(
    admin: Client, overview: str, settings: Any, engine: Engine
) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "tasks": {**settings.CACHES["tasks"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    start = engine.store.now()

    answer = admin.get(overview)

    assert answer.status_code == 200
    assert [alert.part for alert in answer.context["facts"].alerts] == ["broker"]
    assert answer.context["now"] - start < timedelta(seconds=2)
