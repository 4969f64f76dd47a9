"""Children begin in each of the ways that systems allow, and the supervisor hears of their end."""

import multiprocessing
import os
import signal
from contextlib import closing
from multiprocessing import connection as pipes
from uuid import uuid4

import psutil
import pytest

from djtasks.worker import messages
from djtasks.worker.config import ChildConfig, WorkerConfig
from djtasks.worker.shared_memory import parts_of, size_for
from djtasks.worker.supervisor.launchers import ForkLauncher, SpawnLauncher
from tests.acceptance.processes import worker_environment
from tests.waiting import eventually

CONFIG = ChildConfig(worker=WorkerConfig(backend="default", threads=2), supervisor=uuid4())
PATIENCE = 30


@pytest.fixture(params=[ForkLauncher, SpawnLauncher])
def launcher(request, monkeypatch):
    for name, value in worker_environment().items():
        monkeypatch.setenv(name, value)
    with closing(request.param()) as made:
        yield made


def ready_child(launcher):
    ours, theirs = multiprocessing.Pipe()
    with theirs:
        ours.send(CONFIG)
        launched = launcher.launch(theirs, size_for(CONFIG.worker.slots))
    assert ours.poll(PATIENCE)
    assert ours.recv() == messages.Ready(launched.process.pid)
    return ours, launched


@pytest.mark.slow
def test_children_begin_and_end(launcher):
    pipe, launched = ready_child(launcher)
    other_pipe, other = ready_child(launcher)
    counters, board = parts_of(launched.memory)

    assert list(counters) == [0, 0, 0]
    assert board.running() == frozenset()
    other.process.kill()
    assert pipes.wait([other.process.sentinel], PATIENCE)
    other.process.join()
    assert not other.process.is_alive()
    assert other.process.exitcode == -signal.SIGKILL
    assert launched.process.is_alive()

    pipe.close()  # as if the supervisor were gone
    launched.process.join()
    assert launched.process.exitcode in {1, -signal.SIGKILL}
    for one in (launched, other):
        one.stacks.close()
    other_pipe.close()


@pytest.mark.slow
def test_a_fork_server_that_was_killed_takes_its_children_along_and_is_replaced(monkeypatch):
    for name, value in worker_environment().items():
        monkeypatch.setenv(name, value)
    with closing(ForkLauncher()) as launcher:
        pipe, launched = ready_child(launcher)

        os.kill(psutil.Process(launched.process.pid).ppid(), signal.SIGKILL)

        launched.process.join()
        assert launched.process.exitcode == -signal.SIGKILL
        eventually(lambda: not psutil.pid_exists(launched.process.pid))
        next_pipe, next_launched = ready_child(launcher)
        for one in (launched, next_launched):
            one.stacks.close()
        pipe.close()
        next_pipe.close()
