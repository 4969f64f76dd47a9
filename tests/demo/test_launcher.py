"""The launcher as people run it, with real processes: what it does and says."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from demo_project.processes import get
from tests.demo.launched import ROOT, SUMMARY, Demo, kill
from tests.waiting import eventually

pytestmark = pytest.mark.slow

Start = Callable[..., Demo]


@pytest.fixture
def database(place: Path) -> Iterator[sqlite3.Connection]:
    """The demo's tables in an SQLite file at `place`, to be tampered with."""
    subprocess.run(
        [sys.executable, ROOT / "manage.py", "migrate", "--verbosity", "0"],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "demo_project.settings",
            "DATABASE_URL": url_of(place),
            "REDIS_URL": "",
        },
        check=True,
    )
    connection = sqlite3.connect(place / "demo.sqlite3")
    yield connection
    connection.close()


def url_of(place: Path) -> str:
    return f"sqlite:///{place / 'demo.sqlite3'}"


def test_once_does_the_work_checks_it_and_leaves_nothing(start: Start, shelf: Path) -> None:
    demo = start("--once", shelf)

    assert demo.end() == 0, demo.said()

    assert SUMMARY in demo.said()
    assert "7 lines, 1 functions" in demo.said()
    assert "no task is lost, the sums are right, every failure is real" in demo.said()
    assert re.search(r"user demo, password \S{12}\n", demo.said())
    assert demo.left() == []
    assert list(demo.folder.iterdir()) == []


@pytest.mark.thorough
def test_the_password_is_new_each_time_also_for_a_user_who_is_there(
    start: Start, shelf: Path, place: Path
) -> None:
    passwords = set()
    for _ in range(2):
        demo = start("--once", shelf, DATABASE_URL=url_of(place))
        assert demo.end() == 0, demo.said()
        passwords |= set(re.findall(r"user demo, password (\S+)", demo.said()))

    assert len(passwords) == 2


def test_a_lost_task_makes_it_fail(
    start: Start, shelf: Path, place: Path, database: sqlite3.Connection
) -> None:
    database.execute(
        "CREATE TRIGGER lose AFTER UPDATE ON djtasks_taskrecord "
        "WHEN NEW.state = 2 AND NEW.key LIKE '%read_file:1/1' "
        "BEGIN DELETE FROM djtasks_taskrecord WHERE id = NEW.id; END"
    )

    demo = start("--once", shelf, DATABASE_URL=url_of(place))

    assert demo.end() == 1
    assert "main.py: its task is lost." in demo.said()
    assert demo.left() == []


@pytest.mark.thorough
def test_a_wrong_sum_makes_it_fail(
    start: Start, shelf: Path, place: Path, database: sqlite3.Connection
) -> None:
    database.execute(
        "CREATE TRIGGER embellish AFTER UPDATE OF lines ON library_sourcefile "
        "WHEN NEW.lines = 5 BEGIN UPDATE library_sourcefile SET lines = 50 WHERE id = NEW.id; END"
    )

    demo = start("--once", shelf, DATABASE_URL=url_of(place))

    assert demo.end() == 1
    assert "The rows have 52 lines, but it is 7." in demo.said()


def test_killed_workers_and_a_lost_valkey_cost_no_task(start: Start) -> None:
    demo = start("--once", ROOT)
    demo.wait_for("Watch it")
    eventually(lambda: files_done(demo) > 5)

    children = [
        child
        for child in demo.process_of("runworker").children(recursive=True)
        if child.parent() != demo.process_of("runworker")
    ]
    kill([*children, demo.process_of("valkey-server")])

    assert demo.end() == 0, demo.said()
    assert len(children) > 0
    assert "no task is lost" in demo.said()


def files_done(demo: Demo) -> int:
    _status, page = get(demo.port, "/readings/1/")
    found = re.search('aria-valuenow="([0-9]+)"', page)
    return int(found[1]) if found else 0


@pytest.mark.usefixtures("servers")
def test_it_works_on_the_servers_it_is_told(start: Start, shelf: Path, own_valkey) -> None:
    postgres = os.environ["DJTASKS_TEST_POSTGRES"]
    name = f"demo_{uuid4().hex}"
    with psycopg_connection(postgres) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = f"postgres://postgres@/{name}?host={postgres}&port=5432"

    try:
        demo = start("--once", shelf, DATABASE_URL=url, REDIS_URL=own_valkey.url)
        code = demo.end()
    finally:
        with psycopg_connection(postgres) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    assert code == 0, demo.said()
    assert SUMMARY in demo.said()
    assert name not in demo.said()
    assert own_valkey.guard.poll() is None


def psycopg_connection(host: str):
    import psycopg

    return psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True)


def test_without_its_redis_it_warns_and_still_works(start: Start, shelf: Path) -> None:
    demo = start("--once", shelf, REDIS_URL="redis://127.0.0.1:1/0")

    assert demo.end() == 0, demo.said()
    assert "warning:" in demo.said()
    assert SUMMARY in demo.said()


def test_two_at_once_do_not_meet(start: Start, shelf: Path) -> None:
    demos = [start(shelf), start(shelf)]
    for demo in demos:
        demo.wait_for("until you press Ctrl-C")

    assert demos[0].port != demos[1].port
    assert all(SUMMARY in demo.said() for demo in demos)
    demos[0].press_ctrl_c()
    assert demos[0].end() == 0
    assert demos[0].left() == []
    assert len(demos[1].left()) > 4


def test_a_taken_port_is_no_problem(start: Start, shelf: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        demo = start("--once", "--port", str(taken), shelf)

        assert demo.end() == 0, demo.said()
    assert demo.port > taken


@pytest.mark.parametrize(
    ("environment", "arguments", "said"),
    [
        ({}, ["/no-such-folder/x"], "There is no folder /no-such-folder/x on this machine."),
        ({}, ["/etc/passwd"], "/etc/passwd is a file. Its folder is /etc."),
        ({}, ["no-such-folder"], f"There is no folder {ROOT}/no-such-folder on this machine."),
        ({"HOME": "/etc"}, ["~/passwd"], "/etc/passwd is a file. Its folder is /etc."),
        ({}, ["/proc/self/fdinfo"], "There are no Python files in /proc/self/fdinfo"),
        ({"DATABASE_URL": "oracle://me:secret@host/x"}, [], "DATABASE_URL starts with 'oracle://'"),
        ({"DATABASE_URL": "postgres://me:secret@127.0.0.1:1/x"}, [], "cannot be used:"),
        ({"DATABASE_URL": "sqlite:////no-such-folder/x"}, [], "unable to open database file"),
        ({}, ["--port", "70000"], "No port from 70000 on is free"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    start: Start, environment: dict[str, str], arguments: list[str], said: str
) -> None:
    demo = start("--once", *arguments, **environment)

    assert demo.end() == 1
    assert said in demo.said()
    assert "Traceback" not in demo.said()
    assert "secret" not in demo.said()
    assert demo.left() == []
