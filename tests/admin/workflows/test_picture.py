"""What the picture of a workflow draws, and from when on it folds nodes into stages."""

import pytest

from djtasks.admin.workflows.boxes import shortened
from djtasks.admin.workflows.picture import MOST_NODES, Picture, picture_of
from djtasks.engine import Engine
from djtasks.inspection import workflow_facts
from djtasks.models import WorkflowRecord
from djtasks.protocol.workflows import NodeState
from tests.admin.workflows.catalogue import data_mart, import_catalogue
from tests.workflow_rows import Node, flow


def picture(engine: Engine, row: WorkflowRecord) -> Picture | None:
    facts = workflow_facts(engine, row.pk)
    assert facts is not None
    return picture_of(facts)


def drawn(engine: Engine, row: WorkflowRecord) -> Picture:
    found = picture(engine, row)
    assert found is not None
    return found


def test_each_node_is_a_box_with_its_state_in_words(engine: Engine) -> None:
    found = drawn(engine, import_catalogue(engine))

    boxes = {box.name: box for box in found.boxes}
    assert boxes["import_product"].words == "616 of 1,240"
    assert boxes["import_product"].is_pile
    assert boxes["merge"].words == "after 2 nodes"
    assert boxes["merge"].after == "import_product, price_supplier"
    assert boxes["fallback_prices"].css == "n-skip"
    assert [box.depth for box in found.boxes] == [0, 1, 1, 2, 2, 2, 3, 4, 5]
    assert not found.labels


def test_the_critical_path_and_what_is_not_taken_are_drawn_so(engine: Engine) -> None:
    found = drawn(engine, import_catalogue(engine))

    styles = [line.css for line in found.lines]
    assert styles.count("djt-edge--crit") == 5
    assert styles.count("djt-edge--skip") == 1
    critical = [box.name for box in found.boxes if box.is_critical]
    assert critical == ["download", "split", "import_product", "merge", "render_page", "announce"]


def test_many_nodes_are_folded_by_stage(engine: Engine) -> None:
    found = drawn(engine, data_mart(engine, 30))

    assert found.is_folded
    assert [box.name for box in found.boxes] == [
        "add", "extract", "load", "aggregate", "publish", "add",
    ]  # fmt: skip
    assert found.boxes[1].words == "30 of 30 nodes"
    assert found.boxes[3].css == "n-bad"
    assert [label for _x, label in found.labels][:2] == ["Stage 1", "Stage 2"]


def test_as_many_nodes_as_fit_are_drawn_one_by_one(engine: Engine) -> None:
    row = flow(engine, "wide", [Node(name=str(number)) for number in range(MOST_NODES)])

    assert len(drawn(engine, row).boxes) == MOST_NODES


def test_stages_of_many_tasks_are_one_box_each(engine: Engine) -> None:
    nodes = [Node(name=str(number), task=f"shop.task_{number}") for number in range(50)]

    found = drawn(engine, flow(engine, "wide", nodes))

    assert [box.name for box in found.boxes] == ["task_0 and others"]


def test_a_long_chain_is_not_drawn(engine: Engine) -> None:
    nodes = [
        Node(name=str(number), after=[str(number - 1)] if number else []) for number in range(70)
    ]

    found = drawn(engine, flow(engine, "long", nodes))

    assert not found.is_drawn
    assert found.stages == 70


def test_a_single_node_is_not_drawn(engine: Engine) -> None:
    assert picture(engine, flow(engine, "one", [Node(name="a", state=NodeState.OPEN)])) is None


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("split", "split"),
        ("synchronise_everything_part_1", "synchron…g_part_1"),
        ("synchronise_everything_part_2", "synchron…g_part_2"),
        ("注文確認注文確認注文確認", "注文確認…注文確認"),
    ],
)
def test_a_name_is_cut_in_the_middle(name: str, short: str) -> None:
    assert shortened(name, 124) == short
