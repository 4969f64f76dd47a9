"""Two versions of the code at work side by side, as in the middle of every deploy."""

import os
import signal
import sys
from collections import Counter
from pathlib import Path

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.chaos import invariants
from tests.chaos.site import Site
from tests.waiting import eventually

RELEASES = Path(__file__).parent / "releases"
COUNT = 40


def code(release: str) -> dict[str, str]:
    """Return the environment of a process with this version of the code.

    What a worker cannot run waits 1 s for another one, not 30.
    """
    path = os.pathsep.join([str(RELEASES / release), *filter(None, sys.path)])
    return {"PYTHONPATH": path, "CHAOS_UNKNOWN_DELAY": "1"}


def test_a_rolling_deploy_loses_nothing_and_fails_nothing_that_any_code_can_run(
    site: Site,
) -> None:
    site.options["imports"] = ["tests.chaos.tasks", "stall.tasks"]
    old = site.worker("--processes", "1", **code("old"))
    for release in ("old", "new"):
        assert site.python("tests.chaos.fill", **code(release)).wait(60) == 0
    # The old code meets tasks and signatures it does not know before the new code is there.
    for refused in ("deliver", "charge"):
        eventually(lambda name=refused: f"registered path=stall.tasks.{name}" in old.output())
    new = site.worker("--processes", "1", **code("new"))
    site.wait_until_done()

    states = Counter(TaskRecord.objects.values_list("task_path", "state"))
    assert {state for _, state in states} == {State.SUCCESSFUL}
    assert states["stall.tasks.sweep", State.SUCCESSFUL] == COUNT
    report = invariants.check(site, count=9 * COUNT)
    assert report.executions == 9 * COUNT, "a refusal started a task"
    assert not new.has_ended


def test_what_only_the_old_code_could_run_waits_for_it_to_come_back(site: Site) -> None:
    site.options["imports"] = ["tests.chaos.tasks", "stall.tasks"]
    assert site.python("tests.chaos.fill", **code("old")).wait(60) == 0
    new = site.worker("--processes", "1", **code("new"))

    eventually(lambda: site.live_count() == 2 * COUNT)
    left = Counter(
        TaskRecord.objects.filter(state__in=[State.READY, State.RUNNING]).values_list(
            "task_path", flat=True
        )
    )
    assert left == {"stall.tasks.sweep": COUNT, "stall.tasks.charge": COUNT}
    refused = TaskRecord.objects.filter(state=State.READY).exclude(errors=None)
    eventually(lambda: refused.count() == 2 * COUNT)
    new.signal(signal.SIGTERM)
    assert new.wait(60) == 0
    assert new.output().count("Task not registered") == 2, "a line a task, not a line a record"
    site.worker("--processes", "1", **code("old"))
    site.wait_until_done()

    assert site.states() == {State.SUCCESSFUL: 5 * COUNT}
    report = invariants.check(site, count=5 * COUNT)
    assert report.executions == 5 * COUNT
