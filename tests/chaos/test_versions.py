"""Two versions of djtasks at work side by side, as in the middle of every upgrade."""

import signal
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import RequestFactory
from django.urls import resolve, reverse

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from tests.acceptance.processes import WorkerProcess
from tests.chaos import invariants
from tests.chaos.site import Site
from tests.older import BEFORE_THREADS, path_of, unpack
from tests.waiting import eventually

BOTH = Path(__file__).parent / "releases" / "both"
COUNT = 20
SECONDS = 12


@pytest.mark.slow
@pytest.mark.everyday
def test_workers_of_two_versions_share_all_tasks(site: Site, tmp_path: Path) -> None:
    site.options["imports"] = ["mixed.tasks"]
    until = datetime.now(UTC) + timedelta(seconds=SECONDS)
    common = {"MIXED_UNTIL": until.isoformat()}
    old = path_of(unpack(BEFORE_THREADS, tmp_path), BOTH) | common
    new = path_of(BOTH) | common
    first_old, first_new = (run(site, version, wait=False) for version in (old, new))
    for name, version in (("old", old), ("new", new)):
        assert site.python("mixed.fill", name, **version).wait(60) == 0
    eventually(lambda: site.pids_of(first_old) and site.pids_of(first_new))
    both_are_shown(site)

    killed = {process.pid for process in site.kill_worker(first_old)}
    second_old = run(site, old)
    first_new.signal(signal.SIGTERM)
    assert first_new.wait(60) == 0
    second_new = run(site, new)
    killed |= set(site.pids_of(second_new))
    assert site.kill_child(second_new)
    eventually(lambda: datetime.now(UTC) > until + timedelta(seconds=1))
    site.wait_until_done()
    second_old.signal(signal.SIGTERM)
    assert second_old.wait(60) == 0

    nothing_ran_again_but_after_a_crash(site, killed)
    every_second_fired_once(until)
    count = 14 * COUNT + TaskRecord.objects.exclude(schedule=None).count()
    invariants.check(site, count=count, attempts=3, may_log="Traceback")
    states = site.states()
    assert states[State.CANCELLED] == states[State.FAILED] == 2 * COUNT
    values = TaskRecord.objects.exclude(return_value=None).values_list("return_value", flat=True)
    assert len({value["home"] for value in values}) == 2, "one version did all the work"


def run(site: Site, version: dict[str, str], *, wait: bool = True) -> WorkerProcess:
    """Start a worker that also fires schedules."""
    return site.worker("--processes", "1", heartbeat=True, wait=wait, **version)


def both_are_shown(site: Site) -> None:
    """Ask the pages and commands of this version about the workers of both."""
    threads = {row.pid: row.threads for row in WorkerRecord.objects.all()}
    assert set(threads.values()) == {None, 8}, "an old worker does not tell how many threads it has"
    request = RequestFactory().get(reverse("admin:djtasks_workerrecord_changelist"))
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    page = resolve(request.path).func(request).render().content.decode()
    status = StringIO()
    call_command("djtasks", "status", "--json", stdout=status)
    for pid in threads:
        assert str(pid) in page
        assert f'"pid": {pid}' in status.getvalue()


def nothing_ran_again_but_after_a_crash(site: Site, killed: set[int]) -> None:
    attempts = dict(TaskRecord.objects.values_list("pk", "attempt"))
    for id_, executions in site.story().by_task().items():
        cut_off = sum(execution.pid in killed for execution in executions)
        assert len(executions) - attempts[UUID(id_)] <= cut_off, executions


def every_second_fired_once(until: datetime) -> None:
    """Check that no due time is missing and none came twice, up to the end of the schedule."""
    fired = TaskRecord.objects.exclude(schedule=None).order_by("due_at")
    due: list[datetime] = list(fired.values_list("due_at", flat=True))
    assert {later - sooner for sooner, later in pairwise(due)} == {timedelta(seconds=1)}
    assert due[-1] > until - timedelta(seconds=2)
