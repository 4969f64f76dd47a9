"""`make quick`: what can be tested on SQLite with no server at all (a pytest plugin).

Under DJTASKS_TEST_QUICK tests/settings.py puts SQLite where PostgreSQL is and the memory broker
where Redis is. A test that needs more says so by a fixture (`servers`, a browser), by a parameter
or by its place, and is left out; the last line of the run says how many were.
"""

import os
from collections import Counter
from typing import Any

import pytest

QUICK = bool(os.environ.get("DJTASKS_TEST_QUICK"))
# A run of its own, for which SQLite and the memory broker are enough: nothing is left out.
THEMED = bool(os.environ.get("DJTASKS_TEST_THEME"))

FIXTURES = {"servers": "need servers", "own_valkey": "need servers", "chromium": "need a browser"}
# With SQLite as the default, the parameter "default" is "sqlite" once more.
DATABASES = {"default", "postgresql", "mariadb"}
# Whole processes, of which each takes a second and more; folders and files.
PROCESSES = {"acceptance", "chaos", "demo", "deploy", "test_leash.py", "test_leashed_commands.py"}

left_out: Counter[str] = Counter()


def reason_of(item: pytest.Item) -> str:
    """Return why a test is left out, or nothing."""
    for name in item.fixturenames if isinstance(item, pytest.Function) else ():
        if name in FIXTURES:
            return FIXTURES[name]
    if PROCESSES.intersection(item.path.parts):
        return "start processes"
    if any(item.get_closest_marker(name) for name in ("slow", "thorough", "broad")):
        return "are slow"
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if any(isinstance(value, str) and value in DATABASES for value in values):
        return "are for other databases"
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs more than SQLite."""
    if not QUICK or THEMED:
        return
    reasons = {item: reason_of(item) for item in items}
    left_out.update(reason for reason in reasons.values() if reason)
    config.hook.pytest_deselected(items=[item for item in items if reasons[item]])
    items[:] = [item for item in items if not reasons[item]]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller, which collects nothing itself."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process has left out; all processes collect the same."""
    if not left_out:
        left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run says nothing about."""
    if left_out:
        parts = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common())
        terminalreporter.write_line(f"Left out ({parts}): `make test` runs them.")
