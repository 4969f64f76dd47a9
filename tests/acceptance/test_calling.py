"""`runworker` and `runbeat` called by a process that goes on afterwards, such as a test run."""

import json

import pytest

from tests.acceptance.projects import SETTINGS, Project

pytestmark = pytest.mark.slow

TASKS = """
import os
import signal
from djtasks import task
from django.db import connection

def session(**stops):
    if stops:
        os.kill(os.getpid(), signal.SIGTERM)
    return connection.settings_dict["CONN_MAX_AGE"]

@task
def plain():
    return session()

@task
async def coroutine():
    return session()

@task
def stops():
    return session(signal=True)
"""

CALLS = """
import asyncio
import gc
import json
import logging
import os
import signal
import threading
import django
django.setup()
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connections
from mill.tasks import coroutine, plain, stops

def state():
    gc.collect()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    wakeup = signal.set_wakeup_fd(-1)
    loggers = [logging.getLogger(name) for name in ("django.tasks", "djtasks", "djtasks.tasks")]
    open_files = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": sorted(os.readlink(path) for path in open_files if os.path.exists(path)),
        "handlers": [str(signal.getsignal(number)) for number in signals],
        "wakeup": wakeup,
        "loggers": [f"{logger.level} {logger.handlers}" for logger in loggers],
        "databases": str(connections.settings),
        "connection": str(connections["default"]),
    }

def worker(*flags):
    call_command("runworker", *flags, "--no-reload", verbosity=0)

def burst(processes):
    plain.enqueue()
    coroutine.enqueue()
    worker("--burst", "--processes", processes)

def stopped():
    stops.enqueue()
    worker("--processes", "0")

def in_thread():
    thread = threading.Thread(target=burst, args=["0"])
    thread.start()
    thread.join()

if __name__ == "__main__":
    asyncio.run(sync_to_async(int)())  # makes a thread that asgiref shares and never ends
    found = {"before": state()}
    burst("1")
    # A process and a file of multiprocessing, which has one for all of us.
    found["before"]["files"] = state()["files"]
    for call in (lambda: burst("0"), stopped, in_thread, lambda: burst("1"), stopped):
        call()
        found[len(found)] = state()
    print("found", json.dumps(found))
"""


def test_a_called_worker_leaves_the_process_as_it_was(tmp_path):
    settings = SETTINGS.replace('"heartbeat"', '"reuse_connections": False, "heartbeat"')
    project = Project(tmp_path, TASKS, settings=settings, calls=CALLS)

    environment = project.environment(DJANGO_SETTINGS_MODULE="settings")
    with project.program("-m", "calls", env=environment) as caller:
        assert caller.wait(60) == 0

    found = json.loads(project.read("worker.log").split("found ")[1])
    for name, state in found.items():
        assert state == found["before"], name
    states = {task[1] for task in project.tasks()}
    assert states == {"SUCCESSFUL"}
    # The project's own connection, and not the engine's, which is kept open.
    assert {task[3] for task in project.tasks()} == {0}
