"""Schedules of tasks with encrypted arguments: their rows hold these encrypted, too."""

import logging
from collections.abc import Mapping
from typing import Any

from djtasks.compat import InvalidTask
from djtasks.definitions.encrypting import encrypted_places
from djtasks.engine import Engine
from djtasks.enqueueing.encrypting import opened_call, stored_call
from djtasks.errors import MissingKey
from djtasks.formats.sealing import is_sealed

logger = logging.getLogger("djtasks.beat")


def stored_form(engine: Engine, said: Mapping[str, Any], before: Any = None) -> Any:
    """Return the columns of a schedule as its row stores them: with its arguments encrypted.

    `before`: the columns that the row has. If they say the same call, its arguments stay as they
    are, since no two encryptions of a value are equal. Raises InvalidTask if this process cannot
    encrypt.
    """
    path, args, kwargs = said["task_path"], list(said["args"]), dict(said["kwargs"])
    task = engine.find(path)
    if task is None or not encrypted_places(task, args, kwargs):
        return said
    if isinstance(before, Mapping) and is_sealed(before.get("kwargs")):
        kept = before.get("args"), before["kwargs"]
        if before.get("task_path") == path and _opened(engine, path, *kept) == (args, kwargs):
            return {**said, "args": kept[0], "kwargs": kept[1]}
    args, sealed = stored_call(task, args, kwargs, engine.cipher)
    return {**said, "args": args, "kwargs": sealed}


def as_stored(engine: Engine, said: Mapping[str, Any], before: Any) -> Any:
    """Return stored_form(), or what was said where this process cannot encrypt."""
    try:
        return stored_form(engine, said, before)
    except InvalidTask:
        return said


def storable(engine: Engine, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declarations that this process can store; log the others."""
    refusals = {name: _refusal(engine, one) for name, one in said.items()}
    for name, reason in refusals.items():
        if reason:
            logger.error("Schedule not stored name=%s reason=%s", name, reason)
    return {name: one for name, one in said.items() if not refusals[name]}


def _refusal(engine: Engine, said: Mapping[str, Any]) -> str:
    try:
        stored_form(engine, said)
    except InvalidTask as error:
        return str(error)
    return ""


def _opened(engine: Engine, path: str, args: Any, kwargs: Any) -> Any:
    try:
        return opened_call(path, args, kwargs, engine.cipher)
    except MissingKey:
        return None
