from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0004_worker_threads"),
    ]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="declared_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
