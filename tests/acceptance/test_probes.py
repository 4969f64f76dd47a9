"""Probes of real processes: healthy while they work, unhealthy when they are frozen."""

import json
import re
import signal
from http.client import HTTPConnection

import pytest
from django.core.management import CommandError, call_command

from tests import tasks
from tests.acceptance.processes import BeatProcess, worker
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def get(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def port_of(process):
    """Return the port that the banner names."""
    return eventually(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", process.output()))[1]


def test_a_worker_shows_that_it_works_and_a_frozen_one_does_not(live_engine, tmp_path):
    path = tmp_path / "health"
    with worker("--processes", "1", "--health-file", str(path), "--health-port", "0") as running:
        port = int(port_of(running))
        eventually(lambda: get(port, "/ready")[0] == 200)
        call_command("djtasks", "health", "--file", str(path), "--ready")
        assert tasks.add.enqueue(1, 2).wait(30).return_value == 3
        gauges = eventually(lambda: (body := get(port, "/metrics.json"))[0] == 200 and body[1])
        assert "default" in json.loads(gauges)["queues"]

        running.signal(signal.SIGSTOP)

        assert eventually(lambda: get(port, "/health")[0] == 0)
        eventually(lambda: _is_unhealthy(path))
        running.signal(signal.SIGCONT)
        eventually(lambda: get(port, "/health")[0] == 200)
        call_command("djtasks", "health", "--file", str(path))

        running.signal(signal.SIGTERM)
        assert running.wait() == 0
        assert not path.exists()


def _is_unhealthy(path):
    try:
        call_command("djtasks", "health", "--file", str(path), "--max-age", "1")
    except CommandError as error:
        return "its process died, or is stopped" in str(error)
    return False


def test_a_scheduler_shows_how_it_is(live_engine, tmp_path):
    path = tmp_path / "health"
    process = BeatProcess("--health-file", str(path), "--health-port", "0")
    try:
        port = int(port_of(process))
        eventually(lambda: get(port, "/ready")[0] == 200)
        call_command("djtasks", "health", "--file", str(path), "--ready")
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        assert not path.exists()
    finally:
        process.clean_up()
