"""Which errors a person has raised."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from djtasks.errors import is_ctrl_c


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
