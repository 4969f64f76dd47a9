"""Which tasks a process knows, and how workers find them."""

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import override_settings

import tests.tasks
from djtasks import task
from djtasks.compat import InvalidTask
from djtasks.definitions import registry
from djtasks.errors import UnknownTask
from tests.settings import TASKS
from tests.tasks import add

SOURCE = """
from djtasks import task

@task
def hidden() -> None: ...
"""

WriteModule = Callable[[str, str], str]


@task
def here() -> None: ...


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test add tasks that the others do not see."""
    monkeypatch.setattr(registry, "_tasks", dict(registry._tasks))
    monkeypatch.setattr(registry, "_renamed", dict(registry._renamed))


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    """Write an importable module for one test."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "djtasks.backend"]


def test_a_task_registers_itself_when_it_is_defined() -> None:
    assert registry.find("tests.definitions.test_registry.here") is here
    assert registry.get("tests.definitions.test_registry.here") is here


def test_a_plain_task_of_django_registers_itself_too(write_module: WriteModule) -> None:
    name = write_module(
        "djtasks_plain",
        "try:\n"
        "    from django.tasks import task\n"
        "except ImportError:\n"
        "    from django_tasks import task\n"
        "@task\n"
        "def plain() -> None: ...\n",
    )

    registry.import_tasks([name])

    assert registry.find("djtasks_plain.plain") is not None


def test_a_copy_does_not_take_the_place_of_its_definition() -> None:
    here.using(priority=50, backend="polled")

    assert registry.find("tests.definitions.test_registry.here") is here


def test_a_function_defined_anew_takes_the_place_of_the_old_one(write_module: WriteModule) -> None:
    registry.import_tasks([write_module("djtasks_reloaded", SOURCE)])
    before = registry.get("djtasks_reloaded.hidden")

    sys.modules.pop("djtasks_reloaded")
    registry.import_tasks(["djtasks_reloaded"])

    assert registry.get("djtasks_reloaded.hidden").func is not before.func


def test_an_unknown_path_is_none_or_an_error_that_says_what_to_do() -> None:
    assert registry.find("shop.tasks.gone") is None
    with pytest.raises(UnknownTask) as refusal:
        registry.get("shop.tasks.gone")

    assert "'shop.tasks.gone'" in str(refusal.value)
    assert "OPTIONS['imports']" in str(refusal.value)


RENAMED = """
from djtasks import task

@task(aliases=("shop.tasks.send", "shop.tasks.mail"))
def deliver() -> None: ...
"""


def test_a_task_is_found_by_the_paths_that_it_had(write_module: WriteModule) -> None:
    registry.import_tasks([write_module("djtasks_renamed", RENAMED)])

    deliver = registry.get("djtasks_renamed.deliver")
    assert registry.get("shop.tasks.send") is deliver
    assert registry.find("shop.tasks.mail") is deliver
    assert "shop.tasks.send" not in {one.module_path for one in registry.all_tasks()}


def test_who_has_a_path_now_wins_over_who_had_it(write_module: WriteModule) -> None:
    source = RENAMED.replace("shop.tasks.send", "tests.definitions.test_registry.here")

    registry.import_tasks([write_module("djtasks_renamed", source)])

    assert registry.get("tests.definitions.test_registry.here") is here


def test_two_tasks_cannot_have_had_one_path(write_module: WriteModule) -> None:
    registry.import_tasks([write_module("djtasks_renamed", RENAMED)])
    also = write_module("djtasks_renamed_too", RENAMED)

    with pytest.raises(InvalidTask) as refusal:
        registry.import_tasks([also])

    assert "'djtasks_renamed_too.deliver' and 'djtasks_renamed.deliver'" in str(refusal.value)
    assert registry.find("djtasks_renamed_too.deliver") is None


def test_all_tasks_are_listed_by_path() -> None:
    paths = [one.module_path for one in registry.all_tasks()]

    assert "tests.definitions.test_registry.here" in paths
    assert paths == sorted(paths)


def test_the_tasks_module_of_every_app_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_tasks", {})
    monkeypatch.setattr(tests, "tasks", tests.tasks)
    monkeypatch.delitem(sys.modules, "tests.tasks")

    count = registry.import_tasks()

    assert registry.find("tests.tasks.add") is not None
    assert count == len(registry.all_tasks())


def test_other_modules_are_imported_when_they_are_listed(write_module: WriteModule) -> None:
    name = write_module("djtasks_listed", SOURCE)

    before = registry.import_tasks()
    after = registry.import_tasks([name])

    assert after == before + 1
    assert registry.find("djtasks_listed.hidden") is not None


@pytest.mark.parametrize(
    ("source", "error"), [("1 / 0", ZeroDivisionError), ("import shop_that_is_not", ImportError)]
)
def test_an_error_in_a_module_is_the_developers_to_see(
    write_module: WriteModule, source: str, error: type[Exception]
) -> None:
    name = write_module("djtasks_broken", source)

    with pytest.raises(error):
        registry.import_tasks([name])


@pytest.mark.parametrize(
    ("extra", "is_discovered"),
    [
        ([], False),
        (["tests.definitions.test_registry"], True),
        (["tests"], False),
        (["tests.test_reg"], False),
    ],
)
def test_a_listed_module_covers_itself_alone(extra: list[str], is_discovered: bool) -> None:
    assert registry.is_discovered(here, extra) is is_discovered


def test_the_tasks_module_of_an_app_is_always_discovered() -> None:
    assert registry.is_discovered(add)


@pytest.mark.django_db
def test_enqueueing_a_task_that_workers_would_not_find_warns_once(
    write_module: WriteModule, caplog: pytest.LogCaptureFixture
) -> None:
    importlib.import_module(write_module("djtasks_hidden", SOURCE))
    hidden = registry.get("djtasks_hidden.hidden")

    with caplog.at_level(logging.WARNING, "djtasks.backend"):
        first = hidden.enqueue()
        hidden.enqueue()
        hidden.enqueue_many([()])

    assert first.id
    (warning,) = warnings_of(caplog)
    assert "path=djtasks_hidden.hidden" in warning
    assert "add 'djtasks_hidden' to OPTIONS['imports'] of TASKS['default']" in warning


@pytest.mark.django_db
def test_enqueueing_a_task_that_workers_find_warns_nobody(
    write_module: WriteModule, caplog: pytest.LogCaptureFixture
) -> None:
    importlib.import_module(write_module("djtasks_found", SOURCE))
    listed = {"imports": ["djtasks_found"], "broker": "database"}
    settings = TASKS | {"default": TASKS["default"] | {"OPTIONS": listed}}

    with override_settings(TASKS=settings), caplog.at_level(logging.WARNING, "djtasks.backend"):
        registry.get("djtasks_found.hidden").enqueue()
        add.enqueue(1, 2)

    assert warnings_of(caplog) == []
