"""How child processes begin: forked by a fork server, or as programs of their own."""

import gc
import logging
import mmap
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from multiprocessing import connection as pipes
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from djtasks.worker import process_groups
from djtasks.worker.child.entry import enter_alone
from djtasks.worker.fork_server import ForkServer
from djtasks.worker.loading import prepare_to_fork
from djtasks.worker.supervisor.stacks import Stacks

logger = logging.getLogger("djtasks.worker")


class Launched(NamedTuple):
    """A child that has begun. `memory` is a writable buffer that it shares with us."""

    process: Any
    memory: Any
    stacks: Stacks


class Launcher(Protocol):
    """Begins child processes."""

    def launch(self, pipe: Connection, size: int) -> Launched:
        """Begin a child with this end of its pipe, and `size` bytes of shared memory.

        Raises EOFError or OSError if none can begin now.
        """
        ...

    def close(self) -> None:
        """Release what it holds. Children that still run are ended."""
        ...


def new_launcher() -> Launcher:
    """Return what begins the children of this process; call it before any thread starts."""
    return SpawnLauncher() if sys.platform == "win32" else ForkLauncher()


class ForkLauncher:
    """Lets a fork server fork each child.

    The server is a fork of this process, with which it shares all that is loaded. Where that is
    not safe, it is a program of its own, and loads the project itself. So is the successor of a
    server that has died, because by then this process has threads.
    """

    def __init__(self) -> None:
        prepare_to_fork()
        if may_fork():
            self._fork()
        else:
            logger.info("This process cannot be forked, so the fork server loads the project again")
            self._start()

    def launch(self, pipe: Connection, size: int) -> Launched:
        if pipes.wait([self._requests], 0):
            logger.error("The fork server is gone, another one is started")
            self._end()
            self._start()
        stacks = Stacks()
        heard, told = multiprocessing.Pipe(duplex=False)
        with _nameless_file(size) as file, told:
            passed = (pipe, told, file, stacks)
            socket.send_fds(self._requests, [b"\0"], [one.fileno() for one in passed])
            memory = mmap.mmap(file.fileno(), size)
        return Launched(ForkedChild(heard), memory, stacks)

    def close(self) -> None:
        self._end()
        gc.unfreeze()

    def _fork(self) -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            context: Any = multiprocessing.get_context("fork")
            server = context.Process(target=_serve, args=(theirs, self._requests))
            server.start()
        self._wait = server.join

    def _start(self) -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            server = subprocess.Popen(_program(number), pass_fds=[number])  # noqa: S603
        self._wait = server.wait

    def _end(self) -> None:
        self._requests.close()
        self._wait()


def may_fork() -> bool:
    """Return whether a copy of this process is safe: on Linux, while it has one thread.

    A lock that another thread holds is never released in the copy. On macOS, the system's
    frameworks may not survive in it.
    """
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def _serve(requests: socket.socket, ours: socket.socket) -> None:
    ours.close()
    ForkServer(requests).serve()


def _program(requests: int) -> list[str]:
    """Return the command of a fork server with our interpreter's flags, sys.path and sys.argv.

    Not by PYTHONPATH: tasks would inherit it, and a program with another Python fails with it.
    """
    path = [str(folder) for folder in sys.path]
    code = (
        f"import sys; sys.path[:] = {path!r}; sys.argv[0] = {sys.argv[0]!r}; "
        f"from djtasks.worker.fork_server import main; main({requests})"
    )
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined] # noqa: SLF001
    return [sys.executable, *flags, "-c", code, *sys.argv[1:]]


def _nameless_file(size: int) -> Any:
    """Return a file of this size in memory, which ends with the last process that has it open."""
    if hasattr(os, "memfd_create"):
        file: Any = os.fdopen(os.memfd_create("djtasks"), "r+b", buffering=0)
    else:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    file.truncate(size)
    return file


class ForkedChild:
    """A child of the fork server, with the attributes of a multiprocessing.Process.

    `exitcode` is that of SIGKILL if the fork server died, and the child with it.
    """

    def __init__(self, reports: Connection) -> None:
        answer = reports.recv()
        if isinstance(answer, OSError):
            raise answer
        self.pid: int = answer
        self.sentinel = reports
        self.exitcode: int | None = None
        # The heartbeat's thread also asks whether it is alive.
        self._lock = threading.Lock()

    def is_alive(self) -> bool:
        with self._lock:
            if self.exitcode is None and self.sentinel.poll():
                self._note_end()
            return self.exitcode is None

    def join(self) -> None:
        with self._lock:
            if self.exitcode is None:
                self._note_end()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _note_end(self) -> None:
        try:
            self.exitcode = self.sentinel.recv()
        except (EOFError, OSError):
            # The system kills the child just now, on Linux, but not the programs of its tasks.
            process_groups.kill(self.pid)
            self.exitcode = -signal.SIGKILL


class SpawnLauncher:
    """Starts each child as a program of its own, for systems that cannot fork."""

    def launch(self, pipe: Connection, size: int) -> Launched:
        context = multiprocessing.get_context("spawn")
        memory = context.RawArray("B", size)
        process = context.Process(target=enter_alone, args=(pipe, memory))
        process.start()
        return Launched(process, memory, Stacks())

    def close(self) -> None:
        pass
