"""Record ids: UUID version 7 after RFC 9562, section 6.2, method 1 (a counter in rand_a).

The ids of one process grow strictly, even across threads and within one millisecond, so records
that are enqueued together keep their order.
"""

import os
import sys
import threading
import time
import uuid
from uuid import UUID, SafeUUID

import msgspec

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_COUNTER_BITS = 12
_lock = threading.Lock()
_last = 0  # milliseconds and counter of the newest id, as one number


_blank = object.__new__
_set_number = UUID.__dict__["int"].__set__
_set_safety = UUID.__dict__["is_safe"].__set__


def _of_number(number: int) -> UUID:
    """Return UUID(int=number) without its checks, which takes 0.3 µs per task instead of 1."""
    id_ = _blank(UUID)
    _set_number(id_, number)
    _set_safety(id_, SafeUUID.unknown)
    return id_


def from_bytes(raw: bytes) -> UUID:
    """Return the id with these 16 bytes."""
    return _of_number(int.from_bytes(raw))


def text_of(id_: UUID) -> str:
    """Return str(id_), which takes 0.1 µs per task instead of 0.6."""
    text: str = msgspec.to_builtins(id_)
    return text


if sys.version_info >= (3, 14):

    def new_id() -> UUID:
        """Return a new id, greater than any this process has made before."""
        # uuid7 reads and writes its counter without a lock of its own.
        with _lock:
            return uuid.uuid7()

else:

    def new_id() -> UUID:
        """Return a new id, greater than any this process has made before."""
        global _last  # noqa: PLW0603 - one counter a process is the point
        now = time.time_ns() // 1_000_000
        with _lock:
            # A clock that stood still or went back: count on from the newest id.
            _last = max(now << _COUNTER_BITS, _last + 1)
            stamp = _last
        milliseconds, counter = stamp >> _COUNTER_BITS, stamp & 0xFFF
        return _of_number(
            (milliseconds & 0xFFFF_FFFF_FFFF) << 80
            | _VERSION
            | counter << 64
            | _VARIANT
            | int.from_bytes(os.urandom(8)) >> 2
        )


def _reset_after_fork() -> None:
    """Give the child process a free lock; its random bits come from the kernel."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
