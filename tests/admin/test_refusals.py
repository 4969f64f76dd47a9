"""What somebody reads who lacks a permission, or asks for what is not there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings
from django.urls import reverse

from djtasks.engine import Engine
from djtasks.models import BulkAction, QueueControl, Schedule, TaskRecord
from djtasks.protocol.states import State
from tests.admin.opening import page, staff
from tests.admin.scheduling import TYPED
from tests.admin.stage import set_up
from tests.conftest import require
from tests.pgbouncer import needs_a_session
from tests.routing import Home
from tests.scheduler.making import schedule
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")

# What takes emoji away from a column, and gives them back. PostgreSQL cannot change the character
# set of a column, so a condition stands for LATIN1.
CHARACTERS = {
    "postgresql": (
        "ADD CONSTRAINT latin CHECK (reason !~ '[^\u0001-\u00ff]')",
        "DROP CONSTRAINT latin",
    ),
    "mysql": (
        "MODIFY reason varchar(500) CHARACTER SET utf8mb3 NOT NULL",
        "MODIFY reason varchar(500) CHARACTER SET utf8mb4 NOT NULL",
    ),
}

AT_THE_FIELD = "of this text, such as an emoji. Leave it out.</span>"


def said(answer: Any) -> str:
    """Return the text of the page without the frame around it."""
    html = answer.content.decode().partition("data-djt-live>")[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.mark.parametrize(
    ("method", "name", "needed", "doing"),
    [
        ("get", "djtasks_overview", "Can view task", "open this page"),
        ("get", "djtasks_schedule_add", "Can add schedule", "open this page"),
        ("post", "djtasks_queue_resume", "Can pause and resume queues", "do this"),
        ("post", "djtasks_worker_order", "Can control workers", "do this"),
    ],
)
def test_a_page_names_the_permission_that_is_missing(
    db: None, method: str, name: str, needed: str, doing: str
) -> None:
    client = staff("bob", {"view_queuecontrol"})

    answer = getattr(client, method)(reverse(f"admin:{name}"))

    assert answer.status_code == 403
    assert re.search(rf"You need the permission “.* \| .* \| {needed}” to {doing}\.", said(answer))
    assert ("Nothing was changed." in said(answer)) == (method == "post")
    assert ">Queues</a>" in answer.content.decode()


@pytest.mark.parametrize("there", [True, False])
def test_a_refusal_does_not_tell_whether_a_task_exists(engine: Engine, there: bool) -> None:
    stage = set_up(engine)
    address = page(stage["task"] if there else stage["worker"])

    answer = staff("bob", {"view_queuecontrol"}).get(address)

    assert answer.status_code == 403
    assert said(answer).startswith("You may not do this You need the permission “Background tasks")
    assert stage["task"] not in said(answer)


def test_what_a_rule_of_the_site_refuses_names_no_permission(
    admin: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = set_up(engine)
    rule = "djtasks.admin.task_admin.TaskRecordAdmin.has_task_permission"
    monkeypatch.setattr(rule, lambda *_: False)

    answer = admin.get(page(stage["task"]))

    assert answer.status_code == 403
    assert "not for you" in said(answer)
    assert "permission “" not in said(answer)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("schedule/4711/change/", "it was deleted, or never existed"),
        ("queuecontrol/pause/?queue=<b>", "has no queue &#x27;&lt;b&gt;&#x27;"),
        ("taskrecord/failures/retry/?group=x", "There is no such group of failures"),
        ("taskrecord/bulk/00000000-0000-0000-0000-000000000000/", "has no bulk action"),
    ],
)
def test_what_is_not_there_is_said_in_the_frame(admin: Client, address: str, words: str) -> None:
    answer = admin.get(f"/admin/djtasks/{address}")

    assert answer.status_code == 404
    assert words in said(answer)


def test_a_stranger_is_asked_to_sign_in_whatever_there_is(client: Client) -> None:
    client.force_login(User.objects.create_user("eve"))

    answer = client.get("/admin/djtasks/schedule/4711/change/")

    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


@pytest.fixture(params=["default", "mariadb"])
def narrow(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """A database without emoji in the reasons of pauses."""
    alias = require(request.param)
    before, after = CHARACTERS[connections[alias].vendor]
    with connections[alias].cursor() as cursor:
        cursor.execute(f"ALTER TABLE djtasks_queuecontrol {before}")
        with override_settings(DATABASE_ROUTERS=[Home(alias)]):
            yield
        cursor.execute(f"ALTER TABLE djtasks_queuecontrol {after}")


@pytest.mark.usefixtures("servers", "narrow")
@pytest.mark.django_db(databases="__all__", transaction=True)
def test_a_character_that_the_database_lacks_is_said(admin: Client) -> None:
    pause = "/admin/djtasks/queuecontrol/pause/?queue=mail"

    answer = admin.post(pause, {"reason": "down \N{ROCKET}", "length": ""})

    assert answer.status_code == 200
    assert AT_THE_FIELD in answer.content.decode()
    assert "down \N{ROCKET}" in answer.content.decode()
    assert not QueueControl.objects.exists()
    assert admin.post(pause, {"reason": "d\u00e9j\u00e0", "length": ""}).status_code == 302
    assert QueueControl.objects.get().reason == "d\u00e9j\u00e0"


# The forms that take texts: where they are, and what a person enters.
FORMS = {
    "queuecontrol/pause/?queue=mail": {"reason": "\N{ROCKET}"},
    "queuecontrol/purge/?queue=mail": {"typed": "mail", "reason": "\N{ROCKET}"},
    "schedule/{schedule}/pause/": {"reason": "\N{ROCKET}"},
    "schedule/add/": TYPED | {"name": "\N{ROCKET}"},
    "taskrecord/new/?task=tests.tasks.explode": {"arg-message": "\N{ROCKET}"},
    "taskrecord/bulk/new/": {"action": "cancel", "all": "1", "reason": "\N{ROCKET}"},
}


@pytest.fixture
def latin(transactional_db: None) -> Iterator[None]:
    """A database in LATIN1 in place of the default one, with its tables."""
    connection = connections["default"]
    whole = connection.settings_dict["NAME"]
    latin = f"{whole}_latin"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {latin}")
        cursor.execute(f"CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    connection.close()
    connection.settings_dict["NAME"] = latin
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = whole
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {latin}")


@pytest.mark.slow
@needs_a_session
@pytest.mark.usefixtures("servers", "latin")
@pytest.mark.django_db(transaction=True)
def test_a_search_for_a_character_that_the_database_lacks_is_answered(admin: Client) -> None:
    for where in (
        "taskrecord/?q=error:\N{ROCKET}",
        "taskrecord/export/?q=\N{ROCKET}",
        "taskrecord/bulk/new/?action=retry&all=1&q=\N{ROCKET}",
        "taskrecord/failures/?find=\N{ROCKET}",
        "taskrecord/failures/retry/?group=\N{ROCKET}",
    ):
        answer = admin.get(f"/admin/djtasks/{where}")
        assert answer.status_code == 400, where
        assert "such as an emoji" in said(answer)
    nightly = schedule("nightly").pk
    add.using(queue_name="mail").enqueue(1, 2)
    for where, entered in FORMS.items():
        answer = admin.post(f"/admin/djtasks/{where}".format(schedule=nightly), entered)
        assert answer.status_code == 200, where
        assert answer.content.decode().count(AT_THE_FIELD) == 1, where
    assert TaskRecord.objects.get().state == State.READY, "no queue is purged without its entry"
    assert not QueueControl.objects.exists()
    assert not BulkAction.objects.exists()
    assert Schedule.objects.get().is_enabled
    for where in ("taskrecord/new/?find=\N{ROCKET}", "taskrecord/?q=d\u00e9j\u00e0"):
        assert admin.get(f"/admin/djtasks/{where}").status_code == 200, where
