"""Use the newest release of each library on a small site: `python -m tests.libraries.suite`.

Makes an environment for each in the user's cache, outside the repository, and a new site. What is
done there, and what must come of it, is in `<name>_site/play.py`. Ends with 1 if anything else
comes of it: a task that fails, a warning, or a library that does not notice its tasks.
"""

import os
import shutil
import subprocess
import sys

from tests.environments import CACHE, environment
from tests.structure import ROOT

PACKAGES = {
    "wagtail": ["wagtail"],
    "overseer": ["django-overseer"],
    "monitor": ["django-tasks-monitor"],
}


def main(asked: list[str]) -> int:
    """Use these libraries, or all; return 0 if every one works."""
    unknown = set(asked) - set(PACKAGES)
    if unknown:
        sys.exit(f"There is no {', '.join(sorted(unknown))}. Choose from {', '.join(PACKAGES)}.")
    verdicts = [_run(name) for name in asked or PACKAGES]
    return int(any(verdicts))


def _run(name: str) -> int:
    home = CACHE / "libraries" / name
    home.mkdir(parents=True, exist_ok=True)
    python = environment(home, ["--upgrade", *PACKAGES[name]])
    site = home / "site"
    shutil.rmtree(site, ignore_errors=True)
    (site / "made_migrations").mkdir(parents=True)
    (site / "made_migrations/__init__.py").touch()
    print(f"\n=== {', '.join(PACKAGES[name])}", flush=True)
    package = f"tests.libraries.{name}_site"
    ended = subprocess.run(
        [python, "-m", "tests.libraries.playing", package],
        cwd=site,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": f"{package}.settings",
            "DJTASKS_LIBRARY_SITE": str(site),
            "PYTHONPATH": str(ROOT),
        },
        check=False,
    )
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
