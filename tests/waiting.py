"""Waiting for something to become true, with a deadline instead of a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, seconds: float = 30.0) -> T:
    """Return the first true answer of `ask`; fail with its last one after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.02)
    return answer
