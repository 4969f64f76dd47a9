"""The code in README and docs runs as it stands there."""

import re
import sys
import unittest
from pathlib import Path
from types import ModuleType

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.test import TestCase
from django.test.utils import isolate_apps

import djtasks.testing
import tests.shop.models
import tests.shop.tasks
from djtasks.schedules import periodic as declarations
from djtasks.testing import run_due
from tests.settings import ENCRYPTION_KEYS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")

WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def shop(monkeypatch):
    """The reader's app `shop`, whose tasks module the pages write and import."""
    package, tasks = ModuleType("shop"), ModuleType("shop.tasks")
    package.tasks = tasks
    tasks.__dict__.update(vars(tests.shop.tasks), __name__="shop.tasks")
    monkeypatch.setitem(sys.modules, "shop", package)
    monkeypatch.setitem(sys.modules, "shop.models", tests.shop.models)
    monkeypatch.setitem(sys.modules, "shop.tasks", tasks)
    monkeypatch.setattr(declarations, "_declarations", [])
    receivers = list(post_save.receivers)
    yield tasks
    post_save.receivers[:] = receivers
    post_save.sender_receivers_cache.clear()


class DoneResult:
    """Stand in for the worker where a page waits for a result."""

    def __init__(self, result):
        self.result = result

    def __getattr__(self, name):
        return getattr(self.result, name)

    def wait(self, timeout=None):
        run_due()
        self.result.refresh()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_runs(page, shop, live_engine, monkeypatch):
    monkeypatch.setenv("DJTASKS_KEY", ENCRYPTION_KEYS[0])
    namespace = {"__name__": f"docs_{page.stem}"}
    for number, code in enumerate(BLOCK.findall(page.read_text())):
        if code.startswith("# settings"):
            namespace |= {"INSTALLED_APPS": [], "CACHES": {}, "TASKS": {"default": {}}}
        target = shop.__dict__ if code.startswith("# shop/tasks.py") else namespace
        if "flow.wait(" in code:
            run_due()  # a worker would
        elif "result" in namespace and ".wait(" in code:
            namespace["result"] = DoneResult(namespace["result"])
        if code.startswith("# shop/models.py"):
            check_models(code)
            continue
        if "DummyBackend" in code or "backend.results" in code:
            continue  # tests/testing/test_backends.py has it, with its settings
        exec(compile(code, f"{page}, block {number}", "exec"), target)
        if target is shop.__dict__:
            namespace.update({k: v for k, v in target.items() if not k.startswith("__")})
    run_tests_of(namespace)


def check_models(code):
    """Define the models that a page shows, and find their fields in those of the tests' shop."""
    shown = {"__name__": "tests.shop.models"}
    with isolate_apps("tests.shop"):
        exec(code, shown)
    for field in shown["Order"]._meta.fields:
        real = tests.shop.models.Order._meta.get_field(field.name)
        assert field.deconstruct()[1:] == real.deconstruct()[1:]


def run_tests_of(namespace):
    """Run the tests that a page shows."""
    for name, shown in list(namespace.items()):
        if name.startswith("test_"):
            with transaction.atomic():
                shown(djtasks.testing)
                transaction.set_rollback(True)
        elif isinstance(shown, type) and issubclass(shown, TestCase) and shown is not TestCase:
            outcome = unittest.TestResult()
            unittest.defaultTestLoader.loadTestsFromTestCase(shown).run(outcome)
            assert outcome.testsRun, f"{name} has no tests"
            assert outcome.wasSuccessful(), outcome.errors + outcome.failures


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith("http"):
            continue
        path = (page.parent / target).resolve()
        assert path.exists(), f"{page} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert anchor[1:] in slugs


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "README.md"], ids=name_of)
def test_every_page_first_says_what_it_is_for(page):
    if page.parent.name == "decisions":
        pytest.skip("a decision begins with its question")
    title, first = page.read_text().split("\n\n")[:2]

    assert re.fullmatch("# .+", title)
    assert re.match(r"[A-Z][^|]*?[.:]\s", f"{first} "), f"{page} begins with {first!r}"
    if page.parent.name in {"guides", "reference"}:
        assert not first.startswith("For "), "say what the page is for, not for whom"
