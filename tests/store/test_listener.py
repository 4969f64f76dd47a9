"""NOTIFY as an alarm clock."""

from typing import Any

import pytest
from django.db import connection, connections

from djtasks.store.listener import Listener
from tests.pgbouncer import needs_a_session
from tests.store.connections import elsewhere
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    needs_a_session,
    pytest.mark.usefixtures("servers"),
]

CHANNEL = "djtasks_test"


def notify(channel: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, 'mail')", [channel])


@pytest.fixture
def listener() -> Listener:
    made = Listener("default", CHANNEL)
    assert made.wait(0) is True  # what came before it listened is found by looking
    return made


def test_a_notification_on_the_channel_is_news(listener: Listener) -> None:
    elsewhere(notify, CHANNEL).result(30)

    assert eventually(lambda: listener.wait(1)) is True


def test_silence_and_other_channels_are_none(listener: Listener) -> None:
    elsewhere(notify, "another").result(30)

    assert listener.wait(0.05) is False


def test_a_lost_connection_is_no_news_and_is_listened_on_again(listener: Listener) -> None:
    raw: Any = connection.connection
    raw.close()

    assert listener.wait(0.01) is False

    connection.close()
    assert listener.wait(0.01) is True
    elsewhere(notify, CHANNEL).result(30)
    assert eventually(lambda: listener.wait(1)) is True


@pytest.mark.parametrize(
    ("alias", "pooled", "possible"),
    [("default", False, True), ("default", True, False), ("sqlite", False, False)],
)
def test_only_a_session_of_our_own_hears_postgresql(
    monkeypatch: pytest.MonkeyPatch, alias: str, pooled: bool, possible: bool
) -> None:
    settings = connections[alias].settings_dict
    monkeypatch.setitem(settings, "DISABLE_SERVER_SIDE_CURSORS", pooled)

    assert Listener.is_possible(alias) is possible
