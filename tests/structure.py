"""The structure of djtasks in figures, and the way of one task through it.

    python -m tests.structure [--json]

It needs no server, and knows djtasks by its public names only: copied into an older tree it
tells of that one, so that two can be compared.
"""

import argparse
import ast
import io
import json
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from types import FrameType
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "djtasks"

# Names that Django gives.
GIVEN = {"Command", "Migration"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """Return our modules; specimens are broken on purpose."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "specimens" not in path.parts)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def lines_of(function: Function) -> int:
    """Return the length of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def loose_modules() -> list[str]:
    """Return the modules that lie in no folder of the package."""
    return sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def biggest_folder() -> tuple[str, int]:
    """Return the folder with most modules of its own, and how many they are."""
    count = Counter(path.parent for path in modules("djtasks") if path.stem != "__init__")
    ((folder, number),) = count.most_common(1)
    return str(folder.relative_to(ROOT)), number


def equal_names() -> dict[str, list[str]]:
    """Return the names that more than one public class has, and where."""
    homes = defaultdict(list)
    for path in modules("djtasks"):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name_of(path))
    several = {name: where for name, where in sorted(homes.items()) if len(where) > 1}
    return {name: where for name, where in several.items() if name not in GIVEN}


def function_lengths() -> dict[str, float]:
    lengths = [lines_of(one) for path in modules("djtasks") for one in functions(tree_of(path))]
    return {
        "count": len(lengths),
        "median": median(lengths),
        "p90": quantiles(lengths, n=10)[-1],
        "max": max(lengths),
    }


def seen_by_a_profiler(work: Callable[[], object]) -> list[str]:
    """Return the functions of djtasks that `work` enters, in all threads, first entries first."""
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{PACKAGE}/"):
            file = Path(code.co_filename).relative_to(ROOT)
            if not code.co_name.startswith("<"):  # modules that are imported, comprehensions
                entered.setdefault(f"{file}:{code.co_qualname}")

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(entered)


def set_up(folder: str) -> None:
    """Set a small project up: SQLite, and the broker that needs no server."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "djtasks", "tests"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/structure.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            }
        },
        TASKS={
            "default": {
                "BACKEND": "djtasks.backend.DjtasksBackend",
                "OPTIONS": {"broker": "memory"},
            }
        },
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    call_command("migrate", verbosity=0)


def main_path() -> dict[str, list[str]]:
    """Return what is entered for one task: by who enqueues it, and by who runs it.

    Tests run it by `run_due()`; a whole worker in one process starts and ends around it.
    """
    from django.core.management import call_command

    from djtasks.testing import run_due
    from tests.tasks import add

    def run_one() -> None:
        call_command("runworker", "--processes", "0", "--burst", "--no-beat", verbosity=0)

    for once in (run_due, run_one):  # what a process does once
        add.enqueue(1, 2)
        once()
    path = {"enqueue": seen_by_a_profiler(lambda: add.enqueue(1, 2))}
    path["run_due"] = seen_by_a_profiler(run_due)
    add.enqueue(1, 2)
    path["worker"] = seen_by_a_profiler(run_one)
    return path


def figures() -> dict[str, Any]:
    files = modules("djtasks")
    banner = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="djt-") as folder, redirect_stdout(banner):
        set_up(folder)
        path = main_path()
    folder, number = biggest_folder()
    return {
        "files": len(files),
        "lines": sum(len(file.read_text().splitlines()) for file in files),
        "loose_modules": loose_modules(),
        "biggest_folder": {"folder": folder, "files": number},
        "equal_names": equal_names(),
        "function_lengths": function_lengths(),
        "main_path": path,
    }


def as_text(found: dict[str, Any]) -> str:
    lengths, biggest = found["function_lengths"], found["biggest_folder"]
    lines = [
        f"files                {found['files']}, {found['lines']} lines",
        f"loose modules        {len(found['loose_modules'])}: {' '.join(found['loose_modules'])}",
        f"biggest folder       {biggest['folder']}, {biggest['files']} files",
        f"functions            {lengths['count']}: median {lengths['median']:g} lines, "
        f"p90 {lengths['p90']:g}, max {lengths['max']}",
        f"classes of one name  {len(found['equal_names'])}",
        *(f"  {name}: {' '.join(homes)}" for name, homes in found["equal_names"].items()),
    ]
    for what, entered in found["main_path"].items():
        count = len({one.partition(":")[0] for one in entered})
        lines.append(f"{what}: {len(entered)} functions in {count} files")
        lines += [f"  {one}" for one in entered]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.structure", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    found = figures()
    print(json.dumps(found, indent=2) if asked.json else as_text(found))


if __name__ == "__main__":
    main()
