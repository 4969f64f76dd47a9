"""One row of everything the pages show, with a text of your choice wherever a task can put one."""

from typing import Any

from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.formats.ids import new_id
from djtasks.models import (
    BulkAction,
    QueueControl,
    QueueSample,
    Schedule,
    StatisticsMark,
    TaskRecord,
    TaskStatistics,
    WorkerRecord,
    WorkflowRecord,
)
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState
from djtasks.schedules import Every
from tests.admin.failing import HOUR, Failing, group_of
from tests.tasks import add
from tests.workflow_rows import Node, flow

Stage = dict[str, str]
STATES = [
    State.FAILED, State.RUNNING, State.READY, State.SUCCESSFUL, State.CANCELLED, State.EXPIRED
]  # fmt: skip


def set_up(engine: Engine, text: str = "plain", *, number: int = 0) -> Stage:
    """Write the rows; return the ids that addresses need. `number` keeps several sets apart."""
    worker = _worker(engine, text, number)
    fingerprint = f"{number:032x}"
    tasks = [_task(engine, text, state, worker, fingerprint) for state in STATES]
    group_of(
        engine,
        Failing(
            path=f"{text}.{text}"[:255],
            exception=f"{text}.{text}"[:300],
            message=text[:500],
            place=f"{text}.py:4 in {text}"[:500],
            fingerprint=fingerprint,
        ),
        tasks[0].pk,
    )
    _figures(engine, text)
    return {
        "task": str(tasks[0].pk),
        "running": str(tasks[1].pk),
        "worker": str(worker.pk),
        "fingerprint": fingerprint,
        "control": str(_control(engine, text, number).pk),
        "schedule": str(_schedule(engine, text, number).pk),
        "bulk": str(_bulk(engine, text, tasks[0]).pk),
        "workflow": str(_workflow(engine, text).pk),
    }


def _worker(engine: Engine, text: str, number: int) -> WorkerRecord:
    return WorkerRecord.objects.create(
        backend=engine.alias,
        supervisor=new_id(),
        host=text[:255],
        pid=4711 + number,
        slots=4,
        version=text[:64],
        queues=[text[:64]],
        report=f"Thread 1\n  File {text}",
        tasks=[
            {
                "id": str(new_id()),
                "path": f"{text}.{text}",
                "queue": text,
                "attempt": 1,
                "started_at": engine.store.now().timestamp() - 5,
            }
        ],
    )


def _task(
    engine: Engine, text: str, state: State, worker: WorkerRecord, fingerprint: str
) -> TaskRecord:
    now = engine.store.now()
    failed, has_run = state is State.FAILED, state is not State.READY
    error = {
        "class": f"{text}.{text}",
        "message": text,
        "traceback": (
            "Traceback (most recent call last):\n"
            f'  File "/srv/{text}.py", line 7, in {text}\n    {text}\n{text}: {text}\n'
        ),
        "worker": text,
        "started_at": now.isoformat(),
        "at": now.isoformat(),
    }
    return TaskRecord.objects.create(
        backend=engine.alias,
        state=state,
        task_path=f"{text}.{text}"[:255],
        queue=text[:64] if is_hostile(text) else "mail",
        args=[text, {text: [text]}],
        kwargs={text: text, "order": {"note": text}},
        key=text[:512],
        target=f"shop.order:{text}"[:255],
        tags=[text, "vip"],
        metadata={text: text},
        progress={"done": 1, "total": 2, "note": text, "at": now.isoformat()},
        return_value={text: text} if state is State.SUCCESSFUL else None,
        errors=[error] if failed else None,
        worker_ids=[text] if has_run else None,
        fingerprint=fingerprint if failed else None,
        worker=worker.pk if state is State.RUNNING else None,
        attempt=int(has_run),
        started_at=now - HOUR if has_run else None,
        last_attempted_at=now - HOUR if has_run else None,
        finished_at=now if has_run and state is not State.RUNNING else None,
    )


def is_hostile(text: str) -> bool:
    """Whether a text is hostile: then it names a queue too."""
    return text != "plain"


def _figures(engine: Engine, text: str) -> None:
    at = floor(engine.store.now(), HOUR)
    common: dict[str, Any] = {"backend": engine.alias, "step": 60, "at": at, "queue": text[:64]}
    figures = {"successful": 5, "failed": 3, "waits": {"20": 8}, "runs": {"30": 8}}
    for path in ("", f"{text}.{text}"[:255]):
        TaskStatistics.objects.create(task_path=path, **common, **figures)
    QueueSample.objects.create(ready=7, **common)
    StatisticsMark.objects.get_or_create(
        backend=engine.alias, step=60, defaults={"until": engine.store.now()}
    )


def _control(engine: Engine, text: str, number: int) -> QueueControl:
    queue = text[:64] if is_hostile(text) else "reports"
    return QueueControl.objects.create(
        backend=engine.alias, queue=queue, paused=True, paused_by=text[:150], reason=text[:500]
    )


def _schedule(engine: Engine, text: str, number: int) -> Schedule:
    return Schedule.objects.create(
        backend=engine.alias,
        name=f"{number}{text}"[:255],
        task_path=add.module_path if not is_hostile(text) else f"{text}.{text}"[:255],
        args=[text],
        kwargs={text: text},
        rule=Every(HOUR).as_dict(),
        declared={"task_path": text, "rule": {"kind": text}, "args": [text], "kwargs": {}},
        next_run_at=engine.store.now() + HOUR,
        is_enabled=bool(number % 2),
        paused_by=text[:150],
        paused_reason=text[:500],
        broken=text if number % 3 == 0 and is_hostile(text) else "",
    )


def _bulk(engine: Engine, text: str, task: TaskRecord) -> BulkAction:
    return BulkAction.objects.create(
        backend=engine.alias,
        action="retry",
        selection={"queue": text},
        options={"queue": text},
        by=text[:150],
        upper=task.pk,
        task=task.pk,
        planned=3,
        changed=1,
        refused=1,
        refusals={text: 1},
    )


def _workflow(engine: Engine, text: str) -> WorkflowRecord:
    """A workflow whose names, task, queue and errors are the text."""
    common: dict[str, Any] = {"task": f"{text}.{text}"[:255], "queue": text[:64]}
    members = {State.SUCCESSFUL: 2, State.FAILED: 1, State.RUNNING: 1, State.READY: 1}
    nodes = [
        Node(name=f"{text}1"[:255], state=NodeState.SUCCESSFUL, **common),
        Node(
            name=f"{text}2"[-255:],
            state=NodeState.OPEN,
            over=f"{text}1"[:255],
            members=members,
            **common,
        ),
        Node(
            name=f"3{text}"[:255],
            state=NodeState.FAILED,
            members={},
            columns={"error": {"class": text, "message": text}},
            **common,
        ),
        Node(name=f"4{text}"[:255], after=[f"{text}2"[-255:]], **common),
    ]
    return flow(
        engine, text[:255], nodes, target=f"shop.order:{text}"[:255], tags=[text, "vip"], error=text
    )
