"""The list of tasks sorted by durations: what counts, in pages, of a bounded set."""

from datetime import timedelta

import pytest

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.inspection import sorting
from djtasks.inspection.listing import Reading
from djtasks.inspection.sorting import SortedPage, sorted_page
from djtasks.inspection.visibility import NOTHING_PRIVATE
from djtasks.models import TaskRecord
from djtasks.operations import selected
from djtasks.protocol.states import State

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db(databases="__all__")


def make() -> None:
    """Insert tasks that are named after what became of them, in hours ago."""
    now = engine_of("default").store.now()
    for name, state, due, started, ended in (
        ("done", State.SUCCESSFUL, 9, 8, 3),
        ("running", State.RUNNING, 6, 4, None),
        ("retrying", State.READY, 7, 8, None),
        ("waiting", State.READY, 3, None, None),
        ("later", State.READY, -5, None, None),
        ("cancelled", State.CANCELLED, 5, None, 1),
    ):
        TaskRecord.objects.create(
            backend="default",
            task_path=name,
            queue="default",
            state=state,
            worker=new_id() if state is State.RUNNING else None,
            run_after=now - due * HOUR,
            last_attempted_at=None if started is None else now - started * HOUR,
            finished_at=None if ended is None else now - ended * HOUR,
        )


def page(sort: str, number: int = 1) -> SortedPage:
    engine = engine_of("default")
    reading = Reading(visibility=NOTHING_PRIVATE)
    return sorted_page(engine, selected(engine, {}), sort=sort, number=number, reading=reading)


def paths(found: SortedPage) -> list[str]:
    return [row.path for row in found.rows]


@pytest.mark.usefixtures("database")
def test_tasks_are_sorted_by_how_long_they_waited_or_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    make()

    by_wait, by_run = paths(page("wait")), paths(page("run"))

    assert by_wait == ["retrying", "waiting", "running", "done", "later", "cancelled"]
    assert by_run == ["done", "running", "cancelled", "later", "waiting", "retrying"]
    monkeypatch.setattr(sorting, "PAGE_SIZE", 4)
    assert (paths(page("wait")), page("wait").has_next) == (by_wait[:4], True)
    assert (paths(page("wait", 2)), page("wait", 2).has_next) == (by_wait[4:], False)
    monkeypatch.setattr(sorting, "MOST_SORTED", 3)
    assert (paths(page("wait")), page("wait").is_cut) == (["waiting", "later", "cancelled"], True)
    monkeypatch.setattr(sorting, "MOST_SORTED", 6)
    assert not page("wait").is_cut
