"""The page of workers: what each does, and the orders it is given."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord

PAGE = "djtasks_workerrecord_changelist"
NOBODY = "01997000-0000-7000-8000-000000000000"


def url(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}") + query


def start(engine: Engine, **columns: Any) -> WorkerRecord:
    """Insert a worker that has just beaten."""
    now = engine.store.now()
    given = {"host": "web-1", "pid": 4711, "slots": 8, "version": "7f3c2a1", **columns}
    silent = given.pop("silent", timedelta(0))
    return WorkerRecord.objects.create(
        backend="default", supervisor=new_id(), started_at=now, heartbeat_at=now - silent, **given
    )


def shown(admin: Client, query: str = "") -> str:
    return admin.get(url(PAGE, query)).content.decode()


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({}, "Live"),
        ({"silent": timedelta(seconds=12)}, "Late"),
        ({"silent": timedelta(seconds=40)}, "Silent"),
        ({"draining": True}, "Draining"),
        ({"alone": True}, "Isolating"),
    ],
)
def test_a_worker_has_one_word(
    admin: Client, engine: Engine, columns: dict[str, Any], word: str
) -> None:
    start(engine, **columns)

    assert f"</svg>{word}</span>" in shown(admin)


@pytest.mark.parametrize(
    ("slots", "width", "height"), [(1, 12, 12), (16, 192, 12), (24, 192, 24), (500, 192, 48)]
)
def test_many_slots_take_several_lines(
    admin: Client, engine: Engine, slots: int, width: int, height: int
) -> None:
    start(engine, slots=slots)

    html = shown(admin)

    assert f'<svg class="djt-slots" width="{width}" height="{height}"' in html
    assert f"0 of {slots} busy" in html


def test_without_workers_the_page_says_how_to_start_one(admin: Client, engine: Engine) -> None:
    assert "manage.py runworker --backend default" in shown(admin)


def test_what_runs_longest_is_shown_first_and_the_rest_counted(
    admin: Client, engine: Engine
) -> None:
    now = engine.store.now().timestamp()
    tasks = [
        {"id": str(new_id()), "path": f"shop.tasks.job_{age}", "started_at": now - age}
        for age in (1, 400, 20, 3, 70)
    ]
    start(engine, tasks=tasks)

    html = shown(admin)

    assert html.index("job_<wbr>400") < html.index("job_<wbr>70") < html.index("job_<wbr>20")
    assert "job_<wbr>3<" not in html
    assert "and 2 more" in html


def test_a_worker_with_hostile_texts_is_shown_as_text(admin: Client, engine: Engine) -> None:
    evil = "<script>alert(1)</script>"
    tasks = [{"id": str(new_id()), "path": evil, "started_at": 0}]
    row = start(engine, host=evil, version=evil, queues=[evil], tasks=tasks, report=evil)

    assert "<script>alert" not in shown(admin, f"?stacks={row.pk}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", ["drain", "resume", "stop", "dump"])
def test_an_order_is_written_down_for_the_worker(
    admin: Client, live_engine: Engine, order: str
) -> None:
    row = start(live_engine)

    admin.post(url("djtasks_worker_order"), {"order": f"{order} {row.pk}"})

    row.refresh_from_db()
    assert row.order == order
    message = LogEntry.objects.latest("pk").get_change_message()
    assert message == f"live → asked to {order}"


@pytest.mark.django_db(transaction=True)
def test_stacks_that_were_asked_for_appear_when_they_came(
    admin: Client, live_engine: Engine
) -> None:
    row = start(live_engine, report="old stacks")

    asked = admin.post(url("djtasks_worker_order"), {"order": f"dump {row.pk}"}, follow=True)
    WorkerRecord.objects.filter(pk=row.pk).update(report="Thread 0x1 in work")

    assert "old stacks" not in asked.content.decode()
    assert "Requested." in asked.content.decode()
    assert "Thread 0x1 in work" in shown(admin, f"?stacks={row.pk}")


@pytest.mark.parametrize("order", ["", "drain", "drain nonsense", f"drain {NOBODY}", "dance"])
def test_an_order_to_nobody_changes_nothing_and_says_so(
    admin: Client, engine: Engine, order: str
) -> None:
    answer = admin.post(url("djtasks_worker_order"), {"order": order}, follow=True)

    assert "nothing was done" in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_an_unknown_order_is_refused(admin: Client, engine: Engine) -> None:
    row = start(engine)

    admin.post(url("djtasks_worker_order"), {"order": f"dance {row.pk}"})

    row.refresh_from_db()
    assert row.order == ""


def test_orders_need_their_permission(client: Client, engine: Engine) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workerrecord"))
    client.force_login(user)
    row = start(engine)

    html = client.get(url(PAGE)).content.decode()

    assert client.post(url("djtasks_worker_order"), {"order": f"stop {row.pk}"}).status_code == 403
    assert "Drain" not in html


@pytest.mark.parametrize("query", ["?stacks=nonsense", f"?stacks={NOBODY}", "?stacks="])
def test_stacks_of_nobody_are_not_shown(admin: Client, engine: Engine, query: str) -> None:
    assert 'id="stacks"' not in shown(admin, query)
