"""One task of the shop in trouble: an invoice whose mail failed three times, due again soon."""

from datetime import timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.admin.incident import Incident

_TRACE = """Traceback (most recent call last):
  File "/srv/shop/tasks.py", line 118, in send_invoice
    message.send(fail_silently=False)
  File "/srv/venv/lib/python3.13/site-packages/django/core/mail/message.py", line 301, in send
    return self.get_connection(fail_silently).send_messages([self])
  File "/srv/venv/lib/python3.13/site-packages/django/core/mail/backends/smtp.py", line 128, \
in send_messages
    sent = self._send(message)
  File "/srv/shop/mail/transport.py", line 57, in _send_with_receipt
    refused = self.connection.sendmail(envelope.sender, envelope.recipients, envelope.as_bytes())
  File "/usr/lib/python3.13/smtplib.py", line 896, in sendmail
    raise SMTPServerDisconnected("Connection unexpectedly closed")
smtplib.SMTPServerDisconnected: Connection unexpectedly closed: [Errno 104] Connection reset by peer
"""


def late_invoice(shop: Incident) -> TaskRecord:
    """Write the record, and what maria did to it, as the pictures show them."""
    worker = str(shop.workers[1].pk)

    def failure(minutes: float, seconds: float, kind: str, message: str) -> dict[str, Any]:
        start = shop.ago(minutes)
        end = start + timedelta(seconds=seconds)
        return {
            "class": kind,
            "message": message,
            "traceback": _TRACE if "smtplib" in kind else "",
            "worker": worker,
            "started_at": start.isoformat(),
            "at": end.isoformat(),
        }

    closed = "Connection unexpectedly closed: [Errno 104] Connection reset by peer"
    record = TaskRecord(
        backend="default",
        task_path="shop.tasks.send_invoice",
        queue="mail",
        priority=10,
        args=[48213],
        kwargs={
            "template": "invoice_2026_en",
            "attach_terms": True,
            "portal_token": "5f2c-secret",
            "copy_to": [
                "accounting@kunde-mit-sehr-langem-namen-gmbh-und-co-kg.example",
                "archive@shop.example",
                "anna@shop.example",
                "maria@shop.example",
            ],
        },
        state=int(State.READY),
        enqueued_at=shop.ago(18.1),
        run_after=shop.ago(-4.57),
        expires_at=shop.ago(-1420),
        attempt=3,
        max_attempts=5,
        timeout=timedelta(seconds=30),
        fence=3,
        key="shop.tasks.send_invoice:invoice:48213",
        tags=["order", "vip"],
        progress={"done": 2, "total": 3, "note": "PDF rendered; sending."},
        last_attempted_at=shop.ago(10.8),
        errors=[
            failure(18, 30, "djtasks.errors.TaskTimeout", "It ran longer than 30 s."),
            failure(16.5, 24, "smtplib.SMTPServerDisconnected", closed),
            failure(10.8, 22.4, "smtplib.SMTPServerDisconnected", closed),
        ],
        worker_ids=[worker],
    )
    record.save(force_insert=True)
    maria, _is_new = User.objects.get_or_create(username="maria")
    entry = LogEntry.objects.log_actions(
        maria.pk, [record], CHANGE, "priority 0 → 10: VIP customers first", single_object=True
    )
    LogEntry.objects.filter(pk=entry.pk).update(action_time=shop.ago(9.8))
    return record
