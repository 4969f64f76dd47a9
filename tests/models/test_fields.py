"""What Django has no words for, on each database."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections, migrations, models

from djtasks.engine import engine_of
from djtasks.models import Lease, QueueControl, TaskRecord, WorkerRecord
from djtasks.models.fields import UniqueWhenSet, WhereIndex
from djtasks.operations import pause_queue
from djtasks.store.workers import paused_queues

everywhere = pytest.mark.django_db(databases="__all__")


def constraints_of(model: type[models.Model], database: str) -> dict[str, dict[str, object]]:
    connection = connections[database]
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, model._meta.db_table)


@everywhere
def test_the_databases_clock_is_in_utc(database: str) -> None:
    WorkerRecord.objects.create(supervisor=TaskRecord().id, pid=1, slots=1)

    row = WorkerRecord.objects.get()

    assert abs(row.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert row.started_at == row.heartbeat_at


@everywhere
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("djtasks_ready", ["queue", "priority", "run_after", "id"]),
        ("djtasks_worker", ["worker"]),
        ("djtasks_finished", ["state", "finished_at"]),
        ("djtasks_unique_key", ["unique_key"]),
    ],
)
def test_an_index_is_led_by_the_state_where_it_cannot_be_partial(
    database: str, name: str, columns: list[str]
) -> None:
    is_partial = connections[database].features.supports_partial_indexes
    led_by_state = name == "djtasks_ready" and not is_partial

    found = constraints_of(TaskRecord, database)[name]

    assert found["columns"] == ["state", *columns] if led_by_state else columns
    assert found["unique"] is (name == "djtasks_unique_key")


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.parametrize(
    ("name", "operation"),
    [
        (
            "held",
            migrations.AddIndex(
                "lease",
                WhereIndex(
                    name="held",
                    fields=("heartbeat",),
                    where=models.Q(heartbeat=0),
                    elsewhere=("heartbeat",),
                ),
            ),
        ),
        (
            "one_holder",
            migrations.AddConstraint("lease", UniqueWhenSet(name="one_holder", fields=("holder",))),
        ),
    ],
)
def test_an_index_can_be_added_and_removed_by_a_migration(
    database: str, name: str, operation: migrations.operations.base.Operation
) -> None:
    without = migrations.state.ProjectState.from_apps(apps)
    with_it = without.clone()
    operation.state_forwards("djtasks", with_it)

    with connections[database].schema_editor() as editor:
        operation.database_forwards("djtasks", editor, without, with_it)
    assert name in constraints_of(Lease, database)

    with connections[database].schema_editor() as editor:
        operation.database_backwards("djtasks", editor, with_it, without)
    assert name not in constraints_of(Lease, database)


def test_the_migrations_say_what_the_models_say(db: None) -> None:
    output = StringIO()

    call_command("makemigrations", "djtasks", "--check", "--dry-run", stdout=output)

    assert "No changes" in output.getvalue()


@everywhere
@pytest.mark.parametrize("other", ["Mail", "mail ", "máil"])
def test_names_of_queues_are_compared_letter_by_letter(database: str, other: str) -> None:
    pause_queue(engine_of("default"), "mail", by="ada")
    pause_queue(engine_of("default"), other, by="ada")

    assert paused_queues(database, "default") == {"mail", other}
    assert QueueControl.objects.filter(queue="mail").count() == 1
