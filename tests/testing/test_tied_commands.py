import os
import signal
import subprocess
import sys
from pathlib import Path

from djtasks.testing.servers import tied_to_parent
from tests.living import is_alive
from tests.waiting import eventually

SERVER = """
import os, pathlib, signal, sys, time
def note(number, _frame):
    pathlib.Path(sys.argv[1], "heard").write_text(signal.Signals(number).name)
    sys.exit(0)
if sys.argv[2] == "handles":
    signal.signal(signal.SIGTERM, note)
try:
    pathlib.Path(sys.argv[1], "pid.new").write_text(str(os.getpid()))
    pathlib.Path(sys.argv[1], "pid.new").rename(pathlib.Path(sys.argv[1], "pid"))
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path(sys.argv[1], "heard").write_text("SIGINT")
"""
HOLDER = """
import sys, time
from pathlib import Path
from djtasks.testing.servers import tied_to_parent
guard = tied_to_parent([sys.executable, "-c", *sys.argv[1:]])
time.sleep(60)
"""


def command(folder: Path, how: str = "handles") -> list[str]:
    return [sys.executable, "-c", SERVER, str(folder), how]


def pid_of_server(folder: Path) -> int:
    return int(eventually(lambda: (folder / "pid").exists() and (folder / "pid").read_text()))


def let_go(guard: "subprocess.Popen[bytes]") -> int:
    assert guard.stdin is not None
    guard.stdin.close()
    return guard.wait(30)


def test_a_server_gets_its_one_signal_when_it_is_let_go(tmp_path: Path) -> None:
    guard = tied_to_parent(command(tmp_path))
    pid = pid_of_server(tmp_path)

    code = let_go(guard)

    assert code == 0
    assert (tmp_path / "heard").read_text() == "SIGTERM"
    assert not is_alive(pid)


def test_a_server_hears_sigint_although_its_leash_does_not(tmp_path: Path) -> None:
    guard = tied_to_parent(command(tmp_path, "as python does"), stop="INT")
    pid_of_server(tmp_path)
    os.kill(guard.pid, signal.SIGINT)
    os.kill(guard.pid, signal.SIGTERM)

    let_go(guard)

    assert (tmp_path / "heard").read_text() == "SIGINT"


def test_a_server_without_a_handler_ends_at_once(tmp_path: Path) -> None:
    guard = tied_to_parent(command(tmp_path, "as python does"))
    pid = pid_of_server(tmp_path)

    let_go(guard)

    assert not is_alive(pid)


def test_a_server_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    guard = tied_to_parent(command(tmp_path))
    pid = pid_of_server(tmp_path)

    sessions = {os.getsid(pid), os.getsid(guard.pid), os.getsid(0)}

    assert len(sessions) == 3
    let_go(guard)


def test_a_server_ends_when_its_holder_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *command(tmp_path)[2:]])
    pid = pid_of_server(tmp_path)

    holder.kill()
    holder.wait()

    eventually(lambda: not is_alive(pid), seconds=10)
    assert (tmp_path / "heard").read_text() == "SIGTERM"


def test_a_server_ends_when_its_leash_is_killed(tmp_path: Path) -> None:
    guard = tied_to_parent(command(tmp_path))
    pid = pid_of_server(tmp_path)

    guard.kill()
    let_go(guard)

    eventually(lambda: not is_alive(pid), seconds=10)
    assert (tmp_path / "heard").read_text() == "SIGTERM"


def test_a_leash_ends_with_its_server_and_hands_its_code_on(tmp_path: Path) -> None:
    guard = tied_to_parent([sys.executable, "-c", "raise SystemExit(7)"])

    assert guard.wait(30) == 7
    let_go(guard)


def test_what_a_server_prints_goes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"

    guard = tied_to_parent([sys.executable, "-c", "print('hello')"], log=log)
    guard.wait(30)

    assert log.read_text() == "hello\n"
    let_go(guard)
