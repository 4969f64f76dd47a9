"""New task and registered tasks: a form from a signature, checked where it stands."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from djtasks import task
from djtasks.admin.forms.call import CallForm
from djtasks.definitions.task import Task
from djtasks.engine import Engine, engine_of
from djtasks.models import TaskRecord
from djtasks.operations import pause_queue
from djtasks.operations.bulk.run import bulk_task
from tests.admin.opening import log, page, permitted
from tests.admin.ordering import measure, send_invoice
from tests.tasks import add, closes_nothing, only_once

pytestmark = pytest.mark.usefixtures("engine")


@task(unique=lambda number: str(1 / number))
def picky(number: int) -> None: ...


@task
def anything(
    flag: bool | None = None,
    on: bool = True,
    text: str = "hello",
    unknown=None,  # type: ignore[no-untyped-def]
    key: UUID | None = None,
    day: "date | None" = None,
) -> None: ...


def new(task_: Task[..., Any] | None = None, **query: str) -> str:
    asked = {"task": task_.module_path, **query} if task_ else query
    pairs = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"{reverse('admin:djtasks_new_task')}?{pairs}"


def call_of(
    engine: Engine, task_: Task[..., Any], **typed: str
) -> tuple[list[Any], dict[str, Any]]:
    form = filled(engine, task_, **typed)
    assert not form.errors
    call = form.call()
    return call.args, call.kwargs


def filled(engine: Engine, task_: Task[..., Any], **typed: str) -> CallForm:
    data = {f"arg-{name}": value for name, value in typed.items()}
    return CallForm(data, task=task_, engine=engine, now=engine.store.now())


def test_a_task_is_picked_filled_in_and_enqueued(admin: Client) -> None:
    assert add.module_path in admin.get(new(find="tests.tasks.add")).content.decode()

    answer = admin.post(new(add), {"arg-a": "1", "arg-b": "2", "priority": "5", "queue": "mail"})

    record = TaskRecord.objects.get()
    assert answer["Location"] == page(record.pk)
    assert (record.args, record.kwargs) == ([1, 2], {})
    assert (record.queue, record.priority) == ("mail", 5)
    assert log() == ["enqueued by hand"]
    assert "enqueued by hand" in admin.get(page(record.pk)).content.decode()


@pytest.mark.parametrize(
    ("typed", "args", "kwargs"),
    [
        ({"order_id": "7", "template": "invoice_2026_en"}, [7], {}),
        ({"order_id": " 7 ", "template": "invoice_2026_de", "attach_terms": "on"},
         [7], {"template": "invoice_2026_de", "attach_terms": True}),
        ({"order_id": "-1", "portal_code": "x", "discount": "1.5", "due": "2026-10-20"},
         [-1], {"portal_code": "x", "discount": 1.5, "due": "2026-10-20"}),
        ({"order_id": "7", "lines": '[{"sku": "A"}]', "discount": "0"},
         [7], {"lines": [{"sku": "A"}]}),
        ({"order_id": "7", "lines": "[]"}, [7], {"lines": []}),
        ({"order_id": "7", "lines": "null"}, [7], {}),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_the_call_that_a_person_would_write(
    engine: Engine, typed: dict[str, str], args: list[Any], kwargs: dict[str, Any]
) -> None:
    typed = {"template": "invoice_2026_en"} | typed

    assert call_of(engine, send_invoice, **typed) == (args, kwargs)


@pytest.mark.parametrize(
    ("typed", "args", "kwargs"),
    [
        ({"path": "a"}, ["a"], {"note": ""}),
        ({"path": "a", "note": "plain"}, ["a"], {}),
        ({"path": "a", "factor": "2", "note": "plain", "rest": '[1, "b"]', "more": '{"x": 1}'},
         ["a", 2, 1, "b"], {"x": 1}),
        ({"path": "a", "note": "plain", "rest": "[1]"}, ["a", 2, 1], {}),
    ],
)  # fmt: skip
def test_positional_and_open_arguments_go_where_they_belong(
    engine: Engine, typed: dict[str, str], args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert call_of(engine, measure, **typed) == (args, kwargs)


def test_every_kind_of_default_can_be_kept_or_changed(engine: Engine) -> None:
    assert call_of(engine, anything, on="on", text="hello") == ([], {})
    assert call_of(
        engine, anything, flag="false", text="", unknown='"x"', day="2026-01-02",
        key="12345678123456781234567812345678",
    ) == ([], {
        "flag": False, "on": False, "text": "", "unknown": "x", "day": "2026-01-02",
        "key": "12345678-1234-5678-1234-567812345678",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("task_", "name", "typed"),
    [
        (send_invoice, "order_id", ""),
        (send_invoice, "order_id", "seven"),
        (send_invoice, "order_id", "9" * 5000),
        (send_invoice, "template", "invoice_1999"),
        (send_invoice, "discount", "nan"),
        (send_invoice, "due", "tomorrow"),
        (send_invoice, "lines", "{"),
        (send_invoice, "lines", '[{"price": NaN}]'),
        (send_invoice, "lines", '["\\u0000"]'),
        (send_invoice, "lines", "[" * 50_000),
        (measure, "path", "x\x00"),
        (measure, "path", ""),
        (measure, "rest", '{"a": 1}'),
        (measure, "more", "[1]"),
        (measure, "more", '{"note": "twice"}'),
        (anything, "key", "nonsense"),
    ],
)  # fmt: skip
def test_wrong_input_is_an_error_at_its_field(
    engine: Engine, task_: Task[..., Any], name: str, typed: str
) -> None:
    given = {"order_id": "7", "template": "invoice_2026_en", "path": "a"} | {name: typed}

    assert list(filled(engine, task_, **given).errors) == [f"arg-{name}"]


def test_nothing_is_enqueued_while_something_is_wrong(admin: Client) -> None:
    answer = admin.post(new(add), {"arg-a": "x", "arg-b": "2", "run_after": "whenever"})

    assert set(answer.context["form"].errors) == {"arg-a", "run_after"}
    assert not TaskRecord.objects.exists()


def test_arguments_that_are_too_large_are_refused_as_a_whole(admin: Client) -> None:
    answer = admin.post(new(measure), {"arg-path": "x" * 70_000, "_enqueue": ""})

    assert "the limit is" in answer.content.decode()
    assert not TaskRecord.objects.exists()


def test_checking_says_when_it_would_start_and_writes_nothing(admin: Client) -> None:
    pause_queue(engine_of("default"), "mail", by="maria", reason="INC-311")
    typed = {"arg-order_id": "7", "arg-template": "invoice_2026_en", "queue": "mail", "_check": ""}

    html = admin.post(new(send_invoice), typed).content.decode()

    assert "The call would be accepted." in html
    assert "Its queue mail was paused by maria" in html
    assert "The unique key is free." in html
    assert "of at most 64,000 bytes" in html
    assert not TaskRecord.objects.exists()
    assert log() == []


def test_checking_names_what_is_wrong(admin: Client) -> None:
    html = admin.post(new(add), {"arg-a": "x", "arg-b": "2", "_check": ""}).content.decode()

    assert "The call would be refused." in html
    assert "a: The value “x” is not valid. Enter a whole number." in html


def test_a_task_with_a_key_that_is_taken_leads_to_its_holder(admin: Client) -> None:
    held = only_once.enqueue("a")

    checked = admin.post(new(only_once), {"arg-key": "a", "_check": ""}).content.decode()
    answer = admin.post(new(only_once), {"arg-key": "a"})

    assert page(held.id) in checked
    assert answer["Location"] == page(held.id)
    assert TaskRecord.objects.count() == 1
    assert log() == []


@pytest.mark.parametrize("button", ["_check", "_enqueue"])
def test_code_of_the_task_that_breaks_is_told_and_no_error_page(admin: Client, button: str) -> None:
    html = admin.post(new(picky), {"arg-number": "0", button: ""}).content.decode()

    assert "ZeroDivisionError" in html
    assert not TaskRecord.objects.exists()


def test_a_delay_counts_from_the_clock_of_the_database(admin: Client, engine: Engine) -> None:
    admin.post(new(add), {"arg-a": "1", "arg-b": "2", "run_after": "in 10 min"})

    delay = TaskRecord.objects.get().run_after - engine.store.now()
    assert timedelta(minutes=9) < delay <= timedelta(minutes=10)


def test_sensitive_arguments_are_never_echoed(admin: Client) -> None:
    typed = {"arg-order_id": "7", "arg-template": "invoice_2026_en", "arg-portal_code": "s3cret"}

    html = admin.post(new(send_invoice), typed | {"_check": ""}).content.decode()
    assert "s3cret" not in html
    assert 'type="password"' in html
    admin.post(new(send_invoice), typed)

    record = TaskRecord.objects.get()
    assert record.kwargs == {"portal_code": "s3cret"}
    again = admin.get(new(send_invoice, like=str(record.pk))).content.decode()
    assert 'value="7"' in again
    assert "s3cret" not in again


def test_a_task_is_made_again_from_another(client: Client) -> None:
    like = add.using(queue_name="mail", priority=3).enqueue(4711, b=2)
    bob = permitted(client, "enqueue_taskrecord", "view_arguments")

    form = bob.get(new(add, like=like.id)).context["form"]

    assert (form["arg-a"].value(), form["arg-b"].value()) == ("4711", "2")
    assert (form["queue"].value(), form["priority"].value()) == ("mail", 3)


def test_arguments_are_not_taken_over_by_who_may_not_see_them(client: Client) -> None:
    like = add.enqueue(471147114711471, 2)
    bob = permitted(client, "enqueue_taskrecord")

    html = bob.get(new(add, like=like.id)).content.decode()

    assert "471147114711471" not in html
    assert "You do not have permission to view arguments" in html


def test_who_may_enqueue_but_not_view_comes_back_to_the_form(client: Client) -> None:
    bob = permitted(client, "enqueue_taskrecord")

    answer = bob.post(new(closes_nothing), {"_enqueue": ""})

    assert TaskRecord.objects.count() == 1
    assert answer["Location"] == reverse("admin:djtasks_new_task")


@pytest.mark.parametrize("asked", ["nowhere", "tests.tasks", "<script>", "%00"])
def test_an_unknown_task_leads_to_the_list(admin: Client, asked: str) -> None:
    html = admin.get(new(task=asked)).content.decode()

    assert "No task is registered as" in html
    assert "<script>”" not in html


def test_both_pages_ask_for_their_permission(client: Client) -> None:
    bob = permitted(client, "view_queuecontrol")

    assert bob.get(new(add)).status_code == 403
    assert bob.post(new(add), {"arg-a": "1", "arg-b": "2"}).status_code == 403
    assert bob.get(reverse("admin:djtasks_registered")).status_code == 403
    assert not TaskRecord.objects.exists()


def test_the_tasks_of_djtasks_itself_are_not_offered(admin: Client) -> None:
    path = bulk_task("default").module_path

    for name in ("djtasks_new_task", "djtasks_registered"):
        html = admin.get(reverse(f"admin:{name}"), {"find": path}).content.decode()
        assert "No task matches" in html


def test_the_form_of_a_task_of_djtasks_itself_cannot_be_opened(admin: Client) -> None:
    address = new(bulk_task("default"))

    assert 'name="_check"' in admin.get(new(add)).content.decode()
    assert 'name="_check"' not in admin.get(address).content.decode()
    admin.post(address, {"arg-action_id": "1"})
    assert not TaskRecord.objects.exists()
