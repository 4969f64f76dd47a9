"""The sizes and names of the house rules, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.structure import (
    ROOT,
    Function,
    classes,
    functions,
    lines_of,
    modules,
    name_of,
    tree_of,
)

OURS = modules("djtasks", "demo_project")
TESTS = modules("tests", "benchmarks")

MOST_LINES = 300
MOST_FUNCTION_LINES = 30
MOST_POSITIONAL = 4
MOST_METHODS = 10
MOST_ATTRIBUTES = 7

# Classes beyond the limits, each with its reason. Half of the attributes of a loop or a pool are
# the parts it was given, which it would have to take out of a bag otherwise.
LARGER = {
    "djtasks.context.Context": "what a task may ask and do: Django's, and 14 of ours",
    "djtasks.context.Execution": "what a context asks of the attempt",
    "djtasks.scheduler.scheduler.Scheduler": "a loop: 4 parts, 5 things it remembers",
    "djtasks.worker.child.child.Child": "puts a child together",
    "djtasks.worker.inline.InlineWorker": "puts a whole worker together",
    "djtasks.worker.supervisor.supervisor.Supervisor": "puts a worker together",
    "djtasks.worker.duties.indexer.Indexer": "a loop: 2 parts, 7 things it remembers",
    "djtasks.worker.child.fetcher.Fetcher": "a loop: 8 parts, 1 thing it remembers",
    "djtasks.worker.child.housekeeper.Housekeeper": "a loop: 6 parts, 2 things it remembers",
    "djtasks.worker.loops.Loop": "a thread: 4 parts, 3 of threading, 3 things it shows",
    "djtasks.worker.attempts.running.Running": "one attempt: what it is of, and what it notes",
    "djtasks.worker.attempts.pools.AsyncPool": "an event loop in a thread: 5 parts, 6 of asyncio",
    "djtasks.worker.attempts.pools.ThreadPool": "threads: 4 parts, 4 things it remembers",
    "djtasks.worker.child.settler.Settler": "a loop: 4 parts, 4 things it remembers",
    "djtasks.worker.child.sources.BrokerSource": "6 parts, 3 things it remembers",
    "djtasks.worker.child.sources.DatabaseSource": "6 parts, 2 things it remembers",
    "djtasks.worker.promoter.Promoter": "a loop: 3 parts, 7 things it remembers",
    "djtasks.store.promotion.rounds.Rounds": "5 parts, 3 things it remembers",
    "djtasks.store.base.Store": "the contract: one method a statement",
    "djtasks.store.portable.PortableStore": "the contract",
    "djtasks.store.postgres.PostgresStore": "the contract",
    "djtasks.workflows.following.EnqueuedWorkflow": "what users do with one, twice: async, too",
    "djtasks.workflows.home.WorkflowHome": "the contract: what a backend does for workflows",
    "djtasks.operations.workflows.stored.StoredWorkflows": "the contract",
    "djtasks.testing.kept_workflows.KeptWorkflows": "the contract",
}
VAGUE_NAMES = {"utils", "common", "helpers", "manager", "core", "types", "constants"}
# `mark_safe` trusts a string, `pickle` whoever wrote the bytes; both are somebody else's.
BANNED = {"mark_safe", "pickle"}
MAY_SLEEP = {
    "tests/waiting.py",
    "tests/tasks.py",
    "tests/chaos/site.py",
    "tests/chaos/tasks.py",
    "tests/chaos/releases/both/mixed/tasks.py",
}


def positional_count(function: Function) -> int:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def public_methods(node: ast.ClassDef) -> set[str]:
    """Return the names of the methods; those of a conformance suite are its tests."""
    return {
        member.name
        for member in node.body
        if isinstance(member, Function) and not member.name.startswith(("_", "test_"))
    }


def attributes_of(node: ast.ClassDef) -> set[str]:
    """Return what `__init__` sets on `self`."""
    return {
        target.attr
        for member in node.body
        if isinstance(member, Function) and member.name == "__init__"
        for target in ast.walk(member)
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }


def is_value(node: ast.ClassDef) -> bool:
    """Whether a class is a dataclass, whose methods are counted by what it is a value of."""
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_a_file_fits_a_few_screens() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in OURS + TESTS}

    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_functions_are_short_and_take_few_positional_arguments() -> None:
    too_big = [
        f"{name_of(path)}.{function.name}: {lines_of(function)} lines, "
        f"{positional_count(function)} parameters"
        for path in OURS
        for function in functions(tree_of(path))
        if lines_of(function) > MOST_FUNCTION_LINES or positional_count(function) > MOST_POSITIONAL
    ]

    assert too_big == []


def is_large(node: ast.ClassDef) -> bool:
    too_many = (
        len(public_methods(node)) > MOST_METHODS or len(attributes_of(node)) > MOST_ATTRIBUTES
    )
    return too_many and not is_value(node)


def test_classes_have_few_methods_and_attributes() -> None:
    large = {
        f"{name_of(path)}.{node.name}"
        for path in OURS
        for node in classes(tree_of(path))
        if is_large(node)
    }

    assert large == set(LARGER)


def test_modules_are_named_for_what_they_hold() -> None:
    vague = [
        name_of(path)
        for path in OURS + TESTS
        if VAGUE_NAMES & set(path.relative_to(ROOT).with_suffix("").parts)
        or name_of(path) in {"djtasks.task", "djtasks.tasks"}
    ]

    assert vague == []


def test_nothing_is_left_to_be_done() -> None:
    marks = {"TO" + "DO", "FIX" + "ME", "X" * 3}
    marked = [
        name_of(path)
        for path in OURS + TESTS
        if marks & set(path.read_text().replace(":", " ").split())
    ]

    assert marked == []


def names_in(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


def test_nothing_dangerous_is_used() -> None:
    found = {name_of(path): BANNED.intersection(names_in(path)) for path in OURS}

    assert {name: names for name, names in found.items() if names} == {}


def test_tests_wait_for_events_and_never_sleep() -> None:
    sleeping = {
        str(path.relative_to(ROOT))
        for path in modules("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
    }

    assert sleeping <= MAY_SLEEP
