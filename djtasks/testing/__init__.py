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


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"djtasks.testing.{home}"), name)
    raise AttributeError(f"djtasks.testing has no {name!r}")
