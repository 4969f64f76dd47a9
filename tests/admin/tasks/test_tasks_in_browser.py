"""The page of tasks in a real browser: search, tick, act, with and without scripts."""

import pytest
from django.urls import reverse
from selenium.webdriver.remote.webelement import WebElement

from djtasks.engine import Engine
from djtasks.models import BulkAction, TaskRecord
from djtasks.operations import start_bulk
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.admin.browser import Browser
from tests.admin.incident import Incident
from tests.tasks import add, explode
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def page(name: str = "djtasks_taskrecord_changelist", *args: object, query: str = "") -> str:
    return reverse(f"admin:{name}", args=args) + query


def fail(count: int) -> None:
    explode.enqueue_many([()] * count)
    add.enqueue(1, 2)
    run_due()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_what_failed_is_found_ticked_and_retried(browser: Browser, scripts: bool) -> None:
    fail(3)
    browser.allow_scripts(allowed=scripts)
    browser.open(page())

    browser.find("[data-djt-search]").send_keys("state:failed\n")
    eventually(lambda: len(browser.all("tbody .djt-tick input")) == 3)
    for box in browser.all("tbody .djt-tick input")[:2]:
        box.click()
    browser.click("Retry…")
    assert browser.reads("2 tasks you ticked")
    browser.click("Retry: 2 tasks")

    assert browser.reads("Waiting for a worker")
    run_due()
    browser.open(page("djtasks_bulk", BulkAction.objects.get().pk))
    assert browser.reads("Done")
    browser.click("Back to the tasks")
    assert browser.reads("explode")
    assert browser.complaints() == []


def test_everything_that_matches_is_changed_and_progress_appears_by_itself(
    browser: Browser,
) -> None:
    fail(3)
    browser.open(page(query="?q=state:failed"))

    browser.find("[name=all]").click()
    browser.click("Retry with changes…")
    browser.find("[name=priority]").send_keys("7")
    browser.click("Retry with changes: 3 tasks")
    assert browser.reads("Waiting for a worker")
    run_due()
    browser.press("r")

    assert browser.reads("Done")
    assert TaskRecord.objects.filter(priority=7).count() == 3
    assert browser.complaints() == []


def test_a_search_that_is_not_understood_is_mended_in_its_field(browser: Browser) -> None:
    fail(1)
    browser.open(page(query="?q=queue:default+state:faled"))

    assert browser.reads("is not a state")
    field = browser.find("[data-djt-search]")
    assert field.get_attribute("value") == "state:faled"
    field.clear()
    field.send_keys("state:failed\n")

    assert browser.reads("1 task, newest first")
    browser.find("[aria-label='Remove queue default']").click()
    eventually(lambda: len(browser.all(".djt-chip")) == 1)
    assert browser.complaints() == []


def test_the_list_is_worked_by_keys(browser: Browser) -> None:
    fail(2)
    browser.open(page())
    first, second, third = browser.all(".djt tbody th a")
    boxes = browser.all("tbody .djt-tick input")

    def focused() -> WebElement:
        return browser.chrome.switch_to.active_element

    browser.press("/")
    assert focused() == browser.find("[data-djt-search]")
    browser.press("j")
    assert focused().get_attribute("value") == "j"
    focused().clear()
    browser.press("ESCAPE")
    assert focused().tag_name == "body"

    for key, link in (("j", first), ("k", first), ("j", second), ("j", third), ("j", third)):
        browser.press(key)
        assert focused() == link
    browser.press("k")
    browser.press("x")
    assert [box.is_selected() for box in boxes] == [False, True, False]

    browser.press("?")
    browser.press("j")
    assert focused() != third
    browser.find("[data-djt-keys-on]").click()
    browser.press("ESCAPE")
    second.send_keys("x")
    assert boxes[1].is_selected()
    browser.find("[data-djt-keys]").click()
    browser.find("[data-djt-keys-on]").click()
    browser.press("ESCAPE")

    second.send_keys("x")
    assert not boxes[1].is_selected()
    browser.press("ENTER")
    assert browser.reads("Audit trail")
    assert browser.complaints() == []


def test_the_slash_goes_to_the_field_of_the_page(browser: Browser) -> None:
    for name in ("djtasks_failures", "djtasks_registered", "djtasks_new_task"):
        browser.open(page(name))
        browser.press("/")
        field = browser.chrome.switch_to.active_element
        assert field.get_attribute("name") in ("task", "find"), name


def test_one_box_ticks_all_and_ticked_rows_are_left_alone(browser: Browser) -> None:
    fail(2)
    browser.open(page(query="?q=explode"))
    browser.find("[data-djt-tick-all]").click()
    assert all(box.is_selected() for box in browser.all("tbody .djt-tick input"))
    explode.enqueue()

    browser.chrome.execute_script("document.dispatchEvent(new CustomEvent('djtasks:refresh'))")
    eventually(lambda: "Updated" in browser.find("[data-djt-status]").text, seconds=10)
    assert len(browser.all("tbody .djt-tick input")) == 2

    browser.find("[data-djt-tick-all]").click()
    browser.find("h1").click()  # a box with the focus is in use, too
    browser.chrome.execute_script("document.dispatchEvent(new CustomEvent('djtasks:refresh'))")
    eventually(lambda: len(browser.all("tbody .djt-tick input")) == 3)
    assert browser.find("[data-djt-tick-all]").is_displayed()


def test_what_is_typed_but_not_sent_is_left_alone(browser: Browser) -> None:
    browser.open(page())
    browser.find("[data-djt-search]").send_keys("queue:ma")
    browser.find("h1").click()
    add.enqueue(1, 2)

    browser.chrome.execute_script("document.dispatchEvent(new CustomEvent('djtasks:refresh'))")

    eventually(lambda: "Updated" in browser.find("[data-djt-status]").text, seconds=10)
    assert browser.find("[data-djt-search]").get_attribute("value") == "queue:ma"


@pytest.mark.parametrize(("dark", "width"), [(False, 390), (True, 1440)], ids=["light", "dark"])
def test_the_pages_shut_nobody_out(
    browser: Browser, live_engine: Engine, dark: bool, width: int
) -> None:
    browser.emulate(dark=dark, width=width)
    browser.open(page())
    assert browser.reads("No tasks yet")
    Incident(live_engine, share=0.01).happen()
    failed = {"state": int(State.FAILED), "search": "state:failed"}
    bulk = start_bulk(live_engine, "retry", failed, by="ada", options={"queue": "mail"})
    new = "djtasks_bulk_new"

    for path in (
        page(query="?q=state:failed"),
        page(query="?q=state:faled+queue:mail"),
        page(query="?q=queue:nowhere"),
        page(new, query="?action=change&all=1&q=state:failed"),
        page(new, query="?action=reschedule&all=1"),
        page("djtasks_bulk", bulk.pk),
    ):
        browser.open(path)
        assert browser.barriers() == []
        assert browser.chrome.execute_script("return document.body.scrollWidth") <= width
    assert browser.complaints() == []
