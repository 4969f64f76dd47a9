"""What a worker has open before it forks: nothing, whatever the project has opened."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.processes import untraced, worker_environment

OPEN_SOCKETS = """
import warnings; warnings.simplefilter("ignore")
import django, psutil
django.setup()
from djtasks.worker import loading
from djtasks.worker.supervisor.launchers import may_fork
loading.load()
could_fork = may_fork()
loading.prepare_to_fork()
from django.db import connection
sockets = psutil.Process().net_connections("all")
print(len(sockets), len(connection._connection_pools), could_fork, may_fork())
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("servers")
def test_no_child_gets_a_connection_that_an_app_has_opened_while_django_loaded() -> None:
    environment = untraced(worker_environment())
    environment["DJANGO_SETTINGS_MODULE"] = "tests.worker.early"
    loaded = subprocess.run(
        [sys.executable, "-c", OPEN_SOCKETS],
        env=environment,
        cwd=os.getcwd(),
        capture_output=True,
        text=True,
        check=False,
    )

    # The threads of a pool end with it.
    assert loaded.stdout.split() == ["0", "0", "False", "True"], loaded.stderr
