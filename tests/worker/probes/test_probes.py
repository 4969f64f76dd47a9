"""What the port answers and the file says, in one process."""

import json
import os
import socket
from http.client import HTTPConnection

import pytest
from django.core.management import CommandError, call_command

from djtasks.errors import CannotListen
from djtasks.inspection import Gauges, QueueGauges, gauges_of
from djtasks.worker.config import ProbeConfig
from djtasks.worker.probes import Probes
from djtasks.worker.probes.exposition import as_json, as_prometheus
from djtasks.worker.probes.health import Signs
from tests import tasks
from tests.waiting import eventually

WELL = Signs(standstill={}, silent=0.0, lease=30.0, workers=1)
STUCK = Signs(standstill={"It": 70.0}, silent=0.0, lease=30.0, workers=1)
UNREADY = Signs(standstill={}, silent=31.0, lease=30.0, workers=1)


class Witness:
    shows = WELL

    def signs(self, now):
        return self.shows


@pytest.fixture
def witness():
    return Witness()


@pytest.fixture
def probing(live_engine, tmp_path, witness):
    made = Probes(live_engine, ProbeConfig(file=tmp_path / "health", port=0), witness, every=0.02)
    made.start()
    yield made
    made.stop()


def get(port, path, method="GET"):
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    ("shows", "health", "ready"), [(WELL, 200, 200), (UNREADY, 200, 503), (STUCK, 503, 503)]
)
def test_the_port_says_how_the_process_is(probing, witness, shows, health, ready):
    witness.shows = shows

    eventually(lambda: get(probing.port, "/health")[0] == health)
    eventually(lambda: get(probing.port, "/ready")[0] == ready)
    facts = json.loads(get(probing.port, "/ready")[1])

    assert (facts["live"], facts["ready"]) == (health == 200, ready == 200)
    assert bool(facts["reasons"]) == (ready != 200)
    assert get(probing.port, "/health", "HEAD") == (health, "")


def test_any_other_path_is_told_which_there_are(probing):
    assert get(probing.port, "/admin") == (
        404,
        "Not found. Use /health, /ready, /metrics and /metrics.json.\n",
    )


def test_the_file_is_gone_when_the_process_stands_still(probing, witness, tmp_path):
    path = tmp_path / "health"
    eventually(path.exists)
    eventually(lambda: json.loads(path.read_text())["ready"])
    assert path.stat().st_mode & 0o777 == 0o600
    call_command("djtasks", "health", "--file", str(path), "--ready")

    witness.shows = STUCK
    eventually(lambda: not path.exists())

    with pytest.raises(CommandError, match="the process makes no progress"):
        call_command("djtasks", "health", "--file", str(path))
    assert os.listdir(tmp_path) == []


def test_nothing_is_left_of_the_file_at_the_end(live_engine, tmp_path, witness):
    path = tmp_path / "health"
    made = Probes(live_engine, ProbeConfig(file=path), witness)
    made.start()
    eventually(path.exists)

    made.stop()

    assert os.listdir(tmp_path) == []


def test_a_file_that_nobody_has_renewed_tells_of_a_dead_process(tmp_path):
    path = tmp_path / "health"
    path.write_text('{"pid": 1, "ready": true, "reasons": []}')
    call_command("djtasks", "health", "--file", str(path))
    os.utime(path, (0, 0))

    with pytest.raises(CommandError, match="s old: its process died, or is stopped"):
        call_command("djtasks", "health", "--file", str(path))


@pytest.mark.parametrize("text", ["", "[]", '{"ready": false}', "\x00"])
def test_a_file_of_somebody_else_is_not_believed(tmp_path, text):
    path = tmp_path / "health"
    path.write_text(text)

    with pytest.raises(CommandError, match=r"cannot be read|not written by djtasks"):
        call_command("djtasks", "health", "--file", str(path), "--ready")


def test_the_command_asks_a_port_too(probing, witness):
    eventually(lambda: get(probing.port, "/ready")[0] == 200)
    call_command("djtasks", "health", "--port", str(probing.port), "--ready")

    witness.shows = UNREADY
    eventually(lambda: get(probing.port, "/ready")[0] == 503)

    call_command("djtasks", "health", "--port", f"127.0.0.1:{probing.port}")
    with pytest.raises(CommandError, match="The database has not answered for 31 s"):
        call_command("djtasks", "health", "--port", str(probing.port), "--ready")


def test_a_port_where_nobody_answers_is_unhealthy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CommandError, match="Nobody answers on port"):
            call_command("djtasks", "health", "--port", str(taken.getsockname()[1]))


def test_it_listens_on_an_address_of_six_too(live_engine, witness):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")

    made = Probes(live_engine, ProbeConfig(host="::1", port=0), witness)

    assert made.lines == [f"  health port  http://[::1]:{made.port}/health"]
    made.stop()


def test_a_port_in_use_is_an_error_at_the_start(live_engine, witness):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = ProbeConfig(port=taken.getsockname()[1])
        with pytest.raises(CannotListen, match="Choose another port with --health-port"):
            Probes(live_engine, config, witness)


def test_without_flags_nothing_is_started(engine, witness):
    made = Probes(engine, ProbeConfig(), witness)

    assert made._loops == []
    assert made.port is None


def test_the_gauges_tell_of_each_queue(live_engine, probing):
    status, body = eventually(lambda: _when_read(probing.port))

    assert status == 200
    facts = json.loads(body)
    assert set(facts["queues"]) == {"default", "mail", "reports"}
    assert facts["queues"]["mail"]["oldest_wait_seconds"] == 0
    assert 0 <= facts["age_seconds"] < 60
    assert 'djtasks_queue_due{backend="default",queue="mail"} 0' in get(probing.port, "/metrics")[1]


def _when_read(port):
    answer = get(port, "/metrics.json")
    return answer if answer[0] == 200 else None


def test_gauges_count_what_is_due_and_how_long_it_waits(live_engine):
    tasks.add.using(queue_name="mail").enqueue(1, 2)

    gauges = gauges_of(live_engine)

    (mail,) = [queue for queue in gauges.queues if queue.name == "mail"]
    assert (mail.due, mail.workers, mail.paused) == (1, 0, False)
    assert mail.oldest_wait_seconds > 0
    assert (gauges.workers, gauges.slots, gauges.busy_slots) == (0, 0, 0)


def test_names_are_quoted_for_prometheus():
    queue = QueueGauges(
        name='a"b\\c\nd',
        due=1,
        delayed=0,
        running=0,
        oldest_wait_seconds=1.5,
        workers=2,
        paused=True,
    )
    gauges = Gauges(backend="default", workers=2, slots=16, busy_slots=0, queues=[queue])

    lines = as_prometheus(gauges).splitlines()

    labels = r'{backend="default",queue="a\"b\\c\nd"}'
    assert f"djtasks_queue_oldest_wait_seconds{labels} 1.500" in lines
    assert f"djtasks_queue_paused{labels} 1" in lines
    assert 'djtasks_slots{backend="default"} 16' in lines
    assert "# TYPE djtasks_queue_due gauge" in lines
    assert json.loads(as_json(gauges, age=2.34))["age_seconds"] == 2.3
