"""The body of a child process: from the fork to its last order."""

import ctypes
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import MutableSequence
from multiprocessing.connection import Connection
from typing import Any

from djtasks.backend import DjtasksBackend
from djtasks.engine import engine_of
from djtasks.store.sessions import prepare_process, use_engine_connection
from djtasks.worker import messages
from djtasks.worker.attempts.board import Board
from djtasks.worker.child.child import Child, leave
from djtasks.worker.config import ChildConfig
from djtasks.worker.logs import set_up_logging

logger = logging.getLogger("djtasks.worker")

_PR_SET_PDEATHSIG = 1


class Pipe:
    """The child's end of the pipe; several threads may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Tell the supervisor; without one this process has no business to go on."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            leave(1)

    def receive(self) -> Any:
        """Wait for an order. When the supervisor is gone, leave at once: after a `kill -9`
        nobody would hear this child's heartbeat, and its tasks are about to be taken."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            leave(1)


def main(
    connection: Connection, config: ChildConfig, counters: MutableSequence[int], board: Any
) -> None:
    """Run tasks until told to stop. Never returns."""
    _take_no_signals(config.dump_path)
    set_up_logging(verbose=config.worker.verbose)
    prepare_process()
    engine = engine_of(config.worker.backend)
    use_engine_connection(engine.database)
    pipe = Pipe(connection)
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
        board=Board(board),
        sender=DjtasksBackend,
    )
    child.start()
    while True:
        order = pipe.receive()
        try:
            child.obey(order)
        except Exception:
            logger.exception("Order failed order=%r", order)


def _take_no_signals(dump_path: str) -> None:
    """Leave signals to the supervisor: a terminal sends Ctrl-C to the whole group."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(signal, "SIGUSR1") and dump_path:
        # Handled in C, so it also works while some C code keeps the GIL.
        faulthandler.register(signal.SIGUSR1, file=open(dump_path, "w"), all_threads=True)  # noqa: SIM115, PTH123
    if sys.platform == "linux":
        # A child whose GIL is held cannot notice the end of its pipe.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
