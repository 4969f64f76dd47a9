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


def ending_copies(run: Run) -> Run:
    """Return `run` such that only the process that called it returns from it.

    A copy ends as a script does: with the code of its SystemExit, or 1 after a traceback if it
    raised something else. It leaves without `atexit` and without closing what it shares.
    """
    if iscoroutinefunction(run):

        async def run_async_here(context: Context) -> object:
            process = os.getpid()
            try:
                value = await run(context)
            except BaseException as error:
                _end_if_copied_from(process, error)
                raise
            _end_if_copied_from(process)
            return value

        return run_async_here

    def run_here(context: Context) -> object:
        process = os.getpid()
        try:
            value = run(context)
        except BaseException as error:
            _end_if_copied_from(process, error)
            raise
        _end_if_copied_from(process)
        return value

    return run_here


def _end_if_copied_from(process: int, error: BaseException | None = None) -> None:
    if os.getpid() != process:
        _end(error)


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
