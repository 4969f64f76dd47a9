from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0003_statistics"),
    ]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="declared_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
