"""What the comparison with other queues rests on: the verdict on a run, and the page of it."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.peers import ledger, render, summary, tables
from benchmarks.peers.environments import HERE, ROOT
from benchmarks.peers.lineup import LINEUP, Contestant

DURABILITY = {
    "task": "a row in PostgreSQL",
    "result": "the row",
    "worker_killed": "nothing",
    "broker_killed": "nothing",
}


def began(*numbers: int) -> list[ledger.Entry]:
    return [ledger.Entry(number, at, 1) for at, number in enumerate(numbers)]


def test_a_run_is_right_when_each_task_ran_once() -> None:
    assert ledger.judge(began(3, 1, 2), range(1, 4)).is_right


def test_a_task_that_never_ran_is_lost() -> None:
    verdict = ledger.judge(began(1, 3), range(1, 4))

    assert verdict == ledger.Verdict(lost=1, repeated=0)
    assert not verdict.is_right


def test_a_task_that_ran_again_is_no_stand_in_for_one_that_is_lost() -> None:
    verdict = ledger.judge(began(1, 1, 3), range(1, 4))

    assert verdict == ledger.Verdict(lost=1, repeated=1)
    assert str(verdict) == "1 lost, 1 run more than once"


def test_tasks_that_were_not_asked_for_do_not_matter() -> None:
    assert ledger.judge(began(1, 7, 7, 2), range(1, 3)).is_right


def test_the_time_is_that_from_the_first_to_the_last_of_these_tasks() -> None:
    entries = [ledger.Entry(number, number * 10**9, 1) for number in range(10)]

    assert ledger.seconds(entries, range(3, 6)) == 2.0


def test_marks_of_threads_and_processes_are_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger"
    monkeypatch.setenv("PEERS_LEDGER", str(path))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ledger.mark, range(200)))
    code = "from benchmarks.peers.ledger import mark; mark(200)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    entries = ledger.read(path)

    assert ledger.judge(entries, range(201)).is_right
    assert ledger.size(path) == 201
    assert len({entry.pid for entry in entries}) == 2
    assert [entry.number for entry in ledger.read(path, since=200)] == [200]


def test_an_entry_that_is_half_written_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"\0" * (ledger.ENTRY_BYTES + 5))

    assert len(ledger.read(path)) == ledger.size(path) == 1


def lines_of(*runs: dict[str, object]) -> list[dict[str, object]]:
    about = {
        "line": "contestant",
        "contestant": "djtasks",
        "versions": {"djtasks": "1"},
        "work": ["{bin}/python -m django runworker"],
        "settings": {},
        "no_nap": "",
        "is_django": True,
        "durability": DURABILITY,
    }
    conditions = {
        "line": "conditions",
        "at": "2026-01-02T03:04:05+00:00",
        "runs": 3,
        "cores": 2,
        "machine": "x86_64",
        "system": "6",
        "postgresql": 180006,
        "valkey": "9.1.2",
    }
    return [conditions, about, *runs, {"line": "end", "load": 1.0}]


def run(rate: float) -> dict[str, object]:
    return {
        "line": "run",
        "contestant": "djtasks",
        "load": 1.5,
        "calibration_ms": 10.0,
        "drain_per_second": rate,
        "enqueue_per_second": 900.0,
        "enqueue_cpu_us": 100.0,
        "worker_cpu_us": 30.0,
        "server_cpu_us": 40.0,
        "results_checked": True,
        "waits_ms": [1.0, 2.0, 3.0],
    }


def written(folder: Path, lines: list[dict[str, object]]) -> Path:
    path = folder / "peers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_figure_is_the_median_of_its_runs_with_the_least_and_the_most(tmp_path: Path) -> None:
    path = written(tmp_path, lines_of(run(30_000.0), run(10_000.0), run(26_000.0)))

    assert "26,000 [10,000 .. 30,000]" in tables.drain(summary.read(path))


def test_a_run_that_went_wrong_has_no_figures_and_is_named(tmp_path: Path) -> None:
    wrong = {"line": "run", "contestant": "djtasks", "failed": "3 lost, 0 run more than once"}
    read = summary.read(written(tmp_path, lines_of(run(10_000.0), wrong)))

    assert len(read.entrants["djtasks"].runs) == 1
    assert "- djtasks: 1 of its runs" in tables.absences(read)
    assert "3 lost" in render.page(read)


def test_who_could_not_take_part_is_named_with_the_reason(tmp_path: Path) -> None:
    gone = {"line": "missing", "contestant": "django-ox", "why": "it needs Python 3.12"}
    read = summary.read(written(tmp_path, lines_of(run(10_000.0), gone)))

    assert "- django-ox: it needs Python 3.12." in render.page(read)


def test_half_a_run_makes_no_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the output of a whole run"):
        summary.read(written(tmp_path, lines_of(run(10_000.0))[:-1]))


def test_the_page_in_the_documentation_is_that_of_the_lines_beside_it() -> None:
    read = summary.read(ROOT / "docs" / "benchmarks" / "peers.jsonl")
    page = (ROOT / "docs" / "benchmarks.md").read_text()

    assert page == render.page(read)
    for plot in re.findall(r"\]\((images/benchmarks/[^)]+)\)", page):
        assert (ROOT / "docs" / plot).exists()


@pytest.mark.parametrize("contestant", LINEUP, ids=lambda one: one.name)
def test_a_contestant_has_its_code_its_pins_and_a_reason_for_what_it_leaves_out(
    contestant: Contestant,
) -> None:
    assert (HERE / "contestants" / f"{contestant.module}.py").exists()
    assert bool(contestant.nap) != bool(contestant.no_nap)
    if contestant.group:
        pins = (HERE / f"requirements-{contestant.group}.txt").read_text().lower()
        for package in contestant.packages:
            assert re.search(rf"^{package.lower().replace('-', '[-_]')}==", pins, re.MULTILINE)
