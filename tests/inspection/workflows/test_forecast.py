"""When a workflow ends: by the pace of its maps, and as long as the last time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from djtasks.inspection.workflows.counts import NodeCounts
from djtasks.inspection.workflows.facts import NodeFacts
from djtasks.inspection.workflows.forecast import Forecast, Habits, forecast
from djtasks.inspection.workflows.graph import graph_of
from djtasks.protocol.workflows import NodeState

NOW = datetime(2026, 10, 21, 14, 20, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EDGES = [(0, 1), (1, 2)]


def node(number: int, state: NodeState, **values: Any) -> NodeFacts:
    """A node; `opened` and `finished` are minutes ago."""
    opened, finished = values.pop("opened", None), values.pop("finished", None)
    facts: dict[str, Any] = {
        "id": 100 + number, "number": number, "name": f"n{number}", "task_path": "shop.work",
        "queue": "default", "when": "success", "tolerate": "", "tolerated": 0, "may_fail": False,
        "after_all": False, "is_map": False, "over": None, "inputs": (), "size": 1,
        "counts": NodeCounts(), "before": (), "took": None, "because_of": None,
        "error": "", "message": "",
        "opened_at": None if opened is None else NOW - opened * MINUTE,
        "finished_at": None if finished is None else NOW - finished * MINUTE,
    }  # fmt: skip
    return NodeFacts(state=state, **facts | values)


DONE = node(0, NodeState.SUCCESSFUL, opened=10, finished=8)
MAP = node(
    1, NodeState.OPEN, opened=8, is_map=True, counts=NodeCounts(successful=40, ready=55, running=5)
)
LAST = node(2, NodeState.PENDING)


def foretell(
    nodes: Sequence[NodeFacts],
    *,
    lengths: Mapping[str, timedelta] | None = None,
    paces: Mapping[int, float] | None = None,
) -> Forecast:
    graph = graph_of([one.number for one in nodes], EDGES)
    return forecast(graph, nodes, NOW, Habits(lengths or {}, paces or {}))


def test_what_is_left_of_a_map_goes_on_at_its_pace() -> None:
    found = foretell([DONE, MAP, LAST], lengths={"n2": 3 * MINUTE}, paces={101: 0.1})

    assert found.spans[1].ends == NOW + timedelta(seconds=600)
    assert found.spans[2].begins == found.spans[1].ends
    assert found.done_at == datetime(2026, 10, 21, 14, 33, tzinfo=UTC)


def test_a_node_takes_as_long_as_the_last_time() -> None:
    single = node(1, NodeState.OPEN, opened=2)

    found = foretell([DONE, single], lengths={"n1": 10 * MINUTE})

    assert found.spans[1].ends == NOW + 8 * MINUTE


def test_a_node_that_takes_longer_than_the_last_time_ends_soon() -> None:
    single = node(1, NodeState.OPEN, opened=20)

    found = foretell([DONE, single], lengths={"n1": 10 * MINUTE})

    assert found.done_at is not None
    assert NOW < found.done_at < NOW + MINUTE


def test_without_a_last_time_the_end_is_not_known() -> None:
    found = foretell([DONE, MAP, LAST], paces={101: 0.1})

    assert found.done_at is None
    assert "no workflow of this name has succeeded yet" in found.because
    assert 2 not in found.spans


def test_without_a_pace_the_end_of_a_map_is_not_known() -> None:
    found = foretell([DONE, MAP, LAST], lengths={"n2": MINUTE})

    assert found.done_at is None
    assert "n1" in found.because
    assert found.spans[1].ends == NOW
    assert 2 not in found.spans


def test_a_new_node_makes_the_end_unknown() -> None:
    found = foretell([DONE, MAP, LAST], lengths={"n1": MINUTE}, paces={101: 1.0})

    assert found.done_at is None
    assert "n2" in found.because


def test_what_is_skipped_takes_no_time() -> None:
    skipped = node(1, NodeState.SKIPPED)

    found = foretell([DONE, skipped, LAST], lengths={"n2": 2 * MINUTE})

    assert found.spans[2].begins == NOW
    assert 1 not in found.spans


def test_a_workflow_that_is_over_has_no_end_to_come() -> None:
    found = foretell([DONE])

    assert found.done_at is None
    assert found.because == ""
    assert found.spans[0].ends == NOW - 8 * MINUTE
