"""The main function of a child process."""

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
            leave(1)

    def receive(self) -> Any:
        """Wait for an order; exit at once if the supervisor is gone.

        After a `kill -9` of the supervisor, no one writes this child's heartbeat, so another worker
        is about to take its tasks.
        """
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            leave(1)


def main(
    connection: Connection, config: ChildConfig, counters: MutableSequence[int], board: Any
) -> None:
    """Run tasks until asked to stop. Never returns."""
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
        # Handled in C, so it works even while C code holds the GIL.
        faulthandler.register(signal.SIGUSR1, file=open(dump_path, "w"), all_threads=True)  # noqa: SIM115, PTH123
    if sys.platform == "linux":
        # While C code holds its GIL, a child cannot notice that its pipe was closed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
