from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0006_queue_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="taskrecord",
            name="parent",
            field=models.UUIDField(null=True),
        ),
    ]
