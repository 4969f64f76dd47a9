"""What can be done to a task from its page: by permission, against its state, and in the log."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.test import Client

from djtasks.admin import TaskRecordAdmin
from djtasks.engine import Engine, engine_of
from djtasks.models import TaskRecord
from djtasks.operations import cancel
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.admin.opening import failed, log, page, permitted
from tests.tasks import add, only_once

pytestmark = pytest.mark.usefixtures("engine")

VERBS = {
    "retry": "retry_taskrecord",
    "reschedule": "reschedule_taskrecord",
    "cancel": "cancel_taskrecord",
    "discard": "discard_taskrecord",
}


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def record_of(result: Any) -> TaskRecord:
    record: TaskRecord = TaskRecord.objects.get(pk=result.id)
    return record


def later(minutes: int = 60) -> TaskRecord:
    return record_of(add.using(run_after=timedelta(minutes=minutes)).enqueue(1, 2))


def test_a_failed_task_is_retried_with_one_press(admin: Client) -> None:
    record = failed()

    answer = admin.post(page(record.pk, "retry"))

    assert answer["Location"] == page(record.pk)
    record.refresh_from_db()
    assert record.state == State.READY
    assert log() == ["failed → ready"]
    assert "explode: failed → ready" in said(answer)


def test_a_task_is_retried_elsewhere_more_urgently_and_later(admin: Client, engine: Engine) -> None:
    record = failed()
    asked = {"queue": "mail", "priority": "7", "run_after": "2 h"}

    admin.post(page(record.pk, "retry"), asked)

    record.refresh_from_db()
    assert (record.state, record.queue, record.priority) == (State.READY, "mail", 7)
    assert record.run_after - engine.store.now() > timedelta(minutes=115)
    assert log()[0].startswith("failed → ready, queue default → mail, priority 0 → 7, due 20")


@pytest.mark.parametrize(
    ("field", "value"),
    [("queue", "nowhere"), ("priority", "101"), ("priority", "x"), ("run_after", "soon"),
     ("run_after", "9999-12-31 23:59"), ("run_after", "99999 weeks")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(admin: Client, field: str, value: str) -> None:
    record = failed()

    answer = admin.post(page(record.pk, "retry"), {field: value})

    assert answer.context["form"].errors[field]
    record.refresh_from_db()
    assert record.state == State.FAILED
    assert log() == []


def test_a_task_whose_key_is_taken_says_who_holds_it(admin: Client) -> None:
    first = record_of(only_once.enqueue("a"))
    cancel(engine_of("default"), [first.pk])
    second = only_once.enqueue("a")

    answer = admin.post(page(first.pk, "retry"), follow=True)

    assert str(second.id) in answer.content.decode()
    assert log() == []


def test_a_task_that_runs_or_has_changed_is_left_alone_and_it_says_why(admin: Client) -> None:
    waiting = later()

    answer = admin.post(page(waiting.pk, "retry"))

    assert "nothing was done. It is READY." in said(answer)
    assert log() == []


def test_a_task_is_run_now_or_moved(admin: Client, engine: Engine) -> None:
    record = later()

    admin.post(page(record.pk, "reschedule"), {"run_after": "now"})

    record.refresh_from_db()
    assert record.run_after <= engine.store.now()
    assert log()[0].startswith("due 20")
    admin.post(page(record.pk, "reschedule"), {"run_after": "2031-05-06 07:08"})
    record.refresh_from_db()
    assert f"{record.run_after:%Y-%m-%d %H:%M}" == "2031-05-06 04:08"  # Athens has +3 in May
    assert log()[1].endswith("→ 2031-05-06 07:08:00 EEST")


def test_moving_a_task_needs_a_time(admin: Client) -> None:
    answer = admin.post(page(later().pk, "reschedule"), {"run_after": " "})

    assert answer.context["form"].errors["run_after"]


def test_cancelling_asks_first_and_tells_what_it_did(admin: Client) -> None:
    record = later()

    assert "Cancel the task" in admin.get(page(record.pk, "cancel")).content.decode()
    record.refresh_from_db()
    assert record.state == State.READY
    admin.post(page(record.pk, "cancel"))

    record.refresh_from_db()
    assert record.state == State.CANCELLED
    assert log() == ["ready → cancelled"]
    assert "The task is already final" in said(admin.post(page(record.pk, "cancel")))


def test_a_running_task_is_asked_to_stop_and_cannot_be_discarded(admin: Client) -> None:
    record = later()
    TaskRecord.objects.filter(pk=record.pk).update(state=State.RUNNING, worker=record.pk)

    answer = admin.post(page(record.pk, "discard"))
    admin.post(page(record.pk, "cancel"))

    assert "cancel it first" in said(answer)
    assert log() == ["running → asked to stop"]
    assert "Cancel…" not in admin.get(page(record.pk)).content.decode()


def test_discarding_deletes_for_good_and_goes_back_to_the_list(admin: Client) -> None:
    record = failed()

    answer = admin.post(page(record.pk, "discard"))

    assert answer["Location"].endswith("/taskrecord/")
    assert not TaskRecord.objects.filter(pk=record.pk).exists()
    assert LogEntry.objects.get().is_deletion()
    assert log() == ["failed → deleted"]


@pytest.mark.parametrize("verb", VERBS)
def test_each_action_takes_its_own_permission(client: Client, verb: str) -> None:
    record = failed()
    others = [codename for name, codename in VERBS.items() if name != verb]
    client = permitted(client, "view_taskrecord", *others)

    html = client.get(page(record.pk)).content.decode()

    assert client.post(page(record.pk, verb)).status_code == 403
    assert client.get(page(record.pk, verb)).status_code == 403
    assert f'"{page(record.pk, verb)}"' not in html
    assert TaskRecord.objects.filter(pk=record.pk, state=State.FAILED).exists()


def test_a_project_may_narrow_what_is_allowed_task_by_task(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = failed()

    def only_others(_self: Any, _request: HttpRequest, verb: str, record: TaskRecord) -> bool:
        return verb == "view" or record.task_path != "tests.tasks.explode"

    monkeypatch.setattr(TaskRecordAdmin, "has_task_permission", only_others)

    html = admin.get(page(record.pk)).content.decode()
    assert "arguments hidden" in html
    assert page(record.pk, "retry") not in html
    assert admin.post(page(record.pk, "retry")).status_code == 403
    assert admin.post(page(later().pk, "cancel")).status_code == 302


def test_a_project_may_hide_a_task_altogether(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = failed()
    monkeypatch.setattr(TaskRecordAdmin, "has_task_permission", lambda *_given: False)

    assert admin.get(page(record.pk)).status_code == 403
    assert admin.get(page(record.pk, "download")).status_code == 403


def test_the_buttons_follow_the_state(admin: Client) -> None:
    due, scheduled, final = record_of(add.enqueue(1, 2)), later(), record_of(add.enqueue(3, 4))
    cancel(engine_of("default"), [final.pk])

    def offered(record: TaskRecord) -> list[str]:
        found = admin.get(page(record.pk)).context["buttons"]
        return [button.label for button in found]

    assert offered(due) == ["Reschedule…", "Cancel…", "Discard…"]
    assert offered(scheduled) == ["Run now", "Reschedule…", "Cancel…", "Discard…"]
    assert offered(final) == ["Retry", "Retry with changes…", "Discard…"]
    run_due()
    assert offered(due) == ["Discard…"]
