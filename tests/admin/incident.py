"""A web shop in trouble, as rows: what the screenshots show and the browser looks at.

A deploy eighteen minutes ago left queue `reports` without a worker; a little later the mail
provider began to drop connections. Everything is counted back from the database's clock.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from djtasks.engine import Engine, engine_of
from djtasks.formats.histograms import bucket_of
from djtasks.formats.ids import new_id
from djtasks.inspection.figures.ranges import MINUTE, floor
from djtasks.models import (
    QueueSample,
    StatisticsMark,
    TaskRecord,
    TaskStatistics,
    WorkerRecord,
)
from djtasks.operations import pause_queue
from djtasks.protocol.states import State
from tests.admin.failing import SHOP, group_of

DEPLOY, OUTAGE = 18, 14  # minutes ago
OLD, NEW = "5d09e17", "7f3c2a1"
IMAGES = "image-derivatives-for-archived-products"
MAIL_ERROR = {
    "class": "smtplib.SMTPServerDisconnected",
    "message": "Connection unexpectedly closed",
    "traceback": """Traceback (most recent call last):
  File "/srv/shop/tasks.py", line 118, in send_invoice
    message.send(fail_silently=False)
  File "/venv/lib/python3.14/site-packages/django/core/mail/message.py", line 337, in send
    return self.get_connection(fail_silently).send_messages([self])
  File "/srv/shop/mail/transport.py", line 57, in _send_with_receipt
    self.connection.sendmail(sender, recipients, message)
  File "/usr/lib/python3.14/smtplib.py", line 863, in sendmail
    self.rset()
smtplib.SMTPServerDisconnected: Connection unexpectedly closed
""",
}


@dataclass(frozen=True)
class Kind:
    """One task of the shop: its runs a minute, and how long they take in seconds."""

    path: str
    queue: str
    rate: int
    seconds: float


KINDS = [
    Kind("shop.tasks.send_invoice", "mail", 210, 0.4),
    Kind("shop.tasks.send_order_confirmation", "mail", 170, 0.3),
    Kind("shop.tasks.resize_product_image", "default", 520, 1.2),
    Kind("shop.tasks.sync_inventory", "default", 190, 0.2),
    Kind(
        "shop.integrations.warehouse.adapters.royal_mail.refresh_tracking_status_for_open_shipments",
        "default",
        2,
        14.0,
    ),
    Kind("shop.reports.build_monthly_sales_report", "reports", 1, 240.0),
]


class Incident:
    """The shop, put into the tables of one engine: a `share` of its records, for speed."""

    def __init__(self, engine: Engine, *, share: float = 0.05) -> None:
        self.share = share
        self.engine = engine
        self.now = engine.store.now()
        self.dice = random.Random(7)
        self.workers: list[WorkerRecord] = []

    def happen(self) -> None:
        """Write everything."""
        self._work()
        self._wait()
        self._end()
        self._count()
        self._group()
        pause_queue(
            engine_of("default"),
            IMAGES,
            by="maria",
            reason="CDN bill: only at night until Friday, see OPS-2210",
            until=self.now + timedelta(hours=7, minutes=40),
        )

    def beat(self) -> None:
        """Let the workers beat again, but for the one that has fallen silent."""
        live = WorkerRecord.objects.exclude(version=OLD)
        live.update(heartbeat_at=self.engine.store.now() - timedelta(seconds=2))

    def ago(self, minutes: float) -> datetime:
        """Return a moment of the past."""
        return self.now - timedelta(minutes=minutes)

    def _some(self, count: int) -> int:
        return max(round(count * self.share), 1)

    def _work(self) -> None:
        for host, pid, version, busy, minutes in (
            ("web-1", 990, NEW, 9, DEPLOY),
            ("web-2", 4127, NEW, 14, DEPLOY),
            ("web-3", 2113, OLD, 15, 6 * 1440),
            ("kube-shop-worker-deployment-6c9f7d8b54-x2lqv.shop.svc.cluster.local", 1, NEW, 8, 17),
        ):
            worker = WorkerRecord(
                supervisor=new_id(),
                backend="default",
                host=host,
                pid=pid,
                version=version,
                queues=["default", "mail"],
                slots=16,
                started_at=self.ago(minutes),
                heartbeat_at=self.now - timedelta(seconds=19 if version == OLD else 2),
                rss=self.dice.randrange(280, 980) * 1024 * 1024,
                draining=host.startswith("kube"),
            )
            worker.tasks = [self._run(worker) for _ in range(busy)]
            self.workers.append(worker)
        WorkerRecord.objects.bulk_create(self.workers)

    def _run(self, worker: WorkerRecord) -> dict[str, Any]:
        kind = self.dice.choice(KINDS[:5])
        started = self.now - timedelta(seconds=kind.seconds * self.dice.uniform(0.1, 1.5))
        timeout = timedelta(seconds=30) if kind.queue == "mail" else None
        record = self._record(
            kind, State.RUNNING, started_at=started, worker=worker.pk, timeout=timeout
        )
        record.save(force_insert=True)
        return {
            "id": str(record.pk),
            "path": kind.path,
            "queue": kind.queue,
            "attempt": 1,
            "started_at": started.timestamp(),
        }

    def _wait(self) -> None:
        mail, images, report = KINDS[0], KINDS[2], KINDS[5]
        reports = self._some(1284)
        rows = [self._record(images, State.READY, due=0.01) for _ in range(self._some(214))]
        rows += [
            self._record(mail, State.READY, due=self.dice.uniform(0, 2.8))
            for _ in range(self._some(988))
        ]
        rows += [
            self._record(report, State.READY, due=DEPLOY * n / reports) for n in range(reports)
        ]
        rows += [
            self._record(images, State.READY, due=240, queue=IMAGES) for _ in range(self._some(412))
        ]
        rows += [
            self._record(mail, State.READY, due=-self.dice.uniform(0.1, 9), attempt=2)
            for _ in range(self._some(318))
        ]
        rows += [
            self._record(images, State.READY, due=-60 * (1 + n / 30))
            for n in range(self._some(248))
        ]
        TaskRecord.objects.bulk_create(rows, batch_size=1000)

    def _end(self) -> None:
        rows = [
            self._record(
                self.dice.choice(KINDS[:2]),
                State.FAILED,
                due=(ended := self.dice.uniform(0, OUTAGE)) + 0.5,
                finished_at=self.ago(ended),
                last_attempted_at=self.ago(ended + 0.4),
                worker_ids=[str(self.dice.choice(self.workers).pk)],
                attempt=3,
                errors=[MAIL_ERROR],
                fingerprint=SHOP[0].fingerprint,
            )
            for _ in range(self._some(214))
        ]
        rows += [
            self._record(
                self.dice.choice(KINDS[:4]),
                State.SUCCESSFUL,
                due=(ended := self.dice.uniform(0, 50)) + 0.2,
                finished_at=self.ago(ended),
                last_attempted_at=self.ago(ended + 0.1),
                worker_ids=[str(self.dice.choice(self.workers).pk)],
                attempt=1,
            )
            for _ in range(self._some(400))
        ]
        TaskRecord.objects.bulk_create(rows, batch_size=1000)

    def _group(self) -> None:
        failed = TaskRecord.objects.filter(state=State.FAILED, task_path=SHOP[0].path)
        latest = failed.order_by("pk").last()
        for kind in SHOP:
            is_mail = latest is not None and kind is SHOP[0]
            group_of(self.engine, kind, latest.pk if is_mail else None)

    def _record(self, kind: Kind, state: State, *, due: float = 0, **columns: Any) -> TaskRecord:
        moment = self.ago(due)
        columns = {"queue": kind.queue, **columns}
        return TaskRecord(
            backend="default",
            task_path=kind.path,
            state=state,
            run_after=moment,
            enqueued_at=min(moment, self.now),
            kwargs={"order_id": self.dice.randrange(40_000, 50_000)},
            max_attempts=3,
            fence=1,
            attempt=columns.pop("attempt", 0),
            **columns,
        )

    def _count(self) -> None:
        last = floor(self.now, MINUTE)
        minutes = [(back, last - MINUTE * back) for back in range(60)]
        rows = [row for back, at in minutes for row in self._minute(back, at)]
        TaskStatistics.objects.bulk_create(rows, batch_size=1000)
        QueueSample.objects.bulk_create(
            [sample for back, at in minutes for sample in self._samples(back, at)]
        )
        StatisticsMark.objects.create(backend="default", step=60, until=last + MINUTE)

    def _minute(self, back: int, at: datetime) -> Iterator[TaskStatistics]:
        is_down = back < OUTAGE
        for kind in KINDS:
            is_hit = is_down and kind.queue == "mail"
            stands = kind.queue == "reports" and back < DEPLOY
            count = 0 if stands else round(kind.rate * self.dice.uniform(0.92, 1.08))
            failed = round(count * 0.05) if is_hit else int(self.dice.random() < 0.1)
            figures = {
                "successful": round(count * 0.75) if is_hit else count,
                "failed": failed if count else 0,
                "retried": round(count * self.dice.uniform(0.1, 0.22)) if is_hit else 0,
                "run_sum": count * kind.seconds,
                "waits": self._times(count, (6 if is_down else 0.5) * self.dice.uniform(0.7, 1.3)),
                "runs": self._times(count, kind.seconds * (24 if is_hit else 1)),
            }
            common = {"backend": "default", "step": 60, "at": at, "queue": kind.queue}
            yield TaskStatistics(task_path=kind.path, **common, **figures)
            yield TaskStatistics(task_path="", **common, **figures)

    def _times(self, count: int, seconds: float) -> dict[str, int]:
        """Return a histogram: most take a fifth of `seconds`, one in ten all of it."""
        slow = count // 10
        return {str(bucket_of(seconds / 5)): count - slow, str(bucket_of(seconds)): slow}

    def _samples(self, back: int, at: datetime) -> Iterator[QueueSample]:
        ready = {
            "default": self.dice.randrange(180, 260),
            "mail": max(60, 988 - 66 * back) if back < OUTAGE else 60,
            "reports": round(1284 * max(0, DEPLOY - back) / DEPLOY),
            IMAGES: 412,
        }
        for queue, count in ready.items():
            yield QueueSample(backend="default", step=60, at=at, queue=queue, ready=count)
        busy = self.dice.randrange(44, 48) if back < OUTAGE else self.dice.randrange(34, 40)
        yield QueueSample(backend="default", step=60, at=at, queue="", running=busy, slots=64)
