"""Secrets planted wherever a record or a schedule has room: no page shows them to the wrong one."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from djtasks import task
from djtasks.engine import Engine
from djtasks.formats.sealing import sealed
from djtasks.models import BulkAction, FailureGroup, Schedule, TaskRecord
from tests.admin.expectations import PAGES, address, every_permission, filled, names
from tests.admin.opening import log, page, staff
from tests.admin.stage import Stage, set_up

PRIVATE, HIDDEN, ERROR = "PRIVATE-4711", "HIDDEN-4711", "ERROR-4711"
SECRET = "SECRET-4711"


OPTIONS = {"token": HIDDEN, "volume": 3}


@task(sensitive="code")
def unlock(
    code: str = HIDDEN, note: str = "", options: dict[str, Any] = OPTIONS, **more: Any
) -> None: ...


@task(encrypted=("card", "more"))
def charge(card: str = SECRET, note: str = "", **more: Any) -> None: ...


@pytest.fixture
def stage(engine: Engine) -> Stage:
    stage = set_up(engine)
    call = {
        "task_path": unlock.module_path,
        "args": [HIDDEN, PRIVATE],
        "kwargs": {"order": {"password": HIDDEN, "note": PRIVATE}},
    }
    result = {"token": HIDDEN, "note": PRIVATE}
    TaskRecord.objects.update(
        **call, key=PRIVATE, return_value=result, progress=result, metadata=result
    )
    code = call | {"args": [HIDDEN, PRIVATE, 1], "rule": {}, "missed": {}, "overlap": "allow"}
    Schedule.objects.update(
        **call, declared=code | {"jitter": 0, "starts_at": None, "ends_at": None}
    )
    words = f"args.note:{PRIVATE} key:{PRIVATE} {PRIVATE}"
    BulkAction.objects.update(selection={"all": [{"key": PRIVATE}], "search": words})
    return stage


def text_of(answer: Any) -> str:
    whole: bytes = answer.getvalue() if answer.streaming else answer.content
    return whole.decode()


def said(client: Client, stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield where and what every page says that only looks, or asks before it does something."""
    for name in names():
        wheres = [address(name, stage)]
        if name == "djtasks_export":
            wheres = [f"{wheres[0]}?format=csv", f"{wheres[0]}?format=json"]
        for where in wheres:
            yield where, text_of(client.get(where))
        if "preview" in name or "_preview" in PAGES[name].data:
            yield f"POST {wheres[0]}", text_of(client.post(wheres[0], filled(name, stage)))
    like = f"?task={unlock.module_path}&like={stage['task']}"
    yield "like", text_of(client.get(address("djtasks_new_task", stage).split("?")[0] + like))


def encrypted_call(path: str, engine: Engine) -> dict[str, Any]:
    call: Any = ([SECRET, PRIVATE], {"pin": SECRET})
    args, kwargs = sealed(path, call, [0, "pin"], engine.cipher.encrypt)
    return {"task_path": path, "args": args, "kwargs": kwargs}


@pytest.mark.parametrize("path", [charge.module_path, "gone.tasks.charge"])
def test_nobody_sees_encrypted_values_even_if_the_code_is_gone(
    admin: Client, engine: Engine, stage: Stage, path: str
) -> None:
    call = encrypted_call(path, engine)
    TaskRecord.objects.update(**call, key=None)
    declared = Schedule.objects.get().declared | call
    Schedule.objects.update(**call | {"args": [None, "other"]}, declared=declared)

    pages = list(said(admin, stage))
    like = f"?task={charge.module_path}&like={stage['task']}"
    where = address("djtasks_new_task", stage).split("?")[0] + like
    pages.append(("like", text_of(admin.get(where))))

    token = call["kwargs"][1]["token"]
    assert not [where for where, text in pages if SECRET in text or token[:60] in text]
    for name in ("taskrecord_change", "taskrecord_download", "taskrecord_changelist", "export",
                 "schedule_change"):  # fmt: skip
        page = address(f"djtasks_{name}", stage)
        assert any(at.startswith(page) and "[encrypted]" in text for at, text in pages), name


@pytest.mark.parametrize("search", [f"args.card:{SECRET}", f"args.0:{SECRET}"])
def test_nobody_may_search_for_an_encrypted_value(
    admin: Client, engine: Engine, stage: Stage, search: str
) -> None:
    TaskRecord.objects.update(**encrypted_call(charge.module_path, engine))
    # This one is from before the task named it.
    plain = {"args": [SECRET], "kwargs": {"card": SECRET, "pin": 1}}
    TaskRecord.objects.filter(pk=stage["task"]).update(**plain)
    listed = address("djtasks_taskrecord_changelist", stage)

    guess = search.replace(SECRET, "SECRET-0815")
    assert counted(admin, listed, {"q": search}) == counted(admin, listed, {"q": guess})
    assert counted(admin, listed, {"q": f"args.1:{PRIVATE}"})[0] > 0


def test_encrypted_arguments_are_stored_encrypted_and_never_echoed(
    admin: Client, engine: Engine
) -> None:
    form = f"{reverse('admin:djtasks_new_task')}?task={charge.module_path}"
    typed = {"arg-note": "7", "arg-card": "4111-1111"}

    checked = admin.post(form, typed | {"_check": ""}).content.decode()
    bad = admin.post(form, typed | {"arg-card": "4111\x00"}).content.decode()
    admin.post(form, typed)

    record = TaskRecord.objects.get()
    again = admin.get(f"{form}&like={record.pk}").content.decode()
    shown = admin.get(page(record.pk)).content.decode()
    assert "4111" not in f"{checked} {bad} {again} {shown} {record.args} {record.kwargs} {log()}"
    assert "[encrypted]" in checked
    assert "[encrypted]" in shown
    assert 'type="password"' in again
    assert "Encrypted: the value is stored encrypted" in again
    assert 'value="7"' in again


def told(client: Client, stage: Stage, secret: str) -> list[str]:
    return [where for where, text in said(client, stage) if secret in text]


def test_without_view_arguments_no_page_shows_what_a_record_carries(stage: Stage) -> None:
    nosy = staff("nosy", every_permission() - {"view_arguments"})

    assert told(nosy, stage, PRIVATE) == []


@pytest.mark.slow
def test_no_single_permission_shows_what_a_record_carries(stage: Stage) -> None:
    for codename in sorted(every_permission()):
        pages = list(said(staff(codename, {codename}), stage))
        assert not [w for w, text in pages if PRIVATE in text or HIDDEN in text], codename


def test_nobody_sees_sensitive_values_and_others_are_not_merely_gone(
    admin: Client, stage: Stage
) -> None:
    pages = list(said(admin, stage))
    found = [where for where, text in pages if PRIVATE in text]

    assert not [where for where, text in pages if HIDDEN in text]
    registered = dict(pages)[address("djtasks_registered", stage)]
    assert "unlock(code: str = &#x27;[hidden]&#x27;, note: str = &#x27;&#x27;" in registered
    for name in ("taskrecord_change", "taskrecord_download", "schedule_change", "bulk", "export"):
        assert any(where.startswith(address(f"djtasks_{name}", stage)) for where in found), name


@pytest.mark.slow
def test_messages_of_errors_are_private_if_the_project_says_so(
    stage: Stage, admin: Client, settings: Any
) -> None:
    """By default everybody who may view tasks sees them."""
    failed = TaskRecord.objects.get(pk=stage["task"])
    entry = failed.errors[0] | {
        "message": ERROR,
        "traceback": f"{failed.errors[0]['traceback']}{ERROR}",
    }
    TaskRecord.objects.filter(pk=failed.pk).update(errors=[entry])
    FailureGroup.objects.update(message=ERROR)
    nosy = staff("nosy", every_permission() - {"view_arguments"})
    listed = address("djtasks_taskrecord_changelist", stage)

    seen = told(nosy, stage, ERROR)
    tasks = deepcopy(settings.TASKS)
    tasks["default"].setdefault("OPTIONS", {})["private_errors"] = True
    settings.TASKS = tasks

    assert len(seen) > 5
    assert told(nosy, stage, ERROR) == []
    assert set(seen) <= set(told(admin, stage, ERROR))
    (problem,) = nosy.get(listed, {"q": f"error:{ERROR}"}).context["search"].problems
    assert "may not see" in problem.message
    assert "[hidden]" in nosy.get(listed).content.decode()


@pytest.mark.parametrize(
    "search", [f"key:{PRIVATE}", PRIVATE, f"args.note:{PRIVATE}", f"args.1:{PRIVATE}"]
)
def test_a_search_tells_nothing_about_what_a_user_may_not_see(
    stage: Stage, search: str, admin: Client
) -> None:
    nosy = staff("nosy", every_permission() - {"view_arguments"})
    listed, export = (
        address(f"djtasks_{one}", stage) for one in ("taskrecord_changelist", "export")
    )
    known, unknown = ({"q": text} for text in (search, search.replace(PRIVATE, "PRIVATE-0815")))

    assert len(admin.get(listed, known).context["page"].rows) == TaskRecord.objects.count()
    assert counted(nosy, listed, known) == counted(nosy, listed, unknown)
    assert nosy.get(export, known).status_code == nosy.get(export, unknown).status_code
    bulk = {"action": "discard", "all": "1"}
    where = address("djtasks_bulk_new", stage).split("?")[0]
    answers = [nosy.get(where, bulk | asked) for asked in (known, unknown)]
    assert answers[0].status_code == answers[1].status_code


def counted(client: Client, where: str, asked: dict[str, str]) -> tuple[int, int]:
    context = client.get(where, asked).context
    return len(context["page"].rows), context["total"]
