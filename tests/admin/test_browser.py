"""The pages in a real browser, under a strict policy: nothing complains, keys and polling work."""

from datetime import timedelta

import pytest
from django.urls import reverse
from selenium.webdriver import ActionChains

from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.models import QueueSample, WorkerRecord
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


def test_the_values_under_the_pointer_fit_into_a_phone(
    browser: Browser, live_engine: Engine
) -> None:
    now = floor(live_engine.store.now(), timedelta(minutes=1))
    names = [f"reports-of-the-northern-branch-offices-and-warehouses-{n}" for n in range(4)]
    QueueSample.objects.bulk_create(
        QueueSample(
            backend="default", step=60, at=now - timedelta(minutes=back), queue=one, ready=9
        )
        for one in names
        for back in range(1, 50)
    )
    add.enqueue(1, 2)
    browser.emulate(width=390)
    browser.open(page("djtasks_overview"))

    strips = [
        one for one in browser.all(".djt-step") if names[0] in one.get_property("textContent")
    ]
    pointer = ActionChains(browser.chrome)
    pointer.scroll_to_element(strips[20]).move_to_element(
        strips[20].find_element("tag name", "rect")
    )
    pointer.perform()
    text = strips[20].find_element("tag name", "p")

    assert text.is_displayed()
    left, right, width = browser.chrome.execute_script(
        "const box = arguments[0].getBoundingClientRect();"
        "return [box.left, box.right, arguments[0].scrollWidth - arguments[0].clientWidth]",
        text,
    )
    assert 0 <= left < right <= 390
    assert width <= 0
    browser.emulate()


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
