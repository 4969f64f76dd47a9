"""News about tasks: to whoever listens, after the fact, and cheap when nobody does."""

import logging
import threading

import pytest

from djtasks.backend import DjtasksBackend
from djtasks.compat import (
    LOGGER_NAME,
    log_task_finished,
    log_task_started,
    task_finished,
    task_started,
)
from djtasks.protocol.states import State
from djtasks.signals import task_cancelled, task_retrying
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.child.announcer import MOST_NEWS, Announcer
from tests.worker.making import WORKER, claim_of, work_of


@pytest.fixture
def announcer(monkeypatch):
    from djtasks.worker.child import announcer as module

    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.0)
    return Announcer(DjtasksBackend, WORKER, "polled")


@pytest.fixture
def pipeline(announcer):
    return Pipeline(store=None, worker=WORKER, on_started=announcer.started)


@pytest.fixture
def heard():
    """What receivers of all signals were told, as (signal's name, result)."""
    signals = {
        "started": task_started,
        "finished": task_finished,
        "retrying": task_retrying,
        "cancelled": task_cancelled,
    }
    heard, receivers = [], []
    for name, signal in signals.items():

        def receive(sender, task_result, name=name, **more):
            heard.append((name, task_result, more))

        receivers.append((signal, receive))
        signal.connect(receive)
    yield heard
    for signal, receive in receivers:
        signal.disconnect(receive)


def tell(announcer, pipeline, *claims):
    announcer.settled([execute_here(pipeline, claim) for claim in claims])
    announcer.tick()


def test_a_success_is_told_as_started_and_finished(announcer, pipeline, heard):
    tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))

    assert [name for name, *_ in heard] == ["started", "finished"]
    assert heard[1][1].backend == heard[1][1].task.backend == "polled"
    started, finished = heard[0][1], heard[1][1]
    assert started.state is State.RUNNING
    assert started.attempts == 1
    assert finished.return_value == 3
    assert finished.args == [1, 2]


def test_a_retry_is_no_end(announcer, pipeline, heard):
    tell(announcer, pipeline, claim_of("tests.tasks.explode", "no", max_attempts=2))

    assert [name for name, *_ in heard] == ["started", "retrying"]
    assert isinstance(heard[1][2]["error"], ValueError)
    assert heard[1][2]["delay"].total_seconds() > 10


def test_a_cancelled_task_is_told_twice_over(announcer, pipeline, heard):
    tell(announcer, pipeline, claim_of("tests.tasks.cancels_itself", "why"))

    assert [name for name, *_ in heard] == ["started", "cancelled", "finished"]


def test_djangos_own_log_of_a_failure_has_the_tasks_traceback(announcer, pipeline, caplog):
    with caplog.at_level(logging.ERROR, logger=LOGGER_NAME):
        tell(announcer, pipeline, claim_of("tests.tasks.explode", "look here"))

    (record,) = [record for record in caplog.records if record.name == LOGGER_NAME]
    assert "look here" in caplog.text
    assert "raise ValueError(message)" in caplog.text
    assert record.levelno == logging.ERROR


def test_a_task_that_cancels_itself_is_no_error_in_djangos_log(announcer, pipeline, caplog):
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        tell(announcer, pipeline, claim_of("tests.tasks.cancels_itself", "why"))
        tell(announcer, pipeline, claim_of("tests.tasks.explode", "no"))

    finished = [one for one in caplog.records if "state=" in one.getMessage()]
    lines = [(one.levelname, one.getMessage().rpartition("state=")[2]) for one in finished]
    assert [line for line in lines if line[1] != "RUNNING"] == [
        ("INFO", "CANCELLED"),
        ("ERROR", "FAILED"),
    ]
    assert [bool(one.exc_info) for one in finished] == [False, False, False, True]


def test_a_project_that_logs_only_warnings_reads_nothing_of_a_cancelled_task(
    announcer, pipeline, caplog
):
    with caplog.at_level(logging.WARNING, logger=LOGGER_NAME):
        tell(announcer, pipeline, claim_of("tests.tasks.cancels_itself", "why"))

    assert caplog.records == []


def test_the_line_of_a_retry_has_its_error_and_its_delay(announcer, pipeline, caplog):
    with caplog.at_level(logging.INFO, logger="djtasks.tasks"):
        tell(announcer, pipeline, claim_of("tests.tasks.asks_for_retry", 5, max_attempts=2))

    (line,) = [one.getMessage() for one in caplog.records if one.name == "djtasks.tasks"]
    assert line.startswith("Task retrying path=tests.tasks.asks_for_retry id=")
    assert line.endswith(" delay=5.0 error=djtasks.errors.Retry: not yet")


def test_the_line_of_a_cancelled_task_has_the_reason(announcer, pipeline, caplog):
    with caplog.at_level(logging.INFO, logger="djtasks.tasks"):
        tell(announcer, pipeline, claim_of("tests.tasks.cancels_itself", "why"))

    (line,) = [one.getMessage() for one in caplog.records if one.name == "djtasks.tasks"]
    assert line.startswith("Task cancelled path=tests.tasks.cancels_itself id=")
    assert line.endswith(" error=djtasks.errors.Cancel: why")


@pytest.mark.parametrize("error", [RuntimeError("receiver"), SystemExit(3)])
def test_a_receiver_that_raises_silences_no_other(announcer, pipeline, heard, error):
    def broken(**_arguments):
        raise error

    task_finished.connect(broken)
    try:
        tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))
        tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))
    finally:
        task_finished.disconnect(broken)

    assert [name for name, *_ in heard].count("finished") == 2


def test_a_crowd_of_unknown_tasks_is_one_warning_a_minute_each(announcer, pipeline, caplog):
    refused = [pipeline.refuse(work_of(path)) for path in ["shop.gone"] * 3 + ["shop.other"]]
    for _ in range(2):
        announcer.settled(refused)
        announcer.tick()
    announcer._refused.update({path: (n, 0.0) for path, (n, _) in announcer._refused.items()})

    announcer.settled(refused[:1])
    announcer.tick()

    told = [record.getMessage().split(":")[0] for record in caplog.records]
    assert told == [
        "Task not registered path=shop.gone count=1",
        "Task not registered path=shop.other count=1",
        "Task not registered path=shop.gone count=6",
    ]


def test_nothing_is_made_when_nobody_would_hear_it(announcer, pipeline, caplog):
    with caplog.at_level(logging.WARNING, logger=LOGGER_NAME):
        announcer.settled([execute_here(pipeline, claim_of("tests.tasks.add", 1, 2))])

    assert announcer.is_idle


def test_a_line_a_task_for_those_who_ask(announcer, pipeline, caplog):
    with caplog.at_level(logging.INFO, logger="djtasks.tasks"):
        tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))

    assert "Task successful path=tests.tasks.add" in caplog.text


def test_too_much_news_says_so(announcer, pipeline):
    failure = execute_here(pipeline, claim_of("tests.tasks.explode", "no"))

    announcer.settled([failure] * MOST_NEWS)

    assert announcer.is_full


@pytest.mark.parametrize(
    ("signal", "logs"),
    [(task_started, log_task_started), (task_finished, log_task_finished)],
)
def test_a_receiver_in_the_place_of_djangos_is_told(announcer, pipeline, caplog, signal, logs):
    told = []

    def receive(task_result, **_more):
        told.append(task_result.state)

    signal.disconnect(logs)
    signal.connect(receive)
    try:
        with caplog.at_level(logging.WARNING, logger=LOGGER_NAME):
            tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))
        with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
            tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))
    finally:
        signal.disconnect(receive)
        signal.connect(logs)

    assert len(told) == 2
    # The line of the other signal is still Django's.
    assert len([one for one in caplog.records if one.name == LOGGER_NAME]) == 1


def test_nothing_is_announced_where_the_project_has_disconnected_djangos_receiver(
    announcer, pipeline, caplog
):
    task_finished.disconnect(log_task_finished)
    try:
        with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
            tell(announcer, pipeline, claim_of("tests.tasks.add", 1, 2))
    finally:
        task_finished.connect(log_task_finished)

    assert [one.getMessage().rpartition("=")[2] for one in caplog.records] == ["RUNNING"]


def test_a_handler_that_blocks_holds_up_neither_slots_nor_settler(announcer, pipeline):
    reached, let_go = threading.Event(), threading.Event()
    lines = []

    class Blocking(logging.Handler):
        def emit(self, record):
            reached.set()
            assert let_go.wait(20)
            lines.append(record.args[2])

    logger, handler = logging.getLogger(LOGGER_NAME), Blocking()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        announcer.settled([execute_here(pipeline, claim_of("tests.tasks.add", 1, 2))])
        telling = threading.Thread(target=announcer.tick)
        telling.start()
        assert reached.wait(20)
        announcer.settled([execute_here(pipeline, claim_of("tests.tasks.add", 3, 4))])
        assert not announcer.is_idle
        let_go.set()
        telling.join()
        announcer.tick()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)

    assert lines == ["RUNNING", "SUCCESSFUL"] * 2
    assert announcer.is_idle


def test_more_news_than_are_announced_at_once_keep_their_order(announcer, pipeline, caplog):
    claims = [claim_of("tests.tasks.add", n, 1) for n in range(250)]
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        for claim in claims:
            announcer.settled([execute_here(pipeline, claim)])
        assert not announcer.is_idle
        while not announcer.is_idle:
            announcer.tick()

    assert [(str(one.args[0]), one.args[2].name) for one in caplog.records] == [
        (str(claim.id), state) for claim in claims for state in ("RUNNING", "SUCCESSFUL")
    ]
