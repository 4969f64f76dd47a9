"""Texts by which people find a task."""

from typing import Any

import pytest

from djtasks.compat import InvalidTask
from djtasks.engine import Engine
from djtasks.inspection import task_facts
from djtasks.inspection.search.context import search_context
from djtasks.inspection.search.keys import KEYS
from djtasks.inspection.search.query import read_search
from djtasks.inspection.visibility import Visibility
from djtasks.models import TaskRecord
from djtasks.operations import selected
from tests.tasks import add

TAGS = "must be a list of at most 20 printable texts of 1 to 100 characters, got"


def test_tags_are_stored_with_each_record_and_replace_earlier_ones(engine: Engine) -> None:
    tagged = add.using(tags=["import", "für Anna"])
    one = tagged.enqueue(1, 2)
    tagged.using(priority=1).enqueue_many([[3, 4]])
    tagged.using(tags={"export"}).enqueue(5, 6)
    tagged.using(tags=None).enqueue(7, 8)

    stored = list(TaskRecord.objects.order_by("pk").values_list("tags", flat=True))
    assert stored == [["import", "für Anna"]] * 2 + [["export"], None]
    facts = task_facts(engine, TaskRecord.objects.get(pk=one.id).pk)
    assert facts is not None
    assert facts.tags == ["import", "für Anna"]
    context = search_context(engine, visibility=Visibility(arguments=True), keys=KEYS)
    found = {
        text: selected(engine, read_search(text, context).selection).count()
        for text in (
            "tag:import",
            'tag:"für Anna"',
            "tag:export",
            "tag:port",
            "tag:import tag:export",
        )
    }
    assert list(found.values()) == [2, 2, 1, 0, 0]


@pytest.mark.parametrize("tags", ["import", 5, [""], [5], ["a" * 101], ["a\n"], ["a"] * 21])
def test_tags_that_make_no_sense_are_refused(tags: Any) -> None:
    with pytest.raises(InvalidTask) as refusal:
        add.using(tags=tags)

    assert TAGS in str(refusal.value)
