"""The table of actions: what it says of each is what happens, wherever it is asked for."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import translation
from django.utils.module_loading import import_string

from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.management.subcommands import ALL as SUBCOMMANDS
from djtasks.models import TaskRecord
from djtasks.operations import ACTIONS, Refusal, cancel, discard, retry
from djtasks.operations.bulk import chunks
from djtasks.operations.bulk.options import BulkOptions
from djtasks.protocol.states import FINAL, State
from tests.tasks import add, only_once
from tests.worker.making import WORKER

DOCS = Path(__file__).parents[2] / "docs" / "reference"
WITHOUT_COMMAND = {
    "reschedule": "a due time is a matter of looking at the task first: admin and code",
    "delete": "`djtasks prune` deletes what is over, and `djtasks discard` single tasks",
}


def in_state(state: State) -> TaskRecord:
    result = add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    finished_at = TaskRecord.objects.get(pk=result.id).enqueued_at if state in FINAL else None
    worker = WORKER if state is State.RUNNING else None
    columns = {"finished_at": finished_at, "worker": worker}
    TaskRecord.objects.filter(pk=result.id).update(state=state, **columns)
    return TaskRecord.objects.get(pk=result.id)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_possible_from_the_states_it_names_and_refused_in_others(
    engine: Engine, name: str
) -> None:
    action = ACTIONS[name]
    wishes = (
        BulkOptions(run_after=engine.store.now() + timedelta(days=1))
        if action.options
        else BulkOptions()
    )
    for state in State:
        record = in_state(state)

        tally = chunks.apply(engine_of("default"), name, [record.pk], wishes, window=(0, 1))

        is_possible = state in action.states
        assert tally.changed == is_possible, state
        assert +tally.refused == ({} if is_possible else {action.refusal: 1}), state
        is_gone = not TaskRecord.objects.filter(pk=record.pk).exists()
        assert is_gone == (is_possible and action.deletes), state


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_its_code_its_command_its_permission_and_its_documentation(
    db: None, name: str
) -> None:
    action = ACTIONS[name]

    assert callable(import_string(action.code))
    assert (name in SUBCOMMANDS) != (name in WITHOUT_COMMAND)
    assert Permission.objects.filter(codename=action.permission).exists()
    assert f"| `{name}` |" in (DOCS / "admin.md").read_text()
    assert f"`{action.permission}`" in (DOCS / "admin.md").read_text()
    if name in SUBCOMMANDS:
        assert f"`djtasks {name} " in (DOCS / "commands.md").read_text()


def test_a_refusal_is_english_and_is_said_in_the_language_of_the_reader() -> None:
    refusal = Refusal("%(n)s of them", n=3)

    assert refusal == "3 of them"
    with translation.override("en"):
        assert refusal.translated == "3 of them"


def many(count: int) -> list[Any]:
    ids = [new_id() for _ in range(count)]
    TaskRecord.objects.bulk_create(
        TaskRecord(pk=pk, backend="default", task_path=add.module_path, queue="default",
                   state=State.FAILED, run_after="2046-01-02T12:00Z", errors=[])
        for pk in ids
    )  # fmt: skip
    return ids


@pytest.mark.parametrize("operation", [retry, discard])
def test_many_are_changed_with_few_statements_and_told_in_the_order_they_were_named(
    engine: Engine, django_assert_max_num_queries: Any, operation: Any
) -> None:
    ids = many(30)[::-1]
    running = in_state(State.RUNNING).pk

    with django_assert_max_num_queries(10):
        done = operation(engine, [ids[0], running, *ids])

    assert done.changed == ids
    assert list(done.refused) == [running]


def test_ids_may_be_texts_as_results_have_them(engine: Engine) -> None:
    (id_,) = many(1)

    assert retry(engine_of("default"), [str(id_)]).changed == [id_]  # type: ignore[list-item]
    assert discard(engine_of("default"), [str(id_)]).changed == [id_]  # type: ignore[list-item]


def test_of_several_with_one_key_the_first_is_retried_and_holds_it_against_the_others(
    engine: Engine,
) -> None:
    ids = []
    for _ in range(3):
        ids.append(TaskRecord.objects.get(pk=only_once.enqueue("a").id).pk)
        cancel(engine_of("default"), ids)
    plain = many(1)

    done = retry(engine_of("default"), [*ids, *plain])

    assert done.changed == [ids[0], *plain]
    held = f"The live task {ids[0]} holds its unique key."
    assert done.refused == {ids[1]: held, ids[2]: held}


def test_hints_of_many_are_pushed_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, pushed = many(5), []
    monkeypatch.setattr(type(engine.outbox), "publish", lambda _self, hints: pushed.append(hints))

    retry(engine_of("default"), ids)

    assert [{hint.id for hint in hints} for hints in pushed] == [set(ids)]
