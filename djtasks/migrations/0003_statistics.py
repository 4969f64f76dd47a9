from django.db import migrations, models

import djtasks.formats.ids
import djtasks.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0002_schedules"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkAction",
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
                ("action", models.CharField(max_length=32)),
                ("selection", models.JSONField(default=dict)),
                ("options", models.JSONField(default=dict)),
                ("by", models.CharField(blank=True, max_length=150)),
                ("task", models.UUIDField(null=True)),
                ("upper", models.UUIDField()),
                ("cursor", models.UUIDField(null=True)),
                ("planned", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("refusals", models.JSONField(default=dict)),
                ("stop_requested", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "bulk action",
                "verbose_name_plural": "bulk actions",
            },
        ),
        migrations.CreateModel(
            name="FailureCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("fingerprint", djtasks.models.fields.ExactCharField(max_length=32)),
                ("at", models.DateTimeField()),
                ("failed", models.BigIntegerField(default=0)),
                ("retried", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "failure count",
                "verbose_name_plural": "failure counts",
            },
        ),
        migrations.CreateModel(
            name="FailureGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("fingerprint", djtasks.models.fields.ExactCharField(max_length=32)),
                ("task_path", djtasks.models.fields.ExactCharField(max_length=255)),
                ("exception", models.CharField(max_length=300)),
                ("place", models.CharField(blank=True, max_length=500)),
                ("message", models.CharField(blank=True, max_length=500)),
                ("first_at", models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow())),
                ("last_at", models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow())),
                ("failed", models.BigIntegerField(default=0)),
                ("retried", models.BigIntegerField(default=0)),
                ("last_record", models.UUIDField(null=True)),
            ],
            options={
                "verbose_name": "failure group",
                "verbose_name_plural": "failure groups",
            },
        ),
        migrations.CreateModel(
            name="QueueSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("step", models.IntegerField()),
                ("at", models.DateTimeField()),
                ("queue", djtasks.models.fields.ExactCharField(max_length=64)),
                ("ready", models.BigIntegerField(default=0)),
                ("delayed", models.BigIntegerField(default=0)),
                ("running", models.FloatField(default=0)),
                ("slots", models.FloatField(default=0)),
                ("oldest_wait", models.FloatField(default=0)),
            ],
            options={
                "verbose_name": "queue sample",
                "verbose_name_plural": "queue samples",
            },
        ),
        migrations.CreateModel(
            name="StatisticsMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", djtasks.models.fields.ExactCharField(max_length=64)),
                ("step", models.IntegerField()),
                ("until", models.DateTimeField()),
            ],
            options={
                "verbose_name": "statistics mark",
                "verbose_name_plural": "statistics marks",
            },
        ),
        migrations.CreateModel(
            name="TaskStatistics",
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
                ("step", models.IntegerField()),
                ("at", models.DateTimeField()),
                ("task_path", djtasks.models.fields.ExactCharField(blank=True, max_length=255)),
                ("queue", djtasks.models.fields.ExactCharField(max_length=64)),
                ("worker", models.UUIDField(null=True)),
                ("successful", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("retried", models.BigIntegerField(default=0)),
                ("cancelled", models.BigIntegerField(default=0)),
                ("expired", models.BigIntegerField(default=0)),
                ("wait_sum", models.FloatField(default=0)),
                ("run_sum", models.FloatField(default=0)),
                ("waits", models.JSONField(default=dict)),
                ("runs", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "task statistics",
                "verbose_name_plural": "task statistics",
            },
        ),
        migrations.AlterModelOptions(
            name="queuecontrol",
            options={
                "permissions": (
                    ("pause_queue", "Can pause and resume queues"),
                    ("purge_queue", "Can purge queues"),
                ),
                "verbose_name": "queue control",
                "verbose_name_plural": "queue controls",
            },
        ),
        migrations.AlterModelOptions(
            name="taskrecord",
            options={
                "permissions": (
                    ("view_arguments", "Can view arguments and results of tasks"),
                    ("retry_taskrecord", "Can retry tasks"),
                    ("cancel_taskrecord", "Can cancel tasks"),
                    ("discard_taskrecord", "Can discard tasks"),
                    ("enqueue_taskrecord", "Can enqueue tasks"),
                    ("reschedule_taskrecord", "Can reschedule tasks"),
                ),
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
            },
        ),
        migrations.AlterModelOptions(
            name="workerrecord",
            options={
                "permissions": (("control_worker", "Can control workers"),),
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
            },
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="fingerprint",
            field=djtasks.models.fields.ExactCharField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="target",
            field=djtasks.models.fields.ExactCharField(max_length=255, null=True),
        ),
        migrations.AddIndex(
            model_name="taskrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("fingerprint", "state", "backend", "id"),
                fields=["backend", "fingerprint", "id"],
                name="djtasks_fingerprint",
                where=models.Q(("state", 3)),
            ),
        ),
        migrations.AddIndex(
            model_name="taskrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("target", "id"),
                fields=["target", "id"],
                name="djtasks_target",
                where=models.Q(("target__isnull", False)),
            ),
        ),
        migrations.AddConstraint(
            model_name="failurecount",
            constraint=models.UniqueConstraint(
                fields=("backend", "at", "fingerprint"), name="djtasks_one_failure_count"
            ),
        ),
        migrations.AddIndex(
            model_name="failuregroup",
            index=models.Index(fields=["backend", "last_at"], name="djtasks_failures_by_time"),
        ),
        migrations.AddConstraint(
            model_name="failuregroup",
            constraint=models.UniqueConstraint(
                fields=("backend", "fingerprint"), name="djtasks_one_failure_group"
            ),
        ),
        migrations.AddConstraint(
            model_name="queuesample",
            constraint=models.UniqueConstraint(
                fields=("backend", "step", "at", "queue"), name="djtasks_one_sample"
            ),
        ),
        migrations.AddConstraint(
            model_name="statisticsmark",
            constraint=models.UniqueConstraint(fields=("backend", "step"), name="djtasks_one_mark"),
        ),
        migrations.AddIndex(
            model_name="taskstatistics",
            index=models.Index(
                fields=["backend", "step", "at", "task_path"], name="djtasks_statistics"
            ),
        ),
    ]
