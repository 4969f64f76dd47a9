"""Numbers on every page: counts have separators, and what programs read has none."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client, override_settings

from djtasks.engine import Engine
from djtasks.models import (
    BulkAction,
    FailureCount,
    QueueControl,
    QueueSample,
    Schedule,
    TaskRecord,
    TaskStatistics,
    WorkerRecord,
)
from tests.admin.expectations import address, names
from tests.admin.stage import Stage, set_up

COUNT = 54_321
KEY = 12_345
# Of rows: no count, so they are shown as they are.
PID = 23_456
READ_BY_PROGRAMS = {"code", "pre", "kbd", "script", "style", "textarea", "option"}
BARE = re.compile(r"(?<![\w.,:/-])\d{4,}(?![\w:/-])")
YEAR = re.compile(r"(?:19|20)\d\d")
SEPARATED = re.compile(r"\d(?:,|%2C|\.|\N{NO-BREAK SPACE}|\N{NARROW NO-BREAK SPACE})\d{3}(?!\d)")
LINKS = {"href", "action", "formaction", "id", "name", "for", "value", "form", "datetime"}


class _Reader(HTMLParser):
    """Collects the texts that people read, and the attributes that programs read."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in READ_BY_PROGRAMS:
            self.inside.append(tag)
        self.attributes += [value or "" for name, value in attrs if name in LINKS]
        self.texts += [value or "" for name, value in attrs if name == "aria-label"]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts.append(data)


@pytest.fixture
def stage(engine: Engine) -> Stage:
    """Rows whose counts and keys are all larger than a thousand."""
    stage = set_up(engine)
    Schedule.objects.update(id=KEY)
    QueueControl.objects.update(id=KEY)
    WorkerRecord.objects.update(slots=COUNT, pid=PID, rss=COUNT * 1024 * 1024)
    TaskStatistics.objects.update(successful=COUNT, failed=COUNT, retried=COUNT)
    QueueSample.objects.update(ready=COUNT)
    FailureCount.objects.update(failed=COUNT, retried=COUNT)
    BulkAction.objects.update(
        planned=COUNT, changed=COUNT, refused=COUNT, refusals={"It is running.": COUNT}
    )
    TaskRecord.objects.update(
        progress={"done": COUNT, "total": COUNT * 2},
        max_attempts=COUNT // 2,
        max_crashes=COUNT // 2,
        crash_count=COUNT // 2,
    )
    return stage | {"schedule": str(KEY), "control": str(KEY)}


@pytest.mark.parametrize("separates", [False, True], ids=["plain", "separating"])
def test_counts_have_separators_and_keys_have_none(
    admin: Client, stage: Stage, separates: bool
) -> None:
    found = []
    ids = " ".join(map(str, [*stage.values(), *TaskRecord.objects.values_list("pk", flat=True)]))
    with override_settings(USE_THOUSAND_SEPARATOR=separates):
        for name in names(shown=True):
            reader = _Reader()
            html = admin.get(address(name, stage)).content.decode()
            reader.feed(html.partition('id="content-main"')[2])
            found += [
                f"{name}: {text.strip()!r}"
                for text in reader.texts
                for number in BARE.findall(text)
                if number != str(PID) and not YEAR.fullmatch(number) and number not in ids
            ]
            found += [f"{name}: {one}" for one in reader.attributes if SEPARATED.search(one)]

    assert not found, "\n".join(found)
