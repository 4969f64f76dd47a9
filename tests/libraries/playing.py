"""Play what the package of a site says, with a worker of its own, and judge what came of it."""

import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import django
from django.core.management import call_command

# What djtasks says; a library may log of its own what a retry mends.
_RECORD = re.compile(r"(WARNING|ERROR|CRITICAL) (djtasks|django\.tasks)")
_FAILURE = re.compile(r"^ERROR django\.tasks .* state=FAILED$")
_WORKER = [sys.executable, "-W", "ignore", "-m", "django", "runworker", "--burst", "--processes"]


def main(package: str) -> int:
    """Play the scenes, a worker behind each; return 1, and say why, if anything is wrong."""
    warnings.simplefilter("ignore")  # of the libraries about each other
    django.setup()
    call_command("makemigrations", verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("check", fail_level="WARNING")
    play = import_module(f"{package}.play")
    for scene in play.SCENES:
        scene()
        subprocess.run([*_WORKER, "1"], check=True, timeout=300)
    ended = _ended()
    for (path, state, error), count in sorted(ended.items()):
        print(f"{count:>4}  {state:<10}  {path}  {error}".rstrip())
    problems = [*play.problems(ended), *_warnings()]
    for problem in problems:
        print(f"WRONG: {problem}")
    return int(bool(problems) or not ended)


def _ended() -> Counter[tuple[str, str, str]]:
    """Return how many tasks ended how: the path, the state, and the class of the error."""
    from djtasks.models import TaskRecord
    from djtasks.protocol.states import State

    rows = TaskRecord.objects.values_list("task_path", "state", "errors")
    return Counter(
        (path, State(state).name, _class_of(errors) if state != State.SUCCESSFUL else "")
        for path, state, errors in rows
    )


def _class_of(errors: Any) -> str:
    return str(errors[-1]["class"]) if errors else ""


def _warnings() -> Iterator[str]:
    """Yield what djtasks logged at WARNING or above, except for failures, which `play` judges."""
    from django.conf import settings

    for line in settings.LOG.read_text().splitlines():
        if _RECORD.match(line) and not _FAILURE.search(line):
            yield line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
