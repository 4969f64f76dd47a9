"""The arguments of a schedule in its form: sensitive values are hidden, and kept on saving."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from djtasks.engine import Engine
from djtasks.enqueueing.encrypting import opened_call
from djtasks.errors import MissingKey
from djtasks.formats.placeholders import has_placeholder, placeholder_in
from djtasks.formats.sealing import masked
from djtasks.inspection.fields import shown_arguments
from djtasks.models import Schedule


class StoredArguments:
    """The arguments of a row: as its form shows them, and as they are stored.

    Without a row, there are none.
    """

    def __init__(self, engine: Engine, row: Schedule | None) -> None:
        self.task_path = row.task_path if row else ""
        self.stored = _opened(engine, row) if row else {}
        args, kwargs = (
            shown_arguments(engine, row.task_path, row.args, row.kwargs) if row else ([], {})
        )
        self.shown: dict[str, Any] = {"args": args, "kwargs": kwargs}

    def restored(self, name: str, typed: Any, *, task_path: str) -> Any:
        """Return what was typed, with the stored values where their placeholders still stand.

        Raises ValidationError for a placeholder anywhere else. For another task, nothing is
        restored: it may show what this one hides.
        """
        if task_path != self.task_path or not self.stored:
            return _without_placeholders(typed)
        shown, stored = self.shown[name], self.stored[name]
        if not isinstance(typed, list) or not isinstance(stored, list):
            return _restored(typed, shown, stored)
        # Positional arguments have their places for names.
        return [
            _restored(value, shown[place], stored[place])
            if place < len(stored)
            else _without_placeholders(value)
            for place, value in enumerate(typed)
        ]


def _opened(engine: Engine, row: Schedule) -> dict[str, Any]:
    """Return the arguments of a row; without the key, placeholders, which cannot be saved."""
    try:
        args, kwargs = opened_call(row.task_path, row.args, row.kwargs, engine.cipher)
    except MissingKey:
        args, kwargs = masked(row.args, row.kwargs)
    return {"args": args, "kwargs": kwargs}


def _restored(typed: Any, shown: Any, stored: Any) -> Any:
    """Restore values by name; a list only as a whole, as its values may have changed places."""
    if not has_placeholder(typed):
        return typed
    if typed == shown:
        return stored
    if isinstance(typed, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {
            key: _restored(value, shown[key], stored[key])
            if key in shown
            else _without_placeholders(value)
            for key, value in typed.items()
        }
    return _without_placeholders(typed)


def _without_placeholders(typed: Any) -> Any:
    if has_placeholder(typed):
        raise ValidationError(
            _(
                "“%(hidden)s” stands for a value that is hidden. It is kept only where the form "
                "shows it, and only for the same task. Enter the value itself."
            )
            % {"hidden": placeholder_in(typed)}
        )
    return typed
