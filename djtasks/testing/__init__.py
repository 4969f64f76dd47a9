"""Testing with djtasks: see docs/guides/testing.md.

Names are imported when they are first used, since `djtasks.testing.parent_guard` and `.servers` run
in processes where no Django is set up.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djtasks.testing.backends import DummyBackend, ImmediateBackend
    from djtasks.testing.broker_contract import BrokerContract
    from djtasks.testing.running import run_due

__all__ = ["BrokerContract", "DummyBackend", "ImmediateBackend", "run_due"]

_HOMES = {
    "BrokerContract": "djtasks.testing.broker_contract",
    "DummyBackend": "djtasks.testing.backends",
    "ImmediateBackend": "djtasks.testing.backends",
    "run_due": "djtasks.testing.running",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"djtasks.testing has no {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
