"""Tests lie where the code lies: tests/a/test_b.py is about djtasks/a/b.py.

`test_b_of_something.py` is about it too. What is about no single module is listed, with a reason.
"""

from pathlib import Path

from tests.structure import ROOT, modules

TESTS = ROOT / "tests"
PACKAGE = ROOT / "djtasks"

# Files and whole folders below tests/.
ELSEWHERE = {
    "acceptance": "whole processes: what users see",
    "chaos": "whole installations that break",
    "contract": "Django's own tests of its tasks API",
    "demo": "the demo project",
    "deploy": "the files of deploy/",
    "admin/schedules/test_in_browser.py": "the pages of schedules in a browser",
    "admin/tasks/test_task_in_browser.py": "the page of one task in a browser",
    "admin/tasks/test_tasks_in_browser.py": "the list of tasks in a browser",
    "admin/workflows/test_in_browser.py": "the page of a workflow in a browser",
    "admin/test_bad_input.py": "every page",
    "admin/test_browser.py": "every page in a browser",
    "admin/test_everybody.py": "every page, in any theme, at any width",
    "admin/test_foreign_json.py": "every page",
    "admin/test_hostile_text.py": "every page",
    "admin/test_numbers.py": "every page",
    "admin/test_permissions.py": "every page",
    "admin/test_secrets.py": "every page",
    "admin/test_statements.py": "every page",
    "admin/test_tables.py": "every page with a table",
    "admin/test_themes.py": "every page under themes of other packages",
    "admin/test_translations.py": "every text",
    "brokers/test_contract.py": "the contract, for several brokers",
    "brokers/test_rude_servers.py": "servers that misbehave, whatever their client",
    "doctor/test_broken.py": "every examination of an installation that is broken",
    "doctor/test_examining.py": "every examination of one that is well",
    "doctor/test_rabbitmq.py": "every examination over RabbitMQ",
    "enqueueing/test_enqueue_many.py": "a way in: definitions, backend, store and outbox",
    "enqueueing/test_unique.py": "unique keys: backend, store and results",
    "management/test_djtasks_command.py": "all subcommands of djtasks",
    "management/test_runbeat_flags.py": "commands/runbeat.py and serving.py",
    "management/test_runworker_flags.py": "commands/runworker.py and serving.py",
    "management/test_showing_and_pausing.py": "subcommands/show.py, why.py, pause.py and resume.py",
    "management/test_schedules_command.py": "subcommands/schedules.py and its rendering",
    "inspection/test_idle.py": "is_idle() of status.py beside a worker",
    "operations/test_deadlocks.py": "every operation beside producers",
    "operations/test_transactions.py": "every operation in a transaction of its caller",
    "scheduler/test_hostile_code.py": "user code that a schedule calls: ticker.py",
    "scheduler/test_races.py": "several schedulers at once",
    "schedules/rules/test_against_clocks.py": "every kind of schedule at changes of the clock",
    "schedules/rules/test_words.py": "the words of every rule",
    "store/test_contract.py": "the contract, for all stores and databases",
    "store/test_inserting.py": "all stores: inserts that meet",
    "store/test_locked_records.py": "all stores, and who else moves many records",
    "store/test_plans.py": "what PostgreSQL does with every statement",
    "store/test_races.py": "all stores: moves that meet",
    "store/promotion/test_pages.py": "looks at large nodes, page by page",
    "store/test_sql_features.py": "the page on distributed databases, and every statement",
    "store/test_time_zones.py": "every moment, in a database with a TIME_ZONE",
    "testing/test_guide.py": "the guide on testing, and the plugin of pytest",
    "testing/test_run_due.py": "running.py by its public name",
    "testing/test_tied_commands.py": "guard.py by its command line",
    "workflows/test_random_graphs.py": "every kind of graph, whatever becomes of its tasks",
    "worker/child/test_draining.py": "how a child ends: child.py and what it is made of",
    "worker/child/test_fetching.py": "fetcher.py with sources.py",
    "worker/child/test_housekeeping.py": "what a child does about its own records",
    "worker/attempts/test_hostile_code.py": "user code in every step of an attempt",
    "worker/probes/test_probes.py": "file and port of one process together",
    "worker/test_starting.py": "from flags to a worker: start.py, banner.py, logs.py",
    "test_database_roles.py": "the rights that the documentation grants",
    "test_django_contract.py": "the contract of django.tasks",
    "test_django_results.py": "results as django.tasks has them",
    "test_docs.py": "the documentation",
    "test_layers.py": "who may touch rows",
    "test_mirror.py": "the tests",
    "test_nouns.py": "the names of what is public",
    "test_peers.py": "the benchmarks",
    "test_security.py": "the rules of the guide on security",
    "test_structure.py": "the source",
}


def is_listed(path: Path) -> bool:
    own = path.relative_to(TESTS)
    return any(str(one) in ELSEWHERE for one in (own, *own.parents))


def subject_of(path: Path) -> Path | None:
    """Return the module or folder of djtasks that a file of tests is about."""
    folder = PACKAGE / path.parent.relative_to(TESTS)
    words = path.stem.removeprefix("test_").split("_")
    for end in range(len(words), 0, -1):
        found = folder / "_".join(words[:end])
        if found.with_suffix(".py").exists() or (found / "__init__.py").exists():
            return found
    return None


def files_of_tests() -> list[Path]:
    return [path for path in modules("tests") if path.name.startswith("test_")]


def test_tests_lie_where_the_code_lies() -> None:
    lost = [
        str(path.relative_to(TESTS))
        for path in files_of_tests()
        if not is_listed(path) and subject_of(path) is None
    ]

    assert lost == []


def test_nothing_is_listed_that_need_not_be() -> None:
    unneeded = [
        one
        for one in ELSEWHERE
        if not (TESTS / one).exists() or (one.endswith(".py") and subject_of(TESTS / one))
    ]

    assert unneeded == []
