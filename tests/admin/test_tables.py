"""The admin's tables: everything can be read, nothing can be changed."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import QueueControl, TaskRecord, WorkerRecord
from djtasks.operations import pause_queue
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")
MODELS = [TaskRecord, WorkerRecord, QueueControl]


def make(model: Any) -> Any:
    """Return one row of each kind."""
    if model is TaskRecord:
        return TaskRecord.objects.get(pk=add.using(unique="a <b>key</b>").enqueue(1, 2).id)
    if model is WorkerRecord:
        return WorkerRecord.objects.create(
            backend="default", supervisor=new_id(), host="web-1", pid=4711, slots=8
        )
    pause_queue(engine_of("default"), "mail", by="Ada", reason="no <b>paper</b>")
    return QueueControl.objects.get()


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:djtasks_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_a_list_shows_its_rows(admin: Client, model: Any) -> None:
    row = make(model)

    page = admin.get(url(model, "changelist"))

    assert page.status_code == 200
    assert {TaskRecord: str(row.pk), WorkerRecord: "4711", QueueControl: "Paused"}[model] in (
        page.content.decode()
    )


@pytest.mark.parametrize("model", MODELS)
def test_an_empty_list_is_shown_too(admin: Client, model: Any) -> None:
    assert admin.get(url(model, "changelist")).status_code == 200


@pytest.mark.parametrize("model", [model for model in MODELS if model is not TaskRecord])
def test_a_row_without_a_page_leads_to_the_page_of_its_kind(admin: Client, model: Any) -> None:
    row = make(model)

    there = admin.get(url(model, "change", row.pk))
    row.delete()
    gone = admin.get(url(model, "change", row.pk or new_id()), follow=True)

    assert there.url == f"{url(model, 'changelist')}?backend=default"  # type: ignore[attr-defined]
    assert "is gone." in gone.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_what_people_wrote_is_text_and_not_markup(admin: Client, model: Any) -> None:
    row = make(model)

    text = admin.get(url(model, "change", row.pk), follow=True).content.decode()

    assert "<b>key</b>" not in text
    assert "<b>paper</b>" not in text


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(admin: Client, model: Any) -> None:
    row = make(model)

    assert admin.get(url(model, "add")).status_code == 403
    assert admin.post(url(model, "change", row.pk), {"state": 3}).status_code == 403
    assert admin.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_no_action_deletes_a_selection(admin: Client) -> None:
    row = make(TaskRecord)

    admin.post(
        url(TaskRecord, "changelist"),
        {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
    )

    assert TaskRecord.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_stranger_sees_nothing(client: Client, model: Any) -> None:
    for page in (url(model, "changelist"), url(model, "change", make(model).pk)):
        assert client.get(page).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_permissions_to_view_are_djangos(client: Client, model: Any) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    client.force_login(user)
    assert client.get(url(model, "changelist")).status_code == 403

    may_view = Permission.objects.get(codename=f"view_{model._meta.model_name}")
    user.user_permissions.add(may_view)

    assert client.get(url(model, "changelist")).status_code == 200
    answer = client.get(url(model, "change", make(model).pk), follow=True)
    assert answer.status_code == 200
