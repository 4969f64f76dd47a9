"""A doctor examines other brokers than Redis by their contract alone."""

import secrets
from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.test import override_settings

from djtasks.doctor import examine
from djtasks.doctor.roundtrip import QUEUE
from tests.brokers.rabbits import queues_deleted, require_rabbitmq
from tests.doctor.conftest import complaints
from tests.settings import ENCRYPTION_KEYS, TASKS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def over() -> Iterator:
    """Take another broker_url for TASKS["default"]."""
    namespace = f"test-{secrets.token_hex(8)}"

    def settings(url: str):
        changed = deepcopy(TASKS)
        options = {"broker": "kombu", "broker_url": url, "namespace": namespace}
        options["encryption_keys"] = ENCRYPTION_KEYS
        changed["default"]["OPTIONS"] = options
        return override_settings(TASKS=changed)

    settings.namespace = namespace
    return settings


def test_a_hint_goes_through_rabbitmq_and_back(served, over):
    url = require_rabbitmq()
    with queues_deleted(url, over.namespace, [QUEUE, *TASKS["default"]["QUEUES"]]), over(url):
        parts = [finding.part for finding in examine("default") if not finding.is_bad]

        assert {"broker", "push", "pop", "claim", "settle"} <= set(parts)
        assert complaints() == {}


def test_a_rabbitmq_that_does_not_answer(served, over):
    with over("amqp://guest:s3cret@127.0.0.1:1//"):
        found = complaints()

    assert "broker_url" in found["unreachable"].remedy
    assert "s3cret" not in str(found)


def test_a_rabbitmq_that_refuses_the_password(served, over):
    url = require_rabbitmq()
    with over(url.replace("guest:guest@", "guest:wr0ng@")):
        found = complaints()

    assert "broker_url" in found["unreachable"].remedy
    assert "wr0ng" not in str(found)
