"""What a running task enqueues remembers it as its parent."""

from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings

from djtasks.compat import task_backends
from djtasks.context import current_task
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.tasks import add, enqueues, enqueues_async

pytestmark = pytest.mark.usefixtures("engine")


@pytest.mark.parametrize("task", [enqueues, enqueues_async])
def test_children_of_one_call_or_of_many_remember_their_parent(task: Any) -> None:
    parent = task.enqueue(2)
    run_due()
    add.enqueue(1, 2)

    rows = TaskRecord.objects.order_by("pk")
    found = [(row.task_path.rpartition(".")[2], row.args, row.parent) for row in rows]
    # The first level: its own id; the second level: that of the child which enqueued it.
    ids = [row.pk for row in rows if row.task_path == task.module_path]
    name = task.module_path.rpartition(".")[2]
    assert ids[0] == UUID(parent.id)
    assert found[0] == (name, [2], None)
    assert found[-1] == ("add", [1, 2], None)
    assert sorted(found[1:-1], key=str) == sorted(
        [
            (name, [1], ids[0]), ("add", [2, 1], ids[0]), ("add", [2, 2], ids[0]),
            (name, [0], ids[1]), ("add", [1, 1], ids[1]), ("add", [1, 2], ids[1]),
        ], key=str,
    )  # fmt: skip


def test_nothing_has_a_parent_outside_of_tasks_whatever_ran_before(engine: Engine) -> None:
    with override_settings(TASKS={"default": {"BACKEND": "djtasks.testing.ImmediateBackend"}}):
        enqueues.enqueue(1)
        assert len(task_backends["default"].results) == 4

    assert current_task.get() is None
