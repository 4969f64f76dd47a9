"""Rules of docs/guides/security.md that are tested nowhere else."""

import ast
import logging
import socket
import sys
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from djtasks.checks import check_servers
from djtasks.compat import LOGGER_NAME
from djtasks.doctor import examine
from djtasks.engine import engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint
from djtasks.protocol.states import State
from djtasks.testing import run_due
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from tests import tasks
from tests.settings import CACHES
from tests.structure import modules, name_of, tree_of
from tests.worker.making import WORKER, claim_of

ROOT = Path(__file__).parents[1]
# Each of them runs what it is given, or makes objects of it.
EXECUTING = {"eval", "exec", "compile", "__import__"}
UNPACKING = {"marshal", "shelve", "dill", "yaml", "jsonpickle", "cloudpickle"}


def dangers_in(path):
    """Return what a module calls or imports that executes data."""
    tree = tree_of(path)
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in [*node.names, ast.alias(getattr(node, "module", None) or "")]
    }
    return EXECUTING & called | UNPACKING & imported


def test_nothing_that_executes_data_is_used():
    found = {name_of(path): dangers_in(path) for path in modules("djtasks")}

    assert {name: dangers for name, dangers in found.items() if dangers} == {}


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A module that nobody may import: it is on the path, and no app's."""
    (tmp_path / "canary_of_ours.py").write_text("class Boom(Exception): pass\ndef run(): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "canary_of_ours"
    assert "canary_of_ours" not in sys.modules


@pytest.mark.parametrize("name", ["run", "Boom", ""])
def test_a_stored_path_is_looked_up_and_never_imported(canary, name):
    pipeline = Pipeline(store=None, worker=WORKER, max_result=100)

    finished = execute_here(pipeline, claim_of(f"{canary}.{name}"))

    assert finished.settlement.state is not State.SUCCESSFUL


@pytest.mark.parametrize("path", ["os.system", "builtins.exec", "tests.tasks.add.func", "", "."])
def test_what_can_be_imported_is_no_task(path):
    pipeline = Pipeline(store=None, worker=WORKER, max_result=100)

    finished = execute_here(pipeline, claim_of(path, "exit 1"))

    assert finished.settlement.state is not State.SUCCESSFUL


@pytest.mark.django_db
def test_a_stored_exception_is_text_to_those_who_read_results(canary, engine):
    result = tasks.add.enqueue(1, 2)
    entry = {"class": f"{canary}.Boom", "message": "x", "traceback": "y"}
    TaskRecord.objects.update(state=State.FAILED, errors=[entry], worker_ids=[str(new_id())])

    result.refresh()

    assert result.errors[-1].exception_class_path == f"{canary}.Boom"
    call_command("djtasks", "why", result.id)


@pytest.mark.django_db(transaction=True)
def test_arguments_are_never_logged(live_engine, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger=LOGGER_NAME)
    tasks.add.enqueue(1, "s3cret\nFAKE 2026-01-01 ERROR")

    run_due()

    assert TaskRecord.objects.get().state == State.FAILED
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("dj")]
    lines = [line for line in lines if "INSERT" not in line and "UPDATE" not in line]
    assert lines
    assert not [line for line in lines if "s3cret" in line]


@contextmanager
def closed_redis(credentials):
    changed = deepcopy(CACHES)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        changed["tasks"]["LOCATION"] = f"redis://{credentials}@127.0.0.1:{port}/0"
        with override_settings(CACHES=changed):
            yield engine_of("default").broker


@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(transaction=True)
def test_the_password_of_a_redis_is_in_no_message(live_engine, caplog):
    caplog.set_level(logging.DEBUG)
    with closed_redis("me:s3cret") as broker:
        with pytest.raises(BrokerUnavailable) as refusal:
            broker.push([Hint(new_id(), "default", 1)])
        tasks.add.enqueue(1, 2)
        told = [
            str(refusal.value),
            repr(refusal.value.__cause__),
            repr(broker),
            repr(engine_of("default")),
            str(check_servers()),
            str(examine("default")),
            caplog.text,
        ]

    assert not [text for text in told if "s3cret" in text]


def test_the_page_names_tests_that_exist():
    page = (ROOT / "docs" / "guides" / "security.md").read_text()
    named = {word.strip("`,") for word in page.split() if word.startswith("`tests/")}

    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
