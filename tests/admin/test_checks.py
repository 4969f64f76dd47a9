"""System checks of what a project adds to TaskRecordAdmin."""

from typing import Any

import pytest

from djtasks.admin import Column, SearchKey, TaskAction, TaskRecordAdmin
from djtasks.models import TaskRecord, TaskState
from djtasks.protocol.states import State
from tests.admin.extended import site


def test_what_a_project_adds_passes_the_checks() -> None:
    assert site._registry[TaskRecord].check() == []


def broken(attribute: str, *added: Any) -> list[str]:
    """Return what the checks say of a table with something added."""
    table = (*getattr(TaskRecordAdmin, attribute), *added)
    found = type("BrokenAdmin", (TaskRecordAdmin,), {attribute: table})(TaskRecord, site).check()
    ids = {"columns": "E010", "search_keys": "E011", "task_actions": "E012"}
    assert {message.id for message in found} == {f"djtasks.{ids[attribute]}"}
    return [message.msg for message in found]


def column(name: Any = "x", **given: Any) -> Column:
    return Column(name, **{"label": "X", "value": str, **given})


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        (["customer"], "'customer' is not a Column."),
        ([column("queue")], "The name 'queue' is used twice."),
        ([column(), column()], "The name 'x' is used twice."),
        ([column("My Column")], "'My Column' must start with a lowercase letter"),
        ([column(7)], "The name 7 must start with a lowercase letter"),
        ([column(value=5)], "`value` must be a function, got 5."),
        ([column(prepare=5)], "`prepare` must be a function, got 5."),
        ([column(needs=("kwarg",))], "not a column of TaskRecord. Did you mean 'kwargs'?"),
        ([column(needs=None)], "`needs` must be a list of names, got None."),
        ([column(needs=[["kwargs"]])], "which is not a column of TaskRecord."),
        ([column(needs="kwargs")], "`needs` must be a list of names, got 'kwargs'."),
        ([column(permission="view_order")], "such as 'shop.view_customer', got 'view_order'"),
        ([column("target", exported=True)], "'target' is already in every export"),
    ],
)
def test_e010_a_column_that_cannot_be(added: list[Any], complaint: str) -> None:
    assert complaint in broken("columns", *added)[0]


def key(name: str, **given: Any) -> SearchKey:
    return SearchKey(name, **{"select": lambda value, _known: {"target": value}, **given})


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ([key("x"), key("x")], "The name 'x' is used twice."),
        ([key("args.customer")], "must start with a lowercase letter"),
        ([key("wait")], "'wait' is a search key of djtasks"),
        ([key("x", select=None)], "`select` must be a function, got None."),
    ],
)
def test_e011_a_search_key_that_cannot_be(added: list[Any], complaint: str) -> None:
    assert complaint in broken("search_keys", *added)[0]


def test_e011_a_key_of_ours_stays_ours_where_it_is_left_out() -> None:
    class Without(TaskRecordAdmin):
        search_keys = (key("queue"),)

    (message,) = Without(TaskRecord, site).check()
    assert "'queue' is a search key of djtasks: use another name." in message.msg


def action(name: str = "x", **given: Any) -> TaskAction:
    facts = {"label": "X", "permission": "shop.x", "states": {State.READY}, "effect": "It does X."}
    return TaskAction(name=name, **{**facts, "run": lambda _engine, _ids, _request: 0, **given})


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ([action(), action()], "The name 'x' is used twice."),
        ([action("history")], "'history' is reserved by djtasks"),
        ([action("view_arguments")], "'view_arguments' is reserved by djtasks"),
        ([action("enqueue")], "'enqueue' is reserved by djtasks"),
        ([action("a/b")], "must start with a lowercase letter"),
        ([action(permission="")], "'x' needs a `permission`."),
        ([action(permission="x")], "must include its app label"),
        ([action(states=())], "`states` must list some of"),
        ([action(states={"ready"})], "`states` must list some of READY, RUNNING"),
        ([action(states=State.FAILED)], "got <State.FAILED"),
        ([action(states={99})], "`states` must list some of"),
        ([action(run=None)], "`run` must be a function, got None."),
        ([action(one=None, many=None)], "needs `one` or `many`"),
    ],
)
def test_e012_an_action_that_cannot_be(added: list[Any], complaint: str) -> None:
    assert complaint in broken("task_actions", *added)[0]


def test_the_states_of_the_table_are_as_good_as_those_of_the_protocol() -> None:
    class Forgiving(TaskRecordAdmin):
        task_actions = (*TaskRecordAdmin.task_actions, action(states={TaskState.FAILED}))

    assert Forgiving(TaskRecord, site).check() == []
