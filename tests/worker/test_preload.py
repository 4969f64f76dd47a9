"""What the process that children are forked from has opened."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.processes import untraced, worker_environment

OPEN_SOCKETS = """
import warnings; warnings.simplefilter("ignore")
import psutil
import djtasks.worker.preload
from django.db import connection
print(len(psutil.Process().net_connections("all")), len(connection._connection_pools))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("servers")
def test_no_child_gets_a_connection_that_an_app_has_opened_while_django_loaded() -> None:
    environment = untraced(worker_environment())
    environment["DJANGO_SETTINGS_MODULE"] = "tests.worker.early"
    preloaded = subprocess.run(
        [sys.executable, "-c", OPEN_SOCKETS],
        env=environment,
        cwd=os.getcwd(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert preloaded.stdout.split() == ["0", "0"], preloaded.stderr
