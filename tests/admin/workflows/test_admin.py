"""The pages of workflows: what they show, to whom, and what people do there."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from djtasks.engine import Engine, forget_engines
from djtasks.formats.ids import new_id
from djtasks.inspection.workflows import reading
from djtasks.models import TaskRecord, WorkflowRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.admin.opening import log, permitted
from tests.admin.workflows.catalogue import NAME, data_mart, import_catalogue
from tests.settings import TASKS
from tests.workflow_rows import Node, flow

LIST = "/admin/djtasks/workflowrecord/"
MOST_QUERIES = 25


def page(row: WorkflowRecord, name: str = "change") -> str:
    return reverse(f"admin:djtasks_workflowrecord_{name}", args=[row.pk])


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode().replace("<wbr>", "").partition('id="content-main"')[2]


def test_the_page_tells_how_far_it_is_and_why(admin: Client, engine: Engine) -> None:
    html = text_of(admin, page(import_catalogue(engine)))

    for words in (
        "import_product runs: 616 of 1,240 are over, 37 run now.",
        "4 tasks of import_product failed; up to 12 may.",
        "merge, render_page, announce come after that.",
        "maps the result of split, up to 1% may fail",
        "if something before it fails",
        "about 3 min, as last time",
        "KeyError",
    ):
        assert words in html, words
    assert html.count('<a href="#n-') >= 9


def test_the_list_and_the_overview_show_workflows(admin: Client, engine: Engine) -> None:
    import_catalogue(engine)
    data_mart(engine, 3)

    listed = text_of(admin, LIST)
    overview = text_of(admin, reverse("admin:djtasks_overview"))

    assert "706 of 1,332, 4 failed, more to come" in listed
    assert "It will fail: aggregate_0 failed." in listed
    assert "2 not over" in overview
    assert overview.index("data mart") < overview.index(NAME)


def test_the_list_is_filtered(admin: Client, engine: Engine) -> None:
    import_catalogue(engine)

    assert "of 1,332" not in text_of(admin, LIST, state="successful")
    assert "No workflow matches" in text_of(admin, LIST, q="nothing")
    assert "of 1,332" in text_of(admin, LIST, q="shop.catalogue:11")


def test_without_workflows_the_list_says_what_they_are(admin: Client, engine: Engine) -> None:
    assert "No workflow was ever made" in text_of(admin, LIST)
    assert "djt-flows" not in text_of(admin, reverse("admin:djtasks_overview"))


def test_a_large_workflow_is_folded(admin: Client, engine: Engine) -> None:
    html = text_of(admin, page(data_mart(engine, 40)))

    assert "one box for each task of a stage" in html
    assert "100 shown, what failed and runs first; 23 more" in html


def test_a_workflow_that_is_gone_is_said_to_be(admin: Client, engine: Engine) -> None:
    for asked in (str(new_id()), "nonsense"):
        answer = admin.get(f"{LIST}{asked}/change/")
        assert answer.status_code == 404
        assert b"There is no such workflow" in answer.content


def test_counts_that_took_too_long_are_said_to_be_missing(
    admin: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "counts_by_node", lambda *_: None)

    html = text_of(admin, page(import_catalogue(engine)))

    assert "could not be counted in 2 seconds" in html
    assert "import_product" in html


def test_a_workflow_is_paused_and_resumed(admin: Client, engine: Engine) -> None:
    row = import_catalogue(engine)

    asked = text_of(admin, page(row, "pause"))
    paused = admin.post(page(row, "pause"), follow=True).content.decode()
    admin.post(page(row, "resume"))

    assert "What is ready or runs goes on." in asked
    assert "It is paused." in paused
    assert not WorkflowRecord.objects.get(pk=row.pk).is_paused
    assert log() == ["running → paused", "paused → running"]


def test_what_failed_is_retried(admin: Client, engine: Engine) -> None:
    row = import_catalogue(engine)
    failed = TaskRecord.objects.filter(workflow=row.pk, state=State.FAILED)

    asked = text_of(admin, page(row, "retry"))
    admin.post(page(row, "retry"))

    assert "as far as they did not succeed: import_product, fallback_prices." in asked
    assert "Nothing that succeeded runs twice." in asked
    assert not failed.exists()
    assert log() == ["retried"]


def test_a_workflow_is_cancelled_once(admin: Client, engine: Engine) -> None:
    row = import_catalogue(engine)

    admin.post(page(row, "cancel"))

    assert WorkflowRecord.objects.get(pk=row.pk).cancel_requested
    assert ">Cancel…<" not in text_of(admin, page(row))


def test_what_is_over_is_left_alone(admin: Client, engine: Engine) -> None:
    row = flow(
        engine,
        "done",
        [Node(name="a", state=NodeState.SUCCESSFUL)],
        state=WorkflowState.SUCCESSFUL,
    )

    for name in ("pause", "cancel", "retry"):
        answer = admin.post(page(row, name), follow=True).content.decode()
        assert "nothing was done" in answer, name
    assert log() == []
    assert "It succeeded" in text_of(admin, page(row))


def test_what_you_may_not_do_is_not_drawn(client: Client, engine: Engine) -> None:
    html = text_of(permitted(client, "view_workflow"), page(import_catalogue(engine)))

    assert "Retry what failed…" not in html
    for name in ("retry_workflow", "pause_workflow", "cancel_workflow"):
        assert f"djtasks.{name}" in html


@override_settings(
    TASKS={"default": TASKS["default"] | {"OPTIONS": {"broker": "memory", "private_errors": True}}}
)
def test_messages_of_errors_are_hidden(client: Client, engine: Engine) -> None:
    forget_engines()
    row = import_catalogue(engine)

    html = text_of(permitted(client, "view_workflow"), page(row))

    assert "KeyError" in html
    assert "&#x27;price&#x27;" not in html


def test_a_task_links_to_its_workflow(admin: Client, engine: Engine) -> None:
    row = import_catalogue(engine)
    task: Any = TaskRecord.objects.filter(workflow=row.pk).first()

    html = text_of(admin, reverse("admin:djtasks_taskrecord_change", args=[task.pk]))

    assert page(row) in html


def test_a_page_takes_few_queries(admin: Client, engine: Engine) -> None:
    row = import_catalogue(engine)
    admin.get(page(row))

    for address in (page(row), LIST):
        with CaptureQueriesContext(connection) as queries:
            admin.get(address)
        assert len(queries) <= MOST_QUERIES, [one["sql"] for one in queries]


def test_why_a_node_failed_is_hidden_with_messages(
    client: Client, engine: Engine, settings: Any
) -> None:
    error = {"class": "djtasks.errors.InvalidWorkflow", "message": "secret is no list."}
    nodes = [Node(name="a", state=NodeState.FAILED, members={}, columns={"error": error})]
    row = flow(engine, "bad", nodes, state=WorkflowState.FAILED)
    bob = permitted(client, "view_workflow")

    assert "InvalidWorkflow: secret is no list." in text_of(bob, page(row))
    options = {"OPTIONS": {"broker": "memory", "private_errors": True}}
    settings.TASKS = {"default": TASKS["default"] | options}
    forget_engines()
    hidden = text_of(bob, page(row))

    assert "InvalidWorkflow" in hidden
    assert "secret" not in hidden
