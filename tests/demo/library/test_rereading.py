"""The schedule that reads the newest reading's folders again."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from demo_project.library import keys
from demo_project.library.models import Reading, SourceFile
from demo_project.library.readings import order_reading
from djtasks import Cancel, operations
from djtasks.engine import Engine
from djtasks.models import Schedule, TaskRecord
from djtasks.scheduler.sync import sync
from djtasks.schedules import periodic as declarations


@pytest.fixture
def rereading(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the schedule, whose declaration goes with the test."""
    module = import_module("demo_project.library.rereading")
    monkeypatch.setattr(declarations, "_declarations", [])
    return reload(module)


@pytest.fixture(scope="module", autouse=True)
def nothing_stays_declared() -> Iterator[None]:
    """The settings of the tests do not name that module, and a check would say so."""
    before = list(declarations._declarations)
    yield
    declarations._declarations[:] = before


def finished(folders: list[str]) -> Reading:
    return Reading.objects.create(folders=folders, finished_at=timezone.now())


def test_the_newest_reading_is_read_again_as_its_folder_is_by_now(
    engine: Engine, rereading: Any, shelf: Path
) -> None:
    first = finished([str(shelf)])
    (shelf / "poems" / "haiku.py").write_text("LINES = 3\n")

    again = Reading.objects.get(pk=rereading.read_again.call())

    assert again.pk != first.pk
    assert again.folders == first.folders
    assert SourceFile.objects.filter(reading=again).count() == 4
    assert TaskRecord.objects.count() == 5


def test_a_reading_that_is_under_way_is_not_ordered_twice(
    engine: Engine, rereading: Any, shelf: Path
) -> None:
    order_reading([shelf])

    with pytest.raises(Cancel, match="not finished"):
        rereading.read_again.call()

    assert Reading.objects.count() == 1


def test_without_a_reading_or_its_folder_there_is_nothing_to_do(
    engine: Engine, rereading: Any, tmp_path: Path
) -> None:
    with pytest.raises(Cancel, match="Nothing"):
        rereading.read_again.call()
    finished([str(tmp_path / "gone")])
    with pytest.raises(Cancel, match="no folder"):
        rereading.read_again.call()


def test_old_readings_are_forgotten(engine: Engine, rereading: Any, shelf: Path) -> None:
    old = [finished([str(shelf)]).pk for _ in range(rereading.KEPT + 3)]

    rereading.read_again.call()

    left = set(Reading.objects.values_list("pk", flat=True))
    assert left & set(old) == set(old[3:])
    assert len(left) == rereading.KEPT + 1


def test_the_pages_tell_when_it_is_due_next_and_that_it_is_paused(
    engine: Engine, rereading: Any, client: Any
) -> None:
    assert "read again" not in client.get(reverse("library:home")).content.decode()
    sync(engine, engine.store.now)
    row = Schedule.objects.get(name=keys.READ_AGAIN)
    Schedule.objects.update(next_run_at=timezone.now() + timedelta(minutes=3, seconds=30))

    shown = client.get(reverse("library:home")).content.decode()
    assert "read again every 5 minutes" in shown
    assert re.search(r"next <time [^>]*>3\sminutes from now</time>", shown)

    operations.pause_schedule(engine, row.pk, by="ada", reason="too loud")
    assert "paused" in client.get(reverse("library:home")).content.decode()
