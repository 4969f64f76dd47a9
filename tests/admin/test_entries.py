"""The index of the admin, its sidebar and its log: pages by their names, and links that work."""

import re
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from djtasks.admin import register
from djtasks.engine import Engine, engine_of
from djtasks.models import BulkAction, Schedule, WorkerRecord
from tests.admin.opening import staff
from tests.admin.stage import set_up
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")

ALL = ["Overview", "Tasks", "Failures", "Workflows", "Queues", "Workers", "Schedules"]


class Grouped(AdminSite):
    """A site whose list of apps has groups, names and an order of its own."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        models = [model for app in apps for model in app["models"]]
        return [{"name": "All", "app_label": "all", "app_url": "", "models": models[::-1]}]


site = Grouped(name="grouped")
site.register(Group)
register(site)
register(site)  # twice changes nothing
urlpatterns = [path("ops/", site.urls)]


def entries(html: str, part: str = "content-main") -> dict[str, str]:
    """Return the names and addresses of the list of apps of a page."""
    listed = html.partition(f'id="{part}"')[2].partition("</nav>")[0]
    return {
        name: address
        for address, name in re.findall(r'<th[^>]*>\s*<a href="([^"]*)"[^>]*>([^<]*)</a>', listed)
        if "/djtasks/" in address
    }


@pytest.mark.parametrize(
    ("codenames", "names"),
    [
        ({"view_taskrecord"}, ["Overview", "Tasks", "Failures"]),
        ({"view_workflow"}, ["Workflows"]),
        ({"view_queuecontrol", "view_schedule"}, ["Queues", "Schedules"]),
        ({"view_workerrecord", "retry_taskrecord"}, ["Workers"]),
        ({"enqueue_taskrecord"}, []),
    ],
)
def test_the_index_lists_the_pages_that_somebody_may_open(
    db: None, codenames: set[str], names: list[str]
) -> None:
    client = staff("bob", codenames)

    found = entries(client.get("/admin/").content.decode())

    assert list(found) == names
    assert {client.get(address).status_code for address in found.values()} <= {200}


def test_a_site_may_group_its_apps_as_it_likes(admin: Client) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        html = admin.get("/ops/").content.decode()

    assert list(entries(html)) == ALL
    assert html.count('href="/ops/auth/group/"') >= 1
    ids = re.findall(r' id="([^"]*)"', html.partition('id="content-main"')[2])
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("page", "name"), [("overview/", "Overview"), ("", "Tasks"), ("new/", "Tasks")]
)
def test_the_sidebar_marks_one_entry(admin: Client, page: str, name: str) -> None:
    sidebar = admin.get(f"/admin/djtasks/taskrecord/{page}").content.decode()
    sidebar = sidebar.partition('id="nav-sidebar"')[2].partition("</nav>")[0]

    assert re.findall(r'aria-current="page">([^<]*)<', sidebar) == [name]


def recent(admin: Client) -> list[tuple[str, str]]:
    """Return the recent actions of the index, oldest first: what is said, and where it leads."""
    html = admin.get("/admin/").content.decode().partition('id="recent-actions-module"')[2]
    items = re.findall(r"<li class=.*?</li>", html, re.DOTALL)
    return [
        (" ".join(re.sub(r"<[^>]*>", " ", item).split()), "".join(re.findall('href="(.*?)"', item)))
        for item in reversed(items)
    ]


def test_recent_actions_have_names_and_links_that_work(admin: Client, engine: Engine) -> None:
    stage = set_up(engine)
    Schedule.objects.update(declared=None)
    add.using(queue_name="mail").enqueue(1, 2)
    queues, tasks = "/admin/djtasks/queuecontrol/", "/admin/djtasks/taskrecord/"
    for address, data in (
        (f"{queues}pause/?queue=mail", {"reason": "INC-311", "length": ""}),
        (f"{queues}purge/?queue=mail", {"typed": "mail"}),
        (f"{queues}resume/", {"queue": "mail"}),
        ("/admin/djtasks/workerrecord/order/", {"order": f"drain {stage['worker']}"}),
        (f"{tasks}bulk/new/", {"action": "retry", "all": "1", "q": "state:failed"}),
        (f"{tasks}{stage['running']}/cancel/", {}),
        (f"{tasks}{stage['task']}/discard/", {}),
        (f"/admin/djtasks/schedule/{stage['schedule']}/delete/", {}),
    ):
        assert admin.post(address, data).status_code == 302, address

    found = recent(admin)

    assert [name for name, _address in found] == [
        "Changed: mail Queue",
        "Changed: mail Queue",
        "Changed: mail Queue",
        "Changed: plain 4711 Worker",
        "Changed: retry of 2 tasks Bulk action",
        f"Changed: plain.plain {stage['running']} Task",
        f"Deleted: plain.plain {stage['task']} Task",
        "Deleted: 0plain Schedule",
    ]
    WorkerRecord.objects.all().delete()
    assert [bool(address) for _name, address in found] == [True] * 6 + [False] * 2
    for name, address in found[:6]:
        assert admin.get(address, follow=True).status_code == 200, name


def test_a_queue_has_one_history_over_all_its_pauses(admin: Client) -> None:
    queue = "/admin/djtasks/queuecontrol/"
    for _ in range(2):
        admin.post(f"{queue}pause/?queue=mail", {"reason": "INC-311", "length": ""})
        admin.post(f"{queue}resume/", {"queue": "mail"})

    html = admin.get(f"{queue}default:mail/history/").content.decode()

    assert html.count("INC-311") == html.count("paused by ada → open") == 2


def test_the_log_leads_to_the_alias_of_a_row(admin: Client) -> None:
    stage = set_up(engine_of("polled"))
    row = LogEntry(content_type=ContentType.objects.get_for_model(BulkAction))
    row.object_id = stage["bulk"]

    answer = admin.get(str(row.get_admin_url()), follow=True)

    assert (answer.status_code, answer.context["backend"]) == (200, "polled")
