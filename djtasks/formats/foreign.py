"""Read JSON that somebody else may have stored: keep what has our shape, leave out the rest."""

from typing import Any
from uuid import UUID

from djtasks.formats.json_values import decode


def object_in(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def object_of(text: str | None) -> dict[str, Any]:
    """Return the object of a JSON text, or an empty one for anything else."""
    return object_in(decode(text)) if text else {}


def list_in(value: Any) -> list[Any]:
    """Return a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [one for one in list_in(value) if isinstance(one, dict)]


def texts_in(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [one for one in list_in(value) if isinstance(one, str)]


def counts_in(value: Any) -> dict[str, int]:
    """Return the whole numbers of an object."""
    return {key: one for key, one in object_in(value).items() if isinstance(one, int)}


def running_in(value: Any) -> list[dict[str, Any]]:
    """Return the tasks that a worker says it runs."""
    return [one for one in objects_in(value) if _is_running(one)]


def _is_running(entry: dict[str, Any]) -> bool:
    try:
        UUID(entry["id"])
        float(entry["started_at"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return isinstance(entry.get("path"), str)
