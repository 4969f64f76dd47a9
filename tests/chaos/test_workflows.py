"""Workflows while processes die, answers get lost, rows go and people interfere."""

import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from djtasks.engine import engine_of
from djtasks.models import TaskRecord, WorkflowRecord
from djtasks.operations import discard, retry
from djtasks.protocol.states import FINAL, State
from djtasks.protocol.workflows import NodeState, When, WorkflowState
from tests.chaos import invariants, tasks
from tests.chaos.site import ALIAS, Site
from tests.flows import Flow
from tests.older import BEFORE_WORKFLOWS, path_of, unpack
from tests.waiting import eventually

MEMBERS = 3
SIZE = 2 * MEMBERS + 3


def insert(count: int, *, milliseconds: float = 5.0, told: bool = True) -> list[Flow]:
    """Insert workflows: one, then two maps beside each other, then one; and a rescue."""
    engine = engine_of("default")
    flows = []
    work: dict[str, Any] = {"path": tasks.work.module_path, "args": (milliseconds,)}
    for _ in range(count):
        with transaction.atomic(using=ALIAS):
            flow = Flow(engine.store)
            first = flow.add(**work)
            middle = [flow.add(first, members=MEMBERS, **work) for _ in range(2)]
            last = flow.add(*middle, **work)
            flow.add(last, when=When.FAILURE, **work)
            if told:
                engine.outbox.publish(flow.hints(first))
        flows.append(flow)
    return flows


def wait_until_over(site: Site) -> None:
    running = WorkflowRecord.objects.filter(state=WorkflowState.RUNNING)
    eventually(lambda: site.ask(running.count) == 0, seconds=180)


def check(site: Site, flows: list[Flow], *, gone: int = 0) -> None:
    """Every workflow has ended well, its nodes in their order, each member once per claim."""
    for flow in flows:
        assert flow.state is WorkflowState.SUCCESSFUL
        nodes = flow.nodes()
        assert [node.state for node in nodes] == [NodeState.SUCCESSFUL] * 4 + [NodeState.SKIPPED]
        first, *middle, last, _rescue = nodes
        for node in middle:
            assert first.finished_at <= node.opened_at <= node.finished_at <= last.opened_at
    doors = TaskRecord.objects.filter(waits_for__isnull=False)
    assert not doors.exists()
    invariants.check(site, count=SIZE * len(flows) - gone)


@pytest.mark.slow
def test_killed_promoters_drop_no_workflow(site: Site) -> None:
    workers = [site.worker("--processes", "1", "--threads", "4") for _ in range(2)]
    flows = insert(60)

    for turn in range(6):
        victim = workers[turn % 2]
        eventually(lambda victim=victim: site.pids_of(victim))
        assert site.kill_child(victim)
    wait_until_over(site)

    check(site, flows)


@pytest.mark.parametrize("site", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_killed_hosts_drop_no_workflow(site: Site) -> None:
    flows = insert(40)
    for _ in range(3):
        victim = site.worker("--processes", "2")
        eventually(lambda victim=victim: site.running_on(victim) or not site.live_count())
        site.kill_worker(victim)
    site.worker("--processes", "2")
    wait_until_over(site)

    check(site, flows)


def test_lost_answers_of_looks_drop_no_workflow(site: Site) -> None:
    site.worker("--processes", "2", lose={"promotion.look": 0.3})
    flows = insert(60)
    wait_until_over(site)

    check(site, flows)
    assert "lost:promotion.look" in site.journal_path.read_text()


@pytest.mark.slow
def test_a_flushed_redis_and_lost_hints_drop_no_workflow(site: Site) -> None:
    flows = insert(100, told=False)
    site.worker("--processes", "2")
    for _ in range(5):
        site.redis().flushall()
        site.let_pass(0.2)
    wait_until_over(site)

    check(site, flows)


def test_rows_that_people_hold_hold_up_nobody_else(site: Site) -> None:
    flows = insert(20, told=False)
    held, locked = flows[0], flows[1]
    waiting = held.members(held.nodes()[1])[0].pk
    other = connections[ALIAS].copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM djtasks_taskrecord WHERE id = %s FOR UPDATE", [waiting.hex])
        cursor.execute(
            "SELECT 1 FROM djtasks_workflowrecord WHERE id = %s FOR UPDATE", [locked.id.hex]
        )
    site.worker("--processes", "2")

    free = [flow for flow in flows if flow not in (held, locked)]
    eventually(lambda: all(flow.state is WorkflowState.SUCCESSFUL for flow in free), seconds=60)
    assert locked.state is held.state is WorkflowState.RUNNING
    assert held.member_states(held.nodes()[1]).count(State.SUCCESSFUL) == MEMBERS - 1
    other.rollback()
    other.close()
    wait_until_over(site)

    check(site, flows)


def test_members_that_are_deleted_no_longer_count(site: Site) -> None:
    site.worker("--processes", "2")
    flows = insert(30, milliseconds=20.0)
    gone = 0
    for turn, flow in enumerate(flows):
        member = flow.members(flow.nodes()[1])[0].pk
        if turn % 2:
            gone += len(discard(engine_of("default"), [member]).changed)
        else:
            gone += TaskRecord.objects.filter(pk=member, state=State.WAITING).delete()[0]
    wait_until_over(site)

    assert gone
    check(site, flows, gone=gone)


def test_members_wait_while_a_worker_of_the_version_before_runs(site: Site, tmp_path: Path) -> None:
    old = site.worker("--processes", "1", **path_of(unpack(BEFORE_WORKFLOWS, tmp_path)))
    site.worker("--processes", "1")
    flows = insert(10)
    plain = tasks.work.enqueue_many([(5.0,)] * 200)
    eventually(lambda: all(one.refresh() or one.is_finished for one in plain), seconds=60)

    assert not TaskRecord.objects.filter(node__isnull=False).exclude(state=State.WAITING).exists()
    old.signal(signal.SIGTERM)
    assert old.wait(60) == 0
    wait_until_over(site)

    check(site, flows, gone=-200)


def test_a_cancel_ends_every_workflow_wherever_it_is(site: Site) -> None:
    site.worker("--processes", "2")
    flows = insert(40, milliseconds=30.0)
    for flow in flows:
        site.let_pass(0.02)
        flow.change(cancel_requested=True)
    wait_until_over(site)
    site.wait_until_done()

    assert {flow.state for flow in flows} <= {WorkflowState.CANCELLED, WorkflowState.SUCCESSFUL}
    assert WorkflowState.CANCELLED in {flow.state for flow in flows}
    for flow in flows:
        assert {State(row.state) for row in flow.rows()} <= FINAL


def test_a_retry_meets_promoters_at_any_moment(site: Site) -> None:
    site.worker("--processes", "2", "--threads", "4")
    engine = engine_of("default")
    flows = []
    for _ in range(20):
        flow = Flow(engine.store)
        first = flow.add(path=tasks.work.module_path, args=(5.0,), members=4)
        broken = flow.add(path="tests.chaos.tasks.explodes_once", args=(str(site.folder),))
        last = flow.add(first, broken, path=tasks.work.module_path, args=(5.0,))
        flows.append((flow, broken, last))

    def retried() -> bool:
        failed = [
            row.pk
            for flow, broken, _last in flows
            for row in flow.members(broken).filter(state=State.FAILED)
        ]
        site.ask(lambda: retry(engine, failed))
        return all(flow.state is WorkflowState.SUCCESSFUL for flow, _broken, _last in flows)

    eventually(retried, seconds=120)
    for flow, _broken, last in flows:
        assert flow.states() == [NodeState.SUCCESSFUL] * 3
        assert flow.members(last).get().attempt == 1
