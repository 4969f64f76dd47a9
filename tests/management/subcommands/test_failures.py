"""`djtasks failures`."""

import json
from datetime import timedelta

import pytest
from django.test import override_settings

from djtasks.engine import engine_of, forget_engines
from djtasks.management.subcommands import failures
from tests.admin.failing import Failing, group_of, records_of
from tests.management.subcommands.test_listing import ids_in
from tests.management.test_djtasks_command import refused, said
from tests.settings import TASKS

pytestmark = pytest.mark.usefixtures("engine")

PAPER = Failing(
    path="shop.tasks.print_\x1b[2J", message="no\x07 paper\nleft", by_hour=(1, 0, 1_234), retried=3
)
GONE = Failing(
    path="shop.tasks.send", exception="smtplib.Gone", fingerprint="a" * 32, last=timedelta(days=2)
)


def test_failures_are_shown_in_groups_whose_tasks_can_be_listed() -> None:
    group_of(engine_of("default"), PAPER)
    group_of(engine_of("default"), GONE)
    ids = [str(record.pk) for record in records_of(PAPER, 2)]

    text = said("failures", "shop.tasks.PRINT")

    lines = text.splitlines()
    assert lines[0].split() == [
        "fingerprint", "failed", "retried", "first", "last", "task", "error",
    ]  # fmt: skip
    assert lines[1] == (
        f"{PAPER.fingerprint}   1,235        3  9 min ago  2 min ago  "
        "shop.tasks.print_\\u001b[2J  KeyError: no\\u0007 paper"
    )
    assert lines[-1] == (
        f"1 group in 24h. Its tasks: manage.py djtasks list fingerprint:{PAPER.fingerprint}"
    )
    assert sorted(ids_in(said("list", f"fingerprint:{PAPER.fingerprint}"))) == sorted(ids)
    assert ids_in(said("failures", "--since", "7d")) == [PAPER.fingerprint, GONE.fingerprint]
    assert said("failures", "nothing\x00here") == "No failures in 24h.\n"
    assert "invalid choice: '2y'" in refused("failures", "--since", "2y")[1]


def test_groups_for_scripts_have_names_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    group_of(engine_of("default"), GONE)

    facts = json.loads(said("failures", "--json", "--since", "30d"))

    (group,) = facts["groups"]
    assert facts["capped"] is False
    assert list(group) == [
        "backend", "fingerprint", "task", "error", "message", "place", "first_at", "last_at",
        "failed", "retried", "is_new", "last_task",
    ]  # fmt: skip
    assert (group["error"], group["failed"], group["last_task"]) == ("smtplib.Gone", 2, None)
    monkeypatch.setattr(failures, "MOST_GROUPS", 1)
    assert json.loads(said("failures", "--json", "--since", "30d"))["capped"] is True
    assert "Only the 1 that failed last are shown." in said("failures", "--since", "30d")


@override_settings(TASKS={"default": {**TASKS["default"], "OPTIONS": {"private_errors": True}}})
def test_private_messages_are_not_shown() -> None:
    forget_engines()
    group_of(engine_of("default"), PAPER)

    for words in (["failures"], ["failures", "--json"]):
        assert "paper" not in said(*words)
        assert "KeyError" in said(*words)
