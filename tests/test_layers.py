"""Who touches rows, read from the source: what import contracts cannot see.

People read through `djtasks.inspection` and change through `djtasks.operations`. A page or a
command that asks a table itself, or writes into one, has neither its conditions nor its tests.
"""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.structure import ROOT, modules, name_of, tree_of

READS = {"objects", "_base_manager", "_default_manager", "refresh_from_db"}
WRITES = {
    "save", "delete", "create", "get_or_create", "update_or_create",
    "bulk_create", "bulk_update", "_raw_delete",
}  # fmt: skip
# Django's own tables are the admin's to use.
DJANGOS = {"LogEntry", "ContentType", "Permission"}


def reads_in(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in READS:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in DJANGOS:
                yield node


def writes_in(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # Columns have names; what is merged into a dictionary or a set has none.
            updates = node.func.attr == "update" and node.keywords and not node.args
            if node.func.attr in WRITES or updates:
                yield node


def row_access_in(tree: ast.AST) -> Iterator[ast.AST]:
    yield from reads_in(tree)
    yield from writes_in(tree)


def found_in(folder: str, look: Callable[[ast.AST], Iterator[ast.AST]]) -> list[str]:
    return [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path in modules(folder)
        for node in look(tree_of(path))
    ]


@pytest.mark.parametrize("folder", ["djtasks/admin", "djtasks/templatetags", "djtasks/management"])
def test_pages_and_commands_touch_no_rows(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert found_in(folder, row_access_in) == [], (
        "Read through djtasks.inspection, and change through djtasks.operations."
    )


def test_an_inspection_writes_nothing() -> None:
    assert found_in("djtasks/inspection", writes_in) == [], (
        "What changes something belongs into djtasks.operations."
    )


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("TaskRecord.objects.using(x).filter(pk=1)", 1),
        ("row._meta.model._base_manager.all()", 1),
        ("rows.update(report='')", 1),
        ("rows.filter(pk=1).delete()", 1),
        ("self.row.save(update_fields=['order'])", 1),
        ("Schedule.objects.create(name='a')", 2),
        ("LogEntry.objects.filter(pk=1)", 0),
        ("call.kwargs.update(value)", 0),
    ],
)
def test_what_touches_rows_is_recognized(source: str, count: int) -> None:
    assert len(list(row_access_in(ast.parse(source)))) == count
