"""A project's own action, done in the process that asks for it."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from djtasks.engine import Engine
from djtasks.models import BulkAction
from djtasks.operations.bulk import here
from djtasks.operations.bulk.here import Change, run_bulk_here
from djtasks.protocol.states import State
from tests.tasks import add


def test_an_action_whose_process_dies_leaves_a_row_that_says_how_far_it_came(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "ROWS_A_CHUNK", 1)
    add.enqueue_many([(1, 2)] * 3)
    done: list[UUID] = []

    def run(ids: Sequence[UUID]) -> int:
        if done:
            raise SystemExit
        done.extend(ids)
        return len(ids)

    with pytest.raises(SystemExit):
        run_bulk_here(engine, Change(name="note", states={State.READY}, run=run), {}, by="ada")

    row = BulkAction.objects.get()
    assert (row.planned, row.changed, row.by, row.stop_requested) == (3, 1, "ada", True)
    assert row.finished_at is not None
