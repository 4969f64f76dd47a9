"""The pages of the admin with millions of records: server times, statements, a bulk retry.

`python -m benchmarks admin`; five million records take some minutes to make.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import harness

FINAL, READY = 5_000_000, 200_000
GROUP = "0123456789abcdef" * 2
REQUESTS = 20
SLOWEST_SECONDS, MOST_STATEMENTS = 0.3, 15
_HISTORY = Path(__file__).with_name("history.sql")
# What is looked for: URL name, arguments, query. Searches that an index serves, and some not.
PAGES: list[tuple[str, list[Any], dict[str, str]]] = [
    ("djtasks_overview", [], {}),
    ("djtasks_overview", [], {"span": "24h"}),
    ("djtasks_overview", [], {"span": "90d"}),
    ("djtasks_failures", [], {}),
    ("djtasks_failures", [], {"span": "90d", "sort": "count"}),
    ("djtasks_failures_retry", [], {"group": GROUP}),
    ("djtasks_queues", [], {}),
    ("djtasks_queue_pause", [], {"queue": "mail"}),
    ("djtasks_queue_purge", [], {"queue": "mail"}),
    ("djtasks_workerrecord_changelist", [], {}),
    ("djtasks_schedule_changelist", [], {}),
    ("djtasks_schedule_change", ["SCHEDULE"], {}),
    ("djtasks_schedule_add", [], {}),
    *(
        ("djtasks_taskrecord_changelist", [], {"q": search})
        for search in (
            "",
            "state:ready",
            "state:failed",
            "state:successful queue:mail",
            "task:shop.tasks.task_7",
            "after:1h",
            "before:3d",
            "error:SMTPServerDisconnected",
            "args.order_id:77",
            "tag:vip",
            "target:shop.order:70",
            "schedule:17",
            "wait>:1h",
            f"fingerprint:{GROUP}",
            "nothing.like.it",
        )
    ),
    ("djtasks_bulk_new", [], {"action": "retry", "all": "1", "q": f"fingerprint:{GROUP}"}),
    ("djtasks_taskrecord_change", ["TASK"], {}),
    ("djtasks_taskrecord_retry", ["TASK"], {}),
    ("djtasks_new_task", [], {}),
    ("djtasks_new_task", [], {"task": "benchmarks.tasks.add"}),
    ("djtasks_registered", [], {}),
]


def run(*, final: int = FINAL) -> None:
    """Make the records, then print the figures of every page and of the bulk retry."""
    with harness.servers("benchmarks.site"):
        harness.emit("conditions", **harness.conditions())
        seconds = fill(final)
        harness.emit("admin_fill", final=final, ready=READY, seconds=seconds)
        client = visitor()
        slow = [label for label in (measure(client, *page) for page in PAGES) if label]
        harness.emit("admin_pages", pages=len(PAGES), too_slow=slow)
        retry_group(client)


def fill(final: int) -> float:
    """Make records, statistics, workers and schedules; return the seconds it took."""
    from django.db import connection

    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY.read_text(), {"final": final, "ready": READY, "group": GROUP})
        cursor.execute("VACUUM ANALYZE")
    add_people_and_plans()
    return time.perf_counter() - started


def add_people_and_plans() -> None:
    """Add eight workers that are busy, and 200 schedules."""
    from djtasks.engine import engine_of
    from djtasks.formats.ids import new_id
    from djtasks.models import Schedule, WorkerRecord
    from djtasks.schedules import Every

    now = engine_of("default").store.now()
    WorkerRecord.objects.bulk_create(
        WorkerRecord(
            supervisor=new_id(),
            backend="default",
            host=f"web-{number}",
            pid=4000 + number,
            version="7f3c2a1",
            slots=16,
            tasks=[
                {
                    "id": str(new_id()),
                    "path": f"shop.tasks.task_{at}",
                    "queue": "mail",
                    "attempt": 1,
                    "started_at": now.timestamp() - at,
                }
                for at in range(12)
            ],
        )
        for number in range(8)
    )
    Schedule.objects.bulk_create(
        Schedule(
            backend="default",
            name=f"schedule {number}",
            task_path="benchmarks.tasks.add",
            args=[1, 2],
            rule=Every(timedelta(hours=1)).as_dict(),
            next_run_at=now,
        )
        for number in range(200)
    )


def visitor() -> Any:
    """Return a browser of somebody who may do everything."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def measure(client: Any, name: str, arguments: list[Any], query: dict[str, str]) -> str | None:
    """Print how long one page takes; return what it is called if that is too long."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    address = reverse(f"admin:{name}", args=list(_known(arguments)))
    path = f"{address}?{urlencode(query)}" if query else address
    times, own, answer = [], [], None
    for _ in range(REQUESTS):
        beat()
        started, used = time.perf_counter(), time.thread_time()
        answer = client.get(path)
        times.append(time.perf_counter() - started)
        own.append(time.thread_time() - used)
    assert answer is not None
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    label = f"{name}?{urlencode(query)}" if query else name
    slowest = max(queries.captured_queries, key=lambda one: float(one["time"]), default=None)
    p95 = harness.quantile(times, 0.95)
    harness.emit(
        "admin_page",
        page=label,
        status=answer.status_code,
        p50_ms=1000 * harness.quantile(times, 0.5),
        p95_ms=1000 * p95,
        cpu_ms=1000 * harness.quantile(own, 0.5),
        statements=len(queries),
        kilobytes=len(answer.content) / 1024,
        slowest_ms=1000 * float(slowest["time"]) if slowest else None,
        slowest=" ".join(slowest["sql"].split())[:300] if slowest else None,
    )
    is_good = p95 <= SLOWEST_SECONDS and len(queries) <= MOST_STATEMENTS
    return None if is_good and answer.status_code == 200 else label


def _known(arguments: list[Any]) -> Iterator[Any]:
    from djtasks.models import Schedule, TaskRecord

    for argument in arguments:
        match argument:
            case "SCHEDULE":
                yield Schedule.objects.order_by("pk")[0].pk
            case "TASK":
                yield TaskRecord.objects.filter(state=3).order_by("-pk")[0].pk
            case _:
                yield argument


def beat() -> None:
    """Let the workers be alive."""
    from djtasks.models import WorkerRecord
    from djtasks.models.fields import DatabaseNow

    WorkerRecord.objects.update(heartbeat_at=DatabaseNow())


def retry_group(client: Any) -> None:
    """Print how soon a bulk retry is acknowledged and done, beside a queue full of work."""
    from django.urls import reverse

    from djtasks.models import BulkAction, TaskRecord, WorkerRecord

    WorkerRecord.objects.all().delete()
    page = reverse("admin:djtasks_failures_retry") + f"?group={GROUP}"
    with harness.worker("--processes", "2", "--backend", "default"):
        started = time.perf_counter()
        answer = client.post(page, {"spread": ""})
        acknowledged = time.perf_counter() - started
        assert answer.status_code == 302, answer.content
        bulk = BulkAction.objects.get()
        harness.wait_until(lambda: BulkAction.objects.filter(finished_at__isnull=False).exists())
        bulk.refresh_from_db()
    assert bulk.finished_at is not None
    harness.emit(
        "admin_bulk_retry",
        planned=bulk.planned,
        changed=bulk.changed,
        acknowledged_ms=1000 * acknowledged,
        done_seconds=(bulk.finished_at - bulk.created_at).total_seconds(),
        still_failed=TaskRecord.objects.filter(fingerprint=GROUP, state=3).count(),
    )
