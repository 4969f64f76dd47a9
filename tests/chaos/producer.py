"""`python -m tests.chaos.producer MODE COUNT`: enqueue in a way of which some go wrong.

plain    one by one, each committed at once
dies     all in one transaction, and dead before its push (with the DyingBroker)
again    one by one with a key each, again from the start whenever the database is lost
fork     from two children forked by a process that has enqueued before (gunicorn's preload)
atexit   while the interpreter goes down
threads  from eight threads, each in a transaction of its own
manual   in manual transaction management, where no hook runs after the commit
"""

import atexit
import os
import sys
import threading
from collections.abc import Callable

import django

django.setup()

from django.db import InterfaceError, OperationalError, connection, transaction  # noqa: E402

from tests.chaos import tasks  # noqa: E402
from tests.chaos.journal import note  # noqa: E402


def plain(count: int) -> None:
    for _ in range(count):
        tasks.work.enqueue()


def dies(count: int) -> None:
    with transaction.atomic():
        plain(count)


def again(count: int) -> None:
    for number in range(count):
        while True:
            try:
                with transaction.atomic():
                    tasks.once_at_a_time.enqueue(f"order {number}")
                break
            except (OperationalError, InterfaceError):
                note("unheard")
                connection.close()


def fork(count: int) -> None:
    plain(count)
    connection.close()
    children = [_forked(count) for _ in range(2)]
    plain(count)
    for child in children:
        os.waitpid(child, 0)


def _forked(count: int) -> int:
    pid = os.fork()
    if not pid:
        plain(count)
        connection.close()
        os._exit(0)
    return pid


def at_exit(count: int) -> None:
    atexit.register(plain, count)


def threads(count: int) -> None:
    def run() -> None:
        dies(count)
        connection.close()

    started = [threading.Thread(target=run) for _ in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def manual(count: int) -> None:
    connection.ensure_connection()
    transaction.set_autocommit(False)
    plain(count)
    transaction.commit()
    plain(count)
    transaction.rollback()
    transaction.set_autocommit(True)


MODES: dict[str, Callable[[int], None]] = {
    "plain": plain,
    "dies": dies,
    "again": again,
    "fork": fork,
    "atexit": at_exit,
    "threads": threads,
    "manual": manual,
}

if __name__ == "__main__":
    MODES[sys.argv[1]](int(sys.argv[2]))
