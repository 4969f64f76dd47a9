"""Store exceptions as text, and read that text as frames. Nothing stored is ever imported.

Frames say which lines are the project's own; fingerprints group failures of one kind.
"""

import re
import sysconfig
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

MAX_ERROR_BYTES = 16_000
MAX_MESSAGE = 2_000
_CUT = "\n[... {count:,} characters left out ...]\n"
_LINE = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+)(?:, in (?P<function>.*))?$')
_OURS = str(Path(__file__).parents[1])
_LIBRARIES = re.compile(r".*[/\\](?:site|dist)-packages[/\\]|.*/lib/python[\d.]+/")
_LONGEST_PLACE = 500
_LONGEST_SUMMARY = 300


def class_path(error: BaseException) -> str:
    """Return the dotted path of an exception's class."""
    kind = type(error)
    return storable(f"{kind.__module__}.{kind.__qualname__}")[:300]


def describe(
    error: BaseException, *, worker: str = "", started_at: datetime | None = None
) -> dict[str, Any]:
    """Return one entry for a record's errors: class path, message, traceback, worker, times.

    The message has at most 2,000 characters. The traceback has at most 16 kB as UTF-8; a longer
    one loses its middle. If the exception's `__str__` raises, the message says so.
    """
    return {
        "class": class_path(error),
        "message": storable(message_of(error))[:MAX_MESSAGE],
        "traceback": shortened(storable(_formatted(error))),
        "worker": worker,
        "started_at": started_at.isoformat() if started_at else None,
        "at": datetime.now(UTC).isoformat(),
    }


def message_of(error: BaseException) -> str:
    """Return the message of an exception; if its `__str__` raises, the message says so."""
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 - the user's __str__, which may even exit
        return f"<its __str__ raised {type(broken).__name__}>"


def summary_of(error: BaseException) -> str:
    """Return class path and message of an exception in one line of at most 300 characters."""
    message = storable(message_of(error)).strip().partition("\n")[0]
    return f"{class_path(error)}: {message}"[:_LONGEST_SUMMARY]


def _formatted(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:  # noqa: BLE001 - the user's __str__, or its traceback is too deep
        return f"{class_path(error)}: {message_of(error)}\n"


def storable(text: str) -> str:
    """Return text that every database can store: no NUL, no lone surrogates."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def shortened(text: str) -> str:
    """Return text of at most 16 kB as UTF-8; a longer text loses its middle."""
    raw = text.encode()
    if len(raw) <= MAX_ERROR_BYTES:
        return text
    head = raw[: MAX_ERROR_BYTES // 3].decode(errors="ignore")
    tail = raw[-MAX_ERROR_BYTES // 2 :].decode(errors="ignore")
    return head + _CUT.format(count=len(text) - len(head) - len(tail)) + tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a traceback. `is_own`: neither Python's, nor installed, nor of djtasks."""

    file: str
    line: int
    function: str
    source: str
    is_own: bool


@lru_cache(maxsize=4096)
def is_own(file: str) -> bool:
    """Return whether a source file belongs to the project."""
    # The library of another Python too: a worker's need not be that of who reads its traceback.
    if _LIBRARIES.search(file) or file.startswith("<"):
        return False
    return not file.startswith((_OURS, *_standard_library()))


@lru_cache(maxsize=1)
def _standard_library() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths["stdlib"], paths["platstdlib"]})


def frames_of(text: str) -> list[Frame]:
    """Return the frames of the last exception in a formatted traceback, outermost first."""
    found: list[Frame] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("Traceback (most recent call last):"):
            found = []
        match = _LINE.match(line)
        if match is None:
            continue
        after = lines[number + 1].strip() if number + 1 < len(lines) else ""
        found.append(
            Frame(
                file=match["file"],
                line=int(match["line"]),
                function=match["function"] or "<module>",
                source="" if _LINE.match(f"  {after}") else after,
                is_own=is_own(match["file"]),
            )
        )
    return found


def shown_file(file: str) -> str:
    """Return the path of an installed file from its package on; any other path unchanged."""
    return _LIBRARIES.split(file)[-1]


def library_of(file: str) -> str:
    """Return the package that contains a library's file, such as `django.core`."""
    path = shown_file(file).strip("/").removesuffix(".py")
    parts = [part for part in path.split("/") if part and part != "__init__"]
    return ".".join(parts[:2]) if len(parts) > 2 else parts[0] if parts else file


def place_of(error: BaseException) -> str:
    """Return the innermost frame of the project's own code, as `shop/tasks.py:118 in send`.

    The file is named by its module, so that it is the same on every host. Without a frame of the
    project, it is the innermost one outside djtasks; without a traceback, it is empty.
    """
    innermost = foreign = ""
    try:
        for frame, line in traceback.walk_tb(error.__traceback__):
            file = frame.f_code.co_filename
            module = str(frame.f_globals.get("__name__", file)).replace(".", "/")
            place = f"{module}.py:{line} in {frame.f_code.co_qualname}"
            if is_own(file):
                innermost = place
            elif not file.startswith(_OURS):
                foreign = place
    except Exception:  # noqa: BLE001 - the error is the user's, also its __traceback__
        return ""
    return storable(innermost or foreign)[-_LONGEST_PLACE:]


def fingerprint_of(task_path: str, error: BaseException, place: str) -> str:
    """Return a hash that failures of one kind share: of task, exception class and function.

    Not of the line, which moves with every deploy, nor of the message, which is about one task.
    """
    file, _, function = place.rpartition(" in ")
    parts = (task_path, class_path(error), file.rpartition(":")[0], function)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
