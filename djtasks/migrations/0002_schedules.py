import datetime
from typing import Any

from django.db import migrations, models

import djtasks.models.fields
import djtasks.models.schedules

# Each tick updates its row and moves an index entry: leave room, and clean up early.
_TUNING = """
ALTER TABLE djtasks_schedule SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_cost_delay = 0);
"""


def tune_postgresql(apps: Any, schema_editor: Any) -> None:
    """Set the storage options of the schedules."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_TUNING)


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=255)),
                ("task_path", models.CharField(max_length=255)),
                ("rule", models.JSONField()),
                ("args", models.JSONField(blank=True, default=list)),
                ("kwargs", models.JSONField(blank=True, default=dict)),
                (
                    "missed",
                    models.JSONField(default=djtasks.models.schedules.default_missed_policy),
                ),
                ("overlap", models.CharField(db_default="allow", default="allow", max_length=16)),
                ("jitter", models.DurationField(default=datetime.timedelta(0))),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("next_run_at", models.DateTimeField(editable=False, null=True)),
                ("last_due_at", models.DateTimeField(editable=False, null=True)),
                ("last_run", models.UUIDField(editable=False, null=True)),
                ("declared", models.JSONField(editable=False, null=True)),
                ("removed", models.BooleanField(db_default=False, default=False, editable=False)),
                ("is_enabled", models.BooleanField(db_default=True, default=True)),
                ("paused_by", models.CharField(blank=True, db_default="", max_length=150)),
                ("paused_at", models.DateTimeField(editable=False, null=True)),
                ("paused_reason", models.CharField(blank=True, db_default="", max_length=500)),
                ("broken", models.TextField(blank=True, db_default="", default="", editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=djtasks.models.fields.DatabaseNow(), editable=False
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_default=djtasks.models.fields.DatabaseNow(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
                "indexes": [
                    models.Index(fields=["backend", "next_run_at"], name="djtasks_next_run")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("backend", "name"), name="djtasks_one_schedule")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="taskrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("schedule", "id"),
                fields=["schedule", "id"],
                name="djtasks_schedule_runs",
                where=models.Q(("schedule__isnull", False)),
            ),
        ),
        migrations.RunPython(tune_postgresql, migrations.RunPython.noop),
    ]
