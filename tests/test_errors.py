"""Which errors a person has raised, and that the reference has all of ours."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from djtasks import errors
from djtasks.errors import is_ctrl_c
from tests.structure import ROOT


@pytest.mark.parametrize(
    ("error", "in_main", "in_thread"),
    [
        (KeyboardInterrupt(), True, False),
        (SystemExit(3), False, False),
        (ValueError(), False, False),
    ],
)
def test_only_the_main_thread_can_be_interrupted(
    error: BaseException, in_main: bool, in_thread: bool
) -> None:
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(is_ctrl_c, error).result()

    assert (is_ctrl_c(error), elsewhere) == (in_main, in_thread)


def test_the_reference_has_every_exception_once() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]

    ours = [one for one in vars(errors).values() if isinstance(one, type)]
    names = {one.__name__ for one in ours if one.__module__ == errors.__name__}
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(names - {"DjtasksError"})
