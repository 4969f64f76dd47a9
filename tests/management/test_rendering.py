"""Status as text for a terminal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from djtasks.formats.durations import in_words
from djtasks.formats.ids import new_id
from djtasks.inspection import QueueFacts, Status, WorkerFacts
from djtasks.management.rendering import render_status

QUEUE = QueueFacts(
    name="default",
    due=12_345,
    delayed=6,
    running=7,
    oldest_wait=timedelta(seconds=168),
    indexed=12_000,
    paused=None,
    workers=2,
)
WORKER = WorkerFacts(
    id=new_id(),
    host="web-1",
    pid=4711,
    version="1",
    queues=[],
    slots=108,
    tasks=[{"id": "a"}, {"id": "b"}],
    silent=timedelta(seconds=3),
    started_at=datetime(2026, 1, 2, tzinfo=UTC),
    rss=45 * 1024 * 1024,
    draining=False,
    alone=False,
)
STATUS = Status(
    backend="default",
    database="default",
    broker="redis",
    states={"ready": 12_351, "running": 7},
    queues=[QUEUE],
    workers=[WORKER],
)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=999), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=168), "2 min 48 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=1, seconds=59), "1 h"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=400, hours=23, minutes=59), "400 d 23 h"),
    ],
)
def test_a_span_has_at_most_two_parts(length: timedelta, text: str) -> None:
    assert in_words(length) == text


def test_a_status_is_a_few_aligned_tables() -> None:
    assert render_status(STATUS) == (
        "TASKS['default']  database default, broker redis\n"
        "12,351 ready  7 running\n"
        "\n"
        "queue       due  delayed  running      oldest  indexed  workers\n"
        "default  12,345        6        7  2 min 48 s   12,000        2\n"
        "\n"
        "worker   pid  slots  running  memory  silent\n"
        "web-1   4711    108        2   45 MB     3 s"
    )


def test_what_is_unknown_is_a_dash() -> None:
    queue = replace(QUEUE, oldest_wait=None, indexed=None)
    worker = replace(WORKER, rss=None)

    text = render_status(replace(STATUS, queues=[queue], workers=[worker]))

    assert "default  12,345        6        7       -        -        2\n" in text
    assert "web-1   4711    108        2       -     3 s" in text


def test_what_is_special_stands_behind_its_row() -> None:
    queue = replace(QUEUE, paused="by Ada: no paper")
    worker = replace(WORKER, draining=True, alone=True)

    text = render_status(replace(STATUS, queues=[queue], workers=[worker]))

    assert "        2  paused by Ada: no paper\n" in text
    assert text.endswith("     3 s  draining, alone")


def test_a_status_without_workers_says_how_to_start_one() -> None:
    text = render_status(replace(STATUS, workers=[]))

    assert text.endswith("No workers. Start one: manage.py runworker")


def test_problems_stand_last() -> None:
    text = render_status(replace(STATUS, problems=["One.", "Two."]))

    assert text.endswith("\n\n! One.\n\n! Two.")
