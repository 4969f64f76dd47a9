"""System checks of tasks and schedules: each id, when it is given and when it is not."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from djtasks.checks import check_alias
from djtasks.definitions import registry
from djtasks.definitions.restoring import restore
from djtasks.formats import encryption
from tests.tasks import add, reads_row
from tests.test_checks import told, with_tasks
from tests.typed_tasks import pack, typed

if TYPE_CHECKING:
    from decimal import Decimal


def unresolved(price: "Decimal") -> None: ...


def undecided(day: dt.date) -> dt.date | str: ...


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tasks that the registry lists."""
    known: list[Any] = []
    monkeypatch.setattr(registry, "all_tasks", lambda: known)
    return known


def test_e022_rules_for_exceptions_that_contradict_each_other(known: list[Any]) -> None:
    known += [reads_row, restore(add, give_up_on=(KeyError,), cancel_on=(KeyError,))]

    with with_tasks():
        message = told(check_alias("default"), "djtasks.E022")

        assert (
            "Task 'tests.tasks.add': builtins.KeyError is in 'give_up_on' and in 'cancel_on'."
            in message
        )
        known[:] = [reads_row, restore(add, give_up_on=(KeyError,), cancel_on=(LookupError,))]
        assert check_alias("default") == []


def test_w024_an_annotation_that_means_nothing_when_the_code_runs(known: list[Any]) -> None:
    known += [pack, typed(unresolved)]

    with with_tasks():
        message = told(check_alias("default"), "djtasks.W024")
        told_off = check_alias("default")

    assert message.startswith(
        "Task 'tests.checks.test_definitions.unresolved': the annotation of the argument 'price' "
        "has no meaning when the code runs: name 'Decimal' is not defined."
    )
    assert [one.id for one in told_off] == ["djtasks.W024"]


def test_w025_an_annotation_that_does_not_say_how_its_values_travel(known: list[Any]) -> None:
    known += [pack, typed(undecided)]

    with with_tasks():
        message = told(check_alias("default"), "djtasks.W025")
        known[:] = [restore(typed(undecided), typed=False)]
        assert check_alias("default") == []

    assert "the annotation of the return value does not say how its values travel: " in message
    assert "more than one str-like type" in message


def test_a_policy_may_type_a_task_or_not(known: list[Any]) -> None:
    known += [typed(undecided)]

    assert policy_messages({"tests.*": {"typed": False}}) == []
    known[:] = [restore(typed(undecided), typed=False)]
    assert [one[0] for one in policy_messages({"tests.*": {"typed": True}})] == ["djtasks.W025"]


def policy_messages(policies: dict[str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    with with_tasks(QUEUES=["default", "mail"], OPTIONS={"policies": policies}):
        return [(one.id, one.msg, one.hint) for one in check_alias("default")]


def test_policies_that_fit_pass(known: list[Any]) -> None:
    known += [add, reads_row]

    assert policy_messages({"tests.*": {"queue_name": "mail"}, "tests.tasks.add": {}}) == []


@pytest.mark.parametrize(
    ("policies", "id_", "message", "hint"),
    [
        (
            {"tests.*": {"timeout": "soon"}},
            "djtasks.E023",
            "['policies']['tests.*']: 'timeout' of policy 'tests.*' must be",
            "Until it is corrected, the tasks keep the options of their code.",
        ),
        (
            {"tests.*": {"cancel_on": "builtins.KeyError", "retry_on": [KeyError]}},
            "djtasks.E023",
            "builtins.KeyError is in 'retry_on' and in 'cancel_on'.",
            "Until",
        ),
        (
            {"tests.*.add": {}, "tests.*": {}},
            "djtasks.E024",
            "'tests.*.add' and 'tests.*' both match 'tests.tasks.add'",
            "Make one of them longer",
        ),
        (
            {"test.tasks.*": {}},
            "djtasks.W022",
            "['policies']['test.tasks.*'] matches no task.",
            "Did you mean 'tests.tasks.*'?",
        ),
        ({"tests.*": {"time_out": 3}}, "djtasks.W023", "'time_out' is no option", "'timeout'?"),
        ({"tests.*": {"max_retries": 3}}, "djtasks.W023", "'max_retries'", "Use max_attempts="),
        ({"tests.*": {"backend": "b"}}, "djtasks.W023", "'backend' is no option", "It has: queue"),
    ],
)
def test_policies_that_are_wrong(
    known: list[Any], policies: dict[str, dict[str, Any]], id_: str, message: str, hint: str
) -> None:
    known += [add]

    ((found, said, advice),) = policy_messages(policies)

    assert found == id_
    assert message in said
    assert hint in advice


def test_e025_encrypted_arguments_without_a_key(known: list[Any]) -> None:
    known += [restore(add, encrypted=("a",))]

    with with_tasks(OPTIONS={}):
        message = told(check_alias("default"), "djtasks.E025")
    with with_tasks():
        assert check_alias("default") == []

    assert "Task 'tests.tasks.add' has encrypted arguments" in message
    assert "Fernet.generate_key()" in message


def test_e025_is_also_told_of_what_a_policy_encrypts(known: list[Any]) -> None:
    known += [add]

    assert [id_ for id_, _msg, _hint in policy_messages({"tests.*": {"encrypted": "a"}})] == [
        "djtasks.E025"
    ]


def test_e026_encrypted_arguments_without_the_package(
    known: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "is_available", lambda: False)

    with with_tasks():
        assert "pip install 'djtasks[encryption]'" in told(check_alias("default"), "djtasks.E026")
    with with_tasks(OPTIONS={}):
        assert check_alias("default") == []


def test_e027_a_policy_that_would_encrypt_nothing(known: list[Any]) -> None:
    known += [add, reads_row]

    found = policy_messages({"tests.tasks.add": {"encrypted": ["aa"]}})
    assert [id_ for id_, _msg, _hint in found] == ["djtasks.E025", "djtasks.E027"]
    assert "names 'aa', which is no argument of any task" in found[1][1]
    # Some task that the pattern matches has it.
    assert [m[0] for m in policy_messages({"tests.*": {"encrypted": "b"}})] == ["djtasks.E025"]
