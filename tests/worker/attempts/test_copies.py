"""A copy of the process that a task forks ends where it comes back from the task."""

import json
import os
import sys
from collections.abc import Callable

import pytest

from djtasks import task
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from tests.store.connections import elsewhere
from tests.worker.making import WORKER, claim_of

WENT_ON = 77

WAYS_TO_END: dict[str, Callable[[], object]] = {
    "returns": lambda: None,
    "exits": sys.exit,
    "exits with a code": lambda: sys.exit(3),
    "exits with a text": lambda: sys.exit("no more work"),
    "raises": lambda: 1 / 0,
}


def _code_of_the_copy(way: str) -> int | None:
    copy = os.fork()
    if copy:
        return os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    WAYS_TO_END[way]()
    return None


@task
def forks(way: str) -> int | None:
    return _code_of_the_copy(way)


@task
async def forks_async(way: str) -> int | None:
    return _code_of_the_copy(way)


def run(name: str, way: str) -> int:
    """Run a task in a thread, so that a copy that goes on does not go on as this test run."""
    pipeline = Pipeline(store=None, worker=WORKER, middleware=[])  # type: ignore[arg-type]
    ours = os.getpid()

    def work() -> int:
        finished = execute_here(pipeline, claim_of(f"{__name__}.{name}", way))
        if os.getpid() != ours:
            os._exit(WENT_ON)
        code: int = json.loads(finished.settlement.value or "null")
        return code

    return elsewhere(work).result(30)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", ["forks", "forks_async"])
@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("returns", 0),
        ("exits", 0),
        ("exits with a code", 3),
        ("exits with a text", 1),
        ("raises", 1),
    ],
)
def test_a_forked_copy_ends_with_the_code_of_a_script(name: str, way: str, code: int) -> None:
    assert run(name, way) == code


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_copy_says_what_it_raised(capfd: pytest.CaptureFixture[str]) -> None:
    run("forks", "raises")
    run("forks", "exits with a text")

    said = capfd.readouterr().err
    assert "ZeroDivisionError" in said
    assert "no more work" in said
