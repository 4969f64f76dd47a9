"""What must hold at the end of every scenario, judged by the journal and the rows."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, State
from tests.chaos.journal import Execution, Story
from tests.chaos.site import Site
from tests.waiting import eventually

_LINES_SHOWN = 40
_BUG = re.compile(r"failed and goes on|Traceback|ImpossibleMove|Order failed|Unknown message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the scenario did.

    `interrupted` executions never ended, their process was killed; `unsettled` ones ended, and
    their process was killed before the database knew, so that they ran again.
    """

    records: int
    executions: int
    interrupted: int
    unsettled: int


def check(
    site: Site,
    *,
    count: int,
    excused: Collection[int] = (),
    attempts: int = 1,
    may_log: str | None = None,
) -> Report:
    """Assert all invariants of a site that has come to rest; return what happened.

    `count` records were committed. `excused` are pids of processes that were made deaf for
    longer than their lease, which may run a task that somebody else runs too. `attempts` is
    the highest number a record may have used. `may_log` allows what looks like a bug in a log.
    """
    story = site.story()
    rows = list(TaskRecord.objects.all())
    everything_is_final(rows, count)
    no_claim_ran_twice(story)
    no_live_executions_overlap(story, excused)
    results_are_of_their_last_claim(rows, story, attempts)
    nothing_is_left_behind(site, rows)
    no_bug_was_logged(site, may_log)
    interrupted = sum(execution.ended is None for execution in story.executions)
    spent = sum(row.attempt for row in rows)
    return Report(
        records=len(rows),
        executions=len(story.executions),
        interrupted=interrupted,
        unsettled=len(story.executions) - interrupted - spent,
    )


def everything_is_final(rows: list[TaskRecord], count: int) -> None:
    """I1: each committed task has ended, and none is missing."""
    states = Counter(State(row.state) for row in rows)
    assert len(rows) == count, f"{count - len(rows)} of {count} records are missing"
    assert set(states) <= FINAL, f"not final: {states}"


def no_claim_ran_twice(story: Story) -> None:
    """I5: a (task, fence) starts at most once."""
    starts = Counter((execution.id, execution.fence) for execution in story.executions)
    twice = [claim for claim, times in starts.items() if times > 1]
    assert not twice, f"claims that ran twice: {twice[:5]}"


def no_live_executions_overlap(story: Story, excused: Collection[int]) -> None:
    """I4: when a task starts again, its earlier execution has ended or its process is dead."""
    bad = [
        (earlier, later)
        for executions in story.by_task().values()
        for place, later in enumerate(executions)
        for earlier in executions[:place]
        if earlier.pid not in excused and _runs_at(earlier, later.started)
    ]
    assert not bad, f"{len(bad)} overlaps, the first: {bad[0]}"


def _runs_at(execution: Execution, moment: int) -> bool:
    if execution.ended is not None:
        return execution.ended > moment
    # Never ended, so its process was killed; not before it was last heard of.
    return execution.last_sign > moment


def results_are_of_their_last_claim(rows: list[TaskRecord], story: Story, attempts: int) -> None:
    """I3: one outcome is stored, by the newest claim, and that execution came to its end."""
    ended = {(e.id, e.fence, e.worker) for e in story.executions if e.ended is not None}
    for row in rows:
        assert row.attempt <= attempts, f"{row.id} used {row.attempt} attempts"
        assert len(row.worker_ids or []) == row.attempt, f"{row.id}: {row.worker_ids}"
        if row.state != State.SUCCESSFUL or row.return_value is None:
            continue
        token = row.return_value
        assert token["fence"] == row.fence, f"{row.id} has the result of an older claim: {token}"
        assert token["worker"] == row.worker_ids[-1], f"{row.id} has somebody else's result"
        assert (str(row.id), row.fence, token["worker"]) in ended, f"{row.id} never ended"


def nothing_is_left_behind(site: Site, rows: list[TaskRecord]) -> None:
    """I6: no owner, no unique key, no hint that a living worker does not clear away."""
    owned = [row.id for row in rows if row.worker is not None]
    keys = [row.id for row in rows if row.unique_key is not None]
    assert not owned, f"final records with an owner: {owned[:5]}"
    assert not keys, f"final records that keep their unique key: {keys[:5]}"
    if any(not one.has_ended for one in site.workers) and not site.valkey.guard.poll():
        eventually(lambda: site.hints() == 0)


def no_bug_was_logged(site: Site, allowed: str | None) -> None:
    """I10: outages are warnings; whatever else a loop stumbles over is a bug of ours."""
    for one in site.workers:
        lines = one.output().splitlines()
        bad = [
            number
            for number, line in enumerate(lines)
            if _BUG.search(line) and not (allowed and re.search(allowed, line))
        ]
        assert not bad, "\n".join(lines[bad[0] : bad[0] + _LINES_SHOWN])


def nobody_was_taken_alive(site: Site) -> None:
    """No reaper took the tasks of a worker, and no worker found its row gone."""
    for one in site.workers:
        assert "Worker is dead" not in one.output()
        assert "Somebody took this worker's tasks" not in one.output()


def dead_workers_leave_no_row(site: Site) -> None:
    """I6: the rows of workers are those of processes that live."""
    import psutil

    from djtasks.models import WorkerRecord

    eventually(
        lambda: all(
            psutil.pid_exists(pid) for pid in WorkerRecord.objects.values_list("pid", flat=True)
        ),
        seconds=60,
    )
