"""The tables: a reading of some folders, its files, and the functions found in them."""

import os
from pathlib import Path
from typing import Any

from django.db import models
from django.urls import reverse


class Reading(models.Model):
    """One order to read all Python files of some folders.

    `folders` are their paths as text; `notes` are sentences about what was left out.
    `report` is None until the last file is final; `finished_at` is set with it.
    """

    title = models.CharField(max_length=200)
    folders = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, editable=False)
    report = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("library:reading", args=[self.pk])


class Outcome(models.IntegerChoices):
    """What became of a file."""

    WAITING = 0, "Waiting"
    PARSED = 1, "Parsed"
    FAILED = 2, "Failed"


class SourceFile(models.Model):
    """One file of a reading, and what was measured in it or why it could not be read.

    `location` is the path as bytes, since a file's name need not be text; `name` is for
    people, `package` the first folder of it, "" for files at the top. `task` is the id of the
    task that made it final. `error` and the three beside it describe a failure.
    """

    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="files")
    location = models.BinaryField()
    name = models.CharField(max_length=500)
    package = models.CharField(max_length=255, blank=True)
    outcome = models.SmallIntegerField(choices=Outcome, default=Outcome.WAITING)
    task = models.UUIDField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    lines = models.IntegerField(default=0)
    code_lines = models.IntegerField(default=0)
    comment_lines = models.IntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    error_class = models.CharField(max_length=100, blank=True)
    error_line = models.IntegerField(null=True)
    error_source = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("name",)
        indexes = (models.Index(name="library_outcome", fields=("reading", "outcome")),)

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where the file is, or was."""
        return Path(os.fsdecode(bytes(self.location)))


class Function(models.Model):
    """A function or method; `name` is qualified, `branches` counts the ways through it."""

    file: "models.ForeignKey[Any, Any]" = models.ForeignKey(
        SourceFile, on_delete=models.CASCADE, related_name="functions"
    )
    name = models.CharField(max_length=300)
    line = models.IntegerField()
    length = models.IntegerField()
    branches = models.IntegerField()

    class Meta:
        ordering = ("file", "line")

    def __str__(self) -> str:
        return self.name
