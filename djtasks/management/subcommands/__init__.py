"""The subcommands of `manage.py djtasks`, one module each, listed in ALL."""

from djtasks.management.subcommands import (
    cancel,
    discard,
    doctor,
    enqueue,
    failures,
    health,
    listing,
    pause,
    prune,
    resume,
    retry,
    schedules,
    show,
    status,
    why,
)
from djtasks.management.subcommands.base import Subcommand

ALL: dict[str, Subcommand] = {
    "status": status,
    "schedules": schedules,
    "doctor": doctor,
    "health": health,
    "list": listing,
    "failures": failures,
    "show": show,
    "pause": pause,
    "resume": resume,
    "retry": retry,
    "cancel": cancel,
    "discard": discard,
    "why": why,
    "prune": prune,
    "enqueue": enqueue,
}
