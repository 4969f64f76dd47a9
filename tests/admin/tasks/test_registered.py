"""Registered tasks: what the code can run, with options, help and schedules."""

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from djtasks.models import Schedule
from djtasks.schedules import Every
from tests.admin.ordering import send_invoice
from tests.tasks import add, reads_row

pytestmark = pytest.mark.usefixtures("engine")


def test_registered_tasks_show_signature_options_help_and_schedules(admin: Client) -> None:
    schedule = Schedule.objects.create(
        backend="default", name="nightly", task_path=send_invoice.module_path,
        rule=Every(timedelta(hours=1)).as_dict(),
    )  # fmt: skip

    answer = admin.get(reverse("admin:djtasks_registered"), {"find": "mail it to the customer"})

    html = answer.content.decode()
    assert "send_invoice(order_id: int" in html
    assert "Render the invoice of an order" in html
    assert reverse("admin:djtasks_schedule_change", args=[schedule.pk]) in html
    assert "5, the second 15 s after the first" in html
    assert f"task={send_invoice.module_path}" in html
    assert add.module_path not in html


def test_registered_tasks_show_which_errors_cancel_them(admin: Client) -> None:
    answer = admin.get(reverse("admin:djtasks_registered"), {"find": reads_row.module_path})

    html = answer.content.decode()
    assert "<dt>Retries on</dt><dd>LookupError</dd>" in html
    assert "<dt>Cancels on</dt><dd>DoesNotExist</dd>" in html


def test_a_search_without_a_hit_says_so(admin: Client) -> None:
    for name in ("djtasks_registered", "djtasks_new_task"):
        html = admin.get(reverse(f"admin:{name}"), {"find": "<b>"}).content.decode()
        assert "No task matches “&lt;b&gt;”" in html


def test_a_tasks_module_that_cannot_be_imported_is_told(admin: Client) -> None:
    options = {"broker": "database", "imports": ["nowhere.tasks"]}
    broken = {"default": {"BACKEND": "djtasks.backend.DjtasksBackend", "OPTIONS": options}}

    with override_settings(TASKS=broken):
        html = admin.get(reverse("admin:djtasks_registered")).content.decode()

    assert "cannot be imported" in html
    assert "nowhere" in html
