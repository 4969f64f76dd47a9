"""The page of failures: groups, what is new, and trying a whole group again."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks import operations
from djtasks.admin.tasks.failure_rows import in_bars
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import BulkAction, TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.admin.failing import Failing, group_of, records_of
from tests.admin.opening import permitted
from tests.tasks import explode

pytestmark = pytest.mark.usefixtures("engine")

MAIL = Failing(
    path="shop.tasks.send",
    exception="smtplib.Gone",
    message="hung up",
    fingerprint="a" * 32,
    last=timedelta(0),
)
SKU = Failing(by_hour=(1, 0, 7), first=timedelta(days=30), last=timedelta(hours=2))


def url(name: str = "djtasks_failures", query: str = "") -> str:
    return reverse(f"admin:{name}") + query


def retry_url(kind: Failing) -> str:
    return url("djtasks_failures_retry", f"?group={kind.fingerprint}")


def shown(admin: Client, **query: Any) -> list[str]:
    """Return the exceptions of the groups on the page, in their order."""
    return [row.exception for row in admin.get(url(), query).context["rows"]]


def test_nothing_failed_is_said_with_what_would_appear(admin: Client) -> None:
    html = admin.get(url()).content.decode()

    assert "Nothing has failed in 24 h" in html
    assert "Retry…" not in html


def test_a_group_says_what_fails_where_how_often_and_since_when(
    admin: Client, engine: Engine
) -> None:
    record = records_of(SKU, 1)[0]
    group_of(engine, SKU, record.pk)

    answer = admin.get(url())

    html = answer.content.decode()
    assert "KeyError" in html
    assert "&#x27;sku&#x27;" in html
    assert "inventory.<wbr>py:<wbr>204 in merge_<wbr>rows" in html
    assert ">8 <small" in html
    assert "30 d ago" in html
    assert reverse("admin:djtasks_taskrecord_change", args=[record.pk]) in html
    assert [row.novelty for row in answer.context["rows"]] == [""]


def test_groups_are_sorted_by_last_seen_count_and_first_seen(admin: Client, engine: Engine) -> None:
    group_of(engine, MAIL)
    group_of(engine, SKU)

    assert shown(admin) == ["Gone", "KeyError"]
    assert shown(admin, sort="count") == ["KeyError", "Gone"]
    assert shown(admin, sort="first") == ["Gone", "KeyError"]
    assert shown(admin, sort="'; DROP TABLE") == ["Gone", "KeyError"]


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("shop", ["Gone", "KeyError"]),
        ("TASKS.SEND", ["Gone"]),
        ("tasks_send", []),
        ("%", []),
        ("\x00", ["Gone", "KeyError"]),
        ("a" * 100_000, []),
    ],
    ids=["part", "capitals", "underscore", "percent", "nul", "long"],
)
def test_groups_are_filtered_by_a_part_of_the_path(
    admin: Client, engine: Engine, task: str, found: list[str]
) -> None:
    group_of(engine, MAIL)
    group_of(engine, SKU)

    assert shown(admin, task=task) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"find": "keyerr"}, ["KeyError"]),
        ({"find": "tasks.send"}, ["Gone"]),
        ({"find": "'SKU'"}, ["KeyError"]),
        ({"find": "'sku'", "task": "tasks.send"}, []),
        ({"find": "%"}, []),
        ({"find": "\x00"}, ["Gone", "KeyError"]),
    ],
    ids=str,
)
def test_groups_are_filtered_by_a_part_of_the_exception_or_its_message(
    admin: Client, engine: Engine, query: dict[str, str], found: list[str]
) -> None:
    group_of(engine, MAIL)
    group_of(engine, SKU)

    assert shown(admin, **query) == found
    html = admin.get(url(), query).content.decode()
    assert ("Show all failures" in html) == (query["find"] != "\x00")


def test_messages_that_a_user_may_not_see_are_not_searched(
    client: Client, engine: Engine, settings: Any
) -> None:
    group_of(engine, SKU)
    tasks = deepcopy(settings.TASKS)
    tasks["default"].setdefault("OPTIONS", {})["private_errors"] = True
    settings.TASKS = tasks
    user = permitted(client, "view_taskrecord")

    assert shown(user, find="'sku'") == []
    assert shown(user, find="keyerr") == ["KeyError"]


def test_a_group_out_of_the_range_is_left_out(admin: Client, engine: Engine) -> None:
    group_of(engine, Failing(last=timedelta(days=3), by_hour=(0,) * 24))

    assert shown(admin) == []
    assert shown(admin, span="7d") == ["KeyError"]
    assert shown(admin, span="7 years") == []


def test_what_began_after_the_newest_deploy_is_marked_with_it(
    admin: Client, engine: Engine
) -> None:
    group_of(engine, SKU)
    group_of(engine, MAIL)
    for version, minutes in (("old", 600), ("7f3c2a1", 18)):
        WorkerRecord.objects.create(
            backend="default",
            supervisor=new_id(),
            host=version,
            pid=1,
            slots=1,
            version=version,
            started_at=engine.store.now() - timedelta(minutes=minutes),
        )

    marks = {row.exception: row.novelty for row in admin.get(url()).context["rows"]}

    assert marks == {"Gone": "New since deploy 7f3c2a1", "KeyError": ""}


@pytest.mark.parametrize("hours", [1, 25, 169, 721, 2161])
def test_many_hours_share_few_bars_and_lose_none(hours: int) -> None:
    values, _each = in_bars(list(range(hours)))

    assert len(values) <= 30
    assert sum(values) == sum(range(hours))


def test_the_confirmation_counts_what_is_still_failed(admin: Client, engine: Engine) -> None:
    group_of(engine, SKU)
    records_of(SKU, 3)
    records_of(SKU, 2, state=State.SUCCESSFUL)
    records_of(SKU, 2, backend="polled")

    html = admin.get(retry_url(SKU)).content.decode()

    assert "Retry 3 tasks" in html
    assert BulkAction.objects.count() == 0


def test_a_group_is_retried_in_the_background_and_logged(admin: Client, engine: Engine) -> None:
    group_of(engine, SKU)
    failed = records_of(SKU, 3)
    other = records_of(MAIL, 1)[0]

    answer = admin.post(retry_url(SKU), {"spread": ""})

    bulk = BulkAction.objects.get()
    assert answer.status_code == 302
    assert (bulk.action, bulk.planned, bulk.by, bulk.options) == ("retry", 3, "ada", {})
    entry = LogEntry.objects.latest("pk")
    assert "3 failed tasks → ready" in entry.get_change_message()
    assert entry.object_id == str(bulk.pk)
    operations.bulk_task("default")
    run_due()
    bulk.refresh_from_db()
    assert (bulk.changed, bulk.refused) == (3, 0)
    records = TaskRecord.objects.filter(pk__in=[row.pk for row in failed])
    assert set(records.values_list("state", "fingerprint")) == {(State.READY, None)}
    other.refresh_from_db()
    assert other.state == State.FAILED


def test_a_retry_may_be_spread(admin: Client, engine: Engine) -> None:
    group_of(engine, SKU)
    records_of(SKU, 1)

    admin.post(retry_url(SKU), {"spread": "1800"})

    assert BulkAction.objects.get().options == {"spread": 1800.0}


def test_a_spread_that_is_none_is_refused_at_its_field(admin: Client, engine: Engine) -> None:
    group_of(engine, SKU)
    records_of(SKU, 1)

    html = admin.post(retry_url(SKU), {"spread": "-1"}).content.decode()

    assert "-1 is not one of the available choices" in html
    assert BulkAction.objects.count() == 0


def test_a_group_without_failed_tasks_says_that_there_is_nothing_to_retry(
    admin: Client, engine: Engine
) -> None:
    group_of(engine, SKU)

    assert "None of these tasks is failed any more" in admin.get(retry_url(SKU)).content.decode()


@pytest.mark.parametrize("group", ["", "nonsense", "\x00", "a" * 100_000, "<b>"])
def test_an_unknown_group_is_not_found(admin: Client, group: str) -> None:
    answer = admin.get(url("djtasks_failures_retry"), {"group": group})

    assert answer.status_code == 404


def test_only_who_may_retry_is_offered_it(client: Client, engine: Engine) -> None:
    group_of(engine, SKU)
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_taskrecord"))
    client.force_login(user)

    assert "Retry…" not in client.get(url()).content.decode()
    assert client.post(retry_url(SKU), {"spread": ""}).status_code == 403


def test_real_failures_become_a_group(admin: Client, engine: Engine) -> None:
    explode.enqueue("no paper")
    results = run_due()
    row = TaskRecord.objects.get(pk=results[0].id)
    assert row.fingerprint is not None
    group_of(engine, Failing(path=row.task_path, fingerprint=row.fingerprint))

    assert (
        "Retry 1 task"
        in admin.get(url("djtasks_failures_retry", f"?group={row.fingerprint}")).content.decode()
    )


def test_many_groups_take_few_statements(
    admin: Client, engine: Engine, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        group_of(engine, Failing(fingerprint=f"{number:032}"))

    with django_assert_max_num_queries(15):
        assert len(shown(admin)) == 25
    assert len(shown(admin, page=2)) == 15
    assert "fewer pages" in admin.get(url(), {"page": 8}).content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "nonsense", "9" * 400, "\u0663"])
def test_a_page_that_is_none_is_the_first_or_the_last(
    admin: Client, engine: Engine, page: str
) -> None:
    group_of(engine, SKU)

    assert admin.get(url(), {"page": page}).status_code == 200
