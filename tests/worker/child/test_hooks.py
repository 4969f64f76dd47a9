"""Signals about processes are sent, and no receiver ends the process."""

from django.dispatch import Signal

from djtasks.worker.child import hooks


def test_what_a_receiver_raises_is_logged_and_ends_nothing(caplog):
    signal, heard = Signal(), []

    def exits(**_facts):
        raise SystemExit(3)

    def hears(**facts):
        heard.append(facts["pid"])

    signal.connect(hears)
    signal.connect(exits)

    hooks.send(signal, pid=7)

    assert heard == [7]
    assert "A receiver of a process's signal raised" in caplog.text
