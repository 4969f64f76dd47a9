"""Models for tasks to write to."""

import uuid

from django.db import models


class Row(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "tests"

    def __str__(self) -> str:
        return self.name


class Parcel(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    rows = models.ManyToManyField(Row)

    class Meta:
        app_label = "tests"

    def __str__(self) -> str:
        return str(self.id)


class Seat(models.Model):
    """A model with a composite primary key."""

    pk = models.CompositePrimaryKey("hall", "number")
    hall = models.CharField(max_length=10)
    number = models.IntegerField()
    is_sold = models.BooleanField(default=False)

    class Meta:
        app_label = "tests"

    def __str__(self) -> str:
        return f"{self.hall} {self.number}"
