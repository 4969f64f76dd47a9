"""What the demo does once Django is set up: open with real work, follow it, tell about it."""

import itertools
import secrets
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.urls import reverse

from demo_project.library.folders import FolderProblem, default_folders, find_files, folder_at
from demo_project.library.models import Reading
from demo_project.library.progress import Progress, progress_of
from demo_project.library.proving import failure_counts, problems_of
from demo_project.library.readings import order_reading
from demo_project.library.templatetags.library import rate, span
from demo_project.processes import HOST, DemoProblem, Held, Interrupts, get
from djtasks.engine import engine_of

USER = "demo"

_CHECK_SECONDS = 0.25
# Counting takes a moment that the worker could use.
_LOOKS_A_COUNT = 4
# Longer than it takes to notice a dead worker and to give its tasks to another.
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The running demo: where it answers, who may log in, and the processes to watch.

    `ours` are the addresses of the servers that it has brought itself, as environment.
    """

    port: int
    folder: Path
    password: str
    held: Sequence[Held]
    ours: Mapping[str, str]

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def check(self, interrupts: Interrupts) -> None:
        """Raise Interrupted or DemoProblem when the demo cannot or shall not go on."""
        interrupts.check()
        for one in self.held:
            one.check()


def folders_for(asked: str | None) -> list[Path]:
    """Return what to read; raise DemoProblem, before anything else is done, if it cannot be."""
    try:
        folders = [folder_at(_whole(asked))] if asked else default_folders()
        find_files(folders)
    except FolderProblem as problem:
        raise DemoProblem(str(problem)) from problem
    return folders


def _whole(path: str) -> str:
    """Return a path of the command line from the top; not every shell knows what `~` means."""
    return path if path.startswith("~") else str(Path.cwd() / path)


def prepare_database() -> str:
    """Make tables and the demo's user; return the user's new password."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
        password = secrets.token_urlsafe(9)
        users = get_user_model()
        user, _created = users.objects.get_or_create(username=USER)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.save()
    except (DatabaseError, ImproperlyConfigured) as error:
        raise DemoProblem(f"The database of DATABASE_URL cannot be used: {error}") from error
    broker = engine_of("default").broker
    for problem in broker.diagnose() if broker else []:
        print(f"  warning: {problem.message} {problem.remedy}", flush=True)
    return password


def open_with(folders: Sequence[Path], scene: Scene) -> Reading:
    """Enqueue the first work and print where to look."""
    try:
        reading = order_reading(folders)
    except FolderProblem as problem:
        raise DemoProblem(str(problem)) from problem
    print(
        f"""
  Watch it    {scene.url(reading.get_absolute_url())}
  Admin       {scene.url(reverse("admin:index"))}
              user {USER}, password {scene.password}
  Logs        {scene.folder}/web.log and worker.log
  By hand     {_by_hand(scene)}
""",
        flush=True,
    )
    return reading


def _by_hand(scene: Scene) -> str:
    """Return a command line that looks at the same servers, ours only: others have secrets."""
    words = [f"{name}={shlex.quote(url)}" for name, url in scene.ours.items()]
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return " \\\n              ".join([*words, f"{python} manage.py djtasks status"])


def follow(reading: Reading, scene: Scene, interrupts: Interrupts) -> None:
    """Wait until the report is written, with a line about the progress on a terminal."""
    seen, deadline = -1, time.monotonic() + _PATIENCE_SECONDS
    for look in itertools.count():
        scene.check(interrupts)
        reading.refresh_from_db()
        if reading.report is not None:
            _tell("")
            return
        if look % _LOOKS_A_COUNT == 0:
            facts = progress_of(reading)
            _tell(_line(facts))
            if facts.done != seen:
                seen, deadline = facts.done, time.monotonic() + _PATIENCE_SECONDS
        if time.monotonic() > deadline:
            raise DemoProblem(
                f"Nothing has moved for {_PATIENCE_SECONDS:.0f} seconds, with {seen} files done. "
                f"The worker's last words:\n{scene.held[0].last_words()}"
            )
        time.sleep(_CHECK_SECONDS)


def _line(facts: Progress) -> str:
    left = f", about {span(facts.left)} left" if facts.left else ""
    return (
        f"  {facts.percent} %  {facts.done} of {facts.found} files, "
        f"{rate(facts.rate)} a second{left}"
    )


def _tell(line: str) -> None:
    """Put a line in the place of the one before, on a terminal."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="", flush=True)


def conclude(reading: Reading, folders: Sequence[Path], scene: Scene) -> list[str]:
    """Print the summary, and what is wrong with the result if something is; return that."""
    problems = problems_of(reading, folders)
    path = reading.get_absolute_url()
    status, _body = get(scene.port, path)
    if status != 200:
        problems.append(f"The page {scene.url(path)} answers with status {status}.")
    facts = progress_of(reading)
    failures = ", ".join(f"{count} {name}" for name, count in failure_counts(reading).items())
    totals = (reading.report or {}).get("totals", {})
    print(
        f"""\
  {facts.found} found = {facts.parsed} parsed + {facts.failed} failed\
{f" ({failures})" if failures else ""}
  {totals.get("lines", 0):,} lines, {totals.get("functions", 0):,} functions
  {span(facts.elapsed)}, {rate(facts.done / facts.elapsed.total_seconds())} files a second
""",
        flush=True,
    )
    if problems:
        print("  WRONG:\n" + "\n".join(f"  - {problem}" for problem in problems), flush=True)
    else:
        print("  Checked: no task is lost, the sums are right, every failure is real.", flush=True)
    return problems


def wait_for_the_end(scene: Scene, interrupts: Interrupts) -> None:
    """Wait for Ctrl-C, or for a process that ends by itself."""
    print("\n  Everything runs until you press Ctrl-C.", flush=True)
    connection.close()
    while True:
        scene.check(interrupts)
        time.sleep(_CHECK_SECONDS)
