"""The processes and programs that tasks start: they live and end as under any other program."""

import os
import signal

import psutil
import pytest

from tests.acceptance.projects import Project
from tests.living import is_alive
from tests.waiting import eventually

pytestmark = pytest.mark.slow

TASKS = """
import multiprocessing
import os
import subprocess
import sys
import time
from djtasks import task

def note(pid):
    with open("pids.txt", "a") as file:
        file.write(f"{pid}\\n")

@task(max_crashes=2)
def export():
    program = subprocess.Popen(["sleep", "300"])
    note(program.pid)
    program.wait()

@task(timeout=0.3)
def limited():
    program = subprocess.Popen(["sleep", "300"])
    note(program.pid)
    program._wait(timeout=None)

@task
def leaves():
    note(subprocess.Popen(["sleep", "300"]).pid)

@task
def terminates():
    program = subprocess.Popen(["sleep", "300"])
    program.terminate()
    return program.wait(10)

@task
def interrupts():
    program = subprocess.Popen(["sleep", "300"])
    program.send_signal(2)
    return program.wait(10)

@task
def traps():
    shell = ["sh", "-c", 'trap "echo bye; exit" TERM; kill -TERM $$; sleep 1; echo late']
    return subprocess.run(shell, capture_output=True, text=True).stdout

@task
def pools():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.apply_async(time.sleep, (600,))
        pool.apply(os.getpid)
    return "left"
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, TASKS)


def pids(project: Project) -> list[int]:
    return [int(line) for line in project.read("pids.txt").split()]


@pytest.fixture
def nothing_left(project):
    yield
    for pid in pids(project):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("victim", ["child", "fork server"])
@pytest.mark.usefixtures("nothing_left")
def test_programs_end_with_the_process_that_was_killed(project, victim):
    project.python("export.enqueue()")
    with project.worker("--processes", "1") as worker:
        (first,) = eventually(lambda: pids(project))
        child = os.getpgid(first)
        os.kill(child if victim == "child" else psutil.Process(child).ppid(), signal.SIGKILL)

        eventually(lambda: len(pids(project)) == 2)

        assert not is_alive(first)
        assert worker.poll() is None


@pytest.mark.usefixtures("nothing_left")
def test_programs_end_when_their_task_ignores_its_limit(project):
    project.python("limited.enqueue()")
    with project.worker("--processes", "1", "--burst", "--grace", "0.5") as worker:
        assert worker.wait(50) == 0

    (program,) = pids(project)
    eventually(lambda: not is_alive(program))


@pytest.mark.usefixtures("nothing_left")
def test_programs_end_with_a_supervisor_that_was_killed(project):
    project.python("export.enqueue()")
    with project.worker("--processes", "1") as worker:
        (program,) = eventually(lambda: pids(project))

        worker.kill()

        eventually(lambda: not is_alive(program))
        eventually(lambda: not list(project.folder.glob("pymp-*")))
        assert not list(project.folder.glob("djtasks-*"))


@pytest.mark.usefixtures("nothing_left")
def test_a_program_that_a_finished_task_has_left_outlives_its_process(project):
    project.python("leaves.enqueue()")
    with project.worker("--processes", "1", "--burst") as worker:
        assert worker.wait(50) == 0

    (program,) = pids(project)
    assert is_alive(program)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_programs_and_pools_of_tasks_obey_signals(project, processes):
    names = "terminates", "interrupts", "traps", "pools"
    project.python("\n".join(f"{name}.enqueue()" for name in names))

    with project.worker("--processes", processes, "--burst") as worker:
        assert worker.wait(50) == 0

    values = {name: value for name, _state, _crashes, value in project.tasks()}
    assert values == {"terminates": -15, "interrupts": -2, "traps": "bye\n", "pools": "left"}


@pytest.mark.usefixtures("nothing_left")
def test_an_interrupt_from_the_terminal_reaches_no_task(project):
    project.python("export.enqueue()")
    with project.worker("--processes", "1", "--grace", "600") as worker:
        (program,) = eventually(lambda: pids(project))

        os.killpg(worker.pid, signal.SIGINT)
        eventually(
            lambda: (
                "draining"
                in project.python(
                    "from djtasks.models import WorkerRecord\n"
                    "print(*['draining' for row in WorkerRecord.objects.filter(draining=True)])"
                )
            )
        )

        assert is_alive(program)
        assert worker.poll() is None
