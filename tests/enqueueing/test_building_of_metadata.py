"""Values about a call that are no arguments: how they are given, kept, found and shown."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from djtasks import task
from djtasks.compat import InvalidTask, task_backends
from djtasks.engine import Engine
from djtasks.errors import ArgumentsTooLarge
from djtasks.inspection import task_facts
from djtasks.inspection.search.context import search_context
from djtasks.inspection.search.keys import KEYS
from djtasks.inspection.search.query import read_search
from djtasks.inspection.visibility import Visibility
from djtasks.models import TaskRecord
from djtasks.operations import selected
from tests.tasks import add


@pytest.mark.usefixtures("engine")
def test_every_way_to_enqueue_takes_metadata_and_none_removes_it() -> None:
    given: dict[str, Any] = {"trace": {"id": "4bf9"}, "Größe": [1, 2.5, None]}
    traced = add.using(metadata=given)
    given["trace"]["id"] = "changed by its owner"
    result = traced.enqueue(1, 2)
    traced.using(priority=1).enqueue_many([[3, 4], [5, 6]])
    traced.using(metadata={"other": 1}).using(metadata=None).enqueue(7, 8)
    add.using(metadata={}).enqueue(9, 10)

    kept = list(TaskRecord.objects.order_by("pk").values_list("metadata", flat=True))
    first = {"trace": {"id": "4bf9"}, "Größe": [1, 2.5, None]}
    assert kept == [first, first, first, None, None]
    assert result.metadata == first
    assert add.get_result(result.id).metadata == first
    assert add.enqueue(1, 2).metadata == {}
    hash(traced)


@pytest.mark.parametrize("value", ["text", 5, ["a"], {"a": object()}, {1: 2}, {"a": float("nan")}])
def test_metadata_that_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTask, match="metadata"):
        add.using(metadata=value)


def test_metadata_belongs_to_a_single_call() -> None:
    with pytest.raises(TypeError, match=r"Use \.using\(metadata=\.\.\.\)"):
        task(metadata={"a": 1})(lambda: None)  # type: ignore[call-overload]


@pytest.mark.usefixtures("engine")
def test_metadata_has_the_limit_of_arguments() -> None:
    large = add.using(metadata={"text": "x" * 64_000})

    with pytest.raises(ArgumentsTooLarge, match=r"metadata of .*add' takes 64,011 bytes"):
        large.enqueue(1, 2)
    with pytest.raises(ArgumentsTooLarge, match="Item 0: The metadata"):
        large.enqueue_many([[1, 2]])


def test_it_is_found_by_its_values_and_shown(engine: Engine, admin_client: Client) -> None:
    result = add.using(metadata={"trace": {"id": "4bf9"}, "token": "hidden one"}).enqueue(1, 2)
    add.using(metadata={"trace": {"id": "other"}}).enqueue(1, 2)
    context = search_context(engine, visibility=Visibility(arguments=True), keys=KEYS)
    blind = replace(context, visibility=Visibility(arguments=False))
    out = StringIO()

    found = selected(engine, read_search("metadata.trace.id:4bf9", context).selection)
    page = admin_client.get(reverse("admin:djtasks_taskrecord_change", args=[result.id]))
    whole = admin_client.get(reverse("admin:djtasks_export") + "?format=json").getvalue()
    call_command("djtasks", "show", result.id, stdout=out)

    assert [str(row.pk) for row in found] == [result.id]
    assert read_search("metadata.trace.id:4bf9", blind).problems
    assert read_search("metadata.token:x", context).problems
    facts = task_facts(engine, found[0].pk)
    assert facts is not None
    assert facts.metadata == {"trace": {"id": "4bf9"}, "token": "[hidden]"}
    for text in (page.content.decode(), whole.decode(), out.getvalue()):
        assert "4bf9" in text
        assert "hidden one" not in text


def test_the_dummy_backend_shows_what_was_given(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": []}}

    assert add.using(metadata={"a": 1}).enqueue(1, 2).metadata == {"a": 1}
    assert task_backends["default"].supports_metadata
