"""The processes of one run: the worker of a contestant, and its producer."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from benchmarks.harness import cpu_seconds, family
from benchmarks.peers.lineup.contestant import Command


class Failed(Exception):
    """A contestant did not do what it was asked; the message says what happened."""


class Team:
    """The worker's processes."""

    def __init__(self, started: Sequence["subprocess.Popen[bytes]"], log: Path) -> None:
        self._started = started
        self._log = log

    def processes(self) -> list[psutil.Process]:
        return [one for each in self._started for one in family(psutil.Process(each.pid))]

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.processes())

    def check(self) -> None:
        """Raise Failed when a command of the worker has ended."""
        for each in self._started:
            if each.poll() is not None:
                said = self._log.read_text(errors="replace")[-1500:]
                raise Failed(f"the worker ended with code {each.returncode}: {said}")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all processes during the block, so that tasks collect."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


@contextmanager
def worker(
    commands: Sequence[Command], values: dict[str, str], environment: dict[str, str], log: Path
) -> Iterator[Team]:
    """Run a worker during the block; its processes are killed at the end, all of them."""
    with log.open("wb") as output:
        started = [
            subprocess.Popen(
                [part.format(**values) for part in command],
                env=environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            for command in commands
        ]
    try:
        yield Team(started, log)
    finally:
        for each in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()


class Producer:
    """The process that enqueues, in the contestant's environment."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, what: str, numbers: range = range(0)) -> dict[str, Any]:
        """Return the answer to an order; raise Failed when it could not be done."""
        order = {"do": what, "first": numbers.start, "count": len(numbers)}
        _pipe(self._process.stdin).write(json.dumps(order) + "\n")
        _pipe(self._process.stdin).flush()
        line = _pipe(self._process.stdout).readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the producer ended"}
        if "error" in answer:
            raise Failed(f"{what}: {answer['error']}")
        return answer


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@contextmanager
def producer(
    python: Path, module: str, environment: dict[str, str], log: Path
) -> Iterator[Producer]:
    """Run a contestant's producer during the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), "-m", "benchmarks.peers.produce", module],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield Producer(process)
    finally:
        _pipe(process.stdin).close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def wait_for(is_there: Any, team: Team, what: str, seconds: float = 60.0) -> None:
    """Return once it is there; raise Failed when it is not in time or the worker has ended."""
    deadline = time.monotonic() + seconds
    while not is_there():
        team.check()
        if time.monotonic() > deadline:
            raise Failed(f"{what} took more than {seconds:.0f} s")
        time.sleep(0.02)
