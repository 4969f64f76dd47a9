"""A person and one task in a real browser: read why it failed, retry it, make another one."""

import pytest
from django.urls import reverse

import tests.admin.ordering  # noqa: F401 - its task is filled in
from djtasks.engine import Engine, engine_of
from djtasks.models import TaskRecord
from djtasks.operations import discard
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.admin.browser import Browser
from tests.admin.incident import Incident
from tests.admin.invoice import late_invoice
from tests.admin.opening import failed, page
from tests.tasks import add
from tests.waiting import eventually

pytestmark = pytest.mark.slow

ORDERING = "?task=tests.admin.ordering.send_invoice"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_failed_task_is_read_retried_and_made_again(browser: Browser, scripts: bool) -> None:
    record = failed("the printer is on fire")
    browser.allow_scripts(allowed=scripts)
    browser.open(page(record.pk))

    assert "raise ValueError(message)" in browser.find(".djt-frames .own .line").text
    browser.click("Retry")
    assert browser.reads("failed → ready")
    assert browser.reads("ada")
    run_due()
    browser.open(page(record.pk))
    browser.click("Enqueue again…")
    field = browser.find("[name=arg-message]")
    assert field.get_attribute("value") == "the printer is on fire"
    field.clear()
    field.send_keys("again")
    browser.click("Check only")
    assert browser.reads("The call would be accepted.")
    browser.click("Enqueue")

    assert browser.reads("Task explode was enqueued.")
    assert TaskRecord.objects.get(state=State.READY).kwargs == {"message": "again"}
    assert browser.complaints() == []


def test_a_task_is_picked_and_wrong_input_is_told_at_its_field(browser: Browser) -> None:
    browser.open(reverse("admin:djtasks_new_task"))
    browser.find("[name=find]").send_keys("ordering invoice")
    browser.click("Find")
    assert browser.reads("1 task")
    browser.click("tests.admin.ordering.send_invoice")
    browser.find("[name=arg-lines]").send_keys('[{"price": NaN}]')
    browser.click("Enqueue")

    assert browser.reads("NaN cannot be stored as JSON")
    assert browser.reads("This field is required")
    field = browser.find("[name=arg-lines]")
    assert "NaN" in field.get_attribute("value")
    field.clear()
    browser.find("[name=arg-order_id]").send_keys("7")
    browser.click("Enqueue")

    assert browser.reads("Task send_invoice was enqueued.")
    assert browser.complaints() == []


def test_a_task_is_cancelled_and_discarded_after_it_was_asked(browser: Browser) -> None:
    result = add.enqueue(1, 2)
    browser.open(page(result.id))

    browser.click("Cancel…")
    browser.click("Cancel the task")
    assert browser.reads("ready → cancelled")
    browser.click("Discard…")
    browser.click("Discard the task")

    eventually(lambda: not TaskRecord.objects.exists())
    assert browser.complaints() == []


def test_an_open_page_follows_its_task_to_the_end_and_beyond(browser: Browser) -> None:
    result = add.enqueue(1, 2)
    browser.open(page(result.id))
    assert browser.reads("Why is it not running?")

    run_due()
    browser.press("r")
    assert browser.reads("It is final: successful")
    discard(engine_of("default"), [TaskRecord.objects.get().pk])
    browser.press("r")

    assert browser.reads("There is no such task")
    assert browser.complaints() == []


@pytest.mark.parametrize(("dark", "width"), [(False, 390), (True, 1440)], ids=["light", "dark"])
def test_no_page_about_a_task_shuts_anybody_out(
    browser: Browser, live_engine: Engine, dark: bool, width: int
) -> None:
    shop = Incident(live_engine, share=0.001)
    shop.happen()
    invoice = late_invoice(shop)
    browser.emulate(dark=dark, width=width)

    for path in (
        page(invoice.pk),
        page(failed().pk),
        page(invoice.pk, "retry"),
        page(invoice.pk, "discard"),
        page("nowhere"),
        reverse("admin:djtasks_new_task"),
        reverse("admin:djtasks_new_task") + ORDERING,
        reverse("admin:djtasks_registered"),
    ):
        browser.open(path)
        assert browser.barriers() == [], path
        room = browser.chrome.execute_script("return document.documentElement.scrollWidth")
        assert room <= width, path
    assert [one for one in browser.complaints() if "404" not in one] == []
