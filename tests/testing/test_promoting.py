"""`run_due()` takes a workflow from node to node, inside a TestCase."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from djtasks import Workflow, chain, chord, group
from djtasks.errors import InvalidWorkflow
from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.signals import workflow_finished
from djtasks.store import workflow_results
from djtasks.testing import arun_due, assert_enqueued, enqueued, run_due
from tests.workflows import tasks
from tests.workflows.running import finished, states

pytestmark = pytest.mark.django_db(databases="__all__")


def test_results_pass_from_node_to_node(database: str) -> None:
    with Workflow("import") as flow:
        names = flow.add(tasks.names, 3)
        parts = flow.map(tasks.length, over=names, kwargs={"more": 10})
        sums = flow.add(tasks.total, parts, start=100)
        last = flow.add(tasks.report.bind(names.result, sums=sums.result, plain={"a": 1}))

    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert flow.results(parts) == [11, 12, 13]
    assert flow.result(sums) == 136
    assert flow.result(last) == [[["x", "xx", "xxx"]], {"sums": 136, "plain": {"a": 1}}]
    again = Workflow.get(str(flow.id))
    assert (again.name, again.result("total"), again.results("length")) == (
        "import",
        136,
        [11, 12, 13],
    )


def test_results_have_the_types_of_annotations(database: str) -> None:
    day = date(2026, 11, 30)
    with Workflow("invoice") as flow:
        prices = flow.map(tasks.price, [("1.10",), ("2.20",)])
        total = flow.add(tasks.sum_of, prices, day, extra=flow.add(tasks.price, "0.70"))
        lines = flow.map(tasks.dated, over=flow.add(tasks.texts, 2), kwargs={"day": day})
        paid = flow.add(tasks.charge, "4111", total)

    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert flow.result(total) == "34.00"
    assert flow.results(lines) == ["0.5 30.11.2026", "1.5 30.11.2026"]
    assert flow.result(paid) == "4111 35.00"
    stored = TaskRecord.objects.using(database).get(task_path__endswith=".charge")
    assert "4111" not in f"{stored.args} {stored.kwargs}"


def test_members_made_of_a_result_have_what_using_has_set(database: str) -> None:
    about = TaskRecord.objects.using(database).get(pk=tasks.names.enqueue(1).id)
    with Workflow("import") as flow:
        task = tasks.length.using(target=about, metadata={"trace": "a1"}, tags=["bulk"])
        flow.map(task, over=flow.add(tasks.names, 1))

    finished(flow)
    made = TaskRecord.objects.using(database).get(task_path=task.module_path)
    assert made.target == f"djtasks.taskrecord:{about.pk}"
    assert (made.metadata, made.tags) == ({"trace": "a1"}, ["bulk"])


def test_a_map_over_a_result_refuses_a_task_with_encrypted_arguments(database: str) -> None:
    with (
        pytest.raises(InvalidWorkflow, match="stores what the other node returned"),
        Workflow("charge") as flow,
    ):
        flow.map(tasks.charge, over=flow.add(tasks.names, 2), kwargs={"amount": Decimal(1)})


def test_a_result_may_be_an_argument_of_each_member_of_a_map(database: str) -> None:
    with Workflow("import") as flow:
        more = flow.add(tasks.total, [1, 2])
        plain = flow.map(tasks.length, [("a",), ("bb",)], kwargs={"more": more.result})
        over = flow.map(tasks.length, over=flow.add(tasks.names, 2), kwargs={"more": more})

    finished(flow)
    assert flow.results(plain) == [4, 5]
    assert flow.results(over) == [4, 5]


def test_a_coroutine_receives_results_too(database: str) -> None:
    with Workflow("import") as flow:
        numbers = flow.map(tasks.length, [("a",), ("bb",)])
        total = flow.add(tasks.total_async, numbers, start=flow.add(tasks.total, [5]))

    assert finished(flow).result(total) == 8


def test_a_chain_a_group_and_a_chord_run(database: str) -> None:
    one = chain(tasks.names.bind(2), tasks.report, tasks.report.bind("x"))
    two = group(tasks.total.bind([1]), tasks.total.bind([2]))
    three = chord([tasks.total.bind([1]), tasks.length.bind("abc")], tasks.total.bind(start=10))
    run_due()

    assert one.result("report-2") == [[[[["x", "xx"]], {}], "x"], {}]
    assert [two.result(name) for name in ("total", "total-2")] == [1, 2]
    assert three.result("total-2") == 14


def test_a_failure_skips_what_needs_success_and_runs_what_waits_for_it(database: str) -> None:
    with Workflow("import") as flow:
        bad = flow.add(tasks.fail, "broken")
        flow.add(tasks.report, after=bad, name="next")
        told = flow.add(tasks.tell, after=flow, when="failure")
        flow.add(tasks.report, after=bad, when="done", name="clean up")

    assert finished(flow).state is WorkflowState.FAILED
    assert states(flow) == {
        "fail": NodeState.FAILED,
        "next": NodeState.SKIPPED,
        "tell": NodeState.SUCCESSFUL,
        "clean up": NodeState.SUCCESSFUL,
    }
    assert flow.result(told) == [["fail", 0, "broken"]]
    (failure,) = flow.failures()
    assert (failure.node, failure.exception) == ("fail", "builtins.LookupError")
    with pytest.raises(ValueError, match=r"Node 'next' of workflow .* has no result"):
        flow.result("next")


def test_of_a_failure_that_is_tolerated_there_is_no_result(database: str) -> None:
    with Workflow("import") as flow:
        some = flow.map(tasks.length, [("a",), (5,), ("bbb",)], tolerate=1)
        total = flow.add(tasks.total, some)
        gone = flow.add(tasks.fail, may_fail=True)
        last = flow.add(tasks.report, gone, when="done")

    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert flow.results(some) == [1, 3]
    assert flow.result(total) == 4
    assert flow.result(last) == [[None], {}]


def test_a_result_that_is_no_list_ends_the_workflow(database: str) -> None:
    with Workflow("import") as flow:
        flow.map(tasks.length, over=flow.add(tasks.total, [1]))
        told = flow.add(tasks.tell, after=flow, when="failure")

    assert finished(flow).state is WorkflowState.FAILED
    ((node, place, message),) = flow.result(told)
    assert (node, place) == ("length", None)
    assert "needs a list" in message


def test_a_task_adds_nodes_to_its_own_workflow(database: str) -> None:
    with Workflow("import") as flow:
        flow.add(tasks.split, 3)
        last = flow.add(tasks.report, after=flow, name="last")

    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert flow.result("sum") == 3
    assert len(states(flow)) == 4
    row = WorkflowNode.objects.get(workflow=flow.id, name=last.name)
    grown = WorkflowNode.objects.get(workflow=flow.id, name="sum")
    assert row.opened_at is not None
    assert grown.finished_at is not None
    assert row.opened_at >= grown.finished_at


def test_a_coroutine_adds_nodes_too(database: str) -> None:
    with Workflow("import") as flow:
        split = flow.add(tasks.split_async, 3, after=flow.add(tasks.names, 1))

    assert finished(flow).result("sum") == 3
    assert flow.result(split) == [[["x"]], 0]


def test_what_an_earlier_attempt_has_added_is_not_added_twice(database: str) -> None:
    with Workflow("import") as flow:
        flow.add(tasks.split.using(max_attempts=2), 2, fails=True)

    run_due()
    TaskRecord.objects.filter(state=State.READY).update(run_after="2020-01-01T00:00Z")

    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert len(states(flow)) == 3
    assert flow.result("sum") == 1


def test_outside_a_workflow_there_is_none(database: str) -> None:
    alone = tasks.is_member.enqueue()
    with Workflow("import") as flow:
        inside = flow.add(tasks.is_member)
    run_due()

    alone.refresh()
    assert alone.return_value is False
    assert flow.result(inside) is True


@pytest.mark.parametrize(("name", "value"), [("MOST_RESULTS", 2), ("MOST_BYTES", 5)])
def test_too_many_results_for_one_argument_say_what_to_do(
    database: str, monkeypatch: Any, name: str, value: int
) -> None:
    monkeypatch.setattr(workflow_results, name, value)
    with Workflow("import") as flow:
        parts = flow.map(tasks.report, [("a",), ("b",), ("c",)])
        flow.add(tasks.total, parts)

    assert finished(flow).state is WorkflowState.FAILED
    (failure,) = flow.failures()
    assert "context.workflow.results('report')" in failure.message


def test_results_are_read_in_pages(database: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(workflow_results, "PAGE", 2)
    with Workflow("import") as flow:
        parts = flow.map(tasks.length, (("x" * count,) for count in range(5)))
        flow.add(tasks.total, parts)

    assert finished(flow).results(parts) == [0, 1, 2, 3, 4]
    assert flow.result("total") == 10


def test_a_member_that_was_deleted_ends_what_needs_its_result(database: str) -> None:
    with Workflow("import") as flow:
        flow.add(tasks.report, flow.add(tasks.names, 1), name="last")
    TaskRecord.objects.filter(workflow=flow.id, task_path__endswith="names").delete()

    assert finished(flow).state is WorkflowState.FAILED
    (failure,) = flow.failures()
    assert failure.node == "last"
    assert "the record of its task was deleted" in failure.message


def test_what_has_not_started_in_time_expires(database: str) -> None:
    with Workflow("import", expires=timedelta(hours=1)) as flow:
        names = flow.add(tasks.names, 1)
        flow.map(tasks.length, over=names, name="known later")
        flow.add(tasks.report, after=names)
    TaskRecord.objects.filter(task_path=tasks.report.module_path).update(expires_at=None)
    TaskRecord.objects.filter(task_path=tasks.names.module_path).update(expires_at=None)
    run_due(advance=timedelta(hours=2))

    assert finished(flow).state is WorkflowState.FAILED
    assert states(flow) == {
        "names": NodeState.SUCCESSFUL,
        "known later": NodeState.FAILED,
        "report": NodeState.SUCCESSFUL,
    }


def test_members_are_enqueued_like_other_tasks(database: str) -> None:
    with Workflow("import") as flow:
        flow.map(tasks.length, [("a",), ("b",)], kwargs={"more": 2})

    assert_enqueued(tasks.length, args=["a"], kwargs={"more": 2})
    assert len(enqueued(tasks.length)) == 2


def test_the_end_of_a_workflow_is_a_signal(database: str) -> None:
    ends: list[Any] = []

    def note(sender: Any, **arguments: Any) -> None:
        ends.append((arguments["backend"], arguments["workflow"], arguments["state"]))

    workflow_finished.connect(note)
    try:
        flow = finished(chain(tasks.names.bind(1), tasks.report))
    finally:
        workflow_finished.disconnect(note)

    assert ends == [("default", flow.id, WorkflowState.SUCCESSFUL)]


async def use_all_of_it() -> None:
    async with Workflow("import") as flow:
        names = flow.add(tasks.names, 2)
        flow.map(tasks.length, over=names)
    assert await flow.apause()
    assert await flow.aresume()
    await arun_due()

    await flow.arefresh()
    assert flow.state is WorkflowState.SUCCESSFUL
    assert await flow.wait_async(timeout=5) is flow
    assert await flow.aresult(names) == ["x", "xx"]
    assert await flow.aresults("length") == [1, 2]
    assert await flow.afailures() == []
    assert (await Workflow.aget(flow.id)).state is WorkflowState.SUCCESSFUL
    assert await flow.aretry() == 0
    assert not await flow.acancel()
    assert await flow.adiscard()


def test_coroutines_build_and_follow_one(database: str) -> None:
    async_to_sync(use_all_of_it)()
