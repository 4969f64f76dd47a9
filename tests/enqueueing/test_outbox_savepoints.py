"""Any nesting of savepoints: what commits is pushed once, what is rolled back never is."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djtasks.engine import engine_of
from djtasks.models import TaskRecord
from tests.carriers import Recording, with_broker
from tests.tasks import add

# A block is a list of steps and whether it is rolled back; a step is a block or an enqueueing.
steps = st.recursive(
    st.just("enqueue"),
    lambda step: st.tuples(st.lists(step, max_size=4), st.booleans()),
    max_leaves=12,
)


class RolledBack(Exception):
    pass


def run(step: Any) -> set[UUID]:
    """Do a step; return the ids of the records that it leaves, unless an outer block fails."""
    if step == "enqueue":
        return {UUID(add.enqueue(1, 2).id)}
    inner, is_rolled_back = step
    kept: set[UUID] = set()
    with suppress(RolledBack), transaction.atomic():
        for one in inner:
            kept |= run(one)
        if is_rolled_back:
            raise RolledBack
    return set() if is_rolled_back else kept


@pytest.mark.django_db(transaction=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=6))
def test_what_commits_is_pushed_once_and_nothing_else_is(block: list[Any]) -> None:
    with with_broker():
        broker: Any = engine_of("default").broker
        assert isinstance(broker, Recording)

        kept = run((block, False))

        pushed = [hint.id for hints in broker.pushes for hint in hints]
        assert sorted(pushed) == sorted(kept)
        assert {row.pk for row in TaskRecord.objects.filter(pk__in=pushed)} == kept
