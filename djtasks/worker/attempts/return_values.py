"""What a task has returned, as JSON text."""

from typing import Any

from djtasks.definitions.codecs import codec_of
from djtasks.definitions.task import Task
from djtasks.errors import InvalidArguments, UnstorableResult
from djtasks.formats.json_values import encode


def encode_result(
    path: str, value: Any, *, task: Task[Any, Any], limit: int | None = None
) -> str | None:
    """Return a task's return value as JSON text, None for None; `path` is that of its record.

    Raises UnstorableResult if JSON cannot represent it or it exceeds `limit` bytes.
    """
    if value is None:
        return None
    codec = codec_of(task)
    try:
        text = encode(value, "return value") if codec is None else codec.encode_result(value)
    except (InvalidArguments, RecursionError) as error:
        raise UnstorableResult(
            f"Task {path!r} returned a value that cannot be stored: {error}"
        ) from None
    if limit is not None and len(text) > limit:
        raise UnstorableResult(
            f"Task {path!r} returned {len(text):,} bytes of JSON, but the limit is {limit:,}. "
            f"Store the data and return its key, or raise OPTIONS['max_result']."
        )
    return text.decode()
