"""Django's tasks API, wherever it comes from."""

import importlib
import importlib.util
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from djtasks import compat


def test_every_name_that_is_exported_exists() -> None:
    assert [name for name in compat.__all__ if not hasattr(compat, name)] == []


def test_djangos_own_check_of_tasks_is_registered() -> None:
    from django.core.checks.registry import registry

    names = {check.__name__ for check in registry.get_checks()}

    assert "check_tasks" in names


@pytest.mark.skipif(compat.IN_DJANGO, reason="the backport is not used where Django has tasks")
@pytest.mark.parametrize("suffix", ["", "Error"])
def test_the_backport_may_call_its_exceptions_as_django_does(
    monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    exceptions = importlib.import_module("django_tasks.exceptions")
    for name in ("InvalidTask", "InvalidTaskBackend"):
        monkeypatch.delattr(exceptions, name, raising=False)
        monkeypatch.delattr(exceptions, f"{name}Error", raising=False)
        monkeypatch.setattr(exceptions, name + suffix, getattr(compat, name), raising=False)

    found = runpy.run_path(str(Path(compat.__file__)))

    assert found["InvalidTask"] is compat.InvalidTask
    assert found["InvalidTaskBackend"] is compat.InvalidTaskBackend


def test_without_any_tasks_api_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.util.find_spec

    def find(name: str, *rest: Any) -> Any:
        return None if name in {"django.tasks", "django_tasks"} else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find)

    with pytest.raises(ImproperlyConfigured, match=r"pip install djtasks\[django52\]"):
        runpy.run_path(str(Path(compat.__file__)))
