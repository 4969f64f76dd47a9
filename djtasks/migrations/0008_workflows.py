from django.db import migrations, models

import djtasks.formats.ids
import djtasks.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0007_parent"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkflowEdge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("workflow", models.UUIDField()),
                ("before", models.IntegerField()),
                ("after", models.IntegerField()),
            ],
            options={
                "verbose_name": "workflow edge",
                "verbose_name_plural": "workflow edges",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WorkflowNode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("workflow", models.UUIDField()),
                ("number", models.IntegerField()),
                ("name", djtasks.models.fields.ExactCharField(max_length=255)),
                ("task_path", djtasks.models.fields.ExactCharField(max_length=255)),
                ("options", models.JSONField(default=dict)),
                ("when", models.CharField(db_default="success", max_length=7)),
                ("tolerate", models.CharField(blank=True, db_default="", max_length=16)),
                ("may_fail", models.BooleanField(db_default=False)),
                ("after_all", models.BooleanField(db_default=False)),
                ("is_map", models.BooleanField(db_default=False)),
                ("over", models.IntegerField(null=True)),
                ("kwargs", models.JSONField(null=True)),
                ("inputs", models.JSONField(null=True)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (0, "Pending"),
                            (1, "Open"),
                            (2, "Successful"),
                            (3, "Failed"),
                            (4, "Skipped"),
                        ],
                        db_default=0,
                    ),
                ),
                ("size", models.IntegerField(db_default=0)),
                ("cursor", models.IntegerField(db_default=0)),
                ("because_of", models.IntegerField(null=True)),
                ("added_by", models.UUIDField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.JSONField(null=True)),
            ],
            options={
                "verbose_name": "workflow node",
                "verbose_name_plural": "workflow nodes",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WorkflowRecord",
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
                ("name", djtasks.models.fields.ExactCharField(max_length=255)),
                (
                    "state",
                    models.SmallIntegerField(
                        choices=[
                            (1, "Running"),
                            (2, "Successful"),
                            (3, "Failed"),
                            (4, "Cancelled"),
                        ],
                        db_default=1,
                    ),
                ),
                ("is_paused", models.BooleanField(db_default=False)),
                ("cancel_requested", models.BooleanField(db_default=False)),
                ("is_pruned", models.BooleanField(db_default=False)),
                ("target", djtasks.models.fields.ExactCharField(max_length=255, null=True)),
                ("tags", models.JSONField(null=True)),
                ("key", djtasks.models.fields.ExactCharField(max_length=512, null=True)),
                ("unique_key", djtasks.models.fields.ExactCharField(max_length=512, null=True)),
                ("parent", models.UUIDField(null=True)),
                ("schedule", models.BigIntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "enqueued_at",
                    models.DateTimeField(db_default=djtasks.models.fields.DatabaseNow()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "workflow",
                "verbose_name_plural": "workflows",
                "permissions": (
                    ("view_workflow", "Can view workflows"),
                    ("cancel_workflow", "Can cancel workflows"),
                    ("retry_workflow", "Can retry workflows"),
                    ("pause_workflow", "Can pause and resume workflows"),
                ),
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="inputs",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="node",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="place",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="waits_for",
            field=djtasks.models.fields.ExactCharField(max_length=512, null=True),
        ),
        migrations.AddField(
            model_name="taskrecord",
            name="workflow",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="workerrecord",
            name="protocol",
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddIndex(
            model_name="taskrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("waits_for", "priority", "run_after", "id"),
                fields=["waits_for", "-priority", "run_after", "id"],
                name="djtasks_doors",
                where=models.Q(("state", 6)),
            ),
        ),
        migrations.AddIndex(
            model_name="taskrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("node", "place"),
                fields=["node", "state", "place"],
                name="djtasks_members",
                where=models.Q(("node__isnull", False)),
            ),
        ),
        migrations.AddIndex(
            model_name="workflowedge",
            index=models.Index(fields=["workflow", "after"], name="djtasks_edge_after"),
        ),
        migrations.AddConstraint(
            model_name="workflowedge",
            constraint=models.UniqueConstraint(
                fields=("workflow", "before", "after"), name="djtasks_edge"
            ),
        ),
        migrations.AddIndex(
            model_name="workflownode",
            index=models.Index(fields=["state", "id"], name="djtasks_node_state"),
        ),
        migrations.AddIndex(
            model_name="workflownode",
            index=models.Index(fields=["workflow", "state"], name="djtasks_node_open"),
        ),
        migrations.AddConstraint(
            model_name="workflownode",
            constraint=models.UniqueConstraint(
                fields=("workflow", "number"), name="djtasks_node_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflownode",
            constraint=models.UniqueConstraint(
                fields=("workflow", "name"), name="djtasks_node_name"
            ),
        ),
        migrations.AddIndex(
            model_name="workflowrecord",
            index=models.Index(fields=["state", "id"], name="djtasks_flow_state"),
        ),
        migrations.AddIndex(
            model_name="workflowrecord",
            index=models.Index(fields=["name", "id"], name="djtasks_flow_name"),
        ),
        migrations.AddIndex(
            model_name="workflowrecord",
            index=djtasks.models.fields.WhereIndex(
                elsewhere=("target", "id"),
                fields=["target", "id"],
                name="djtasks_flow_target",
                where=models.Q(("target__isnull", False)),
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrecord",
            constraint=djtasks.models.fields.UniqueWhenSet(
                fields=("unique_key",), name="djtasks_flow_unique_key"
            ),
        ),
    ]
