"""Tasks of another class: made by Django's own backends, by another backend or by a library."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

from djtasks import Every, periodic
from djtasks.compat import IN_DJANGO, DjangoTask, InvalidTask, TaskContext, task_backends
from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.errors import InvalidArguments, InvalidSchedule
from djtasks.models import TaskRecord
from djtasks.results import TaskResult
from djtasks.schedules import periodic as declarations
from djtasks.testing import run_due
from tests.settings import TASKS
from tests.tasks import add

if IN_DJANGO:
    from django.tasks import task

    BUILT_IN = "django.tasks.backends"
else:
    from django_tasks import task

    BUILT_IN = "django_tasks.backends"


def with_built_in(name: str) -> Any:
    """Return settings where the default is one of Django's own backends, and ours has a name."""
    path = f"{BUILT_IN}.{name.lower()}.{name}Backend"
    return TASKS | {"default": {"BACKEND": path, "QUEUES": []}, "ours": TASKS["default"]}


with override_settings(TASKS=with_built_in("Immediate")):

    @task(queue_name="mail")
    def double(number: int) -> int:
        return 2 * number

    @task
    async def double_async(number: int) -> int:
        return 2 * number

    @task(takes_context=True)
    def backend_of_result(context: TaskContext) -> list[str]:
        result = context.task_result
        return [result.backend, result.task.backend, type(result.task).__name__]


@dataclass(frozen=True, kw_only=True)
class Labelled(DjangoTask):  # type: ignore[type-arg]
    """The Task of a library, with a field of its own."""

    label: str = ""


def triple(number: int) -> int:
    return 3 * number


triple = Labelled(  # type: ignore[assignment]
    func=triple, label="thrice", priority=7, backend="default", queue_name="mail", run_after=None,
    takes_context=False,
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test register what the others do not see."""
    for name in ("_tasks", "_renamed", "_foreign"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    return


def foreign_here() -> None:
    """Take the foreign tasks out of the registry, as in a process that has only imported them."""
    for found in (double, double_async, backend_of_result, triple):
        registry._tasks.pop(found.module_path, None)
        registry._foreign.pop(found.module_path, None)


@pytest.mark.parametrize("foreign", [double, double_async])
@pytest.mark.parametrize("how", ["enqueue", "aenqueue"])
def test_a_task_of_djangos_backend_runs_after_tasks_has_changed(
    engine: Engine, foreign: Any, how: str
) -> None:
    enqueue = foreign.enqueue if how == "enqueue" else async_to_sync(foreign.aenqueue)

    result = enqueue(4)

    assert type(foreign) is not Task
    assert result.task is foreign
    foreign_here()
    assert [done.return_value for done in run_due()] == [8]
    assert foreign.get_result(result.id).return_value == 8
    result.refresh()
    assert result.return_value == 8


def test_using_moves_a_task_of_djangos_backend_to_ours(engine: Engine) -> None:
    with override_settings(TASKS=with_built_in("Immediate")):
        moved = double.using(backend="ours", priority=5)
        result = moved.enqueue(4)
        foreign_here()

        assert result.task is moved
        assert result.task.get_result(result.id) == result
        row = TaskRecord.objects.get()
        assert (row.backend, row.queue, row.priority) == ("ours", "mail", 5)
        assert [done.return_value for done in run_due(backend="ours")] == [8]
        assert registry.get(double.module_path).priority == 0


def test_a_moved_task_sees_the_backend_that_runs_it(engine: Engine) -> None:
    with override_settings(TASKS=with_built_in("Immediate")):
        moved = backend_of_result.using(backend="ours")
        moved.enqueue()

        (done,) = run_due(backend="ours")

    assert done.return_value == ["ours", "ours", type(backend_of_result).__name__]


def test_a_task_of_ours_that_another_backend_validated_is_found_by_its_path(
    engine: Engine,
) -> None:
    registry._tasks.pop(add.module_path)

    assert registry.find(add.module_path) is add


def test_a_name_that_is_only_imported_is_no_task_of_that_module() -> None:
    assert registry.find(f"{__name__}.add") is None
    assert registry.find(f"{__name__}.Labelled") is None
    assert registry.find("nowhere.at.all") is None


def test_a_task_class_of_a_library_keeps_its_class_and_fields(engine: Engine) -> None:
    urgent = triple.using(priority=9)  # type: ignore[attr-defined]

    result = urgent.enqueue(4)
    foreign_here()
    read = urgent.get_result(result.id)

    assert isinstance(result, TaskResult)
    assert (type(read.task), read.task.label, read.task.priority) == (Labelled, "thrice", 9)
    assert read.task == urgent
    assert [done.return_value for done in run_due()] == [12]


def test_a_result_of_a_foreign_task_has_all_that_results_have(engine: Engine) -> None:
    result: Any = double.enqueue(4)

    assert result.cancel()
    assert result.wait(timeout=5).state.name == "CANCELLED"


def test_a_foreign_task_is_enqueued_in_bulk_by_the_backend(engine: Engine) -> None:
    backend: Any = task_backends["default"]

    assert backend.enqueue_many(double, [(1,), (2,)]) == 2
    assert sorted(done.return_value for done in run_due()) == [2, 4]


def test_a_foreign_task_is_checked_as_ours_are(engine: Engine) -> None:
    with pytest.raises(InvalidArguments):
        double.enqueue()
    with pytest.raises(InvalidTask, match="'unknown'"):
        double.using(queue_name="unknown")
    with (
        override_settings(TASKS={"default": TASKS["anything"]}),
        pytest.raises(InvalidTask, match="printable text"),
    ):
        double.using(queue_name="x" * 65)
    with pytest.raises(InvalidTask, match="is not a task"):
        registry.adopt(object())


@pytest.mark.parametrize("name", ["Dummy", "Immediate"])
def test_the_test_backends_take_foreign_tasks(db: None, name: str) -> None:
    ours = {"BACKEND": f"djtasks.testing.{name}Backend", "QUEUES": []}
    with override_settings(TASKS={"default": ours}):
        result = double.enqueue(4)

        kept: Any = task_backends["default"]
        assert result.task == double
        assert [one.task for one in kept.results] == [double]
        assert result.is_finished == (name == "Immediate")


def test_a_foreign_task_may_be_periodic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "_declarations", [])

    assert periodic(Every(timedelta(hours=1)), args=(4,))(double) is double
    assert [one.task_path for one in declarations.declared("default")] == [double.module_path]
    with pytest.raises(InvalidSchedule, match="made by using"):
        periodic(Every(timedelta(hours=1)), args=(4,))(double.using(priority=1))
