"""The fields that a form offers for the types of a typed task."""

import re
from datetime import date, datetime, time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from djtasks import task
from djtasks.engine import Engine
from tests.admin.tasks.test_new import call_of, filled, new
from tests.models import Seat
from tests.typed_tasks import DAY, Color, Right, Status

pytestmark = pytest.mark.usefixtures("engine")


@task
def typed(
    user: User,
    color: Color = Color.RED,
    status: Status = Status.NEW,
    day: date = DAY,
    at: datetime | None = None,
    seat: Seat | None = None,
    clock: time | None = None,
    right: Right | None = None,
) -> None: ...


def test_a_typed_task_has_fitting_fields(admin: Client) -> None:
    shown = admin.get(new(typed)).content.decode()

    assert '<select name="arg-color"' in shown
    assert '<option value="red" selected>RED</option>' in shown
    assert '<option value="new" selected>New</option>' in shown
    assert re.search(r'<input type="date" name="arg-day" value="2026-02-28"', shown)
    assert "The primary key of a user." in shown
    assert f'<a href="{reverse("admin:auth_user_changelist")}" target="_blank">Find it</a>' in shown


def test_a_typed_call_is_in_its_json_form(engine: Engine) -> None:
    user = User.objects.create(username="somebody")

    args, kwargs = call_of(
        engine,
        typed,
        user=str(user.pk),
        color="blue",
        status="new",
        day="2026-03-01",
        at="2026-03-01T14:30",
        seat='["A", 1]',
        clock="14:30",
        right="3",
    )

    assert args == [user.pk]
    assert kwargs == {
        "color": "blue",
        "status": "new",
        "day": "2026-03-01",
        "at": "2026-03-01T14:30:00+02:00",
        "seat": ["A", 1],
        "clock": "14:30:00",
        "right": 3,
    }


def test_what_a_typed_argument_is_not_is_said_at_its_field(engine: Engine) -> None:
    form = filled(engine, typed, user="ada", color="green", status="new", day="soon")

    assert form.errors["arg-user"] == [
        "The value “ada” is not valid. Enter the primary key of a user."
    ]
    assert form.errors["arg-color"] == ["Choose one of the listed values."]
    assert "arg-day" in form.errors


def test_a_typed_call_is_copied(engine: Engine, admin: Client) -> None:
    user = User.objects.create(username="somebody")
    before = typed.enqueue(user, color=Color.BLUE)

    shown = admin.get(new(typed, like=before.id)).content.decode()

    assert '<option value="blue" selected>BLUE</option>' in shown
    assert f'name="arg-user" value="{user.pk}"' in shown
