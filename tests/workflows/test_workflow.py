"""Building a workflow: what its block collects, and what it refuses in which words."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from djtasks import Workflow, task
from djtasks.compat import InvalidTask
from djtasks.errors import InvalidArguments, InvalidWorkflow
from djtasks.protocol.workflows import When, WorkflowState
from djtasks.testing.kept_workflows import KeptWorkflow
from djtasks.workflows.nodes import NodeSpec
from tests.workflows.kept import enqueue
from tests.workflows.kept import kept as kept


@task
def header(path: str) -> list[str]:
    return [path]


@task
def parse(path: str, *, size: int = 0) -> int:
    return len(path) + size


@task
def merge(names: list[str], parts: list[int], *, note: str = "") -> str:
    return f"{names}{parts}{note}"


@task
def notify(name: str, when: str) -> None: ...


@task(unique=True)
def once(name: str) -> None: ...


pytestmark = pytest.mark.usefixtures("kept")


def specs(kept: list[KeptWorkflow]) -> dict[str, NodeSpec]:
    return {spec.name: spec for spec in kept[-1].draft.nodes}


def test_a_node_as_an_argument_comes_before_and_gives_its_result(kept: list[KeptWorkflow]) -> None:
    with Workflow("import") as flow:
        names = flow.add(header, "a")
        parts = flow.map(parse, [("a",), ("b",)])
        flow.add(merge, names, parts=parts.results, note="x")

    node = specs(kept)["merge"]
    assert node.inputs == {"0": 0, "parts": 1}
    assert node.after == {0, 1}
    record = kept[0].members["merge"][0]
    assert (record.args, record.kwargs) == ("[null]", '{"parts":null,"note":"x"}')
    assert [one.args for one in kept[0].members["parse"]] == ['["a"]', '["b"]']


def test_bind_says_the_same_as_the_short_form(kept: list[KeptWorkflow]) -> None:
    with Workflow("import") as flow:
        names = flow.add(header.bind("a"))
        flow.add(merge.bind(names.result, [], note="y"), name="total")

    assert specs(kept)["total"].inputs == {"0": 0}
    assert kept[0].members["total"][0].kwargs == '{"note":"y"}'


def test_order_and_conditions_are_kept(kept: list[KeptWorkflow]) -> None:
    with Workflow("import") as flow:
        first = flow.add(header, "a")
        flow.add(header, "b", after=first, when="failure", may_fail=True, name="alarm")
        flow.map(parse, [("a",)], after=[first], tolerate="1%", name="some")
        flow.map(parse, over=first, kwargs={"size": 3}, tolerate=5)
        flow.add(header, "c", after=flow, when="done", name="last")

    found = specs(kept)
    assert (found["alarm"].after, found["alarm"].when, found["alarm"].may_fail) == (
        {0},
        When.FAILURE,
        True,
    )
    assert found["some"].tolerate == "1%"
    assert (found["parse"].over, found["parse"].after, found["parse"].tolerate) == (0, {0}, "5")
    assert found["parse"].kwargs == {"size": 3}
    assert (found["last"].after_all, found["last"].after, found["last"].is_root) == (
        True,
        frozenset(),
        False,
    )


def test_names_are_those_of_the_functions_numbered(kept: list[KeptWorkflow]) -> None:
    with Workflow("import") as flow:
        for _ in range(2):
            flow.add(header, "a")
        flow.add(header, "a", name="header-3")
        flow.add(header, "a")

    assert list(specs(kept)) == ["header", "header-2", "header-3", "header-4"]


def test_defaults_count_where_using_has_set_nothing(kept: list[KeptWorkflow]) -> None:
    hour = timedelta(hours=1)
    with Workflow("import", queue_name="mail", priority=7, expires=hour) as flow:
        flow.add(header, "a")
        flow.add(header.using(priority=-1, queue_name="default", expires=5), "a", name="own")

    plain, own = (kept[0].members[name][0] for name in ("header", "own"))
    assert (plain.queue, plain.priority, plain.expires) == ("mail", 7, hour)
    assert (own.queue, own.priority, own.expires) == ("default", -1, timedelta(seconds=5))


def test_nothing_is_enqueued_if_the_block_raises(kept: list[KeptWorkflow]) -> None:
    def fill(flow: Workflow) -> None:
        flow.add(header, "a")
        raise LookupError

    with pytest.raises(LookupError):
        enqueue(fill)

    assert kept == []


def test_the_id_is_known_at_once_and_the_state_at_the_end(kept: list[KeptWorkflow]) -> None:
    with Workflow("import") as flow:
        flow.add(header, "a")
        with pytest.raises(InvalidWorkflow, match="go in at the end of its `with` block"):
            assert flow.state
        id_ = flow.id

    assert (flow.id, flow.state, flow.created) == (id_, WorkflowState.RUNNING, True)
    assert kept[0].draft.id == id_
    assert not flow.is_finished


async def in_a_coroutine() -> Workflow:
    async with Workflow("import") as flow:
        flow.add(header, "a")
    return flow


def test_a_coroutine_builds_one_too(kept: list[KeptWorkflow]) -> None:
    assert async_to_sync(in_a_coroutine)().id == kept[0].draft.id


def test_a_second_click_finds_the_running_one(kept: list[KeptWorkflow]) -> None:
    flows = []
    for _ in range(2):
        with Workflow("import", unique="upload:7") as flow:
            flow.add(header, "a")
        flows.append(flow)

    assert flows[0].id == flows[1].id
    assert [flow.created for flow in flows] == [True, False]
    assert len(kept) == 1


def adding(*args: Any, **kwargs: Any) -> Any:
    return lambda flow, first: flow.add(*args, **kwargs)


def mapping(*args: Any, **kwargs: Any) -> Any:
    return lambda flow, first: flow.map(*args, **kwargs)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (adding(header), "missing a required argument: 'path'"),
        (adding(header, "a", size=3), "unexpected keyword argument 'size'"),
        (adding(header, object()), "JSON cannot carry"),
        (adding(header, "a", name="first"), "named 'first' already"),
        (adding(header, "a", name=""), "printable text of 1 to 255"),
        (adding(header, "a", when="finally"), "must be 'success', 'failure', 'done'"),
        (adding(header, "a", when="failure"), "comes after the nodes that may fail"),
        (adding(header, "a", after="first"), "must be a node of this workflow"),
        (adding(header, "a", may_fail=1), "must be True or False"),
        (adding(notify, "a", when="done"), r"flow.add\(notify.bind\(...\), when=...\)"),
        (adding(header.bind("a"), "b"), "Pass the arguments to task.bind"),
        (adding(header.using(run_after=timedelta(1)), "a"), "has run_after"),
        (
            lambda flow, first: flow.add(header.using(backend="other"), "a"),
            "All nodes of a workflow are on one",
        ),
        (adding(header.func, "a"), "is not a task"),
        (
            lambda flow, first: flow.add(header.using(queue_name="none"), "a"),
            "Queue 'none' is not valid",
        ),
        (lambda flow, first: flow.add(header, [first]), "is inside a list or a dict"),
        (lambda flow, first: flow.add(merge, {"a": {"b": first}}, []), "inside a list or a dict"),
        (lambda flow, first: flow.add(once, first), "unique by its arguments"),
        (lambda flow, first: flow.map(once, over=first), "is unique, but"),
        (lambda flow, first: flow.map(parse, over=flow.map(parse, [("a",)])), "got <MapNode"),
        (lambda flow, first: flow.map(parse, over="first"), "'over' must be a node"),
        (lambda flow, first: flow.map(parse, over=flow), "'over' must be a node"),
        (lambda flow, first: flow.map(parse, [("a",)], over=first), "and not both"),
        (lambda flow, first: flow.map(parse, over=first, kwargs={"x": 1}), "unexpected keyword"),
        (lambda flow, first: flow.map(parse, first.result), "takes an iterable of calls"),
        (mapping(parse, [("a",)], kwargs=["size"]), "'kwargs' of a map must be a dict"),
        (mapping(parse, 5), "takes an iterable of calls, got int"),
        (mapping(parse), "takes either a list of calls or over="),
        (mapping(parse, "abc"), "takes an iterable of calls, got str"),
        (mapping(parse, ["a", "b"]), r"write \[\(path,\) for path in paths\]"),
        (mapping(parse, [("a",)], tolerate=1.0), "'tolerate' must be a number of members"),
        (mapping(parse, [("a",)], tolerate=True), "'tolerate' must be a number of members"),
        (mapping(parse, [("a",)], tolerate="200%"), "'tolerate' must be a number of members"),
        (mapping(parse, [("a",)], tolerate="1"), "'tolerate' must be a number of members"),
        (mapping(parse, [("a",)], tolerate=-1), "'tolerate' must be a number of members"),
    ],
)
def test_a_bad_node_fails_where_it_is_added(add: Any, message: str) -> None:
    with pytest.raises((InvalidWorkflow, InvalidArguments, InvalidTask), match=message):
        enqueue(lambda flow: add(flow, flow.add(header, "a", name="first")))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ((one for one in ["a"]), r"Item 0: .*write \[\(path,\)"),
        ((one for one in [("a",), ("a", "b")]), "Item 1: .*too many positional"),
        ((one for one in [{"path": "a", "size": 3}]), "'size' is in the item and in kwargs"),
    ],
)
def test_a_bad_item_fails_at_the_end_of_the_block(
    kept: list[KeptWorkflow], items: Any, message: str
) -> None:
    with (
        pytest.raises(InvalidArguments, match=f"{message}.*Nothing was enqueued"),
        Workflow("import") as flow,
    ):
        flow.map(parse, items, kwargs={"size": 1})

    assert kept == []


def test_a_node_in_an_item_is_refused(kept: list[KeptWorkflow]) -> None:
    with pytest.raises(InvalidArguments, match="Pass it to all members"), Workflow("x") as flow:
        flow.map(parse, [(flow.add(header, "a"),)])


def test_a_node_of_another_workflow_is_refused(kept: list[KeptWorkflow]) -> None:
    with Workflow("one") as one:
        foreign = one.add(header, "a")

    for add in (
        lambda flow: flow.add(merge, foreign, []),
        lambda flow: flow.add(header, "a", after=foreign),
        lambda flow: flow.map(parse, over=foreign),
        lambda flow: flow.add(header, "a", after=one),
    ):
        with pytest.raises(InvalidWorkflow), Workflow("two") as two:
            add(two)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "The name of a workflow"),
        ({"name": "a\nb"}, "The name of a workflow"),
        ({"unique": ""}, "'unique' of workflow 'x'"),
        ({"unique": 7}, "'unique' of workflow 'x'"),
        ({"unique": "k" * 512}, "1 to 510 characters"),
        ({"tags": "ab"}, "'tags' of workflow 'x'"),
        ({"expires": "soon"}, "'expires' of workflow 'x'"),
        ({"target": object()}, "saved model instance"),
    ],
)
def test_a_bad_option_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidWorkflow, InvalidTask), match=message):
        Workflow(**{"name": "x"} | options)


def test_a_workflow_without_nodes_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="has no nodes"), Workflow("import"):
        pass


def test_nodes_are_added_inside_the_block_only() -> None:
    flow = Workflow("import")

    with pytest.raises(InvalidWorkflow, match="Add nodes inside the block"):
        flow.add(header, "a")
    with flow:
        flow.add(header, "a")
    with pytest.raises(InvalidWorkflow, match="has ended"):
        flow.add(header, "a")
    with pytest.raises(InvalidWorkflow, match="has had its `with` block already"), flow:
        pass
    with pytest.raises(InvalidWorkflow, match="enqueued already"):
        Workflow.get(flow.id).add(header, "a")


def test_a_backend_without_rows_says_what_to_use() -> None:
    with pytest.raises(InvalidWorkflow, match=r"\(ImmediateBackend\) cannot run workflows"):
        Workflow("import", backend="immediate")
