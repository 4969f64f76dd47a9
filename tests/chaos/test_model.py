"""Any order of events: two tasks, two workers, and everything that can go wrong between them."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django.plugin import DjangoDbBlocker

from djtasks.models import (
    FailureGroup,
    QueueControl,
    TaskRecord,
    TaskStatistics,
    WorkerRecord,
)
from djtasks.store import Store
from tests.chaos.events import ALIAS
from tests.chaos.machine import Installation
from tests.chaos.profiles import EVERYTHING
from tests.chaos.protocol import Protocol
from tests.routing import Home
from tests.store.contract import StoreContract


@pytest.fixture(scope="module")
def memory(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The tables of djtasks in SQLite's memory, for all threads of this process."""
    entry = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"file:{ALIAS}?mode=memory&cache=shared",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "uri": True},
    }
    connections.settings[ALIAS] = connections.configure_settings({"default": entry})["default"]
    with django_db_blocker.unblock(), override_settings(DATABASE_ROUTERS=[Home(ALIAS)]):
        call_command("migrate", "djtasks", database=ALIAS, verbosity=0)
        yield
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


@pytest.mark.slow
@pytest.mark.everyday
def test_no_order_of_events_breaks_a_guarantee(memory: None) -> None:
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=400 if EVERYTHING else 25,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.everyday
class TestTheStoreOfTheModel(StoreContract):
    """The model proves nothing about stores unless its own keeps what all of them promise."""

    @pytest.fixture
    def store(self, memory: None) -> Store:
        for model in (TaskRecord, WorkerRecord, TaskStatistics, FailureGroup, QueueControl):
            model.objects.all().delete()
        return Installation(ALIAS).store
