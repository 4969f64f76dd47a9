"""The pictures of the documentation: `make screenshots`. Not collected by an ordinary run."""

import os
import subprocess
from pathlib import Path
from shutil import which

import pytest
from django.urls import reverse

import tests.admin.ordering  # noqa: F401 - its task is filled in
from djtasks.engine import Engine
from djtasks.inspection import listing
from djtasks.models import Schedule
from tests.admin.browser import Browser
from tests.admin.incident import Incident
from tests.admin.invoice import late_invoice
from tests.admin.opening import page
from tests.admin.timetable import make_schedules

FOLDER = Path(
    os.environ.get("DJTASKS_SCREENSHOTS", Path(__file__).parents[2] / "docs" / "images" / "admin")
)
PHONE = 390
PAGES = {
    "overview": "djtasks_overview",
    "tasks": "djtasks_taskrecord_changelist?q=state:failed+after:1h",
    "queues": "djtasks_queues",
    "workers": "djtasks_workerrecord_changelist",
    "failures": "djtasks_failures",
    "schedules": "djtasks_schedule_changelist",
    "registered": "djtasks_registered",
}
# Only pages that every reader meets are shown on a phone too.
ON_A_PHONE = {"overview", "tasks", "task", "new-task", "queues", "workers", "failures", "schedules"}
NEW_TASK = "?task=tests.admin.ordering.send_invoice"


@pytest.fixture
def shop(live_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)  # a picture is no scroll
    incident = Incident(live_engine, share=1)
    incident.happen()
    make_schedules(live_engine)
    return incident


def address_of(page: str) -> str:
    view, mark, query = page.partition("?")
    return reverse(f"admin:{view}") + mark + query


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots(browser: Browser, shop: Incident, theme: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    pages = {name: address_of(url) for name, url in PAGES.items()}
    pages["task"] = page(late_invoice(shop).pk)
    pages["new-task"] = reverse("admin:djtasks_new_task") + NEW_TASK
    pages["schedule"] = reverse(
        "admin:djtasks_schedule_change", args=[Schedule.objects.get(name="inventory").pk]
    )
    pages["failures-retry"] = f"{reverse('admin:djtasks_failures_retry')}?group={'1' * 32}"
    for name, path in pages.items():
        shop.beat()
        browser.emulate(dark=theme == "dark")
        browser.open(path)
        if name == "new-task":
            browser.find("[name=arg-order_id]").send_keys("48213")
            browser.click("Check only")
            browser.reads("The call would be accepted.")
        browser.photograph(FOLDER / f"{name}-{theme}.png")
        if theme == "light" and name in ON_A_PHONE:
            browser.emulate(width=PHONE)
            browser.photograph(FOLDER / f"{name}-phone.png")
    compress(FOLDER)


def compress(folder: Path) -> None:
    """Make pictures a third as large, where Debian's pngquant is installed."""
    if which("pngquant"):
        pictures = [str(picture) for picture in folder.glob("*.png")]
        command = ["pngquant", "--force", "--ext", ".png", "--quality", "60-90", *pictures]
        subprocess.run(command, check=True)
