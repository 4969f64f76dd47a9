"""Which columns of a record a list may show, and to whom, with sensitive values removed."""

from collections.abc import Collection
from typing import Any

from djtasks.definitions.redaction import Arguments, redacted, redacted_value
from djtasks.engine import Engine
from djtasks.inspection.visibility import PRIVATE, Visibility
from djtasks.models import TaskRecord

FIELDS = frozenset(field.name for field in TaskRecord._meta.fields)  # noqa: SLF001 - documented
# Read only if somebody asks for them: most of these are large.
ASKED_FOR = PRIVATE | {"errors", "worker_ids", "tags"}
FREE = FIELDS - ASKED_FOR
_CLEANED = frozenset({"return_value", "progress", "metadata"})


def shown_arguments(engine: Engine, task_path: str, args: Any, kwargs: Any) -> Arguments:
    """Return the arguments of a call with sensitive values hidden, as everything shows them."""
    pattern = engine.options.redact or ""
    return redacted(args, kwargs, engine.find(task_path), pattern=pattern)


def fields_of(
    engine: Engine, record: TaskRecord, asked: Collection[str], *, visibility: Visibility
) -> dict[str, Any]:
    """Return the columns that anybody may see, and the `asked` ones that this user may see."""
    found = {name: getattr(record, name) for name in FREE}
    allowed = [name for name in asked if name not in visibility.hidden]
    pattern = engine.options.redact or ""
    if "args" in allowed or "kwargs" in allowed:
        args, kwargs = shown_arguments(engine, record.task_path, record.args, record.kwargs)
        found |= {name: shown for name, shown in (("args", args), ("kwargs", kwargs))
                  if name in allowed}  # fmt: skip
    for name in allowed:
        if name in _CLEANED:
            found[name] = redacted_value(getattr(record, name), pattern=pattern)
        elif name not in found:
            found[name] = getattr(record, name)
    return found
