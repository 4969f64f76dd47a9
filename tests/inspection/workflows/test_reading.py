"""One workflow read from its rows: how far it is, what holds it, and how much is read for it."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from djtasks.engine import Engine, engine_of
from djtasks.inspection.workflows import counts, reading
from djtasks.inspection.workflows.failures import failures_in
from djtasks.inspection.workflows.reading import workflow_facts
from djtasks.models import TaskRecord, WorkflowNode, WorkflowRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.workflow_rows import MINUTE, Node, flow

everywhere = pytest.mark.django_db(databases="__all__")
MOST_QUERIES = 15
IMPORT = [
    Node(name="split", state=NodeState.SUCCESSFUL, began=5 * MINUTE, ended=4 * MINUTE),
    Node(
        name="load",
        state=NodeState.OPEN,
        over="split",
        members={State.SUCCESSFUL: 6, State.FAILED: 1, State.RUNNING: 2, State.READY: 1},
        columns={"tolerate": "10%"},
    ),
    Node(name="merge", after=["load"]),
    Node(name="render", over="merge", members={}),
    Node(name="tell", columns={"after_all": True, "when": "failure"}),
]


@everywhere
def test_a_workflow_is_read_with_its_nodes_and_counts(database: str) -> None:
    engine = engine_of("default")
    row = flow(engine, "import", IMPORT, target="shop.upload:7", began=5 * MINUTE)

    facts = workflow_facts(engine, row.pk)

    assert facts is not None
    assert facts.phase == "running"
    assert [node.name for node in facts.nodes] == ["split", "load", "merge", "render", "tell"]
    load, render, tell = facts.nodes[1], facts.nodes[3], facts.nodes[4]
    assert (load.counts.over, load.counts.total, load.counts.failed) == (7, 10, 1)
    assert not load.will_fail
    assert load.tolerated == 1
    assert render.size is None
    assert facts.unsized == 1
    assert list(tell.before) == [3]
    assert facts.counts is not None
    assert facts.counts.total == 13
    assert facts.why[0].kind == "running"


def test_a_workflow_of_another_alias_or_none_is_not_there(engine: Engine) -> None:
    row = flow(engine, "import", IMPORT)
    WorkflowRecord.objects.update(backend="other")

    assert workflow_facts(engine, row.pk) is None


def test_a_workflow_without_nodes_is_read(engine: Engine) -> None:
    facts = workflow_facts(engine, flow(engine, "empty", []).pk)

    assert facts is not None
    assert [cause.kind for cause in facts.why] == ["opening"]


def test_the_last_workflow_of_the_name_tells_how_long_nodes_take(engine: Engine) -> None:
    once = Node(name="split", state=NodeState.SUCCESSFUL, began=30 * MINUTE, ended=20 * MINUTE)
    past = flow(engine, "import", [once], state=WorkflowState.SUCCESSFUL)
    row = flow(engine, "import", [Node(name="split", state=NodeState.OPEN, began=4 * MINUTE)])

    facts = workflow_facts(engine, row.pk)

    assert facts is not None
    assert [one.id for one in facts.before] == [past.pk]
    assert facts.done_at is not None
    assert abs(facts.done_at - facts.now - 6 * MINUTE) <= MINUTE


def test_the_pace_of_a_map_tells_when_it_ends(engine: Engine) -> None:
    members = {State.SUCCESSFUL: 60, State.RUNNING: 60}
    row = flow(
        engine, "import", [Node(name="load", state=NodeState.OPEN, members=members, began=MINUTE)]
    )

    facts = workflow_facts(engine, row.pk)

    assert facts is not None
    assert 50 < facts.per_minute < 70
    assert facts.done_at is not None
    assert timedelta(seconds=30) <= facts.done_at - facts.now <= 2 * MINUTE


def test_a_paused_workflow_has_no_end(engine: Engine) -> None:
    facts = workflow_facts(engine, flow(engine, "import", IMPORT, is_paused=True).pk)

    assert facts is not None
    assert facts.done_at is None
    assert facts.unknown_because == "it is paused"


def test_the_reason_of_a_retry_is_read(engine: Engine) -> None:
    row = flow(engine, "one", [Node(name="a", state=NodeState.OPEN, members={State.READY: 1})])
    TaskRecord.objects.update(run_after=engine.store.now() + timedelta(hours=2))

    facts = workflow_facts(engine, row.pk)

    assert facts is not None
    assert "no live worker" in facts.why[0].text


def test_failures_are_grouped(engine: Engine) -> None:
    nodes = [
        Node(name="a", state=NodeState.FAILED, members={State.FAILED: 3}),
        Node(name="b", state=NodeState.FAILED, members={State.FAILED: 1}),
    ]
    facts = workflow_facts(engine, flow(engine, "bad", nodes).pk)
    assert facts is not None

    groups = failures_in(engine, facts)

    assert [(one.node, one.exception, one.count) for one in groups] == [
        ("a", "KeyError", 3),
        ("b", "KeyError", 1),
    ]


def test_nothing_is_asked_for_failures_where_nothing_failed(engine: Engine) -> None:
    facts = workflow_facts(engine, flow(engine, "good", IMPORT[:1]).pk)
    assert facts is not None

    with CaptureQueriesContext(connection) as queries:
        assert failures_in(engine, facts) == []

    assert len(queries) == 0


def test_rows_with_foreign_values_are_read(engine: Engine) -> None:
    row = flow(engine, "odd", IMPORT, tags={"no": "list"})
    WorkflowNode.objects.update(
        options=[1], inputs={"0": "text"}, error=["no object"], tolerate="lots"
    )

    facts = workflow_facts(engine, row.pk)

    assert facts is not None
    assert facts.tags == []
    assert {node.tolerated for node in facts.nodes} == {0}


def test_counting_that_takes_too_long_leaves_the_counts_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "counts_by_node", lambda *_: None)

    facts = workflow_facts(engine, flow(engine, "import", IMPORT).pk)

    assert facts is not None
    assert facts.counts is None
    assert facts.why


@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(transaction=True)
def test_counting_ends_in_time_and_the_connection_goes_on(
    live_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "SELECT pg_sleep(20)"
    monkeypatch.setattr(counts, "COUNTING_SECONDS", 0.05)

    with pytest.raises(Exception, match="statement timeout"):
        counts._in_time(live_engine, slow, ())

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("50ms",)


def large(engine: Engine, members: int) -> WorkflowRecord:
    """A workflow in the middle of a large map, with failures, after one that succeeded."""
    nodes = [
        Node(name="split", state=NodeState.SUCCESSFUL),
        Node(
            name="load",
            state=NodeState.OPEN,
            members={State.SUCCESSFUL: members // 2, State.FAILED: 5, State.READY: members // 2},
        ),
        Node(name="retried", state=NodeState.OPEN, members={State.READY: 3}),
        Node(name="merge", after=["load"]),
    ]
    flow(engine, "large", nodes[:1], state=WorkflowState.SUCCESSFUL)
    return flow(engine, "large", nodes)


@pytest.mark.slow
@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(transaction=True)
def test_a_large_workflow_takes_few_queries_and_needs_no_scan_of_the_tasks(
    live_engine: Engine,
) -> None:
    row = large(live_engine, 4_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE djtasks_taskrecord")

    with CaptureQueriesContext(connection) as queries:
        facts = workflow_facts(live_engine, row.pk)
        assert facts is not None
        assert failures_in(live_engine, facts)

    asked = [one["sql"] for one in queries if one["sql"] not in ("BEGIN", "COMMIT")]
    assert len(asked) <= MOST_QUERIES, asked
    assert scans_of([statement for statement in asked if "djtasks_taskrecord" in statement]) == []


def scans_of(statements: list[str]) -> list[str]:
    """Return the lines of plans that read the whole table of tasks though it is disliked."""
    assert statements
    plans: list[str] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement}")
            plans += [line for (line,) in cursor.fetchall()]
    return [line for line in plans if "Seq Scan on djtasks_taskrecord" in line]
