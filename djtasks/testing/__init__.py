"""Testing with djtasks: see docs/guides/testing.md.

Names are imported when they are first used, since `djtasks.testing.parent_guard` and `.servers` run
in processes where no Django is set up.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djtasks.testing.assertions import (
        aassert_enqueued,
        aenqueued,
        arefute_enqueued,
        assert_enqueued,
        enqueued,
        refute_enqueued,
    )
    from djtasks.testing.backends import DummyBackend, ImmediateBackend
    from djtasks.testing.broker_contract import BrokerContract
    from djtasks.testing.clock import aadvance, advance, astart_schedules, start_schedules
    from djtasks.testing.crashes import crash_at_start, crash_before_result
    from djtasks.testing.running import arun_due, run_due

__all__ = [
    "BrokerContract",
    "DummyBackend",
    "ImmediateBackend",
    "aadvance",
    "aassert_enqueued",
    "advance",
    "aenqueued",
    "arefute_enqueued",
    "arun_due",
    "assert_enqueued",
    "astart_schedules",
    "crash_at_start",
    "crash_before_result",
    "enqueued",
    "refute_enqueued",
    "run_due",
    "start_schedules",
]

_HOMES = {
    "backends": ["DummyBackend", "ImmediateBackend"],
    "broker_contract": ["BrokerContract"],
    "assertions": [
        "aassert_enqueued",
        "aenqueued",
        "arefute_enqueued",
        "assert_enqueued",
        "enqueued",
        "refute_enqueued",
    ],
    "clock": ["aadvance", "advance", "astart_schedules", "start_schedules"],
    "crashes": ["crash_at_start", "crash_before_result"],
    "running": ["arun_due", "run_due"],
}


# What reads tables, which exist once Django is set up. A conftest may be imported before that.
_WITH_TABLES = {"assertions", "clock", "crashes", "running"}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return _deferred(home, name) if home in _WITH_TABLES else _found(home, name)
    raise AttributeError(f"djtasks.testing has no {name!r}")


def _found(home: str, name: str) -> Any:
    return getattr(importlib.import_module(f"djtasks.testing.{home}"), name)


def _deferred(home: str, name: str) -> Any:
    """Return what has this name, or a function that looks for it when it is called."""
    from django.apps import apps

    from djtasks.store import queue_database

    if apps.ready:
        queue_database()  # its error names a forgotten app
        return _found(home, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        return _deferred(home, name)(*args, **kwargs)

    return call
