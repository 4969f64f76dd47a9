import secrets
from typing import Any

from django.db import migrations, models

import djtasks.formats.ids
import djtasks.models.fields

_TASKS = "djtasks_taskrecord"
_WORKERS = "djtasks_workerrecord"

# Rows are updated twice and die young: leave room in their pages, and clean up early.
_TUNING = f"""
ALTER TABLE {_TASKS} SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE {_WORKERS} SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
"""


def store_namespace(apps: Any, schema_editor: Any) -> None:
    """Give this database a name of its own, whatever host name it is reached by."""
    namespaces = apps.get_model("djtasks", "Namespace").objects
    namespaces.using(schema_editor.connection.alias).create(id=1, name=secrets.token_hex(8))


def tune_postgresql(apps: Any, schema_editor: Any) -> None:
    """Set the storage options of the busy tables."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_TUNING)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "name",
                    djtasks.models.fields.ExactCharField(
                        max_length=100, primary_key=True, serialize=False
                    ),
                ),
                ("holder", models.UUIDField()),
                ("heartbeat", models.BigIntegerField(db_default=0)),
            ],
            options={
                "verbose_name": "lease",
                "verbose_name_plural": "leases",
            },
        ),
        migrations.CreateModel(
            name="Namespace",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=32)),
            ],
            options={
                "verbose_name": "namespace",
                "verbose_name_plural": "namespaces",
            },
        ),
        migrations.CreateModel(
            name="WorkerRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=djtasks.formats.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("supervisor", models.UUIDField()),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.IntegerField()),
                ("version", models.CharField(max_length=64)),
                ("queues", models.JSONField(default=list)),
                ("slots", models.IntegerField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow()),
                ),
                ("heartbeat", models.BigIntegerField(db_default=0)),
                (
                    "heartbeat_at",
                    models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow()),
                ),
                ("tasks", models.JSONField(default=list)),
                ("rss", models.BigIntegerField(null=True)),
                ("draining", models.BooleanField(db_default=False)),
                ("alone", models.BooleanField(db_default=False)),
                ("order", models.CharField(blank=True, db_default="", max_length=16)),
                ("report", models.TextField(blank=True, db_default="")),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
            },
        ),
        migrations.CreateModel(
            name="QueueControl",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("queue", djtasks.models.fields.ExactCharField(max_length=64)),
                ("paused", models.BooleanField(default=True)),
                ("paused_by", models.CharField(blank=True, max_length=150)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("paused_at", models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow())),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "queue control",
                "verbose_name_plural": "queue controls",
                "constraints": [
                    models.UniqueConstraint(fields=("backend", "queue"), name="djtasks_one_control")
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=djtasks.formats.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("task_path", djtasks.models.fields.ExactCharField(max_length=255)),
                ("queue", djtasks.models.fields.ExactCharField(max_length=64)),
                ("priority", models.SmallIntegerField(db_default=0)),
                ("args", models.JSONField(default=list)),
                ("kwargs", models.JSONField(default=dict)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "Ready"),
                            (1, "Running"),
                            (2, "Successful"),
                            (3, "Failed"),
                            (4, "Cancelled"),
                            (5, "Expired"),
                            (6, "Waiting"),
                        ],
                        db_default=0,
                    ),
                ),
                ("run_after", models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow())),
                ("expires_at", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(db_default=0)),
                ("attempt", models.SmallIntegerField(db_default=0)),
                ("crash_count", models.SmallIntegerField(db_default=0)),
                ("max_attempts", models.SmallIntegerField(db_default=1)),
                ("max_crashes", models.SmallIntegerField(db_default=3)),
                ("timeout", models.DurationField(null=True)),
                ("worker", models.UUIDField(null=True)),
                ("cancel_requested", models.BooleanField(db_default=False)),
                ("key", djtasks.models.fields.ExactCharField(max_length=512, null=True)),
                ("unique_key", djtasks.models.fields.ExactCharField(max_length=512, null=True)),
                ("schedule", models.BigIntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "enqueued_at",
                    models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("last_attempted_at", models.DateTimeField(null=True)),
                ("return_value", models.JSONField(null=True)),
                ("errors", models.JSONField(null=True)),
                ("worker_ids", models.JSONField(null=True)),
                ("progress", models.JSONField(null=True)),
                ("tags", models.JSONField(null=True)),
                ("metadata", models.JSONField(null=True)),
            ],
            options={
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
                "indexes": [
                    djtasks.models.fields.WhereIndex(
                        elsewhere=("state", "queue", "-priority", "run_after", "id"),
                        fields=["queue", "-priority", "run_after", "id"],
                        name="djtasks_ready",
                        where=models.Q(("state", 0)),
                    ),
                    djtasks.models.fields.WhereIndex(
                        elsewhere=("worker",),
                        fields=["worker"],
                        name="djtasks_worker",
                        where=models.Q(("worker__isnull", False)),
                    ),
                    djtasks.models.fields.WhereIndex(
                        elsewhere=("state", "finished_at"),
                        fields=["state", "finished_at"],
                        name="djtasks_finished",
                        where=models.Q(("finished_at__isnull", False)),
                    ),
                ],
                "constraints": [
                    djtasks.models.fields.UniqueWhenSet(
                        fields=("unique_key",), name="djtasks_unique_key"
                    )
                ],
            },
        ),
        migrations.RunPython(store_namespace, migrations.RunPython.noop),
        migrations.RunPython(tune_postgresql, migrations.RunPython.noop),
    ]
