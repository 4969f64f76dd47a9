"""The model instances among the arguments of a record, for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from djtasks.definitions.codecs import codec_of
from djtasks.engine import Engine
from djtasks.errors import InvalidArguments, UnreadableArguments
from djtasks.formats.json_values import encode

_MOST = 10
_LONGEST_LABEL = 80


@dataclass(frozen=True, slots=True)
class Reference:
    """An instance that a task refers to. `label`: how it calls itself; "" if nobody may know.

    `exists`: False if it is gone, None if it was not looked for.
    """

    model: type[Model]
    pk: Any
    label: str = ""
    exists: bool | None = None


def references_of(
    engine: Engine,
    path: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    may_view: Callable[[type[Model]], bool],
) -> list[Reference]:
    """Return the first ten instances among (redacted) arguments, each once.

    Only those are read whose model `may_view` allows. Where something is hidden, and where the
    arguments do not fit the code, none are returned.
    """
    task = engine.find(path)
    codec = codec_of(task) if task is not None else None
    if codec is None or not codec.has_references:
        return []
    try:
        texts = encode(args, "args").decode(), encode(kwargs, "kwargs").decode()
        found = codec.instances(*texts)
    except (InvalidArguments, UnreadableArguments):
        return []
    return [_read(one, may_view) for one in list(dict.fromkeys(found))[:_MOST]]


def _read(instance: Model, may_view: Callable[[type[Model]], bool]) -> Reference:
    model = type(instance)
    if not may_view(model):
        return Reference(model, instance.pk)
    rows = model._base_manager.using(instance._state.db)  # noqa: SLF001 - Django's documented names
    row = rows.filter(pk=instance.pk).first()
    if row is None:
        return Reference(model, instance.pk, exists=False)
    try:
        label = str(row)[:_LONGEST_LABEL]
    except Exception:  # noqa: BLE001 - the project's own __str__
        label = ""
    return Reference(model, instance.pk, label, exists=True)
