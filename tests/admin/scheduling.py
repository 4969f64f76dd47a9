"""Schedules for tests of their pages, and what somebody types to make one."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.urls import reverse

from djtasks.models import Schedule
from djtasks.schedules import Crontab
from tests.tasks import add

NIGHTLY = Crontab("30 2 * * *", "Europe/Paris")
TYPED = {
    "name": "nightly",
    "task_path": "tests.tasks.add",
    "args": "[1, 2]",
    "kwargs": "{}",
    "kind": "cron",
    "expression": "30 2 * * *",
    "tz": "Europe/Paris",
    "overlap": "skip",
    "missed": "coalesce",
}


def page(name: str, schedule: Schedule | None = None) -> str:
    return reverse(f"admin:djtasks_schedule_{name}", args=[schedule.pk] if schedule else [])


def made(**columns: Any) -> Schedule:
    asked = {"name": "nightly", "task_path": add.module_path, "args": [1, 2]} | columns
    asked.setdefault("rule", NIGHTLY.as_dict())
    asked.setdefault("next_run_at", datetime(2040, 1, 1, tzinfo=UTC))
    row: Schedule = Schedule.objects.create(backend="default", **asked)
    return row


def declared(**columns: Any) -> Schedule:
    """A schedule of the code, with what a person has changed."""
    said = {
        "task_path": add.module_path,
        "rule": NIGHTLY.as_dict(),
        "args": [1, 2],
        "kwargs": {},
        "missed": {"policy": "coalesce"},
        "overlap": "allow",
        "jitter": 0,
        "starts_at": None,
        "ends_at": None,
    }
    return made(declared=said, **columns)


def log() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
