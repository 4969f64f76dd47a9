"""The page of queues: what it tells, and pausing, resuming and purging from it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks.engine import Engine, engine_of
from djtasks.models import QueueControl, TaskRecord
from djtasks.operations import pause_queue
from tests.tasks import add

pytestmark = pytest.mark.usefixtures("engine")

MAIL = "?queue=mail"
VERBS = {
    "djtasks_queue_pause": "pause_queue",
    "djtasks_queue_resume": "pause_queue",
    "djtasks_queue_purge": "purge_queue",
}


def url(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}") + query


def last_change() -> str:
    return LogEntry.objects.latest("pk").get_change_message()


def permitted(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def test_a_queue_without_a_worker_says_how_to_start_one(admin: Client) -> None:
    add.enqueue(1, 2)

    html = admin.get(url("djtasks_queues")).content.decode()

    assert "No worker" in html
    assert "manage.py runworker --backend default --queues default" in html


def test_pausing_keeps_who_why_and_until_when(admin: Client, engine: Engine) -> None:
    answer = admin.post(
        url("djtasks_queue_pause", MAIL), {"reason": "INC-311", "length": "3600"}, follow=True
    )

    control = QueueControl.objects.get()
    assert (control.queue, control.paused_by, control.reason) == ("mail", "ada", "INC-311")
    assert control.until is not None
    assert abs(control.until - engine.store.now() - timedelta(hours=1)) < timedelta(minutes=1)
    assert "INC-311" in answer.content.decode()
    assert last_change().startswith("open → paused until")


def test_a_pause_without_a_reason_is_refused_at_its_field(admin: Client) -> None:
    answer = admin.post(url("djtasks_queue_pause", MAIL), {"reason": " ", "length": ""})

    assert answer.context["form"].errors["reason"]
    assert not QueueControl.objects.exists()


def test_a_pause_without_an_end_lasts_until_somebody_resumes_it(admin: Client) -> None:
    admin.post(url("djtasks_queue_pause", MAIL), {"reason": "INC-311", "length": ""})

    assert QueueControl.objects.get().until is None


def test_resuming_opens_the_queue(admin: Client) -> None:
    pause_queue(engine_of("default"), "mail", by="maria", reason="INC-311")

    answer = admin.post(url("djtasks_queue_resume"), {"queue": "mail"}, follow=True)

    assert not QueueControl.objects.exists()
    assert "is open again" in answer.content.decode()
    assert last_change() == "paused by maria → open"


def test_resuming_an_open_queue_says_that_it_was_open(admin: Client) -> None:
    answer = admin.post(url("djtasks_queue_resume"), {"queue": "<b>mail"}, follow=True)

    assert "&lt;b&gt;mail was already open" in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_purging_deletes_what_waits_in_this_queue_alone(admin: Client) -> None:
    add.using(queue_name="mail").enqueue_many([(1, 2)] * 3)
    add.using(queue_name="mail", run_after=timedelta(hours=1)).enqueue(1, 2)
    kept = add.enqueue(1, 2)

    answer = admin.post(url("djtasks_queue_purge", MAIL), {"typed": "mail"}, follow=True)

    assert [str(pk) for pk in TaskRecord.objects.values_list("pk", flat=True)] == [kept.id]
    assert "4 tasks of queue mail were deleted." in answer.content.decode()
    assert last_change() == "purged: 4 ready tasks → 0"


def test_the_log_says_why_a_queue_was_purged(admin: Client) -> None:
    admin.post(url("djtasks_queue_purge", MAIL), {"typed": "mail", "reason": "No paper"})

    assert last_change() == "purged: 0 ready tasks → 0: No paper"


@pytest.mark.parametrize("typed", ["", "mai", "Mail", " mail", "<script>alert(1)</script>"])
def test_a_purge_needs_the_very_name_of_the_queue(admin: Client, typed: str) -> None:
    add.using(queue_name="mail").enqueue(1, 2)

    html = admin.post(url("djtasks_queue_purge", MAIL), {"typed": typed}).content.decode()

    assert TaskRecord.objects.count() == 1
    assert 'class="error"' in html
    assert "<script>alert" not in html


@pytest.mark.parametrize("name", ["djtasks_queue_pause", "djtasks_queue_purge"])
@pytest.mark.parametrize("query", ["", "?queue=nonsense", "?queue=" + "a" * 5000])
def test_an_unknown_queue_is_not_found(admin: Client, name: str, query: str) -> None:
    assert admin.get(url(name, query)).status_code == 404


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_needs_its_own_permission(client: Client, name: str) -> None:
    others = {"view_queuecontrol", *VERBS.values()} - {VERBS[name]}
    permitted(client, *others)
    data = {"queue": "mail", "reason": "x", "typed": "mail"}

    assert client.post(url(name, MAIL), data).status_code == 403
    assert not QueueControl.objects.exists()


def test_who_may_only_look_is_shown_no_buttons(client: Client) -> None:
    add.enqueue(1, 2)

    html = permitted(client, "view_queuecontrol").get(url("djtasks_queues")).content.decode()

    assert "Pause…" not in html
    assert "Purge…" not in html


def test_an_address_alone_resumes_nothing(admin: Client) -> None:
    assert admin.get(url("djtasks_queue_resume", MAIL)).status_code == 405


def test_posts_need_the_token_of_the_page() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("eve"))

    assert strict.post(url("djtasks_queue_resume"), {"queue": "mail"}).status_code == 403


def test_the_page_takes_few_statements(admin: Client, django_assert_max_num_queries: Any) -> None:
    add.enqueue_many([(1, 2)] * 50)
    admin.get(url("djtasks_queues"))

    with django_assert_max_num_queries(30):
        admin.get(url("djtasks_queues"))
