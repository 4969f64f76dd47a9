"""The subcommands of `manage.py djtasks`, one module each, listed in ALL."""

from djtasks.management.subcommands import (
    cancel,
    discard,
    doctor,
    drain,
    enqueue,
    failures,
    health,
    listing,
    pause,
    prune,
    purge,
    resume,
    retry,
    schedules,
    show,
    status,
    stop,
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
    "purge": purge,
    "drain": drain,
    "stop": stop,
    "retry": retry,
    "cancel": cancel,
    "discard": discard,
    "why": why,
    "prune": prune,
    "enqueue": enqueue,
}
