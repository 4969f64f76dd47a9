"""The page of one task: everything about it, whatever it is, and nothing somebody may not see."""

import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from djtasks import task
from djtasks.engine import Engine, engine_of
from djtasks.inspection import facts_for_why, why_not_running
from djtasks.models import TaskRecord
from djtasks.operations import discard, pause_queue
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.admin.incident import Incident
from tests.admin.invoice import late_invoice
from tests.admin.opening import failed, page, permitted
from tests.shop.models import Order
from tests.tasks import add, enqueues, needs_context

pytestmark = pytest.mark.usefixtures("engine")

# The same in every process of a run, since names of tests are made of it.
UNKNOWN = UUID("0197a3c0-0000-7000-8000-000000000001")
LIVE = {"X-Djtasks-Live": "1"}
MEGABYTE = 1_000_000


@task(sensitive=("pin",))
def unlock(door: str, pin: str) -> str:
    return f"{door} is open"


def read(client: Client, record_id: Any, **options: Any) -> str:
    answer = client.get(page(record_id), **options)
    assert answer.status_code == 200
    return str(answer.content.decode())


def stored(**columns: Any) -> TaskRecord:
    given = {"backend": "default", "task_path": "tests.tasks.add", "queue": "default"}
    made: TaskRecord = TaskRecord.objects.create(**given | columns)
    return made


def test_a_failed_task_shows_its_call_and_the_project_own_frames(admin: Client) -> None:
    html = read(admin, failed("boom").pk)

    assert "It is final: failed" in html
    assert '<div class="line">raise ValueError(message)</div>' in html
    assert "builtins.ValueError: boom" in html
    assert "Retry with changes" in html


def test_frames_of_libraries_are_folded_under_their_names(admin: Client, engine: Engine) -> None:
    shop = Incident(engine, share=0.001)
    shop.happen()

    html = read(admin, late_invoice(shop).pk)

    assert "2 frames in django.core" in html
    assert "1 frame in smtplib" in html
    assert "worker web-2:4127" in html
    assert "5f2c-secret" not in html
    assert "priority 0 → 10: VIP customers first" in html
    assert "timed out after 30 s" in html


def test_it_says_why_it_does_not_run_in_the_words_of_the_command(
    admin: Client, engine: Engine
) -> None:
    result = add.enqueue(1, 2)
    pause_queue(engine, "default", by="maria", reason="INC-311")

    html = read(admin, result.id)

    facts = facts_for_why(engine, UUID(result.id))
    assert facts is not None
    reasons = why_not_running(facts)
    assert len(reasons) > 2
    for reason in reasons:
        assert escape(reason.text.partition(" since ")[0]) in html


@pytest.mark.parametrize("asked", [str(UNKNOWN), "garbage", "%00", "9" * 3000, "a/b", "🙈"])
def test_a_task_that_is_not_there_is_said_to_be_gone(admin: Client, asked: str) -> None:
    answer = admin.get(page(asked))

    assert answer.status_code == 404
    assert "There is no such task" in answer.content.decode()


def test_a_page_that_stands_open_tells_that_its_record_was_deleted(admin: Client) -> None:
    record = failed()
    admin.post(page(record.pk, "discard"))

    answer = admin.get(page(record.pk), headers=LIVE)

    assert answer.status_code == 200
    html = answer.content.decode()
    assert "There is no such task" in html
    assert "failed → deleted" in html
    assert "ada" in html


@pytest.mark.parametrize("name", ["change", "download", "retry", "cancel", "discard", "reschedule"])
def test_no_page_of_a_record_that_is_gone_breaks(admin: Client, name: str) -> None:
    record = failed()
    discard(engine_of("default"), [record.pk])

    assert admin.get(page(record.pk, name)).status_code == 404
    assert admin.post(page(record.pk, name)).status_code == 404


def test_what_is_sensitive_never_reaches_the_page(admin: Client) -> None:
    result = unlock.enqueue("main", pin="open sesame")
    run_due()

    html = read(admin, result.id) + admin.get(page(result.id, "download")).content.decode()

    assert "main" in html
    assert "open sesame" not in html
    assert "[hidden]" in html


def test_arguments_and_results_are_for_those_who_may_view_them(client: Client) -> None:
    result = unlock.enqueue("cellar", pin="4711")
    run_due()
    client = permitted(client, "view_taskrecord")

    html = read(client, result.id)
    told = client.get(page(result.id, "download")).json()

    assert "cellar" not in html
    assert "arguments hidden" in html
    assert told["task_path"].endswith("unlock")
    assert not {"args", "kwargs", "call", "return_value", "key", "progress"} & set(told)


def test_a_result_is_shown_to_those_who_may_view_it(client: Client) -> None:
    result = unlock.enqueue("cellar", pin="4711")
    run_due()
    client = permitted(client, "view_taskrecord", "view_arguments")

    html = read(client, result.id)

    assert "cellar is open" in html
    assert client.get(page(result.id, "download")).json()["return_value"] == "cellar is open"


@pytest.mark.parametrize(
    "value",
    ["x" * MEGABYTE, [[n] for n in range(50_000)]],
    ids=["text", "nested"],
)
def test_a_megabyte_of_arguments_is_cut_and_can_be_downloaded(admin: Client, value: Any) -> None:
    record = stored(args=[value])

    html = read(admin, record.pk)

    assert len(html) < 100_000
    assert "All of it, as JSON" in html
    assert admin.get(page(record.pk, "download")).json()["args"] == [value]


HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"{{7*7}}"


def test_hostile_text_is_escaped_wherever_it_stands(admin: Client) -> None:
    error = {"class": HOSTILE, "message": HOSTILE, "traceback": HOSTILE, "worker": HOSTILE, "at": 5}
    record = stored(
        task_path=HOSTILE[:30],
        queue=HOSTILE[:30],
        args=[HOSTILE],
        kwargs={HOSTILE: {HOSTILE: HOSTILE}},
        state=State.FAILED,
        errors=[error, "no dict", None],
        progress={"done": 1, "total": 3, "note": HOSTILE},
        return_value=HOSTILE,
        tags=[HOSTILE] * 50,
        key=HOSTILE,
        target=HOSTILE,
        worker_ids=[HOSTILE],
    )

    html = read(admin, record.pk)

    assert "<img src=x" not in html
    assert "&lt;img src=x" in html
    assert "and 30 more" in html


@pytest.mark.parametrize(
    "columns",
    [
        {"progress": "nonsense"},
        {"progress": {"done": True, "total": -1}},
        {"progress": {"done": 3, "total": 0}},
        {"errors": "nonsense"},
        {"target": "nowhere"},
        {"target": "no.model:1"},
        {"schedule": 77},
        {"backend": "gone"},
        {"state": State.RUNNING, "worker": UNKNOWN},
        {"state": State.WAITING},
        {"max_attempts": 0, "attempt": 9},
        {"tags": {"a": 1}},
    ],
    ids=str,
)
def test_a_strange_record_still_has_a_page(admin: Client, columns: dict[str, Any]) -> None:
    assert "tests.tasks." in read(admin, stored(**columns).pk)


def test_the_object_a_task_is_about_and_its_other_tasks_are_linked(admin: Client) -> None:
    order = Order.objects.create(customer="anna")
    first = add.using(target=order).enqueue(1, 2)
    other = needs_context.using(target=order).enqueue("x")

    html = read(admin, first.id)

    assert f"order {order.pk}" in html
    assert page(other.id) in html


def test_the_parent_of_a_task_and_a_search_for_its_children_are_linked(admin: Client) -> None:
    parent = enqueues.enqueue(1)
    waits = read(admin, parent.id)
    run_due()
    child = TaskRecord.objects.exclude(pk=parent.id).first()
    assert child is not None

    assert f'href="{page(parent.id)}"' in read(admin, child.pk)
    (found,) = re.findall(r'href="([^"]*parent%3A[^"]*)"', read(admin, parent.id))
    assert str(child.pk) in admin.get(unescape(found)).content.decode()
    # It has not run, so it has no children.
    assert "parent%3A" not in waits


def test_a_page_takes_few_queries_and_tells_what_is_new_by_its_tag(admin: Client) -> None:
    record = failed()
    read(admin, record.pk)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        first = admin.get(page(record.pk), headers=LIVE)

    assert len(queries) <= 15
    assert first["ETag"]


def test_a_final_task_is_not_asked_for_again(admin: Client) -> None:
    final, waiting = failed(), add.enqueue(1, 2)

    assert "data-djt-refresh" not in read(admin, final.pk)
    assert "data-djt-refresh" in read(admin, waiting.id)


def test_the_page_asks_for_its_own_permission(client: Client) -> None:
    record = failed()
    client = permitted(client, "view_queuecontrol", "retry_taskrecord")

    assert client.get(page(record.pk)).status_code == 403
    assert client.get(page(record.pk, "download")).status_code == 403
