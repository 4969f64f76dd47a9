"""A server on a leash ends with whoever holds it, whatever ends that."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from djtasks.testing.servers import start_valkey
from tests.waiting import eventually

HOLDER = """
import sys, time, pathlib
from djtasks.testing.servers import start_valkey
server = start_valkey(pathlib.Path(sys.argv[1]))
print(server.pid, flush=True)
time.sleep(3600)
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="djt-") as made:
        yield Path(made)


def test_a_server_answers_until_it_is_let_go(folder):
    server = start_valkey(folder)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    assert len(processes) == 2

    server.stop()
    server.stop()

    assert not any(process.is_running() for process in processes)


def test_it_ends_with_its_holder_even_by_kill_9(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    guard = psutil.Process(int(holder.stdout.readline()))
    (server,) = guard.children()

    holder.kill()
    holder.communicate()

    eventually(lambda: not server.is_running() and not guard.is_running(), seconds=10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminals_signals_do_not_reach_it(folder, number):
    server = start_valkey(folder)
    try:
        os.kill(server.pid, number)
        with pytest.raises(subprocess.TimeoutExpired):
            server.guard.wait(0.3)
    finally:
        server.stop()


def test_a_server_that_does_not_start_says_why(folder):
    with pytest.raises(RuntimeError, match="did not start; its log says"):
        start_valkey(folder, "--no-such-option", "x")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["--signal", "NONE", "--", "true"], 1), (["--", "false"], 1)],
)
def test_the_command_line_tells_how_the_server_ended(arguments, code):
    guard = subprocess.Popen(
        [sys.executable, "-m", "djtasks.testing.parent_guard", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    # Held until it has ended by itself: to let go is to stop it.
    assert guard.wait(30) == code
    guard.communicate()
