"""The Makefile, without installing anything: `make demo` itself is run by CI in a fresh clone."""

import os
import subprocess
from pathlib import Path

from tests.demo.launched import ROOT


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    return subprocess.run(
        ["make", "--file", str(ROOT / "Makefile"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_tells_what_there_is() -> None:
    done = make()

    assert done.returncode == 0
    for target in ("demo", "test", "chaos", "mutations", "lint", "types", "bench", "clean"):
        assert f"make {target} " in done.stdout


def old_python(folder: Path) -> Path:
    """Return an interpreter that says no to every question about its version."""
    path = folder / "python3.9"
    path.write_text('#!/bin/sh\necho "$2" | grep -o "djtasks needs.*\\.\\.\\." >&2\nexit 1\n')
    path.chmod(0o755)
    return path


def test_an_old_python_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()

    done = make("demo", f"PYTHON={old_python(tmp_path)}", folder=tmp_path)

    assert done.returncode != 0
    assert "djtasks needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def recipe(*variables: str, folder: Path) -> str:
    (folder / "pyproject.toml").touch()
    return make("--dry-run", "demo", *variables, folder=folder).stdout


def test_once_is_handed_on_unless_it_is_zero(tmp_path: Path) -> None:
    assert "--once" in recipe("ONCE=1", folder=tmp_path)
    assert "--once" not in recipe("ONCE=0", folder=tmp_path)
    assert "--once" not in recipe(folder=tmp_path)


def test_a_database_brings_its_driver(tmp_path: Path) -> None:
    assert "'.[embedded]'" in recipe("DATABASE_URL=", folder=tmp_path)
    assert "'.[embedded,postgres]'" in recipe("DATABASE_URL=postgresql://x/y", folder=tmp_path)
    assert "'.[embedded,mysql]'" in recipe("DATABASE_URL=mysql://x/y", folder=tmp_path)
