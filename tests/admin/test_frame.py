"""The frame around every page: tabs, aliases, sites, and what a strict policy allows."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory, override_settings
from django.urls import path, reverse

import djtasks.admin
from djtasks.admin import register
from djtasks.models import TaskRecord

pytestmark = pytest.mark.usefixtures("engine")

PAGES = ["djtasks_overview", "djtasks_queues", "djtasks_workerrecord_changelist"]
VENDORED = [
    Path(djtasks.admin.__file__).parents[1] / "static" / "djtasks" / "vendor",
    Path(__file__).parent / "vendor",
]

custom = AdminSite(name="operations")
register(custom)
urlpatterns = [path("ops/", custom.urls)]


def page(name: str) -> str:
    return reverse(f"admin:{name}")


def tabs(html: str) -> list[str]:
    nav = html.partition('<nav class="djt-nav"')[2].partition("</nav>")[0]
    return re.findall(r">([^<>]+)</a>", nav)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_in_the_admin_with_its_tabs(admin: Client, name: str) -> None:
    html = admin.get(page(name)).content.decode()

    assert 'id="nav-sidebar"' in html
    assert {"Overview", "Tasks", "Queues", "Workers"} <= set(tabs(html))
    assert html.count('aria-current="page"') >= 1


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_asked_to_sign_in(client: Client, name: str) -> None:
    assert client.get(page(name)).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_staff_without_permission_see_no_page(client: Client, name: str) -> None:
    client.force_login(User.objects.create_user("bob", is_staff=True))

    assert client.get(page(name)).status_code == 403


def test_tabs_are_those_one_may_see(client: Client) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workerrecord"))
    client.force_login(user)

    html = client.get(page("djtasks_workerrecord_changelist")).content.decode()

    assert tabs(html) == ["Workers"]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_inline_scripts_or_styles(admin: Client, name: str) -> None:
    html = admin.get(page(name)).content.decode()

    assert not re.findall(r"<script(?![^>]* src=)[^>]*>", html)
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_work_on_a_site_of_ones_own(admin: Client, name: str) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        address = reverse(f"admin:{name}", current_app="operations")
        html = admin.get(address).content.decode()

    assert address.startswith("/ops/")
    assert 'href="/ops/djtasks/taskrecord/overview/"' in html
    assert '="/admin/' not in html


def test_registering_twice_changes_nothing() -> None:
    site = AdminSite()
    register(site)
    mine = site.get_model_admin(TaskRecord)

    register(site)

    assert site.get_model_admin(TaskRecord) is mine


@pytest.mark.parametrize("asked", ["polled", "nonsense", "", "a" * 5000, "<b>"])
def test_an_alias_is_chosen_in_the_address_and_a_wrong_one_means_the_first(
    admin: Client, asked: str
) -> None:
    answer = admin.get(page("djtasks_queues"), {"backend": asked})

    assert answer.context["backend"] == (asked if asked == "polled" else "default")


@override_settings(TASKS={"default": {"BACKEND": "djtasks.testing.backends.DummyBackend"}})
@pytest.mark.parametrize("name", PAGES)
def test_a_project_without_a_backend_of_ours_is_told_how_to_get_one(
    admin: Client, name: str
) -> None:
    answer = admin.get(page(name))

    assert answer.status_code == 200
    assert "djtasks.backend.DjtasksBackend" in answer.content.decode()


def written_down(folder: Path) -> dict[str, str]:
    """Return the checksums of a folder's VENDORED.md by file name."""
    rows = (folder / "VENDORED.md").read_text()
    return dict(re.findall(r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", rows, re.MULTILINE))


@pytest.mark.parametrize("folder", VENDORED, ids=str)
def test_a_vendored_script_is_the_one_whose_checksum_is_written_down(folder: Path) -> None:
    checksums = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.js")
    }

    assert checksums == written_down(folder)


@pytest.mark.parametrize(
    ("language", "is_said"), [("en", False), ("en-gb", False), ("de", True), ("ar", True)]
)
def test_english_on_a_page_of_another_language_says_that_it_is_english(
    admin: Client, language: str, is_said: bool
) -> None:
    with override_settings(LANGUAGE_CODE=language):
        html = admin.get(page("djtasks_queues")).content.decode()

    assert ('<div id="content-main" class="djt" lang="en" dir="ltr">' in html) is is_said


def test_the_address_tag_keeps_the_other_parameters(rf: RequestFactory) -> None:
    from django.template import Context, Template

    shown = Template("{% load djtasks_pages %}{% address span=7 backend=None %}")
    request: Any = rf.get("/", {"q": "a b", "backend": "x"})

    assert shown.render(Context({"request": request}, autoescape=False)) == "?q=a+b&span=7"
