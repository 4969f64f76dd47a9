"""Who sees the arguments of a schedule, and what saving its form does to hidden ones."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from djtasks import task
from djtasks.admin.schedules.arguments import StoredArguments
from djtasks.engine import Engine
from djtasks.enqueueing.encrypting import opened_call
from djtasks.models import Schedule
from tests.admin.opening import permitted
from tests.admin.scheduling import TYPED, declared, log, made, page

pytestmark = pytest.mark.usefixtures("engine")
CHANGE = ("view_schedule", "change_schedule")


@task(sensitive="code")
def unlock(door: int, code: str = "", **more: Any) -> None: ...


def secret(**columns: Any) -> Schedule:
    given = {
        "task_path": unlock.module_path,
        "args": [7, "sesame"],
        "kwargs": {"token": "open-barley"},
    }
    return made(**given | columns)


def typed(args: Any, kwargs: Any, **more: Any) -> dict[str, Any]:
    texts = {"args": json.dumps(args), "kwargs": json.dumps(kwargs)}
    return TYPED | {"task_path": unlock.module_path} | texts | more


def test_sensitive_arguments_are_hidden_from_everybody_and_kept_on_saving(admin: Client) -> None:
    row = secret()

    html = admin.get(page("change", row)).content.decode()
    shown = typed([8, "[hidden]"], {"token": "[hidden]", "note": "x"})
    answer = admin.post(page("change", row), shown | {"_save": ""})

    row.refresh_from_db()
    assert "sesame" not in html
    assert "open-barley" not in html
    assert answer.status_code == 302
    assert (row.args, row.kwargs) == ([8, "sesame"], {"token": "open-barley", "note": "x"})
    assert "sesame" not in str(log())


def test_the_placeholder_of_one_argument_is_no_value_for_another(admin: Client) -> None:
    row = secret()

    for args, kwargs, more in (
        (["[hidden]", "[hidden]"], {}, {}),
        ([7], {"note": "[hidden]"}, {}),
        ([7], {"token": {"a": "[hidden]"}}, {}),
        ([7, "[hidden]"], {}, {"task_path": "tests.tasks.add"}),
    ):
        answer = admin.post(page("change", row), typed(args, kwargs, **more) | {"_save": ""})
        assert "stands for a value that is hidden" in str(answer.context["form"].errors)

    row.refresh_from_db()
    assert row.args == [7, "sesame"]


def test_without_the_permission_arguments_are_hidden_and_kept_with_their_task(
    client: Client,
) -> None:
    row = secret()
    bob = permitted(client, *CHANGE)

    html = bob.get(page("change", row)).content.decode()
    posted = typed([1, "2"], {}, task_path="tests.tasks.add", overlap="allow", _save="")
    answer = bob.post(page("change", row), posted)

    row.refresh_from_db()
    assert "You do not have permission to view arguments" in html
    assert "sesame" not in html
    assert answer.status_code == 302
    assert (row.overlap, row.task_path) == ("allow", unlock.module_path)
    assert (row.args, row.kwargs) == ([7, "sesame"], {"token": "open-barley"})


def test_the_history_says_that_arguments_changed_and_not_to_what(admin: Client) -> None:
    row = declared(args=[1, 47110815])
    admin.post(page("change", row), TYPED | {"args": "[1, 47110816]", "_save": ""})
    admin.post(page("revert", row))

    history = admin.get(page("history", row)).content.decode()

    assert log()[0].startswith("args changed; overlap")
    assert "args changed" in log()[1]
    assert "4711081" not in history


def test_what_the_code_says_is_hidden_as_the_value_is(admin: Client, client: Client) -> None:
    row = declared(args=[1, 47110815])
    seen = admin.get(page("change", row)).content.decode()

    unseen = permitted(client, *CHANGE).get(page("change", row)).content.decode()

    assert "[1, 2]" in seen
    assert "[1, 2]" not in unseen
    assert "47110815" not in unseen


def test_lists_are_restored_as_a_whole_and_objects_by_name(engine: Engine) -> None:
    stored = [{"token": "a", "n": 1}, {"token": "b", "n": 2}]
    kept = StoredArguments(engine, secret(kwargs={"doors": stored, "one": {"token": "c"}}))

    def restored(kwargs: Any) -> Any:
        return kept.restored("kwargs", kwargs, task_path=unlock.module_path)

    hidden = [{"token": "[hidden]", "n": 1}, {"token": "[hidden]", "n": 2}]
    assert restored({"doors": hidden}) == {"doors": stored}
    assert restored({"one": {"token": "[hidden]", "n": 3}}) == {"one": {"token": "c", "n": 3}}
    with pytest.raises(ValidationError):
        restored({"doors": hidden[1:]})


@task(encrypted="code")
def open_safe(door: int, code: str = "") -> None: ...


def test_encrypted_arguments_are_masked_and_kept_on_saving(admin: Client, engine: Engine) -> None:
    path = open_safe.module_path
    given = typed([7], {"code": "sesame"}, task_path=path, name="safe")
    admin.post(page("add"), given | {"_save": ""})
    row = Schedule.objects.get(name="safe")

    html = admin.get(page("change", row)).content.decode()
    shown = typed([8], {"code": "[encrypted]"}, task_path=path, name="safe")
    answer = admin.post(page("change", row), shown | {"_save": ""})

    stored = row.kwargs
    row.refresh_from_db()
    assert answer.status_code == 302
    assert "sesame" not in html
    assert "[encrypted]" in html
    assert "sesame" not in f"{stored} {row.kwargs} {log()}"
    assert opened_call(path, row.args, row.kwargs, engine.cipher) == ([8], {"code": "sesame"})


def test_saving_without_the_right_to_see_arguments_keeps_encrypted_ones(
    admin: Client, client: Client
) -> None:
    path = open_safe.module_path
    admin.post(page("add"), typed([7], {"code": "s"}, task_path=path, name="safe", _save=""))
    row = Schedule.objects.get(name="safe")
    before = row.kwargs

    form = typed([], {}, task_path=path, name="safe", overlap="skip")
    answer = permitted(client, *CHANGE).post(page("change", row), form | {"_save": ""})

    row.refresh_from_db()
    assert (answer.status_code, row.overlap, row.kwargs) == (302, "skip", before)
