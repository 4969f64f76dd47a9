"""Options and methods of other task queues, and misspelt ones: the error says what to write."""

import re
import subprocess
import sys
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django import VERSION
from django.test import override_settings

from djtasks import task
from djtasks.compat import IN_DJANGO, InvalidTask
from tests.tasks import add

if IN_DJANGO:
    from django.tasks import task as plain_task
else:
    from django_tasks import task as plain_task

DECORATORS = [task] if VERSION[:2] == (6, 0) else [task, plain_task]


def plain() -> None: ...


@pytest.mark.parametrize("define", DECORATORS)
@pytest.mark.parametrize(
    ("option", "way"),
    [
        ("max_atempts", "Did you mean 'max_attempts'?"),
        ("max_retries", "Use max_attempts="),
        ("retries", "Use max_attempts="),
        ("autoretry_for", "Use retry_on="),
        ("rate_limit", "Retry(delay=...)"),
        ("bind", "Use takes_context=True"),
        ("queue", "Use queue_name=."),
        ("soft_time_limit", "Use timeout="),
        ("delay", "Use .using(run_after=timedelta(seconds=...))."),
        ("zzz", "It has: priority, "),
    ],
)
def test_an_unknown_option_of_a_task_is_refused_with_the_way(
    define: Any, option: str, way: str
) -> None:
    with pytest.raises(TypeError) as refusal:
        define(**{option: 3})(plain)

    assert str(refusal.value).startswith(f"@task has no option {option!r}. ")
    assert way in str(refusal.value)


@pytest.mark.parametrize(
    ("option", "way"),
    [
        ("countdown", "Use .using(run_after=timedelta(seconds=...))."),
        ("eta", "with an aware datetime"),
        ("queue", "Use queue_name=."),
        ("priorty", "Did you mean 'priority'?"),
        ("backoff", "It has: priority, queue_name, run_after, "),
    ],
)
def test_an_unknown_option_of_one_call_is_refused_with_the_way(option: str, way: str) -> None:
    with pytest.raises(TypeError) as refusal:
        add.using(**{option: 3})

    assert str(refusal.value).startswith(f"using() has no option {option!r}. ")
    assert way in str(refusal.value)


@pytest.mark.parametrize(
    ("method", "way"),
    [
        ("delay", "Use .enqueue(...)"),
        ("apply_async", "Use .using(run_after=..., queue_name=..., priority=...).enqueue(...)."),
        ("delay_on_commit", "Use .enqueue(...): in a transaction"),
        ("s", "djtasks.chain()"),
    ],
)
def test_a_method_of_another_queue_is_refused_with_the_way(method: str, way: str) -> None:
    with pytest.raises(AttributeError) as refusal:
        getattr(add, method)(1, 2)

    assert str(refusal.value).startswith(f"A task has no attribute {method!r}. ")
    assert way in str(refusal.value)


def test_what_a_task_does_not_have_is_still_an_attribute_error() -> None:
    assert not hasattr(add, "anything")
    assert getattr(add, "delay", None) is None
    assert copy(add) == add


def test_a_task_with_a_delay_of_its_own_names_the_way_too() -> None:
    later: Any = add.using(run_after=timedelta(minutes=1))

    with pytest.raises(AttributeError, match=r"no attribute 'delay'. Use .enqueue"):
        later.delay(1, 2)


@pytest.mark.parametrize(
    "backend", ["djtasks.backend.DjtasksBackend", "djtasks.testing.DummyBackend"]
)
def test_a_queue_that_does_not_exist_is_refused_with_those_that_do(backend: str) -> None:
    tasks = {"default": {"BACKEND": backend, "QUEUES": ["default", "mail"]}}

    with override_settings(TASKS=tasks), pytest.raises(InvalidTask) as refusal:
        add.using(queue_name="mial")

    assert str(refusal.value) == (
        "Queue 'mial' is not valid for backend. TASKS['default']['QUEUES'] has: default, mail. "
        "Did you mean 'mail'?"
    )


def test_queues_that_are_one_text_are_named_where_a_task_is_defined() -> None:
    tasks = {"default": {"BACKEND": "djtasks.backend.DjtasksBackend", "QUEUES": "mail"}}

    with (
        override_settings(TASKS=tasks),
        pytest.raises(InvalidTask, match=r"\['QUEUES'\] must be a list of names, got 'mail'"),
    ):
        add.using(priority=1)


WITHOUT_TASKS = """
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "djtasks"], USE_TZ=True)
import django

django.setup()
from djtasks import task


@task(queue_name="mail")
def send() -> None: ...
"""


def test_without_tasks_in_the_settings_the_error_says_so() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TASKS], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert re.search(r"is not valid.* TASKS is not set", run.stderr), run.stderr
    assert "'djtasks.backend.DjtasksBackend'" in run.stderr
