"""The flags of `runworker`: what they mean, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from djtasks.engine import engine_of
from djtasks.management.commands import djtasks_worker, runworker
from djtasks.worker.config import ProbeConfig, WorkerConfig
from djtasks.worker.start import default_processes
from tests.routing import Home
from tests.settings import OURS, TASKS

FLAGS = {
    "--backend": "ALIAS",
    "--queues": "A,B",
    "--processes": "N",
    "--threads": "N",
    "--async-slots": "N",
    "--burst": None,
    "--grace": "SECONDS",
    "--max-tasks": "N",
    "--max-memory": "MB",
    "--beat": None,
    "--no-beat": None,
    "--reload": None,
    "--no-reload": None,
    "--health-file": "PATH",
    "--health-port": "[HOST:]PORT",
    "--held": None,
}


def parsed(*flags: str) -> dict[str, Any]:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    return vars(parser.parse_args(flags))


def config_of(*flags: str) -> WorkerConfig:
    options = parsed(*flags)
    return runworker.Command()._config(engine_of(options["backend"]), options)


def refusal_of(*flags: str) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("runworker", *flags, stdout=StringIO())
    return str(refusal.value)


def test_without_flags_a_worker_has_the_documented_defaults() -> None:
    config = config_of()

    assert config == WorkerConfig(
        backend="default",
        queues=None,
        processes=default_processes(engine_of("default")),
        threads=8,
        async_slots=100,
        burst=False,
        grace=timedelta(seconds=25),
        max_tasks=None,
        max_memory=None,
        beat=True,
        verbose=False,
    )
    assert 1 <= config.processes <= 4


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        (["--backend", "polled"], {"backend": "polled"}),
        (["--queues", "mail,reports"], {"queues": ("mail", "reports")}),
        (["--queues", " mail , mail,,default "], {"queues": ("mail", "default")}),
        (["--processes", "0"], {"processes": 0}),
        (["--processes", "3"], {"processes": 3}),
        (["--threads", "1"], {"threads": 1}),
        (["--async-slots", "7"], {"async_slots": 7}),
        (["--burst"], {"burst": True}),
        (["--grace", "0.5"], {"grace": timedelta(seconds=0.5)}),
        (["--grace", "0"], {"grace": timedelta(0)}),
        (["--max-tasks", "500"], {"max_tasks": 500}),
        (["--max-memory", "300"], {"max_memory": 300 * 1024 * 1024}),
        (["--no-beat"], {"beat": False}),
        (["--no-beat", "--beat"], {"beat": True}),
        (["--verbosity", "2"], {"verbose": True}),
        (["--health-file", "/tmp/h"], {"probes": ProbeConfig(file=Path("/tmp/h"))}),
        (["--health-port", "9100"], {"probes": ProbeConfig(port=9100)}),
        (["--health-port", "0.0.0.0:9100"], {"probes": ProbeConfig(host="0.0.0.0", port=9100)}),
        (["--health-port", "[::1]:9100"], {"probes": ProbeConfig(host="::1", port=9100)}),
    ],
)
def test_a_flag_changes_one_thing(flags: list[str], changes: dict[str, Any]) -> None:
    assert config_of(*flags) == replace(config_of(), **changes)


def test_debug_makes_a_worker_talk() -> None:
    with override_settings(DEBUG=True):
        assert config_of().verbose


def test_any_queue_may_be_asked_for_where_any_is_allowed() -> None:
    assert config_of("--backend", "anything", "--queues", "odd").queues == ("odd",)


def test_a_worker_on_sqlite_starts_one_process() -> None:
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        assert config_of().processes == 1


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--processes", "-1"], "--processes must be from 0 to 1,000, got -1."),
        (["--processes", "1001"], "--processes must be from 0 to 1,000, got 1001."),
        (["--threads", "0"], "--threads must be from 1 to 1,000, got 0."),
        (["--async-slots", "0"], "--async-slots must be from 1 to 1,000, got 0."),
        (["--grace", "-1"], "--grace must be from 0 to 86,400, got -1."),
        (["--grace", "nan"], "--grace must be from 0 to 86,400, got nan."),
        (["--grace", "inf"], "--grace must be from 0 to 86,400, got inf."),
        (["--max-tasks", "0"], "--max-tasks must be at least 1, got 0."),
        (["--max-memory", "0"], "--max-memory must be at least 1, got 0."),
        (["--queues", "post"], "--queues names post, but the QUEUES of TASKS['default'] are"),
        (["--queues", "mail,post,pots"], "--queues names post, pots, but"),
        (["--queues", " , "], "--queues names nothing, but the QUEUES"),
        (["--threads", "many"], "argument --threads: invalid int value: 'many'"),
        (["--health-file", "/nowhere/h"], "the folder /nowhere does not exist."),
        (["--health-port", "http"], "'http' is not a port: use a number up to 65535"),
        (["--health-port", "65536"], "'65536' is not a port"),
        (["--health-port", "1", "--processes", "0"], "--processes 0 starts none."),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (
            ["--backend", "nowhere"],
            "djtasks does not serve TASKS['nowhere']. Aliases that it serves:",
        ),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused(flags: list[str], complaint: str) -> None:
    assert complaint in refusal_of(*flags)


def test_an_alias_of_somebody_else_is_refused() -> None:
    with override_settings(TASKS=TASKS | {"theirs": {"BACKEND": "shop.Backend"}}):
        message = refusal_of("--backend", "theirs", "--skip-checks")

    assert "Aliases that it serves: default, anything, polled." in message


def test_bad_settings_are_told_and_not_run() -> None:
    bad = {"default": {"BACKEND": OURS, "OPTIONS": {"brokr": "redis"}}}

    with override_settings(TASKS=bad):
        assert "Did you mean 'broker'?" in refusal_of("--skip-checks")


def test_the_help_tells_of_every_flag_and_its_unit() -> None:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    ours = {action.option_strings[0]: action for action in parser._actions}

    for flag, unit in FLAGS.items():
        assert ours[flag].help
        assert ours[flag].metavar == unit
        assert flag in parser.format_help()


def test_no_flag_is_missing_from_that_list() -> None:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    others = {"-h", "--version", "-v", "--settings", "--pythonpath", "--traceback"}
    others |= {"--no-color", "--force-color", "--skip-checks"}

    assert {action.option_strings[0] for action in parser._actions} - others == set(FLAGS)


def test_the_command_has_a_name_that_no_other_app_takes() -> None:
    assert djtasks_worker.Command is runworker.Command
