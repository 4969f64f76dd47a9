"""Bulk actions from the page of tasks: the effects first, then how far it is."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.admin.built_in_actions import BUILT_IN
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.inspection import listing
from djtasks.models import BulkAction, TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, explode

pytestmark = pytest.mark.usefixtures("engine")
NEW = "djtasks_bulk_new"


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def fail(count: int) -> list[str]:
    explode.enqueue_many([()] * count)
    run_due()
    failed = TaskRecord.objects.filter(state=State.FAILED).order_by("pk")
    return [str(pk) for pk in failed.values_list("pk", flat=True)]


def asked(admin: Client, **query: Any) -> str:
    return admin.get(url(NEW), query, follow=True).content.decode()


def begin(admin: Client, action: str, q: str, **fields: Any) -> BulkAction:
    answer = admin.post(url(NEW), {"action": action, "all": "1", "q": q, **fields})
    bulk: BulkAction = BulkAction.objects.latest("created_at")
    assert answer.headers["Location"].startswith(url("djtasks_bulk", bulk.pk))
    return bulk


def states(**conditions: Any) -> list[int]:
    ours = TaskRecord.objects.filter(task_path__startswith="tests.", **conditions)
    return sorted(ours.values_list("state", flat=True))


def test_the_effects_are_told_before_anything_happens(admin: Client) -> None:
    fail(3)
    add.enqueue(1, 2)

    html = asked(admin, action="retry", all=1, q="task:tests.tasks")

    assert "<b>3</b> become ready again" in html
    assert "<b>1</b> ready: left alone" in html
    assert "Retry: 3 tasks" in html
    assert not BulkAction.objects.exists()


def test_everything_that_matches_is_retried(admin: Client) -> None:
    fail(3)

    bulk = begin(admin, "retry", "state:failed")
    run_due()

    bulk.refresh_from_db()
    assert (bulk.planned, bulk.changed, bulk.by) == (3, 3, "ada")
    said = LogEntry.objects.latest("pk")
    assert said.get_change_message() == "retry on 3 tasks: state:failed"
    assert said.object_id == str(bulk.pk)


@pytest.mark.parametrize("verb", ["retry", "change", "cancel", "discard", "delete"])
def test_the_log_says_why(admin: Client, verb: str) -> None:
    fail(1)
    add.enqueue(1, 2)
    form = asked(admin, action=verb, all=1, q="task:tests.tasks")

    begin(admin, verb, "task:tests.tasks", reason="Paper is back")

    assert 'name="reason"' in form
    assert LogEntry.objects.latest("pk").get_change_message().endswith(": Paper is back")


def test_only_what_is_ticked_is_touched(admin: Client) -> None:
    ids = fail(3)

    html = asked(admin, action="delete", id=ids[:2], q="state:failed")
    begin(admin, "delete", f"id:{ids[0]} id:{ids[1]}")
    run_due()

    assert "2 tasks you ticked" in html
    assert f"id:{ids[0]} id:{ids[1]}" in html
    assert [str(record.pk) for record in TaskRecord.objects.filter(state=State.FAILED)] == ids[2:]


def test_a_retry_takes_another_queue_and_priority_and_is_spread(admin: Client) -> None:
    fail(3)

    bulk = begin(admin, "change", "state:failed", queue="mail", priority=5, spread=10)

    assert (bulk.action, bulk.options) == ("retry", {"queue": "mail", "priority": 5, "spread": 600})
    assert "queue → mail" in LogEntry.objects.latest("pk").get_change_message()


@pytest.mark.parametrize(
    "fields",
    [{"queue": "nowhere"}, {"priority": 101}, {"priority": "high"}, {"spread": -1}],
)
def test_changes_that_make_no_sense_are_told_at_their_field(
    admin: Client, fields: dict[str, Any]
) -> None:
    fail(1)

    answer = admin.post(url(NEW), {"action": "change", "all": "1", "q": "state:failed", **fields})

    assert 'class="error"' in answer.content.decode()
    assert not BulkAction.objects.exists()


def test_what_waits_is_rescheduled_cancelled_or_discarded(admin: Client) -> None:
    for _ in range(3):
        add.using(queue_name="mail", run_after=timedelta(hours=1)).enqueue(1, 2)
    answer = admin.post(url(NEW), {"action": "reschedule", "all": "1", "q": "queue:mail"})
    assert 'class="error"' in answer.content.decode()

    bulk = begin(admin, "reschedule", "queue:mail", run_after="2040-01-01T10:00", spread=5)
    run_due()
    bulk.refresh_from_db()
    assert (bulk.changed, states()) == (3, [State.READY] * 3)
    first = TaskRecord.objects.filter(queue="mail").order_by("run_after")[0]
    assert f"{first.run_after:%Y-%m-%d %H:%M}" == "2040-01-01 08:00"

    begin(admin, "cancel", "state:scheduled")
    run_due()
    assert states() == [State.CANCELLED] * 3

    begin(admin, "discard", "queue:mail")
    run_due()
    assert states() == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"action": "retry"}, "First tick some tasks"),
        ({"action": "retry", "all": "1", "q": "state:brokn"}, "is not valid"),
        ({"action": "retry", "id": "nonsense"}, "is not valid"),
    ],
)
def test_nothing_is_done_to_what_is_not_clear(
    admin: Client, query: dict[str, str], told: str
) -> None:
    fail(1)

    assert told in asked(admin, **query)
    assert told in admin.post(url(NEW), query, follow=True).content.decode()
    assert not BulkAction.objects.exists()


def test_an_unknown_verb_or_action_is_not_found(admin: Client) -> None:
    assert admin.get(url(NEW), {"action": "explode", "all": "1"}).status_code == 404
    assert admin.get(url("djtasks_bulk", new_id())).status_code == 404


def test_an_action_that_would_change_nothing_cannot_be_begun(admin: Client) -> None:
    add.enqueue(1, 2)

    assert 'btn--primary" disabled' in asked(admin, action="retry", all=1, q="state:ready")


def test_an_action_is_kept_to_what_was_looked_at(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(5)
    monkeypatch.setattr(listing, "WINDOW", 1)

    bulk = begin(admin, "delete", "explode")
    run_due()

    bulk.refresh_from_db()
    assert (bulk.planned, bulk.changed, len(states())) == (2, 2, 3)


def test_what_an_index_leads_to_is_acted_on_however_old(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(5)
    monkeypatch.setattr(listing, "WINDOW", 1)
    monkeypatch.setattr(listing, "INDEXED_LIMIT", 2)

    html = asked(admin, action="delete", all=1, q="state:failed")
    bulk = begin(admin, "delete", "state:failed")
    run_due()

    bulk.refresh_from_db()
    assert "<b>5</b> are deleted" in html
    assert (bulk.changed, states()) == (5, [])


def test_progress_tells_what_was_changed_and_what_was_left_alone(admin: Client) -> None:
    fail(2)
    add.enqueue(1, 2)
    bulk = begin(admin, "delete", "task:tests.tasks")
    waiting = admin.get(url("djtasks_bulk", bulk.pk)).content.decode()
    TaskRecord.objects.filter(task_path=add.module_path).update(run_after="2040-01-01T10:00Z")
    run_due()

    html = admin.get(url("djtasks_bulk", bulk.pk)).content.decode()

    assert "Waiting for a worker" in waiting
    assert "Done" in html
    assert "1: It is not final." in html
    assert "?q=task%3Atests.tasks" in html


def test_an_action_is_stopped_once(admin: Client) -> None:
    fail(2)
    bulk = begin(admin, "retry", "state:failed")
    page = url("djtasks_bulk", bulk.pk)

    assert 'form="djt-stop"' in admin.get(page).content.decode()
    first = admin.post(page, follow=True).content.decode()
    run_due()
    second = admin.post(page, follow=True).content.decode()

    assert "Stopping" in first
    assert "The action was already over." in second
    assert "Stopped" in second
    assert states() == [State.FAILED] * 2
    assert LogEntry.objects.latest("pk").get_change_message().startswith("going on → asked to stop")


@pytest.mark.parametrize("verb", [action.name for action in BUILT_IN])
def test_each_verb_needs_its_own_permission(client: Client, engine: Engine, verb: str) -> None:
    fail(1)
    user = User.objects.create_user("bob", is_staff=True)
    client.force_login(user)
    codenames = {one.name: one.permission.partition(".")[2] for one in BUILT_IN}
    mine = codenames[verb]
    others = set(codenames.values()) - {mine} | {"view_taskrecord"}
    user.user_permissions.set(Permission.objects.filter(codename__in=others))
    query = {"action": verb, "all": "1", "q": "", "run_after": "2040-01-01T10:00"}

    assert client.get(url(NEW), query).status_code == 403
    assert client.post(url(NEW), query).status_code == 403
    listed = client.get(url("djtasks_taskrecord_changelist"))
    assert f'name="action" value="{verb}"' not in listed.content.decode()

    user.user_permissions.set(Permission.objects.filter(codename__in=[mine, "view_taskrecord"]))
    assert client.get(url(NEW), query).status_code == 200
    assert client.post(url(NEW), query).status_code == 302
    bulk = BulkAction.objects.get()
    assert client.post(url("djtasks_bulk", bulk.pk)).status_code == 302
    user.user_permissions.set(Permission.objects.filter(codename="view_taskrecord"))
    assert client.post(url("djtasks_bulk", bulk.pk)).status_code == 403


def test_the_search_behind_an_action_is_shown_to_those_who_could_search_so(
    admin: Client, client: Client
) -> None:
    bulk = begin(admin, "cancel", "args.customer:Ada key:customer-7 queue:mail")
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_taskrecord"))
    mine = admin.get(url("djtasks_bulk", bulk.pk)).content.decode()

    client.force_login(bob)
    theirs = client.get(url("djtasks_bulk", bulk.pk)).content.decode()

    assert "args.customer:Ada key:customer-7 queue:mail" in mine
    assert "queue:mail" in theirs
    assert "2 terms hidden" in theirs
    assert "customer:Ada" not in theirs
    assert "customer-7" not in theirs
