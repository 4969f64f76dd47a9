"""Ordering a reading: its rows and its tasks are made in one transaction, or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from demo_project.library.folders import (
    SPECIMENS,
    SearchResult,
    default_folders,
    find_files,
    shown,
    standard_library,
)
from demo_project.library.models import Reading, SourceFile
from demo_project.library.tasks import read_file, write_report


def order_reading(folders: Sequence[Path]) -> Reading:
    """Look through the folders and enqueue one task a file, and the report.

    Raises FolderProblem when there is nothing to read.
    """
    found = find_files(folders)
    with transaction.atomic():
        reading = Reading.objects.create(
            title=_title(folders), folders=[shown(f) for f in folders], notes=found.notes
        )
        _insert_files(reading, found)
        files = SourceFile.objects.filter(reading=reading).order_by("pk")
        read_file.enqueue_many((reading.pk, pk) for pk in files.values_list("pk", flat=True))
        write_report.using(target=reading).enqueue(reading.pk)
    return reading


def _insert_files(reading: Reading, found: SearchResult) -> None:
    SourceFile.objects.bulk_create(
        (
            SourceFile(
                reading=reading,
                location=os.fsencode(file.path),
                name=file.name,
                package=file.package,
            )
            for file in found.files
        ),
        batch_size=1_000,
    )


def _title(folders: Sequence[Path]) -> str:
    if list(folders) == default_folders():
        return "The standard library"
    names = {standard_library(): "the standard library", SPECIMENS: "the specimens"}
    title = " and ".join(names.get(f, shown(f.name) or shown(f)) for f in folders)
    return (title.replace("the", "The", 1) if folders[0] in names else title)[:200]
