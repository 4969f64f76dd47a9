"""The pages in a real browser, under a strict policy: nothing complains, keys and polling work."""

from datetime import timedelta

import pytest
from django.urls import reverse

from djtasks.engine import Engine
from djtasks.models import WorkerRecord
from tests.admin.browser import Browser
from tests.admin.incident import Incident
from tests.tasks import add
from tests.waiting import eventually

pytestmark = pytest.mark.slow

PAGES = [
    "djtasks_overview",
    "djtasks_taskrecord_changelist",
    "djtasks_queues",
    "djtasks_workerrecord_changelist",
]


def page(name: str) -> str:
    return reverse(f"admin:{name}")


def test_new_work_appears_by_itself(browser: Browser) -> None:
    browser.open(page("djtasks_queues"))
    browser.chrome.execute_script(
        "const s = document.querySelector('[data-djt-refresh] select'); s.value = '2';"
        "s.dispatchEvent(new Event('change'))"
    )

    add.enqueue(1, 2)

    eventually(lambda: "1" in browser.find("td[data-label=Ready]").text, seconds=10)
    assert browser.complaints() == []


def test_r_refreshes_and_question_mark_shows_the_keys(browser: Browser) -> None:
    browser.open(page("djtasks_queues"))
    add.enqueue(1, 2)

    browser.press("r")

    eventually(lambda: browser.find("td[data-label=Ready]").text == "1", seconds=5)
    browser.press("?")
    assert browser.find("#djt-keys").is_displayed()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_queue_is_paused_and_resumed_by_hand(browser: Browser, scripts: bool) -> None:
    browser.allow_scripts(allowed=scripts)
    browser.open(page("djtasks_queues"))

    browser.click("Pause…")
    browser.find("[name=reason]").send_keys("INC-311")
    browser.click("Pause default")

    assert browser.reads("INC-311")
    browser.click("Resume")
    assert browser.reads("Queue default is open again.")
    assert browser.complaints() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_queue_is_purged_after_its_name_was_typed(browser: Browser, scripts: bool) -> None:
    add.enqueue_many([(1, 2)] * 3)
    browser.allow_scripts(allowed=scripts)
    browser.open(page("djtasks_queues"))

    browser.click("Purge…")
    browser.find("[name=typed]").send_keys("mail")
    browser.click("Purge 3 tasks")
    assert browser.reads("Nothing was deleted")
    browser.find("[name=typed]").clear()
    browser.find("[name=typed]").send_keys("default")
    browser.click("Purge 3 tasks")

    assert browser.reads("3 tasks of queue default were deleted.")
    assert browser.complaints() == []


def test_orders_to_workers_are_given_by_hand(browser: Browser, live_engine: Engine) -> None:
    Incident(live_engine).happen()
    browser.open(page("djtasks_workerrecord_changelist"))

    browser.click("Stacks")
    assert browser.reads("Requested.")
    browser.click("Drain")

    assert browser.reads("was asked to drain")
    assert WorkerRecord.objects.filter(order="drain").count() == 1
    assert browser.complaints() == []


def test_a_form_that_is_being_filled_in_is_left_alone(browser: Browser) -> None:
    browser.open(page("djtasks_queues"))
    browser.chrome.execute_script(
        "const field = document.createElement('input');"
        "document.querySelector('[data-djt-live]').append(field); field.focus()"
    )
    add.enqueue(1, 2)

    browser.chrome.execute_script("document.dispatchEvent(new CustomEvent('djtasks:refresh'))")

    eventually(lambda: "Updated" in browser.find("[data-djt-status]").text, seconds=5)
    assert browser.all("[data-djt-live] > input")
    assert browser.find("td[data-label=Ready]").text == "0"


def test_what_a_person_opened_stays_open(browser: Browser, live_engine: Engine) -> None:
    add.using(run_after=timedelta(days=1)).enqueue(1, 2)
    browser.open(page("djtasks_overview"))
    browser.click("Numbers")
    assert "No live worker" not in browser.text()
    add.enqueue(1, 2)

    browser.press("r")

    assert browser.reads("No live worker")
    assert browser.all("details[open]")
