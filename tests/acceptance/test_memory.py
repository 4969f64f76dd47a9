"""What a process of a worker has of memory for itself, as a share of what Django takes."""

import signal
import subprocess
import sys

import psutil
import pytest

from tests.acceptance.projects import Project
from tests.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not psutil.LINUX, reason="processes share no memory on other systems"),
]

# On SIGUSR2, each process of the worker collects its garbage. All have imported this module.
TASKS = """
import gc
import os
import signal
from djtasks import task

def collect(*signal):
    gc.collect()
    with open("collected.txt", "a") as file:
        file.write(f"{os.getpid()}\\n")

signal.signal(signal.SIGUSR2, collect)

@task
def add(a, b):
    return a + b
"""

PLAIN = """
import sys; import django; django.setup()
from djtasks.worker import loading; loading.load()
print("loaded", flush=True); sys.stdin.read()
"""


def private_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_full_info().uss)


def private_bytes_of_one_process(project: Project) -> int:
    """Return what a process takes that has loaded the same, and shares it with nobody."""
    with subprocess.Popen(
        [sys.executable, "-c", PLAIN],
        cwd=project.folder,
        env=project.environment(DJANGO_SETTINGS_MODULE="settings"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as plain:
        assert plain.stdin is not None
        assert plain.stdout is not None
        plain.stdout.readline()
        size = private_bytes(plain.pid)
        plain.stdin.close()
        plain.wait()
    return size


def test_processes_share_what_is_loaded_even_after_a_full_collection(tmp_path):
    project = Project(tmp_path, TASKS)
    plain = private_bytes_of_one_process(project)
    project.python("add.enqueue(1, 2)")
    with project.worker("--processes", "2") as worker:
        eventually(lambda: project.tasks()[0][1] == "SUCCESSFUL")
        family = [worker.pid, *(p.pid for p in psutil.Process(worker.pid).children(recursive=True))]
        for pid in family:
            psutil.Process(pid).send_signal(signal.SIGUSR2)
        eventually(lambda: set(map(int, project.read("collected.txt").split())) == set(family))

        shares = [private_bytes(pid) / plain for pid in family]

    assert len(shares) == 4
    # From 0.2 to 0.4 as it is, from 0.6 to 0.8 if a collection copies what is shared.
    assert max(shares) < 0.5, shares
