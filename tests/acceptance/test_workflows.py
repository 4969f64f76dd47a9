"""Workflows made of rows, run to their end by real workers."""

import signal
import subprocess
import sys

import pytest
from django.db import transaction

from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, When, WorkflowState
from tests import tasks
from tests.acceptance.processes import untraced, worker, worker_environment
from tests.conftest import require
from tests.flows import Flow
from tests.waiting import eventually

OPTIONS = {"queue": "default"}


@pytest.fixture
def one_worker(live_engine):
    with worker("--processes", "1") as running:
        yield running


def diamond(engine) -> Flow:
    """Insert first → (many, one) → map over a result → last, and a rescue that is not needed."""
    with transaction.atomic():
        flow = Flow(engine.store)
        first = flow.add(path=tasks.add.module_path)
        many = flow.add(first, members=20, path=tasks.add.module_path)
        one = flow.add(first, path=tasks.numbers.module_path, args=(3,))
        each = flow.add(one, over=one.number, path=tasks.double.module_path, options=OPTIONS)
        last = flow.add(many, each, path=tasks.add_async.module_path)
        flow.add(last, path=tasks.explode.module_path, args=(), when=When.FAILURE)
        engine.outbox.publish(flow.hints(first))
    return flow


def ended(flow: Flow) -> WorkflowState:
    eventually(lambda: flow.state is not WorkflowState.RUNNING)
    return flow.state


def test_a_workflow_runs_to_its_end(live_engine, one_worker):
    flow = diamond(live_engine)

    assert ended(flow) is WorkflowState.SUCCESSFUL

    assert flow.states() == [NodeState.SUCCESSFUL] * 5 + [NodeState.SKIPPED]
    rows = list(flow.rows())
    assert [row.return_value for row in rows if row.task_path.endswith("double")] == [0, 2, 4]
    assert {State(row.state) for row in rows} == {State.SUCCESSFUL, State.CANCELLED}
    before = {node.number: node for node in flow.nodes()}
    assert before[0].finished_at <= before[1].opened_at <= before[4].opened_at


def test_each_node_starts_without_waiting_for_the_sweep(live_engine, one_worker):
    with transaction.atomic():
        flow = Flow(live_engine.store)
        nodes = [flow.add(path=tasks.add.module_path)]
        for _ in range(9):
            nodes.append(flow.add(nodes[-1], path=tasks.add.module_path))
        live_engine.outbox.publish(flow.hints(nodes[0]))

    assert ended(flow) is WorkflowState.SUCCESSFUL
    row = flow.row
    # The sweep alone would take a second for each node.
    assert (row.finished_at - row.enqueued_at).total_seconds() < 5


def test_a_workflow_whose_only_hint_was_lost_runs(live_engine, one_worker):
    flow = Flow(live_engine.store)
    first = flow.add(path=tasks.add.module_path)
    flow.add(first, path=tasks.add.module_path)

    assert ended(flow) is WorkflowState.SUCCESSFUL


def test_a_failure_skips_what_follows_and_runs_the_rescue(live_engine, one_worker):
    flow = Flow(live_engine.store)
    first = flow.add(path=tasks.explode.module_path, args=("no",))
    second = flow.add(first, path=tasks.add.module_path)
    rescue = flow.add(second, path=tasks.add.module_path, when=When.FAILURE)

    assert ended(flow) is WorkflowState.FAILED
    assert flow.member_states(second) == [State.CANCELLED]
    assert flow.member_states(rescue) == [State.SUCCESSFUL]


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_burst_ends_after_the_workflow(live_engine, processes):
    flow = diamond(live_engine)

    with worker("--burst", "--processes", processes) as running:
        assert running.wait() == 0

    assert flow.state is WorkflowState.SUCCESSFUL


SCRIPT = """
import django; django.setup()
from django.db import connection
from djtasks.engine import engine_of
from tests.acceptance.test_workflows import diamond, ended
print(connection.vendor, ended(diamond(engine_of("default"))).name)
"""


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["redis", "database"])
@pytest.mark.parametrize("alias", ["sqlite", "mariadb", "default"])
@pytest.mark.django_db(transaction=True, databases=["default", "sqlite", "mariadb"])
def test_a_workflow_runs_on_this_database(alias, broker):
    if (alias, broker) == ("default", "redis"):
        pytest.skip("the other tests are about it")
    environment = untraced(worker_environment()) | {
        "DJTASKS_TEST_DEFAULT": require(alias),
        "DJTASKS_TEST_BROKER": broker,
    }
    command = [sys.executable, "-m", "django", "runworker", "--no-reload", "--processes", "2"]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=60)[1].decode()

    assert done.stdout.endswith("SUCCESSFUL\n"), done.stderr + said
    assert running.returncode == 0
    assert "Traceback" not in said
