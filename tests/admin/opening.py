"""Tasks whose pages tests look at: one that failed in the project's own code, and its page."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.tasks import explode


def page(record_id: Any, name: str = "change") -> str:
    return reverse(f"admin:djtasks_taskrecord_{name}", args=[record_id])


def failed(message: str = "boom") -> TaskRecord:
    result = explode.enqueue(message)
    run_due()
    return TaskRecord.objects.get(pk=result.id)


def permitted(client: Client, *codenames: str) -> Client:
    """Sign somebody in who may do only this."""
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def staff(name: str, codenames: set[str]) -> Client:
    """A browser of its own, of somebody who may do only this."""
    user = User.objects.create_user(name[:150], is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="djtasks")
    user.user_permissions.add(*ours.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def log() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
