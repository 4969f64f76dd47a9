"""Absurd filters, unknown ids, huge values, servers that are gone: a page says so, never a 500."""

import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from django.test import Client, override_settings

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import (
    BulkAction,
    FailureGroup,
    QueueControl,
    Schedule,
    TaskRecord,
    WorkerRecord,
)
from djtasks.protocol.states import State
from tests.admin.expectations import PAGES, address, filled, names
from tests.admin.stage import Stage, set_up
from tests.settings import CACHES

# The same in every process of a run, since names of tests are made of it.
UNKNOWN = UUID("0197a3c0-0000-7000-8000-000000000001")
ASKED = (
    "q", "task", "group", "queue", "span", "sort", "backend", "stacks", "state", "page", "p", "o",
    "action", "id", "all", "before", "after", "format", "error", "worker", "e",
)  # fmt: skip
ABSURD = {
    "nothing": "",
    "nul": "\x00",
    "negative": "-1",
    "huge": "9" * 400,
    "fraction": "1e309",
    "infinite": "NaN",
    "sql": "'; DROP TABLE djtasks_taskrecord; --",
    "like": "%_%\\",
    "long": "a" * 100_000,
    "digits of another script": "٣",
    "a date that is none": "2026-99-99T99:99:99",
    "a surrogate": "\udcff",
    "unbalanced": 'args.a:"b (( task:',
    "chips without an end": "after:99999999d wait>:-1 run>:x id:x attempts>:1e9 args.:x",
    "positions": "args.²:1 args.-1:x args.0.-1:x args.9999999999:1 args.x.9999999999:1",
    "json": '{"$gt": ""}',
}
# Of one thread's own time, so that a busy machine decides nothing.
CPU_SECONDS = 2.0


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return set_up(engine)


def texts(value: str) -> dict[str, bytes]:
    return dict.fromkeys(ASKED, value.encode(errors="surrogateescape"))


@pytest.mark.broad
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name, marks=[pytest.mark.slow] if name == "long" else [])
        for name, value in ABSURD.items()
    ],
)
def test_absurd_filters_are_answered(admin: Client, stage: Stage, value: str) -> None:
    for name in names():
        where = address(name, stage).partition("?")[0]
        assert admin.get(where, texts(value)).status_code < 500, name


@pytest.mark.broad
@pytest.mark.parametrize(
    "value",
    [
        ABSURD["nul"],
        pytest.param(ABSURD["huge"], marks=pytest.mark.slow),
        ABSURD["a surrogate"],
    ],
)
def test_absurd_forms_are_answered(admin: Client, stage: Stage, value: str) -> None:
    fields = ("order", "reason", "typed", "length", "spread", "name", "args", "kwargs", "tz")
    posted = dict.fromkeys((*ASKED, *fields), value.encode(errors="surrogateescape"))

    for name in names():
        assert admin.post(address(name, stage), posted).status_code < 500, name


@pytest.mark.parametrize(
    "pk", [str(UNKNOWN), "0", "-1", "9" * 40, "nonsense", "%00", "a" * 3000, "1 ", "_00"]
)
def test_unknown_ids_are_answered(admin: Client, stage: Stage, pk: str) -> None:
    for name in names():
        if PAGES[name].row:
            known = stage[PAGES[name].row]
            where = address(name, stage).replace(f"/{known}/", f"/{pk}/")
            for answer in (admin.get(where), admin.post(where)):
                assert answer.status_code in (302, 403, 404, 405, 200), name


def test_what_is_gone_while_its_page_is_open_is_said(admin: Client, stage: Stage) -> None:
    for model in (TaskRecord, WorkerRecord, QueueControl, Schedule, BulkAction, FailureGroup):
        model.objects.all().delete()

    for name in names():
        if PAGES[name].row or PAGES[name].query or PAGES[name].data:
            for answer in (
                admin.get(address(name, stage)),
                admin.get(address(name, stage), headers={"X-Djtasks-Live": "1"}),
                admin.post(address(name, stage), filled(name, stage)),
            ):
                assert answer.status_code < 500, name


def huge(engine: Engine) -> Stage:
    """Write rows with a megabyte of arguments, 5,000 tags, and names as long as they may be."""
    stage = set_up(engine)
    TaskRecord.objects.update(
        args=["a" * 1_000_000, [[["deep"] * 50] * 50]],
        kwargs={f"key{number}": number for number in range(5_000)},
        tags=[f"tag-{number}" for number in range(5_000)],
        metadata={"m": "b" * 1_000_000},
        return_value=["c" * 1_000_000],
        progress={"done": 1e308, "total": 5e-324, "note": "n" * 200},
        errors=[
            {"class": "e" * 300, "message": "m" * 2_000, "traceback": "t\n" * 8_000, "worker": "w"}
        ]
        * 10,
        worker_ids=[str(new_id())] * 10,
        attempt=32_767,
        priority=-100,
        key="k" * 512,
        target="t" * 255,
        task_path="p." * 127,
        queue="q" * 64,
    )
    Schedule.objects.update(args=["a" * 1_000_000], name="n" * 255, broken="b" * 100_000)
    WorkerRecord.objects.update(report="r\n" * 500_000, slots=1_000_000, rss=2**62)
    return stage


def test_huge_values_are_shown_in_part_and_in_time(admin: Client, engine: Engine) -> None:
    stage = huge(engine)

    for name in names():
        started = time.thread_time()
        answer = admin.get(address(name, stage))
        used = time.thread_time() - started
        assert answer.status_code < 500, name
        assert used < CPU_SECONDS, name


@pytest.fixture
def without_redis(stage: Stage) -> Iterator[Stage]:
    changed = deepcopy(CACHES)
    changed["tasks"]["LOCATION"] = "redis://127.0.0.1:1/0"
    with override_settings(CACHES=changed):
        yield stage


@pytest.mark.usefixtures("servers")
def test_without_redis_every_page_still_tells_and_does(admin: Client, without_redis: Stage) -> None:
    for name in names():
        assert admin.get(address(name, without_redis)).status_code < 500, name
        posted = filled(name, without_redis)
        assert admin.post(address(name, without_redis), posted).status_code < 500, name

    overview = admin.get(address("djtasks_overview", without_redis)).content.decode()
    assert "Redis" in overview


def test_a_worker_that_is_gone_is_shown_as_silent_and_orders_to_it_are_answered(
    admin: Client, stage: Stage, engine: Engine
) -> None:
    long_ago = engine.store.now() - 100 * engine.options.lease
    WorkerRecord.objects.update(heartbeat_at=long_ago)

    html = admin.get(address("djtasks_workerrecord_changelist", stage)).content.decode()
    WorkerRecord.objects.all().delete()
    TaskRecord.objects.filter(state=State.RUNNING).update(worker=new_id())
    answer: Any = admin.post(
        address("djtasks_worker_order", stage), filled("djtasks_worker_order", stage), follow=True
    )

    assert "Silent" in html
    assert "That worker is gone" in answer.content.decode()
    for name in names():
        assert admin.get(address(name, stage)).status_code < 500, name
