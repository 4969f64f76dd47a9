"""Results that cannot be stored end their own task and nobody else's."""

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.chaos import invariants, tasks
from tests.chaos.site import Site


def test_a_result_that_cannot_be_stored_fails_alone(site: Site) -> None:
    bad = [tasks.return_it.enqueue(how).id for how in tasks.UNSTORABLE for _ in range(5)]
    tasks.work.enqueue_many([()] * 500)
    site.worker("--processes", "1")

    site.wait_until_done()

    invariants.check(site, count=500 + len(bad), may_log="Traceback")
    failed = TaskRecord.objects.filter(state=State.FAILED)
    assert {str(row.pk) for row in failed} == set(bad)
    assert all(row.errors[-1]["message"] for row in failed)
