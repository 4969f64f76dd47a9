from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("djtasks", "0003_statistics"),
    ]

    operations = [
        migrations.AddField(
            model_name="workerrecord",
            name="threads",
            field=models.IntegerField(null=True),
        ),
    ]
