"""Where a long-running command may be called."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from djtasks.models import TaskRecord
from tests import tasks

CALLS = [
    ("runworker", "--burst", "--processes", "0", "--no-reload"),
    ("runworker", "--burst", "--processes", "1"),
    ("runworker", "--reload"),
    ("runbeat",),
]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
@pytest.mark.parametrize("alias", ["default", "sqlite"])
@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_transaction_of_the_caller_goes_on(call: tuple[str, ...], alias: str) -> None:
    with transaction.atomic(using=alias):
        tasks.add.enqueue(1, 2)
        before = connections[alias].connection
        with pytest.raises(CommandError, match=rf"{call[0]} was called inside .* {alias!r}"):
            call_command(*call)
        assert connections[alias].connection is before

    assert TaskRecord.objects.count() == 1
