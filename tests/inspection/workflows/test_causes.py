"""Why a workflow is not done: one sentence for each node that stands, the causes first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from djtasks.inspection.diagnosis.facts import QueuePause
from djtasks.inspection.workflows.causes import causes_of
from djtasks.inspection.workflows.counts import NodeCounts, sum_of
from djtasks.inspection.workflows.facts import NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.graph import graph_of
from djtasks.inspection.workflows.holding import Holding
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.inspection.workflows.test_forecast import NOW, node

SERVED = Holding(serving={"default": 2})
PAUSE = QueuePause(by="ada", since=NOW, reason="", until=None)


def workflow(*nodes: NodeFacts, **values: Any) -> WorkflowFacts:
    facts: dict[str, Any] = {
        "id": UUID(int=1), "now": NOW, "backend": "default", "name": "import",
        "state": WorkflowState.RUNNING, "is_paused": False, "cancel_requested": False,
        "target": None, "tags": (), "parent": None, "schedule": None, "due_at": None,
        "enqueued_at": NOW, "expires_at": None, "finished_at": None,
        "took": timedelta(minutes=3), "nodes": nodes,
        "graph": graph_of([one.number for one in nodes], []),
        "counts": sum_of(one.counts for one in nodes), "unsized": 0, "per_minute": 0.0,
        "spans": {}, "critical": (), "done_at": None, "unknown_because": "", "before": (),
    }  # fmt: skip
    return WorkflowFacts(**facts | values)


def said(facts: WorkflowFacts, holding: Holding = SERVED) -> list[str]:
    return [f"{cause.kind}: {cause.text}" for cause in causes_of(facts, holding)]


def opened(number: int = 0, **counts: int) -> NodeFacts:
    found = NodeCounts(**counts)
    return node(
        number, NodeState.OPEN, counts=found, is_map=found.total > 1, size=found.total, opened=4
    )


def test_a_map_that_runs_says_how_far_it_is() -> None:
    found = said(workflow(opened(successful=1_204, running=5, ready=31)))

    assert found == ["running: n0 runs: 1,204 of 1,240 are over, 5 run now."]


def test_a_single_task_that_runs_says_for_how_long() -> None:
    found = said(workflow(replace(opened(running=1), took=timedelta(minutes=4))))

    assert found == ["running: n0 runs now, for 4 min."]


def test_a_node_without_a_worker_stands_still() -> None:
    found = causes_of(workflow(opened(ready=3)), Holding())

    assert found[0].text == "n0 stands still: no live worker serves its queue default."
    assert found[0].is_bad


def test_a_pause_of_the_queue_comes_before_a_missing_worker() -> None:
    found = said(workflow(opened(ready=3)), Holding(pauses={"default": PAUSE}))

    assert found == ["queue_paused: n0 stands still: its queue default was paused by ada."]


def test_a_task_that_retries_says_when_it_is_due() -> None:
    holding = replace(SERVED, due={100: NOW + timedelta(minutes=40)})

    found = said(workflow(opened(ready=1)), holding)

    assert found == ["retrying: n0 waits for its next attempt, due in 40 min."]


def test_ready_tasks_wait_for_a_worker() -> None:
    found = said(workflow(opened(ready=2, successful=1)))

    assert found == ["ready: n0 is ready: 1 of 3 are over, the next wait for a worker."]


def test_members_at_their_door_go_on_by_themselves() -> None:
    found = said(workflow(opened(waiting=2)))

    assert found == ["released: n0 goes on within 10 seconds: a worker looks at it each second."]


def test_a_node_that_failed_comes_first() -> None:
    failed = node(1, NodeState.FAILED)
    holding = replace(SERVED, errors={101: "KeyError"})

    found = causes_of(workflow(opened(running=1), failed), holding)

    assert found[0].text == "It will fail: n1 failed with KeyError."
    assert [cause.kind for cause in found] == ["failing", "running"]


def test_an_open_node_with_too_many_failures_will_fail() -> None:
    found = said(workflow(opened(running=1, failed=1, successful=2)))

    assert found[0] == "failing: It will fail: n0 failed."


def test_a_node_that_may_fail_does_not_fail_the_workflow() -> None:
    failed = node(1, NodeState.FAILED, may_fail=True)

    assert said(workflow(opened(running=1), failed)) == ["running: n0 runs now, for 0 s."]


def test_tolerated_failures_are_told() -> None:
    tolerant = replace(opened(running=4, failed=1, successful=5), tolerate="20%", tolerated=2)

    found = said(workflow(tolerant))

    assert found[1] == "tolerated: 1 task of n0 failed; up to 2 may."


def test_what_comes_after_is_one_sentence() -> None:
    later = [node(number, NodeState.PENDING, before=(0,)) for number in range(1, 7)]

    found = said(workflow(opened(running=1), *later))

    assert found[-1] == "after: n1, n2, n3 and 3 others come after that."


def test_a_node_with_nothing_before_it_opens_soon() -> None:
    found = said(workflow(node(0, NodeState.PENDING)))

    assert found == ["opening: n0 opens within 10 seconds: all that it comes after is over."]


def test_without_a_worker_nothing_opens() -> None:
    found = causes_of(workflow(node(0, NodeState.PENDING)), Holding(has_worker=False))

    assert "no worker is alive" in found[0].text
    assert found[0].is_bad


def test_a_pause_holds_what_waits() -> None:
    found = said(workflow(opened(waiting=2), node(1, NodeState.PENDING), is_paused=True))

    assert found == [
        "paused: It is paused: what is ready or runs goes on, and nothing else starts.",
        "released: n0 starts nothing more: 0 of 2 are over.",
    ]


def test_a_cancel_says_what_still_runs() -> None:
    found = said(workflow(opened(running=2, waiting=3), cancel_requested=True))

    assert found[0].startswith("cancelling: Somebody cancelled it. 2 tasks still run")


def test_one_that_is_over_says_how_it_ended() -> None:
    failed = node(0, NodeState.FAILED, error="InvalidWorkflow")
    ends = {
        WorkflowState.SUCCESSFUL: "It succeeded, in 3 min.",
        WorkflowState.CANCELLED: "It was cancelled, after 3 min.",
        WorkflowState.FAILED: "It failed, after 3 min. Node n0 failed with InvalidWorkflow.",
    }

    for state, text in ends.items():
        assert said(workflow(failed, state=state)) == [f"over: {text}"]


def test_without_counts_an_open_node_says_so_much() -> None:
    found = said(workflow(replace(opened(), took=timedelta(minutes=4)), counts=None))

    assert found == ["running: n0 is open, for 4 min."]


def test_at_most_six_sentences() -> None:
    nodes = [opened(number, running=1) for number in range(20)]

    assert len(said(workflow(*nodes))) == 6


def test_names_with_percent_signs_are_only_text() -> None:
    odd = replace(opened(ready=1), name="100%(node)s", queue="%d")

    assert "100%(node)s stands still" in said(workflow(odd), Holding())[0]
