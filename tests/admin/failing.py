"""Groups of failures for the pages: rows as the workers' statistics would have left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.models import FailureCount, FailureGroup, TaskRecord
from djtasks.protocol.states import State

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Failing:
    """One kind of failure: how often in each of the last hours (oldest first), since and till."""

    path: str = "shop.tasks.sync_inventory"
    exception: str = "builtins.KeyError"
    message: str = "'sku'"
    place: str = "shop/inventory.py:204 in merge_rows"
    by_hour: Sequence[int] = (2,)
    first: timedelta = timedelta(minutes=9)
    last: timedelta = timedelta(minutes=2)
    fingerprint: str = "f" * 32
    retried: int = 0


def group_of(engine: Engine, kind: Failing, last_record: UUID | None = None) -> FailureGroup:
    """Write the group and its hours."""
    now = engine.store.now()
    this_hour = floor(now, HOUR)
    FailureCount.objects.bulk_create(
        FailureCount(
            backend=engine.alias,
            fingerprint=kind.fingerprint,
            at=this_hour - HOUR * back,
            failed=count,
            retried=0 if back else kind.retried,
        )
        for back, count in enumerate(reversed(kind.by_hour))
    )
    return FailureGroup.objects.create(
        backend=engine.alias,
        fingerprint=kind.fingerprint,
        task_path=kind.path,
        exception=kind.exception,
        message=kind.message,
        place=kind.place,
        first_at=now - kind.first,
        last_at=now - kind.last,
        failed=sum(kind.by_hour),
        retried=kind.retried,
        last_record=last_record,
    )


def records_of(kind: Failing, count: int, **columns: Any) -> list[TaskRecord]:
    """Write records that failed this way."""
    given: Mapping[str, Any] = {
        "backend": "default",
        "queue": "default",
        "state": State.FAILED,
        "attempt": 1,
        "task_path": kind.path,
        "fingerprint": kind.fingerprint,
        **columns,
    }
    return TaskRecord.objects.bulk_create(TaskRecord(**given) for _ in range(count))


# What the shop suffers from besides its mail provider, as the mock-up has it.
SHOP = [
    Failing(
        path="shop.tasks.send_invoice",
        exception="smtplib.SMTPServerDisconnected",
        message="Connection unexpectedly closed",
        place="shop/mail/transport.py:57 in _send_with_receipt",
        by_hour=(0,) * 21 + (1, 64, 129),
        first=timedelta(minutes=14),
        last=timedelta(seconds=27),
        fingerprint="1" * 32,
        retried=318,
    ),
    Failing(
        path="shop.tasks.send_invoice",
        exception="djtasks.errors.TaskTimeout",
        message="It ran for longer than its time limit of 30 seconds.",
        place="shop/mail/transport.py:57 in _send_with_receipt",
        by_hour=(4, 9),
        first=timedelta(minutes=17),
        last=timedelta(seconds=16),
        fingerprint="2" * 32,
    ),
    Failing(fingerprint="3" * 32),
    Failing(
        path="shop.integrations.warehouse.adapters.royal_mail.refresh_tracking_status_for_open_shipments",
        exception="httpx.HTTPStatusError",
        message=(
            "Server error '503 Service Unavailable' for url 'https://api.royalmail.example/v2/"
            "shipments?status=open&page=4&cursor=eyJpZCI6NDF9&include=events,consignments'"
        ),
        place="shop/integrations/http.py:61 in raise_for_status",
        by_hour=(3, 1, 0, 2, 4, 1, 0, 0, 1, 2, 3, 2, 1, 0, 0, 2, 4, 2, 1, 1, 3, 2, 2, 2),
        first=timedelta(days=8),
        last=timedelta(minutes=1),
        fingerprint="4" * 32,
    ),
    Failing(
        path="shop.tasks.charge_payment",
        exception="shop.payments.gateway.CardDeclined",
        message="insufficient_funds",
        place="shop/payments/gateway.py:88 in capture",
        by_hour=(3, 4, 2, 1, 0, 0, 1, 2, 5, 6, 8, 7, 9, 6, 5, 6, 7, 8, 6, 5, 8, 6, 6, 6),
        first=timedelta(days=800),
        last=timedelta(minutes=3),
        fingerprint="5" * 32,
    ),
]
