"""DjtasksBackend in the place of Django's two backends, with what only they have."""

from collections.abc import Mapping, Sequence
from typing import Any

from djtasks.backend import DjtasksBackend
from djtasks.testing import run_due


class DummyBackend(DjtasksBackend):
    """Stores rows and runs nothing; `results` and `clear()` are Django's."""

    @property
    def results(self) -> list[Any]:
        return [self.get_result(str(key)) for key in _rows().values_list("pk", flat=True)]

    def clear(self) -> None:
        _rows().delete()


class ImmediateBackend(DjtasksBackend):
    """Stores a row and runs it at once, as a test that calls run_due() does."""

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        result = super().enqueue(task, args, kwargs)
        run_due(backend=self.alias)
        result.refresh()
        return result


def _rows() -> Any:
    from djtasks.models import TaskRecord

    return TaskRecord.objects.order_by("enqueued_at", "pk")
