"""Errors as text: what is stored of an exception. Nothing stored is ever imported again."""

import traceback
from datetime import UTC, datetime
from typing import Any

MAX_ERROR_BYTES = 16_000
MAX_MESSAGE = 2_000
_CUT = "\n[... {count:,} characters left out ...]\n"


def class_path(error: BaseException) -> str:
    """Return the dotted path of an exception's class."""
    kind = type(error)
    return storable(f"{kind.__module__}.{kind.__qualname__}")[:300]


def describe(
    error: BaseException, *, worker: str = "", started_at: datetime | None = None
) -> dict[str, Any]:
    """Return one entry for a record's errors: class path, message, traceback, worker, times.

    The message has at most 2,000 characters, the traceback at most 16 kB as UTF-8, its middle
    left out when it is longer. What the exception does wrong when printed is put down as such.
    """
    return {
        "class": class_path(error),
        "message": storable(_message(error))[:MAX_MESSAGE],
        "traceback": shortened(storable(_formatted(error))),
        "worker": worker,
        "started_at": started_at.isoformat() if started_at else None,
        "at": datetime.now(UTC).isoformat(),
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 - the user's __str__, which may even exit
        return f"<its __str__ raised {type(broken).__name__}>"


def _formatted(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001 - the user's __str__, or its traceback is too deep
        return f"{class_path(error)}: {_message(error)}\n"


def storable(text: str) -> str:
    """Return text that every database takes: no NUL, no lone surrogates."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def shortened(text: str) -> str:
    """Return text of at most 16 kB as UTF-8, its middle left out when it is longer."""
    raw = text.encode()
    if len(raw) <= MAX_ERROR_BYTES:
        return text
    head = raw[: MAX_ERROR_BYTES // 3].decode(errors="ignore")
    tail = raw[-MAX_ERROR_BYTES // 2 :].decode(errors="ignore")
    return head + _CUT.format(count=len(text) - len(head) - len(tail)) + tail
