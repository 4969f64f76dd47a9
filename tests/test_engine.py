"""The parts behind a TASKS alias, put together from the settings."""

from copy import deepcopy
from typing import Any

import pytest
from django.test import override_settings

from djtasks.backend import DjtasksBackend
from djtasks.compat import InvalidTaskBackend
from djtasks.engine import engine_of, our_aliases
from djtasks.errors import InvalidOption
from djtasks.models import Namespace
from tests.carriers import with_broker
from tests.settings import OURS, TASKS


def test_an_engine_is_built_once_a_process() -> None:
    assert engine_of("default") is engine_of("default")
    assert engine_of("default").broker is engine_of("default").broker


def test_a_change_of_settings_builds_it_anew() -> None:
    before = engine_of("default")

    with override_settings(TASKS=deepcopy(TASKS)):
        during = engine_of("default")

    assert len({id(before), id(during), id(engine_of("default"))}) == 3


@pytest.mark.parametrize(
    ("alias", "queues"),
    [("default", ("default", "mail", "reports")), ("anything", ()), ("polled", ("default",))],
)
def test_queues_keep_the_order_of_the_settings(alias: str, queues: tuple[str, ...]) -> None:
    assert engine_of(alias).queues == queues


class OwnBackend(DjtasksBackend):
    """A project's subclass."""


def test_aliases_are_ours_when_their_backend_is() -> None:
    theirs = {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}
    nothing = {"BACKEND": "nowhere.Backend"}
    own = {"BACKEND": "tests.test_engine.OwnBackend"}
    more = {"theirs": theirs, "nothing": nothing, "broken": {}, "own": own}

    with override_settings(TASKS=TASKS | more):
        assert our_aliases() == ["default", "anything", "polled", "own"]
    with override_settings(TASKS=None):
        assert our_aliases() == []


@pytest.mark.parametrize(("tasks", "known"), [(TASKS, "default, anything, polled"), ({}, "no")])
def test_an_alias_that_does_not_exist_is_told(tasks: Any, known: str) -> None:
    with override_settings(TASKS=tasks), pytest.raises(InvalidTaskBackend) as refusal:
        engine_of("nowhere")

    assert f"TASKS has no alias 'nowhere'. It has: {known}" in str(refusal.value)


def test_a_bad_option_is_told() -> None:
    bad = {"default": {"BACKEND": OURS, "OPTIONS": {"brokr": 1}}}

    with override_settings(TASKS=bad), pytest.raises(InvalidOption, match="brokr"):
        engine_of("default")


def test_a_namespace_is_chosen_once_for_a_database(db: None) -> None:
    first = engine_of("default").namespace

    assert first == engine_of("polled").namespace == Namespace.objects.get().name
    assert len(first) >= 16
    assert str(Namespace.objects.get()) == first


def test_a_namespace_may_be_given(django_assert_num_queries: Any, db: None) -> None:
    with with_broker(namespace="staging"), django_assert_num_queries(0):
        assert engine_of("default").namespace == "staging"


def test_the_channel_of_an_alias_is_a_short_name_of_its_own(db: None) -> None:
    channels = {engine_of(alias).channel for alias in TASKS}

    assert len(channels) == 3
    assert all(channel.isidentifier() and len(channel) <= 63 for channel in channels)
