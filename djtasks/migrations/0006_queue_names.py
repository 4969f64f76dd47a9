from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0005_declared_at"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="queuecontrol",
            options={
                "permissions": (
                    ("pause_queue", "Can pause and resume queues"),
                    ("purge_queue", "Can purge queues"),
                ),
                "verbose_name": "queue",
                "verbose_name_plural": "queues",
            },
        ),
    ]
