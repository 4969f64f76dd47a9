"""Let each process of a worker that is measured collect its garbage on SIGUSR2.

The workers import this module with their tasks. Its signal handler runs in their main threads.
"""

import gc
import os
import signal
from pathlib import Path
from typing import Any


def _collect(_number: int, _frame: Any) -> None:
    gc.collect()
    (Path(os.environ["BENCH_COLLECTED"]) / str(os.getpid())).touch()


signal.signal(signal.SIGUSR2, _collect)
