"""Checks of what the code declares: its tasks and schedules."""

from collections.abc import Iterator

from django.core import checks

from djtasks.definitions import discovery, exceptions, registry
from djtasks.engine import Engine
from djtasks.errors import ArgumentsTooLarge
from djtasks.formats.json_values import encode_arguments
from djtasks.schedules import periodic as declarations


def check_tasks(engine: Engine) -> Iterator[checks.CheckMessage]:
    """Check the options of the tasks of one alias that only their imported classes tell."""
    for task in registry.all_tasks():
        if task.backend != engine.alias:
            continue
        for sentence in exceptions.contradictions(task):
            yield checks.Error(
                f"Task {task.module_path!r}: {sentence}",
                hint="Name each exception in one of retry_on, give_up_on and cancel_on.",
                id="djtasks.E022",
            )


def check_schedules(engine: Engine) -> Iterator[checks.CheckMessage]:
    """Check the schedules that the code declares for one alias."""
    for first, second in declarations.namesakes(engine.alias):
        yield checks.Error(
            f"Two schedules are named {first.name!r}: {first.task_path} ({first.rule}) and "
            f"{second.task_path} ({second.rule}).",
            hint="Give one of them another name: @periodic(..., name='...').",
            id="djtasks.E008",
        )
    for one in declarations.declared(engine.alias):
        yield from _check_schedule(one, engine)


def _check_schedule(one: declarations.Declaration, engine: Engine) -> Iterator[checks.CheckMessage]:
    try:
        limit = engine.options.max_arguments
        encode_arguments(one.task_path, one.args, one.kwargs, limit=limit)
    except ArgumentsTooLarge as error:
        yield checks.Error(f"The schedule {one.name!r}: {error}", id="djtasks.E009")
    task = registry.find(one.task_path)
    if task is not None and not registry.is_discovered(task, engine.options.imports):
        yield checks.Warning(
            f"The schedule {one.name!r} is declared outside the modules that schedulers import.",
            hint=f"For {one.task_path}, {discovery.remedy(task.func.__module__, engine.alias)}.",
            id="djtasks.W020",
        )
