"""The fork server: a process that forks the children of a worker when its supervisor asks.

It has the project loaded, one thread, and nothing open. So children start fast, share its memory,
and inherit no lock or connection. This module needs no settings and no apps: the fork server can
tell what is wrong with them.
"""

import mmap
import multiprocessing
import os
import signal
import socket
import traceback
from contextlib import suppress
from multiprocessing import connection as pipes
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from djtasks.worker import process_groups
from djtasks.worker.child.entry import enter, failure_to_load
from djtasks.worker.os_signals import ignore_stops

# A request is one byte with these descriptors: the child's pipe to its supervisor, the pipe by
# which we tell of it, the memory that it shares with the supervisor, and the file for its stacks.
_DESCRIPTORS = 4


class ForkServer:
    """Forks children, tells the supervisor their pids and exit codes, and ends them with it.

    `failure` is a traceback, if the project cannot be loaded: each child then reports it.
    """

    def __init__(self, requests: socket.socket, failure: str | None = None) -> None:
        self._requests = requests
        self._failure = failure
        self._living: dict[Any, Connection] = {}
        self._ends, self._end = os.pipe()

    def serve(self) -> NoReturn:
        """Obey the supervisor until it is gone, then end all children. Never returns."""
        try:
            self._receive_signals()
            while self._wait():
                pass
        except BaseException:  # noqa: BLE001 - the supervisor starts another one
            traceback.print_exc()
        for child in self._living:
            process_groups.kill(child.pid)
        os._exit(0)

    def _wait(self) -> bool:
        """Wait for a request or the end of a child; return False if the supervisor is gone."""
        ready = pipes.wait([self._requests, self._ends])
        if self._ends in ready:
            self._report_ends()
        return self._requests not in ready or self._obey()

    def _receive_signals(self) -> None:
        """Leave stops to the supervisor, and wake up when a child ends."""
        process_groups.lead()
        ignore_stops()
        for end in (self._ends, self._end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._end, warn_on_full_buffer=False)
        self._handler_before = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _report_ends(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._ends, 1024)
        for child, reports in list(self._living.items()):
            if child.exitcode is not None:
                del self._living[child]
                _tell(reports, child.exitcode)
                reports.close()
                child.close()

    def _obey(self) -> bool:
        """Fork a child; return False if the supervisor is gone."""
        request, descriptors, *_ = socket.recv_fds(self._requests, 1, _DESCRIPTORS)
        if not request:
            return False
        for number in descriptors:
            os.set_inheritable(number, False)  # noqa: FBT003
        pipe, status, memory, stacks = descriptors
        reports = Connection(status, readable=False)
        self._fork(pipe, reports, memory, stacks)
        for number in (pipe, memory, stacks):
            os.close(number)
        return True

    def _fork(self, pipe: int, reports: Connection, memory: int, stacks: int) -> None:
        # An object of multiprocessing, as tasks may ask it for their own process.
        context: Any = multiprocessing.get_context("fork")
        child = context.Process(target=self._become_child, args=(pipe, reports, memory, stacks))
        try:
            child.start()
        except OSError as error:
            _tell(reports, error)
            reports.close()
        else:
            self._living[child] = reports
            _tell(reports, child.pid)

    def _become_child(self, pipe: int, reports: Connection, memory: int, stacks: int) -> NoReturn:
        """Close what is the fork server's own, and run tasks. Never returns."""
        signal.signal(signal.SIGCHLD, self._handler_before or signal.SIG_DFL)
        self._requests.close()
        for one in (reports, *self._living.values()):
            one.close()
        shared = mmap.mmap(memory, 0)
        for number in (self._ends, self._end, memory):
            os.close(number)
        enter(Connection(pipe), shared, stacks, self._failure)


def _tell(reports: Connection, news: Any) -> None:
    with suppress(OSError):  # the supervisor is gone
        reports.send(news)


def main(requests: int) -> NoReturn:
    """Load the project and serve, in a program of its own. Never returns."""
    ForkServer(socket.socket(fileno=requests), failure_to_load()).serve()
