"""docs/explanation/distributed-databases.md lists all that our statements ask of PostgreSQL."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/distributed-databases.md").read_text()
# returned.py has statements for other databases only, the other two have none.
_WITHOUT = {"returned.py", "mapping.py", "workflow_results.py"}
CODE = [
    *(path for path in (ROOT / "djtasks/store").rglob("*.py") if path.name not in _WITHOUT),
    ROOT / "djtasks/enqueueing/outbox.py",
]

STATEMENT = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|COPY|PREPARE|LISTEN|SET)\b")
# SQL that every database has, what is only sent to other databases, and names of ours.
ORDINARY = frozenset(
    re.findall(
        r"\w+",
        """
        ALL AND ANY AS BY CASE CROSS DELETE DESC DISTINCT DO ELSE END EXISTS FROM GROUP IN INSERT
        INTO IS JOIN LEFT LIMIT NOT NOTHING NULL OF ON OR ORDER SELECT SET THEN UNION UPDATE VALUES
        WHEN WHERE
        """,
    )
)
OTHERS = {"SESSION", "CURRENT_TIMESTAMP", "utc_timestamp", "strftime"}
OURS = {"v", "n", "lane", "enqueue", "prepare", "LWLock"}
LISTED = {
    "UPDATE … FROM … RETURNING": {"RETURNING"},
    "FOR UPDATE SKIP LOCKED": {"FOR", "SKIP", "LOCKED"},
    "WITH … AS MATERIALIZED": {"WITH", "MATERIALIZED"},
    "WITH RECURSIVE": {"RECURSIVE"},
    "CROSS JOIN LATERAL": {"LATERAL"},
    "ON CONFLICT … DO NOTHING": {"CONFLICT"},
    "DELETE … USING": {"USING"},
    "COPY … FROM STDIN": {"COPY", "STDIN"},
    "PREPARE": {"PREPARE"},
    "unnest": {"ARRAY"},
    "LISTEN": {"LISTEN"},
    "SET LOCAL lock_timeout": {"LOCAL"},
}


def statements():
    """Yield our texts that are SQL, without comments and what is filled in."""
    for path in CODE:
        tree = ast.parse(path.read_text())
        parts = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr) or _is_docstring(node)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(tree):
            text = "" if id(node) in parts else _text_of(node)
            if _is_sql(text):
                yield re.sub(r"/\*.*?\*/|--[^\n]*", "", text, flags=re.DOTALL)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return " ".join(map(_text_of, node.values))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_sql(text: str) -> bool:
    return bool(STATEMENT.search(text) or re.search(r"\b[a-z_]+\((?!\))", text))


def used():
    text = "\n".join(statements())
    return set(re.findall(r"\b[A-Z][A-Z_]+\b", text)), set(re.findall(r"\b([a-z_]+)\(", text))


def test_the_page_names_each_function():
    _keywords, functions = used()
    listed = set(re.findall(r"`([a-z_]+)`", PAGE.partition("\nFunctions:")[2].partition("\n\n")[0]))
    assert functions - OTHERS - OURS == listed | {"pg_notify"}


def test_the_page_names_each_feature():
    keywords, _functions = used()
    assert keywords - ORDINARY - OTHERS <= set().union(*LISTED.values())


@pytest.mark.parametrize("feature", LISTED)
def test_each_feature_on_the_page_is_used(feature):
    assert f"`{feature}" in PAGE
    assert used()[0] >= LISTED[feature]


def test_there_are_no_advisory_locks():
    assert not [text for text in statements() if "advisory" in text]
