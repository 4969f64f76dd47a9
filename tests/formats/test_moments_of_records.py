"""Moments at the ends of the calendar, in the records of every database."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from djtasks.engine import engine_of
from djtasks.formats.moments import as_moment
from djtasks.models import TaskRecord
from djtasks.operations import reschedule
from tests.tasks import add

NEVER, ALWAYS = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("moment", [NEVER, ALWAYS])
def test_never_and_always_are_moments_that_every_database_gives_back(
    database: str, moment: datetime
) -> None:
    away = timezone(timedelta(hours=-12 if moment is NEVER else 14))
    end = moment.replace(tzinfo=away)

    result = add.using(run_after=end, expires=end).enqueue(1, 2)
    reschedule(engine_of("default"), [UUID(result.id)], end)

    row = TaskRecord.objects.using(database).get()
    assert row.run_after == row.expires_at == as_moment(end)
