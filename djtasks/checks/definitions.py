"""Checks of what the code declares: its tasks and schedules."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core import checks

from djtasks.definitions import discovery, exceptions, registry
from djtasks.definitions.codecs import RETURN, Problem, problems_of
from djtasks.definitions.encrypting import unknown_names
from djtasks.definitions.misnamed import hint_for
from djtasks.definitions.policies import OPTIONS, Policy, contradictions_of
from djtasks.definitions.restoring import restore
from djtasks.engine import Engine
from djtasks.errors import ArgumentsTooLarge
from djtasks.formats import encryption
from djtasks.formats.json_values import encode_arguments
from djtasks.formats.suggestions import did_you_mean
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


def check_annotations(engine: Engine) -> Iterator[checks.CheckMessage]:
    """Check which annotations of the tasks of one alias cannot say how values travel."""
    for task in registry.all_tasks():
        if task.backend != engine.alias:
            continue
        for problem in problems_of(engine.with_policy(task)):
            yield _annotation_warning(task.module_path, problem)


def _annotation_warning(path: str, problem: Problem) -> checks.Warning:
    owner = "return value" if problem.name == RETURN else f"argument {problem.name!r}"
    stays = f"Until then, the {owner} travels as JSON carries it. @task(typed=False) silences this."
    if problem.is_unresolved:
        return checks.Warning(
            f"Task {path!r}: the annotation of the {owner} has no meaning when the code runs: "
            f"{problem.why}.",
            hint=f"Import the name outside of `if TYPE_CHECKING:`. {stays}",
            id="djtasks.W024",
        )
    return checks.Warning(
        f"Task {path!r}: the annotation of the {owner} does not say how its values travel: "
        f"{problem.why}.",
        hint=f"Name a type that docs/guides/arguments.md lists. {stays}",
        id="djtasks.W025",
    )


def check_encryption(engine: Engine) -> Iterator[checks.CheckMessage]:
    """Check that this process can encrypt what the tasks of one alias want encrypted."""
    keys = engine.options.encryption_keys
    ours = (task for task in registry.all_tasks() if task.backend == engine.alias)
    needing = [task for task in map(engine.with_policy, ours) if task.encrypted]
    if needing and not keys:
        yield checks.Error(
            f"Task {needing[0].module_path!r} has encrypted arguments, but TASKS[{engine.alias!r}] "
            f"has no OPTIONS['encryption_keys'].",
            hint="Set it to a list with a key that Fernet.generate_key().decode() returns.",
            id="djtasks.E025",
        )
    if (needing or keys) and not encryption.is_available():
        yield checks.Error(
            f"TASKS[{engine.alias!r}]: encrypted arguments need the package cryptography.",
            hint=encryption.INSTALL,
            id="djtasks.E026",
        )


def check_policies(engine: Engine) -> Iterator[checks.CheckMessage]:
    """Check OPTIONS["policies"] of one alias against its queues and the tasks that exist."""
    if not engine.options.policies:
        return
    tasks = {
        task.module_path: task
        for task in registry.all_tasks()
        if task.backend == engine.alias and not registry.is_internal(task)
    }
    for policy in engine.policies.all:
        yield from _check_policy(policy, tasks, engine)
    for path in tasks:
        best = engine.policies.matching(path)[:2]
        if len(best) > 1 and best[0].rank == best[1].rank:
            yield checks.Error(
                f"{_place(engine)}: {best[0].pattern!r} and {best[1].pattern!r} both match "
                f"{path!r}, and have equally long texts before their first '*'.",
                hint="Make one of them longer there, or name the task by its whole path.",
                id="djtasks.E024",
            )


def _check_policy(
    policy: Policy, tasks: Mapping[str, Any], engine: Engine
) -> Iterator[checks.CheckMessage]:
    place = f"{_place(engine)}[{policy.pattern!r}]"
    problems = [policy.problem] if policy.problem else contradictions_of(policy)
    for problem in problems:
        yield checks.Error(
            f"{place}: {problem}",
            hint="Until it is corrected, the tasks keep the options of their code.",
            id="djtasks.E023",
        )
    for name in policy.unknown:
        yield checks.Warning(
            f"{place}: {name!r} is no option that settings can give to a task.",
            hint=hint_for(name, OPTIONS),
            id="djtasks.W023",
        )
    yield from _check_encrypted(place, policy, tasks)
    if not any(map(policy.matches, tasks)):
        meant = did_you_mean(policy.pattern, _patterns(tasks))
        yield checks.Warning(
            f"{place} matches no task.",
            hint=f"{meant} It is compared with the tasks that workers import.".lstrip(),
            id="djtasks.W022",
        )


def _check_encrypted(
    place: str, policy: Policy, tasks: Mapping[str, Any]
) -> Iterator[checks.CheckMessage]:
    """Check that each name of `encrypted` is an argument of some task: else nothing would be."""
    matching = [task for path, task in tasks.items() if policy.matches(path)]
    changed: list[Any] = [
        restore(task, encrypted=policy.options.get("encrypted", ())) for task in matching
    ]
    for name in policy.options.get("encrypted", ()):
        if changed and all(name in unknown_names(task) for task in changed):
            yield checks.Error(
                f"{place}: 'encrypted' names {name!r}, which is no argument of any task that it "
                f"matches. So nothing would be encrypted.",
                id="djtasks.E027",
            )


def _place(engine: Engine) -> str:
    return f"TASKS[{engine.alias!r}]['OPTIONS']['policies']"


def _patterns(paths: Iterable[str]) -> set[str]:
    """Return the paths of tasks, and the patterns of all packages and modules that they are in."""
    packages = {path[:place] for path in paths for place, one in enumerate(path) if one == "."}
    return {*paths, *(f"{package}.*" for package in packages)}


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
