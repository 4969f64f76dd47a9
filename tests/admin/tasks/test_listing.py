"""The page of tasks: which match, in pages, with what is sensitive taken out."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from djtasks import searching, task
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.inspection import listing
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, explode, flaky, needs_context

pytestmark = pytest.mark.usefixtures("engine")
PAGE = "djtasks_taskrecord_changelist"
HOUR = timedelta(hours=1)


@task(sensitive=("code",))
def open_door(door: int, code: str) -> None: ...


def url(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}") + query


def page(admin: Client, **query: Any) -> Any:
    answer = admin.get(url(PAGE), query)
    assert answer.status_code == 200
    return answer


def listed(admin: Client, q: str = "", **query: Any) -> list[str]:
    return [str(row.id) for row in page(admin, q=q, **query).context["page"].rows]


def permitted(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def test_without_tasks_the_page_says_where_they_come_from(admin: Client) -> None:
    assert "No tasks yet" in page(admin).content.decode()


def test_where_nothing_matches_the_page_says_what_to_do(admin: Client) -> None:
    add.enqueue(1, 2)

    html = page(admin, q="queue:mail").content.decode()

    assert "No task matches" in html
    assert "Show all tasks" in html


def test_tasks_are_listed_newest_first_in_pages(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    ids = [add.enqueue(1, 2).id for _ in range(5)][::-1]

    first = page(admin).context["page"]
    assert (listed(admin), first.newer) == (ids[:2], None)
    second = page(admin, older=first.older).context["page"]
    assert [str(row.id) for row in second.rows] == ids[2:4]
    last = page(admin, older=second.older).context["page"]
    assert ([str(row.id) for row in last.rows], last.older) == (ids[4:], None)
    back = page(admin, newer=last.newer).context["page"]
    assert [str(row.id) for row in back.rows] == ids[2:4]
    assert page(admin, newer=back.newer).context["page"].newer is None


def test_a_page_that_is_empty_by_now_leads_to_the_newest(admin: Client) -> None:
    first = add.enqueue(1, 2).id

    html = page(admin, q="queue:default", older=first).content.decode()

    assert "Show the newest" in html


def test_links_keep_the_search_and_the_alias(admin: Client) -> None:
    add.using(backend="polled").enqueue(1, 2)

    html = page(admin, q="queue:default", backend="polled").content.decode()

    assert "q=state%3Afailed+queue%3Adefault&amp;backend=polled" in html
    assert listed(admin, backend="polled")
    assert not listed(admin)


def test_tabs_count_the_states(admin: Client, engine: Engine) -> None:
    explode.enqueue()
    add.enqueue(1, 2)
    run_due()
    add.enqueue(1, 2)
    add.using(run_after=HOUR).enqueue(1, 2)
    retrying = TaskRecord.objects.get(pk=add.using(run_after=HOUR).enqueue(1, 2).id)
    TaskRecord.objects.filter(pk=retrying.pk).update(attempt=1)

    tabs = {str(tab.label): tab.count for tab in page(admin).context["state_tabs"]}

    assert tabs == {
        "All": None, "Ready": 1, "Scheduled": 1, "Retrying": 1, "Waiting": 0, "Running": 0,
        "Successful": 1, "Failed": 1, "Cancelled": 0, "Expired": 0,
    }  # fmt: skip
    assert listed(admin, "state:retrying") == [str(retrying.pk)]


def test_a_row_tells_what_failed_where_and_when(admin: Client, engine: Engine) -> None:
    flaky.enqueue("it <b>broke</b>")
    run_due()
    record = TaskRecord.objects.get()
    worker = WorkerRecord.objects.create(
        pk=record.worker_ids[-1], supervisor=new_id(), backend="default", host="web-1", pid=4711,
        version="1", slots=8,
    )  # fmt: skip

    html = page(admin, q="state:failed").content.decode()

    assert "ValueError" in html
    assert "it &lt;b&gt;broke&lt;/b&gt;" in html
    assert f"{worker.host}:{worker.pid}".replace("-", "-<wbr>") in html.replace(":<wbr>", ":")
    assert "3/3" in html


def test_tasks_are_found(admin: Client) -> None:
    first = add.using(unique="a").enqueue(1, 2).id
    second = explode.enqueue("it broke badly").id
    run_due()
    third = add.using(queue_name="mail", run_after=HOUR).enqueue(b=7, a=1).id
    fourth = needs_context.enqueue("Ada").id

    for q, found in (
        (first, [first]),
        (f"id:{first[:13]}", {first}),
        ("tests.tasks.expl", [second]),
        ("expl", [second]),
        ("task:add", [third, first]),
        ("task:tests.tasks.ad*", [third, first]),
        ("task:tests.tasks", [fourth, third, second, first]),
        ('"tests.tasks.add:a"', [first]),
        ("key:a", [first]),
        ("queue:mail", [third]),
        ("error:ValueError", [second]),
        ('error:"broke badly"', [second]),
        ("args.b:2", [first]),
        ("args.b:7 queue:mail", [third]),
        ("args.0:Ada", [fourth]),
        ("args.name:Ada", [fourth]),
        ("after:1h before:+30min", [fourth, second, first]),
        ("after:+30min", [third]),
        ("state:successful run<:1h", [first]),
        ("run>:1h", []),
        ("wait<:1h state:failed", [second]),
        ("attempts>:0", [second, first]),
        ("schedule:none queue:mail", [third]),
        ("'; DROP TABLE", []),
    ):
        answer = listed(admin, q)
        assert set(found) <= set(answer) if isinstance(found, set) else answer == found, q


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("q", [
    "args.b:2", "args.x.y:null", "args.in:1", "kwargs.contains:5",
    "error:é", 'tag:"a b"', "wait>:5 run<:3",
    "worker:01997000-0000-7000-8000-000000000001", "state:ready state:failed before:1h",
    "id:0199700", "x%_\\", "args.0.1.key:true", "target:a:1 key:b fingerprint:c",
])  # fmt: skip
def test_every_search_works_on_every_database(admin: Client, database: str, q: str) -> None:
    add.enqueue(1, 2)

    assert page(admin, q=q).context["search"].problems == []


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=state:", "q=%22", "older=x&newer=y", "q=" + "a" * 9000, "backend=nobody",
     "q=%ff%fe", "q=after:9999-12-31", "q=a&q=queue:mail&q=", "q=" + "args.a:1+" * 80],
)  # fmt: skip
def test_absurd_addresses_are_answered(admin: Client, query: str) -> None:
    assert admin.get(url(PAGE, f"?{query}")).status_code == 200
    assert admin.get(url("djtasks_export", f"?{query}")).status_code in (200, 400)


def test_a_part_that_is_not_understood_is_told_and_stays_to_be_mended(admin: Client) -> None:
    add.using(queue_name="mail").enqueue(1, 2)
    add.enqueue(1, 2)

    answer = page(admin, q="queue:mail state:brokn")

    html = answer.content.decode()
    assert len(answer.context["page"].rows) == 1
    assert "is not a state. Choose one of ready" in html
    assert 'value="state:brokn"' in html
    assert 'name="all"' not in html


def test_arguments_are_redacted_and_need_a_permission(client: Client, admin: Client) -> None:
    open_door.enqueue(17, "sesame")

    html = page(admin).content.decode()
    assert "door" in html
    assert "sesame" not in html
    assert '<span class="djt-redacted">hidden</span>' in html

    bob = permitted(client, "view_taskrecord")
    assert "17" not in str(page(bob).context["page"].rows[0].arguments)
    assert "you do not have permission to view arguments" in page(bob).content.decode()


def test_hostile_texts_are_shown_as_text(admin: Client) -> None:
    evil = "<script>alert(1)</script>"
    TaskRecord.objects.create(
        backend="default", task_path=evil, queue=evil, args=[evil], kwargs={evil: evil},
        state=State.FAILED, errors=[{"class": f"x.{evil}", "message": evil}], worker_ids=[evil],
    )  # fmt: skip
    TaskRecord.objects.create(backend="default", task_path=evil, queue=evil)

    for q in ("", f'"{evil}"', f"state:{evil}", f"{evil}:x"):
        assert "<script>alert" not in page(admin, q=q).content.decode()


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with millions of tasks: only the newest three are looked at without an index."""
    monkeypatch.setattr(listing, "WINDOW", 2)


@pytest.mark.usefixtures("small_window")
def test_what_no_index_serves_is_looked_for_among_the_newest(admin: Client) -> None:
    old = explode.enqueue().id
    run_due()
    for _ in range(5):
        add.enqueue(1, 2)

    html = page(admin, q="explode").content.decode()

    assert "None of the newest 100,000 tasks matches" in html
    assert listed(admin, "state:failed") == listed(admin, old) == [old]
    assert "only the newest 100,000 tasks" in page(admin, q="add").content.decode()


@pytest.mark.usefixtures("small_window")
def test_of_more_than_can_be_looked_at_some_are_shown(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = [add.using(queue_name="reports").enqueue(1, 2).id for _ in range(3)]
    for _ in range(5):
        add.enqueue(1, 2)
    stuck.append(add.using(queue_name="reports").enqueue(1, 2).id)
    monkeypatch.setattr(listing, "INDEXED_LIMIT", 2)
    monkeypatch.setattr(searching, "INDEXED_LIMIT", 2)

    answer = page(admin, q="state:ready queue:reports")

    assert {str(row.id) for row in answer.context["page"].rows} == set(stuck)
    assert "only some of the others" in answer.content.decode()
    assert "All <b>2+</b> that match" in answer.content.decode()


def test_a_list_of_many_tasks_takes_few_statements(
    client: Client, django_assert_max_num_queries: Any, small_window: None
) -> None:
    add.enqueue_many([(1, 2)] * 200)
    explode.enqueue()
    run_due()
    staff = permitted(client, "view_taskrecord", "view_arguments", "retry_taskrecord")

    for q in ("", "state:successful", "state:failed after:1h error:ValueError worker:web-1"):
        with django_assert_max_num_queries(15):
            page(staff, q=q)


def test_the_page_polls_its_region_alone(admin: Client) -> None:
    add.enqueue(1, 2)

    answer = admin.get(url(PAGE, "?q=queue:default"), headers={"X-Djtasks-Live": "1"})

    assert answer.content.decode().strip().startswith('<div id="djt-live"')
    assert "csrfmiddlewaretoken" not in answer.content.decode()
