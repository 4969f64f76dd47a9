"""Options that settings give to tasks by their paths."""

import logging
import pickle
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from djtasks import Backoff
from djtasks.compat import InvalidTask
from djtasks.definitions.policies import OPTIONS, Policies
from djtasks.definitions.task import Task, TaskOptions
from djtasks.engine import Engine, engine_of
from djtasks.inspection import facts_for_why, task_facts, why_not_running
from djtasks.models import Schedule, TaskRecord
from djtasks.operations.bulk.run import bulk_task
from djtasks.protocol.states import State
from djtasks.scheduler.templates import record_of
from djtasks.schedules import Every
from djtasks.testing import run_due
from tests.plain_tasks import double, echo, fails
from tests.tasks import add, explode, flaky

QUEUES = ("default", "mail", "reports")


def policies_of(**given: dict[str, Any]) -> Policies:
    return Policies(given, alias="default", queues=QUEUES)


def with_policies(given: dict[str, dict[str, Any]], **alias: Any) -> AbstractContextManager[None]:
    default: dict[str, Any] = settings.TASKS["default"] | alias
    options = default["OPTIONS"] | {"policies": given}
    return override_settings(TASKS=settings.TASKS | {"default": default | {"OPTIONS": options}})


@pytest.mark.parametrize(
    ("patterns", "path", "applies"),
    [
        (["shop.*"], "shop.tasks.pack", "shop.*"),
        (["shop.*"], "shopping.tasks.pack", None),
        (["*"], "shop.tasks.pack", "*"),
        (["*.pack"], "shop.tasks.pack", "*.pack"),
        (["shop.*.pack"], "shop.tasks.pack", "shop.*.pack"),
        (["shop.tasks.pack"], "shop.tasks.pack", "shop.tasks.pack"),
        (["shop.tasks.pack"], "shop.tasks.packs", None),
        (["s?op.*", "[s]hop.*", "shop.task"], "shop.tasks.pack", None),
        (["*", "shop.*", "shop.tasks.*", "*.pack"], "shop.tasks.pack", "shop.tasks.*"),
        (["shop.tasks.pack*", "shop.tasks.pack"], "shop.tasks.pack", "shop.tasks.pack"),
    ],
)
def test_the_longest_text_before_a_star_applies(
    patterns: list[str], path: str, applies: str | None
) -> None:
    policy = policies_of(**{pattern: {} for pattern in patterns}).of(path)

    assert (policy.pattern if policy else None) == applies


def test_using_wins_over_a_policy_and_a_policy_over_the_decorator() -> None:
    policies = policies_of(**{"tests.*": {"priority": 7, "queue_name": "mail", "timeout": 60}})

    assert policies.applied(flaky).priority == 7
    assert policies.applied(flaky).max_attempts == flaky.max_attempts
    assert policies.applied(flaky) is policies.applied(flaky)
    # What `using()` has set stays, also where it is what the decorator says.
    once = flaky.using(priority=0, timeout=None)
    twice = flaky.using(priority=0).using(timeout=None)
    for copy in (once, twice, pickle.loads(pickle.dumps(once))):
        tuned = policies.applied(copy)
        assert (tuned.priority, tuned.timeout, tuned.queue_name) == (0, None, "mail")
    assert policies_of(**{"shop.*": {"priority": 7}}).applied(flaky) is flaky


def test_one_policy_applies_and_is_not_merged_with_others() -> None:
    policies = policies_of(**{"tests.*": {"priority": 7}, "tests.tasks.*": {"timeout": 60}})

    tuned = policies.applied(add)

    assert (tuned.priority, tuned.timeout) == (0, timedelta(minutes=1))


def test_every_option_that_needs_no_code_can_be_set() -> None:
    needs_code_or_a_call = {"backend", "aliases"}
    options: dict[str, Any] = {
        "queue_name": "mail", "priority": 3.0, "max_attempts": 4, "max_crashes": 1,
        "backoff": {"first_delay": 60, "factor": 3}, "retry_on": ["builtins.OSError"],
        "give_up_on": "builtins.KeyError", "cancel_on": ["tests.models.Row.DoesNotExist"],
        "timeout": 30, "expires": 600, "unique": True, "store": "errors", "sensitive": ["a"],
        "typed": False,
        "encrypted": "b",
    }  # fmt: skip

    tuned = policies_of(**{"*": options}).applied(add)

    assert set(options) == set(OPTIONS) == set(TaskOptions.__annotations__) - needs_code_or_a_call
    assert tuned.backoff == Backoff(first_delay=timedelta(minutes=1), factor=3)
    assert (tuned.timeout, tuned.expires) == (timedelta(seconds=30), timedelta(minutes=10))
    assert (tuned.retry_on, tuned.sensitive) == (("builtins.OSError",), ("a",))
    assert tuned.encrypted == ("b",)
    assert tuned.retry_policy.give_up_on == (KeyError,)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeout": "30"}, "'timeout' of policy 'tests.*' must be a positive timedelta"),
        ({"max_attempts": 0}, "'max_attempts' of policy 'tests.*' must be a whole number"),
        ({"queue_name": "nowhere"}, "Queue 'nowhere' is not valid for backend."),
        ({"cancel_on": "Gone"}, "must be an exception class, its dotted path or a tuple of them"),
        ({"backoff": {"delay": 5}}, "'backoff' must have keys among factor, first_delay"),
        ({"backoff": {"first_delay": "soon"}}, "with delays in seconds or as timedeltas"),
        ({"backoff": {"factor": 0}}, "Backoff needs a finite factor >= 1"),
        ({"backoff": 60}, "'backoff' of policy 'tests.*' must be a Backoff or a function"),
    ],
)
def test_a_policy_that_does_not_fit_is_not_applied_and_logged_once(
    options: dict[str, Any], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    policies = policies_of(**{"tests.*": {"priority": 7} | options})

    with caplog.at_level(logging.ERROR):
        assert policies.applied(add) is policies.applied(add) is add

    (record,) = caplog.records
    assert f"Policy not applied path={add.module_path}: " in record.message
    assert problem in record.message


def test_the_tasks_of_djtasks_itself_keep_their_options() -> None:
    ours = bulk_task("default")

    assert policies_of(**{"*": {"timeout": 1}}).applied(ours) is ours


@pytest.mark.django_db
def test_a_policy_reaches_the_row_the_result_and_the_run(engine: Engine) -> None:
    library: dict[str, Any] = {"queue_name": "mail", "max_attempts": 3, "timeout": 60}
    library["cancel_on"] = ["builtins.KeyError"]

    with with_policies({"tests.plain_tasks.*": library}):
        result = fails.enqueue()
        double.enqueue_many([[1], [2]])
        echo.using(queue_name="default", priority=1).enqueue("x")

        assert result.task.queue_name == "mail"
        rows = TaskRecord.objects.order_by("pk").values_list("queue", "max_attempts", "priority")
        assert list(rows) == [("mail", 3, 0)] * 3 + [("default", 3, 1)]
        assert {row.timeout for row in TaskRecord.objects.all()} == {timedelta(minutes=1)}
        states = {one.state for one in run_due()}
        result.refresh()
        assert (result.state, states) == (State.CANCELLED, {State.CANCELLED, State.SUCCESSFUL})

    assert fails.enqueue().task.queue_name == "default"
    assert {one.state for one in run_due()} == {State.FAILED}


@pytest.mark.django_db
def test_a_policy_reaches_schedules_the_admin_and_why(engine: Engine) -> None:
    path = add.module_path
    row = Schedule.objects.create(
        backend="default", name="sums", task_path=path, args=[1, 2],
        rule=Every(timedelta(hours=1)).as_dict(),
    )  # fmt: skip

    with with_policies({"tests.tasks.add": {"queue_name": "mail", "sensitive": "b"}}):
        now = engine_of("default")
        id_ = add.enqueue(1, 2).id
        record, shown = record_of(now, row), task_facts(now, TaskRecord.objects.get().pk)
        facts = facts_for_why(now, TaskRecord.objects.get(pk=id_).pk)

    assert record.queue == "mail"
    assert shown is not None
    assert shown.args == [1, "[hidden]"]
    assert facts is not None
    said = [reason.text for reason in why_not_running(facts)]
    assert "Its options follow the policy tests.tasks.add." in said


def test_test_backends_follow_policies(db: Any) -> None:
    given = {"tests.tasks.explode": {"max_attempts": 2, "cancel_on": "builtins.ValueError"}}
    with with_policies(given, BACKEND="djtasks.testing.ImmediateBackend"):
        result = explode.enqueue()

    assert (result.state, result.task.max_attempts) == (State.CANCELLED, 2)


@pytest.mark.parametrize(
    "backend", ["djtasks.backend.DjtasksBackend", "djtasks.testing.DummyBackend"]
)
def test_a_policy_may_move_a_task_out_of_a_queue_that_does_not_exist(backend: str) -> None:
    def pack() -> None: ...

    pack.__qualname__ = "pack"
    with with_policies({f"{__name__}.pack": {"queue_name": "mail"}}, BACKEND=backend):
        moved = Task(func=pack, queue_name="library")
        assert engine_of("default").with_policy(moved).queue_name == "mail"
        with pytest.raises(InvalidTask, match="Queue 'elsewhere' is not valid"):
            moved.using(queue_name="elsewhere")
    with with_policies({}, BACKEND=backend), pytest.raises(InvalidTask, match="Queue 'library'"):
        Task(func=pack, queue_name="library")


BACKENDS = [
    "djtasks.backend.DjtasksBackend",
    "djtasks.testing.DummyBackend",
    "djtasks.testing.ImmediateBackend",
]


# The dummy backend returns a deep copy.
@pytest.mark.parametrize("backend", [one for one in BACKENDS if "Dummy" not in one])
def test_the_result_of_a_task_without_a_policy_has_the_callers_own_task(
    db: Any, backend: str
) -> None:
    with with_policies({"tests.tasks.explode": {"max_attempts": 2}}, BACKEND=backend):
        assert double.enqueue(1).task is double
        assert explode.enqueue().task.max_attempts == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bad_policy_is_not_what_a_task_in_an_unknown_queue_is_refused_for(backend: str) -> None:
    def pack() -> None: ...

    pack.__qualname__ = "pack"
    given = {"tests.*": {"priority": "urgent"}}
    with with_policies(given, BACKEND=backend), pytest.raises(InvalidTask, match="Queue 'library'"):
        Task(func=pack, queue_name="library")
