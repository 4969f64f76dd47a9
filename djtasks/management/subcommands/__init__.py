"""The subcommands of `manage.py djtasks`, one module each, listed in ALL."""

from djtasks.management.subcommands import (
    cancel,
    discard,
    doctor,
    enqueue,
    health,
    prune,
    retry,
    schedules,
    status,
    why,
)
from djtasks.management.subcommands.base import Subcommand

ALL: dict[str, Subcommand] = {
    "status": status,
    "schedules": schedules,
    "doctor": doctor,
    "health": health,
    "retry": retry,
    "cancel": cancel,
    "discard": discard,
    "why": why,
    "prune": prune,
    "enqueue": enqueue,
}
