"""Run the package `tasks` in this folder and compare its failures with those that are listed."""

import io
import sys
from collections.abc import Iterable
from typing import Any

import django
from django.test.runner import DiscoverRunner

from tests.contract.differences import DIFFERENCES


class Runner(DiscoverRunner):
    """Django's runner, which keeps quiet and returns the whole result."""

    def get_test_runner_kwargs(self) -> dict[str, Any]:
        return super().get_test_runner_kwargs() | {"stream": io.StringIO()}

    def suite_result(self, suite: Any, result: Any, **_options: Any) -> Any:
        return result


def main(mode: str) -> int:
    """Run the suite; return 1 if a test failed that is not listed, or passed although it is."""
    django.setup()
    result: Any = Runner(verbosity=0).run_tests(["tasks"])
    texts = {_name(test): text for test, text in result.failures + result.errors}
    print(f"{result.testsRun} tests, {len(texts)} failed, {len(DIFFERENCES[mode])} are listed.")
    surprises = list(surprises_of(texts, DIFFERENCES[mode]))
    for name, surprise in surprises:
        print(f"{name} {surprise}\n{texts.get(name, '')}")
    return int(bool(surprises) or not result.testsRun)


def surprises_of(failed: Iterable[str], listed: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Return what did not end as the list says, as (test, what happened)."""
    unlisted, passed = set(failed) - set(listed), set(listed) - set(failed)
    yield from ((name, "failed, and is not listed.") for name in sorted(unlisted))
    yield from ((name, "passed: take it off the list.") for name in sorted(passed))


def _name(test: Any) -> str:
    whole = getattr(test, "test_case", test)  # a subtest has one
    return str(whole.id()).removeprefix("tasks.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
