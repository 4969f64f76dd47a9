"""Launchers that tests start."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil

from tests.living import alive_with
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORT", "FOLDER", "ONCE")
SUMMARY = "3 found = 2 parsed + 1 failed (1 SyntaxError)"
READY = "until you press Ctrl-C"


def environment(folder: Path, mark: str) -> dict[str, str]:
    """Return an environment as at home, with temporary files in `folder`."""
    # Not traced either: it is the demo that is tested here, and there are many starts of Python.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith("COVERAGE")
    }
    return inherited | {"DEMO_MARK": mark, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}


class Demo:
    """A running launcher, in a session of its own like the programs of one terminal."""

    def __init__(self, folder: Path, *arguments: str | Path, **settings: str) -> None:
        self.mark = uuid4().hex[:8]
        self.folder = folder / self.mark
        self.folder.mkdir()
        self.output = folder / f"{self.mark}.out"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo_project.run", *map(str, arguments)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=environment(self.folder, self.mark) | settings,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.said() or self.process.poll() is not None, seconds=90)
        assert text in self.said()

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(120)

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    @property
    def port(self) -> int:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/readings/", self.said())
        assert found, self.said()
        return int(found[1])

    def left(self) -> list[psutil.Process]:
        return alive_with(self.mark, self.folder)

    def process_of(self, part: str) -> psutil.Process:
        """Return the server or worker with `part` in its command line.

        Not its leash, nor its forks, which have the same command line.
        """
        found = [
            process
            for process in self.left()
            if part in " ".join(process.cmdline())
            and "djtasks.testing.parent_guard" not in process.cmdline()
        ]
        (first,) = [process for process in found if process.parent() not in found]
        return first


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
