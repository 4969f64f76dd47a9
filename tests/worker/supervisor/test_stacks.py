"""Stacks arrive although no file has a name, and an answer that never comes is an empty one."""

import os
import subprocess
import sys

import pytest

from djtasks.worker.supervisor.stacks import Stacks

ANSWERS = """
import faulthandler, signal, sys
faulthandler.register(signal.SIGUSR1, file=int(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def stacks():
    made = Stacks()
    yield made
    made.close()


def test_each_answer_is_one_of_its_own(stacks):
    number = stacks._file.fileno()
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS, str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[number],
    ) as program:
        program.stdout.readline()

        first, second = stacks.ask(program.pid), stacks.ask(program.pid)

        program.stdin.close()
    assert [first.count("Current thread"), second.count("Current thread")] == [1, 1]


def test_a_process_that_is_gone_has_no_stacks(stacks, monkeypatch):
    monkeypatch.setattr("djtasks.worker.supervisor.stacks._PATIENCE_SECONDS", 0.1)
    program = subprocess.Popen(["true"])
    program.wait()

    assert stacks.ask(program.pid) == ""


def test_the_file_has_no_name(stacks):
    assert os.fstat(stacks._file.fileno()).st_nlink == 0
