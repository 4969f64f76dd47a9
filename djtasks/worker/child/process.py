"""The main function of a child process."""

import ctypes
import faulthandler
import logging
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from djtasks.backend import DjtasksBackend
from djtasks.engine import engine_of
from djtasks.store.sessions import prepare_process, use_engine_connection
from djtasks.worker import messages, process_groups
from djtasks.worker.child import hooks
from djtasks.worker.child.child import Child
from djtasks.worker.exits import leave
from djtasks.worker.logs import set_up_logging
from djtasks.worker.os_signals import ignore_stops
from djtasks.worker.shared_memory import parts_of

logger = logging.getLogger("djtasks.worker")

_PR_SET_PDEATHSIG = 1


class Pipe:
    """The child's end of the pipe to its supervisor. Several threads may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message to the supervisor; exit if it is gone."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            _end_with_supervisor()

    def receive(self) -> Any:
        """Wait for an order; exit at once if the supervisor is gone.

        After a `kill -9` of the supervisor, no one writes this child's heartbeat, so another worker
        is about to take its tasks.
        """
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            _end_with_supervisor()


def main(connection: Connection, memory: Any, stacks: int | None) -> NoReturn:
    """Run tasks until asked to stop. Never returns.

    `memory` and `stacks` are those of `enter()`. The first message is the ChildConfig.
    """
    _become_child(stacks)
    pipe = Pipe(connection)
    config = pipe.receive()
    counters, board = parts_of(memory)
    set_up_logging(verbose=config.worker.verbose)
    engine = engine_of(config.worker.backend)
    prepare_process(reuse_connections=engine.options.reuse_connections)
    use_engine_connection(engine.database)
    pipe.send(messages.Ready(os.getpid()))
    go = pipe.receive()
    if not isinstance(go, messages.Go):
        leave(0)
    child = Child(
        engine,
        config,
        go.worker,
        send=pipe.send,
        counters=counters,
        board=board,
        sender=DjtasksBackend,
    )
    hooks.announce_start(engine.alias)
    child.start()
    while True:
        order = pipe.receive()
        try:
            child.obey(order)
        except BaseException:
            logger.exception("Order failed order=%r", order)


def _become_child(stacks: int | None) -> None:
    """Leave signals to the supervisor, and end with it."""
    process_groups.lead()
    ignore_stops()
    hooks.print_by_lines()
    hooks.leave_finalizers_to_others()
    if sys.platform != "win32" and stacks is not None:
        # Handled in C, so it works even while C code holds the GIL.
        faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
    if sys.platform == "linux":
        # While C code holds its GIL, a child cannot notice that its pipe was closed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_with_supervisor() -> NoReturn:
    """End at once, with the programs of the tasks: another worker is about to run them."""
    process_groups.kill_own()
    leave(1)
