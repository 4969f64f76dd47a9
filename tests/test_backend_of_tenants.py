"""The backend behind a database router that follows a tenant."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

from djtasks.compat import InvalidTaskBackend
from djtasks.models import TaskRecord
from tests.tasks import add


class ByTenant:
    """A router that follows a variable."""

    tenant = "default"

    def db_for_write(self, model: Any, **_hints: Any) -> str | None:
        return self.tenant if model._meta.app_label == "djtasks" else None

    db_for_read = db_for_write


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize(
    "call",
    [
        lambda: add.enqueue(1, 2),
        lambda: async_to_sync(add.aenqueue)(1, 2),
        lambda: add.enqueue_many([(1, 2)]),
        lambda: add.get_result("0" * 32),
    ],
)
def test_a_router_that_changes_its_mind_is_refused(monkeypatch: Any, call: Any) -> None:
    with override_settings(DATABASE_ROUTERS=[ByTenant()]):
        add.enqueue(1, 2)
        monkeypatch.setattr(ByTenant, "tenant", "sqlite")

        with pytest.raises(InvalidTaskBackend, match="sends tasks to 'sqlite'"):
            call()
        assert TaskRecord.objects.using("default").count() == 1
        assert TaskRecord.objects.using("sqlite").count() == 0
