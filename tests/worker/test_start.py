"""The program that the reloader starts is the one that was started."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "djtasks"])
django.setup()
from djtasks.worker import start
print(start._program())
"""


@pytest.mark.parametrize("is_module", [True, False])
def test_the_reloader_starts_the_same_program_with_the_same_flags(
    tmp_path: Path, is_module: bool
) -> None:
    (tmp_path / "shown.py").write_text(SCRIPT)
    program = ["-m", "shown"] if is_module else ["shown.py"]
    flags = ["-Wdefault", "-Xutf8"]
    shown = subprocess.run(
        [sys.executable, *flags, *program, "runworker", "--reload"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    told = shown.stdout.strip()
    assert told.startswith(repr([sys.executable])[:-1])
    assert "'-Wdefault'" in told
    assert "'-Xutf8'" in told
    assert told.endswith(repr(program)[1:])


def test_it_says_that_the_worker_failed(tmp_path: Path) -> None:
    script = SCRIPT.replace("print(start._program())", "start._hold(sys.argv[1:])")
    script = f"import sys\nif '--held' in sys.argv:\n    sys.exit(3)\n{script}"
    (tmp_path / "shown.py").write_text(script)
    shown = subprocess.run(
        [sys.executable, "-m", "shown", "runworker"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "ended with exit code 3" in shown.stderr
