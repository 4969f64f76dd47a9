"""The nouns of public names: each is one that Django or Celery uses, or stands in the glossary.

Public names are the classes that a package exports in `__all__`, and those that the reference
names. A new noun fails here until it stands in NOUNS, and a word of ours until the glossary in
docs/explanation/architecture.md explains it.
"""

import ast
import builtins
import re
from pathlib import Path

from djtasks import errors
from tests.structure import PACKAGE, ROOT

REFERENCE = ROOT / "docs" / "reference"
GLOSSARY = ROOT / "docs" / "explanation" / "architecture.md"

DJANGO, CELERY, OURS = "django", "celery", "glossary"
# Words that only join nouns, and names of Python itself.
JOINS = {"if", "not", "than", "up", "of", "and", "in", "true", "false", "none", "decimal"}
# Exceptions are named by what has happened, and docs/reference/errors.md explains each of ours.
EXCEPTIONS = {*vars(errors), *vars(builtins)}
EXCEPTIONS |= {"InvalidTask", "InvalidTaskBackend", "TaskResultDoesNotExist"}
NOUNS = {
    "action": DJANGO, "admin": DJANGO, "ahead": OURS, "attempt": DJANGO, "backend": DJANGO,
    "backlog": OURS, "backoff": CELERY, "broker": CELERY, "bulk": DJANGO, "cancel": CELERY,
    "cancelled": CELERY, "catch": OURS, "chart": OURS, "coalesce": DJANGO, "codec": OURS,
    "column": DJANGO, "context": DJANGO, "contract": OURS, "control": CELERY, "count": DJANGO,
    "counts": DJANGO, "crontab": CELERY,
    "deploy": DJANGO, "draft": OURS, "dummy": DJANGO, "edge": OURS, "every": CELERY,
    "facts": OURS, "failure": CELERY, "figures": OURS, "finding": OURS, "gauges": OURS,
    "group": DJANGO, "history": DJANGO, "immediate": DJANGO, "inline": DJANGO, "key": DJANGO,
    "lane": OURS, "lease": OURS, "level": DJANGO, "listed": DJANGO, "live": DJANGO, "look": OURS,
    "map": CELERY, "mark": OURS,
    "missed": OURS, "namespace": DJANGO, "node": OURS, "older": DJANGO, "once": CELERY,
    "operation": DJANGO, "pages": DJANGO,
    "overlap": DJANGO, "overview": OURS, "page": DJANGO, "pause": OURS, "piece": OURS,
    "plan": OURS, "point": OURS, "policy": OURS, "pretty": OURS, "problem": OURS,
    "queue": DJANGO, "range": DJANGO, "reason": OURS, "record": OURS, "refusal": OURS,
    "related": DJANGO, "result": DJANGO, "retry": CELERY, "rotation": DJANGO, "rule": OURS,
    "run": DJANGO,
    "sample": OURS, "schedule": CELERY, "scheduler": CELERY, "search": DJANGO,
    "selection": OURS, "skip": DJANGO, "snapshot": OURS, "state": DJANGO, "statistics": OURS,
    "status": DJANGO, "store": OURS, "stretch": OURS, "sweep": OURS, "task": DJANGO,
    "timeout": DJANGO,
    "understood": OURS, "upcoming": OURS, "why": OURS, "worker": CELERY, "workflow": OURS,
}  # fmt: skip


def exports_of(path: Path) -> list[str]:
    """Return what a module's `__all__` names."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def public_names() -> set[str]:
    """Return the classes that users import, and those that the reference names."""
    exported = {name for path in PACKAGE.rglob("__init__.py") for name in exports_of(path)}
    for page in REFERENCE.glob("*.md"):
        for code in re.findall(r"`([^`\n]+)`", page.read_text()):
            exported |= set(re.findall(r"\b(?:[A-Z][a-z]+)+\b", code)) - EXCEPTIONS
    return {name for name in exported if name[0].isupper() and not name.isupper()}


def nouns_of(names: set[str]) -> set[str]:
    return {word.lower() for name in names for word in re.findall(r"[A-Z][a-z]+", name)} - JOINS


def glossary() -> set[str]:
    """Return the words that the glossary explains."""
    rows = re.findall(
        r"^\| ([a-z][^|]*) \|", GLOSSARY.read_text().partition("## Glossary")[2], re.M
    )
    return {word for row in rows for word in re.split(r",? ", row)}


def test_a_public_noun_is_one_of_the_field_or_stands_in_the_glossary() -> None:
    found = nouns_of(public_names())

    assert sorted(found - set(NOUNS)) == [], "Say in NOUNS whose words these are."
    assert sorted(set(NOUNS) - found) == [], "Nothing public has these names any more."


def test_the_glossary_explains_our_own_nouns() -> None:
    ours = {noun for noun, origin in NOUNS.items() if origin == OURS}

    assert sorted(ours - glossary()) == []
