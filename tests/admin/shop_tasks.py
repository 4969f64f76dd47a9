"""Tasks about orders, and the pages of the extended admin that show them."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.models import TaskRecord
from tests.shop.models import Order
from tests.tasks import add

HOUR = timedelta(hours=1)
OUTSIDERS = ["view_taskrecord", "retry_taskrecord"]


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def about(customer: str, **columns: Any) -> TaskRecord:
    """Return a task that waits and is about an order of a customer."""
    order = Order.objects.create(customer=customer)
    result = add.using(target=order, run_after=HOUR).enqueue(1, 2)
    TaskRecord.objects.filter(pk=result.id).update(**columns)
    return TaskRecord.objects.get(pk=result.id)


def permitted(*codenames: str) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, **query: Any) -> Any:
    answer = client.get(url("djtasks_taskrecord_changelist"), query)
    assert answer.status_code == 200
    return answer


def cells(answer: Any) -> list[dict[str, str]]:
    """Return the text of each cell, by column, of each task of a list."""
    return [
        {cell.column.name: str(cell.text) for cell in row} for _row, row in answer.context["listed"]
    ]


def exported(client: Client) -> list[dict[str, Any]]:
    answer = client.get(url("djtasks_export"), {"format": "json"})
    found: list[dict[str, Any]] = json.loads(answer.getvalue())["tasks"]
    return found
