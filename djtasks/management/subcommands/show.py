"""`djtasks show ID`"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils.translation import override

from djtasks.engine import Engine
from djtasks.formats.durations import in_words
from djtasks.inspection import Attempt, TaskFacts, task_facts, task_facts_of
from djtasks.inspection.listing import Reading, rows_of
from djtasks.inspection.rows import stored_task
from djtasks.inspection.visibility import Visibility
from djtasks.management.subcommands.base import EXAMPLE_ID, find_task, plain, task_id
from djtasks.management.task_json import ARGUMENTS, shown
from djtasks.management.terminal import Terminal, in_a_cell

HELP = "show a task: its call, state, attempts, errors and result"
EXAMPLES = (EXAMPLE_ID, f"{EXAMPLE_ID} --json")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=task_id, metavar="ID", help="id of a task")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    if options["json"]:
        out.write(json.dumps(find_task(options["id"], _json)[1], default=plain, indent=2))
    else:
        out.write("\n".join(_lines(find_task(options["id"], task_facts)[1])))


def _json(engine: Engine, id_: UUID) -> dict[str, Any] | None:
    record = stored_task(id_)
    if record is None or record.backend != engine.alias:
        return None
    reading = Reading(visibility=Visibility(arguments=True), fields=ARGUMENTS)
    (row,) = rows_of(engine, [record], reading)
    return shown(row, task_facts_of(engine, record, engine.now()))


def _lines(facts: TaskFacts) -> Iterator[str]:
    yield in_a_cell("".join(piece.text for piece in facts.call))
    yield ""
    for name, value in _table(facts):
        yield f"{name + ':':<12}{in_a_cell(str(value))}"
    for attempt in facts.attempts:
        yield from _attempt(attempt)


def _table(facts: TaskFacts) -> Iterator[tuple[str, Any]]:
    yield "task", facts.task_path
    yield "state", facts.phase
    yield "queue", f"{facts.queue} (priority {facts.priority}, TASKS[{facts.backend!r}])"
    yield "attempts", f"{facts.attempt} of {facts.max_attempts}"
    if facts.crash_count:
        yield "crashes", f"{facts.crash_count} of {facts.max_crashes}"
    yield "enqueued", facts.enqueued_at
    yield "due", facts.run_after
    moments = {"expires": facts.expires_at, "started": facts.last_attempted_at}
    moments["finished"] = facts.finished_at
    yield from ((name, moment) for name, moment in moments.items() if moment is not None)
    if facts.waited is not None:
        yield "waited", in_words(facts.waited)
    if facts.ran is not None:
        yield "ran", in_words(facts.ran)
    others = {"worker": facts.worker, "key": facts.key, "target": facts.target}
    others["parent"] = facts.parent
    others["workflow"] = facts.workflow
    yield from ((name, value) for name, value in others.items() if value is not None)
    if facts.progress is not None:
        yield "progress", json.dumps(facts.progress, default=plain)
    if facts.metadata is not None:
        yield "metadata", json.dumps(facts.metadata, default=plain)
    if facts.phase == "successful":
        yield "result", json.dumps(facts.return_value, default=plain)


def _attempt(attempt: Attempt) -> Iterator[str]:
    if not attempt.exception:
        return
    number = f"Attempt {attempt.number}" if attempt.number else "No attempt"
    yield ""
    yield f"{number}: {attempt.outcome}" + (f" at {attempt.ended_at}" if attempt.ended_at else "")
    yield attempt.traceback.rstrip() or f"{attempt.exception}: {attempt.message}"
