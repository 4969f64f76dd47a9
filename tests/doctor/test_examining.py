"""What an examination touches, what it leaves, and how the command tells of it."""

import json
import subprocess
import sys
from io import StringIO

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import override_settings

from djtasks.doctor import Level, examine
from djtasks.doctor.explaining import broker_finding, database_finding, in_one_line
from djtasks.management.commands.djtasks import Command
from djtasks.models import Schedule, TaskRecord
from tests.acceptance.processes import worker_environment
from tests.doctor.conftest import complaints, serve
from tests.settings import OURS
from tests.tasks import add

on_default = pytest.mark.django_db(transaction=True)


def told(*flags):
    """Return what the command prints, and why it failed."""
    out = StringIO()
    try:
        call_command("djtasks", "doctor", *flags, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


@pytest.mark.usefixtures("servers")
@pytest.mark.django_db(databases="__all__", transaction=True)
def test_every_part_is_used_once_and_nothing_is_left_behind(live_engine, database):
    findings = examine("default")

    parts = [finding.part for finding in findings]
    for part in ("database", "migrations", "rights", "broker", "clock", "scheduler"):
        assert part in parts
    steps = [f for f in findings if f.part in ("insert", "push", "pop", "claim", "settle")]
    assert [f.part for f in steps] == ["insert", "push", "pop", "claim", "settle"]
    assert all(f.seconds is not None and f.seconds >= 0 for f in steps)
    assert not TaskRecord.objects.using(database).exists()
    assert caches["tasks"].client.get_client().keys("*doctor*") == []


@on_default
def test_a_line_for_each_part_and_exit_code_0_when_nothing_is_bad(served):
    out, failure = told("--backend", "default")

    assert failure == ""
    assert out.startswith("TASKS['default']\n  ok    versions")
    assert "ms)" in out
    assert "BAD" not in out


@on_default
def test_what_is_bad_is_one_line_with_its_remedy_and_exit_code_1(live_engine):
    add.using(backend="polled").enqueue(1, 2)

    out, failure = told("--backend", "polled")

    (line,) = [line for line in out.splitlines() if "BAD" in line]
    assert line.startswith("  BAD   workers")
    assert "No live worker serves queue 'default'. 1 task is due." in line
    assert line.endswith("s. Start one: manage.py runworker --backend polled --queues default")
    assert failure.endswith("findings need attention.")


@on_default
def test_what_will_hurt_fails_only_when_asked_to(served):
    serve(["default"], version="0.0.9")

    assert complaints()["versions"].level is Level.WARN
    assert told("--backend", "default")[1] == ""
    assert told("--backend", "default", "--strict")[1].startswith("1 of ")


@on_default
def test_scripts_read_json(served):
    out, _failure = told("--backend", "default", "--json")

    findings = json.loads(out)["default"]
    assert {"part", "level", "code", "text", "remedy", "seconds"} == set(findings[0])
    assert {finding["level"] for finding in findings} == {"ok"}


@on_default
def test_settings_that_are_wrong_are_told_and_nothing_is_connected():
    with override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": {"brokr": 1}}}):
        out, failure = told()

    assert "Did you mean 'broker'?" in out
    assert "database" not in out.split("settings")[1]
    assert failure


def test_a_project_without_our_backend_is_told_how_to_name_it():
    with override_settings(TASKS={"default": {"BACKEND": "shop.Backend"}}):
        assert "TASKS = {'default': {'BACKEND': " in told()[1]
    assert "djtasks does not serve TASKS['theirs']." in told("--backend", "theirs")[1]


@on_default
def test_schedules_that_nobody_fires_are_found(served):
    Schedule.objects.create(backend="default", name="nightly", task_path="tests.tasks.add", rule={})

    assert "runbeat --backend default" in complaints()["no-scheduler"].remedy


@pytest.mark.slow
@on_default
def test_a_project_whose_checks_fail_is_examined_all_the_same(live_engine):
    add.using(backend="polled").enqueue(1, 2)

    done = subprocess.run(
        [sys.executable, "-m", "django", "djtasks", "doctor", "--backend", "polled"],
        env=worker_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 1
    assert "No live worker serves queue 'default'." in done.stdout
    assert "Traceback" not in done.stderr


def test_the_help_tells_a_newcomer_what_it_does_and_how_it_ends(capsys):
    parser = Command().create_parser("manage.py", "djtasks")

    with pytest.raises(SystemExit):
        parser.parse_args(["doctor", "--help"])
    text = " ".join(capsys.readouterr().out.split())

    assert "Run it after a deploy, or when tasks do not run." in text
    assert "Exit code 0: nothing is BAD" in text
    assert "The command changes nothing." in text


class Cause(Exception):
    def __init__(self, *args, sqlstate=None):
        super().__init__(*args)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Cause("x", sqlstate="28P01"), "password"),
        (
            Cause("connection failed: FATAL:  password authentication failed"),
            "password",
        ),
        (Cause("connection failed: Connection refused"), "unreachable"),
        (Cause('connection failed: FATAL:  database "a" does not exist'), "no-database"),
        (Cause("FATAL:  sorry, too many clients already"), "connections"),
        (Cause("x", sqlstate="25006"), "read-only"),
        (Cause("x", sqlstate="42501"), "forbidden"),
        (Cause(1045, "Access denied"), "password"),
        (Cause(2003, "Can't connect"), "unreachable"),
        (Cause(1290, "--read-only"), "read-only"),
        (Cause("attempt to write a readonly database"), "read-only"),
        (Cause("no such table: djtasks_lease"), "migrations"),
        (Cause("database is locked"), "locked"),
        (Cause("something else"), "database"),
    ],
)
def test_an_error_of_a_database_is_explained(cause, code):
    error = DatabaseError(str(cause))
    error.__cause__ = cause

    finding = database_finding("database", "default", error)

    assert finding.code == code
    assert finding.remedy


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Redis refused a command: OOM command not allowed", "full"),
        ("Redis refused a command: READONLY You can't write against a replica", "read-only"),
        ("Redis refused a command: NOPERM this user has no permissions", "forbidden"),
        ("Redis refused a command: MISCONF Redis is configured to save", "disk-full"),
        ("Redis did not answer: Timeout", "broker"),
    ],
)
def test_an_error_of_a_broker_is_explained(said, code):
    assert broker_finding("push", RuntimeError(said)).code == code


def test_a_message_of_many_lines_becomes_one():
    assert in_one_line("a\n  b") == "a b."
    assert in_one_line("Why?") == "Why?"
