"""End copies of the process that a task has forked, where they come back from the task.

A copy has this child's claims, its pipe and its place in the code. It must not go on as a worker.
"""

import os
import sys
import traceback
from inspect import iscoroutinefunction
from typing import NoReturn

from djtasks.context import Context
from djtasks.middleware import Run

# How many forks lie between the first process that loaded this module and this one. Each task asks
# for it twice, and a number costs a tenth of os.getpid().
_forks = 0


def _count_fork() -> None:
    global _forks  # noqa: PLW0603
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


def ending_copies(run: Run) -> Run:
    """Return `run` such that only the process that called it returns from it.

    A copy ends as a script does: with the code of its SystemExit, or 1 after a traceback if it
    raised something else. It leaves without `atexit` and without closing what it shares.
    """
    return _ending_async(run) if iscoroutinefunction(run) else _ending_plain(run)


def _ending_plain(run: Run) -> Run:
    def run_here(context: Context) -> object:
        forks = _forks
        try:
            value = run(context)
        except BaseException as error:
            if forks != _forks:
                _end(error)
            raise
        if forks != _forks:
            _end(None)
        return value

    return run_here


def _ending_async(run: Run) -> Run:
    async def run_async_here(context: Context) -> object:
        forks = _forks
        try:
            value = await run(context)
        except BaseException as error:
            if forks != _forks:
                _end(error)
            raise
        if forks != _forks:
            _end(None)
        return value

    return run_async_here


def _end(error: BaseException | None) -> NoReturn:
    code = 1
    try:
        code = _code_of(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _code_of(error: BaseException | None) -> int:
    """Return the exit code that Python has for this error, after printing what Python prints."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1
