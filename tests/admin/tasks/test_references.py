"""The objects among the arguments of a typed task, on the task's page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from djtasks import task
from tests.admin.opening import permitted
from tests.admin.tasks.test_detail import read

pytestmark = pytest.mark.usefixtures("engine")


@task
def greet(users: list[User], pin: str = "") -> None: ...


@task(sensitive="users")
def greet_secretly(users: list[User]) -> None: ...


def test_objects_among_typed_arguments_are_named_and_linked(admin: Client) -> None:
    first, gone = (User.objects.create(username=name) for name in ("<first>", "gone"))
    record = greet.enqueue([first, gone])
    key = gone.pk
    gone.delete()

    html = read(admin, record.id)

    address = reverse("admin:auth_user_change", args=[first.pk])
    assert f'<a href="{address}">user #{first.pk} (“&lt;first&gt;”)</a>' in html.replace(
        "<wbr>", ""
    )
    assert f"user #{key}, deleted" in html


@pytest.mark.parametrize(
    ("codenames", "shows_key", "shows_name"),
    [
        (("view_taskrecord",), False, False),
        (("view_taskrecord", "view_arguments"), True, False),
        (("view_taskrecord", "view_arguments", "view_user"), True, True),
    ],
)
def test_objects_are_named_to_those_who_may_view_them(
    client: Client, codenames: tuple[str, ...], shows_key: bool, shows_name: bool
) -> None:
    user = User.objects.create(username="lovelace")
    record = greet.enqueue([user])

    html = read(permitted(client, *codenames), record.id)

    assert (f"user #{user.pk}" in html, "lovelace" in html) == (shows_key, shows_name)


def test_hidden_objects_stay_hidden(admin: Client) -> None:
    user = User.objects.create(username="lovelace")

    html = read(admin, greet_secretly.enqueue([user]).id)

    assert "lovelace" not in html
    assert f"user #{user.pk}" not in html
