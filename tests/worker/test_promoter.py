"""The promoter: who tells it, when it looks again, and what a failure of it holds up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from djtasks.engine import Engine
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.protocol.workflows import WorkflowState
from djtasks.store.promotion import Look
from djtasks.worker import promoter as promoting
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.promoter import Promoter, WorkflowEnd
from djtasks.worker.sweeper import Sweeper
from tests.flows import Flow
from tests.worker.making import claim_of

READY, RUNNING, DONE, FAILED, CANCELLED, EXPIRED, WAITING = State


class Ends(list[WorkflowEnd]):
    """What a promoter has told of workflows that are over."""


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def promoter(engine: Engine, ends: Ends) -> Promoter:
    return Promoter(engine, ends.extend)


def finished(**claimed: Any) -> Finished:
    claim = claim_of("tests.tasks.add", 1, 2, **claimed)
    return Finished(
        claim=claim,
        task=None,
        settlement=Settlement.succeeded(claim),
        error=None,
        seconds=0.0,
        began=None,
    )


def test_a_settled_member_has_its_workflow_looked_at(engine: Engine, promoter: Promoter) -> None:
    flow = Flow(engine.store)
    node = flow.add()

    promoter.settled([finished(), finished(workflow=flow.id)])
    assert not promoter.is_idle
    promoter.turn()

    assert promoter.is_idle
    assert flow.member_states(node) == [READY]


def test_plain_tasks_tell_it_nothing(promoter: Promoter) -> None:
    promoter.settled([finished(), finished()])

    assert promoter.is_idle


def test_the_hint_of_a_waiting_member_leads_to_its_workflow(
    engine: Engine, promoter: Promoter
) -> None:
    flow = Flow(engine.store)
    node = flow.add(members=2)

    promoter.unclaimed([flow.members(node)[1].pk, finished().claim.id])
    promoter.turn()

    assert flow.member_states(node) == [READY, READY]


def test_without_a_broker_it_looks_for_open_doors(engine: Engine, promoter: Promoter) -> None:
    flow = Flow(engine.store)
    node = flow.add()

    promoter.ask()
    promoter.turn()

    assert flow.member_states(node) == [READY]


def test_it_tells_of_workflows_that_are_over(
    engine: Engine, promoter: Promoter, ends: Ends
) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    flow.put(node, FAILED)

    promoter.put([flow.id])
    promoter.turn()

    assert ends == [(flow.id, WorkflowState.FAILED)]


def test_a_busy_workflow_goes_back_into_the_inbox(
    engine: Engine, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow(engine.store)
    monkeypatch.setattr(promoting, "look", lambda *_args, **_options: Look(busy={flow.id}))
    promoter.put([flow.id], every=True)
    promoter.turn()
    assert not promoter.is_idle

    asked = _recorded(promoter, monkeypatch)

    assert asked == [([flow.id], True)]


def test_a_look_that_changed_nothing_is_not_repeated_at_once(
    engine: Engine, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow(engine.store)
    flow.put(flow.add(), RUNNING)
    monkeypatch.setattr(promoting, "_PATIENCE", 1e9)
    promoter.put([flow.id])
    promoter.turn()

    promoter.put([flow.id])

    assert _recorded(promoter, monkeypatch) == []
    assert not promoter.is_idle


def test_what_is_left_of_a_page_is_looked_at_at_once(
    engine: Engine, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow(engine.store)
    answers = iter([Look(again={flow.id}, changed={flow.id}), Look(leftover={flow.id}), Look()])
    asked: list[bool] = []

    def look(*_args: Any, every: bool, pages: Any) -> Look:
        asked.append(every)
        return next(answers)

    monkeypatch.setattr(promoting, "look", look)
    monkeypatch.setattr(promoting, "_PATIENCE", 0)
    promoter.put([flow.id])
    for _ in range(3):
        promoter.turn()

    assert asked == [False, False, True]
    assert promoter.is_idle


def test_an_outage_loses_nothing(
    engine: Engine, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    promoter.put([flow.id])

    with monkeypatch.context() as broken:
        broken.setattr(promoting, "look", _raising(OperationalError("server closed")))
        with pytest.raises(OperationalError):
            promoter.turn()
    promoter.turn()

    assert flow.member_states(node) == [READY]


def test_a_broken_workflow_does_not_hold_up_the_others(
    engine: Engine, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, flow = Flow(engine.store), Flow(engine.store)
    node = flow.add()
    real = promoting.look

    def look(store: Any, workflows: Any, **options: Any) -> Look:
        if broken.id in workflows:
            raise ValueError("no")
        return real(store, workflows, **options)

    monkeypatch.setattr(promoting, "look", look)
    promoter.put([broken.id, flow.id])
    promoter.turn()

    assert flow.member_states(node) == [READY]
    assert promoter.is_idle


def test_only_the_leader_sweeps(engine: Engine) -> None:
    flow = Flow(engine.store)
    node = flow.add()
    leads: list[bool] = []
    sweeper = Sweeper(engine, lambda: bool(leads))

    sweeper.tick()
    assert flow.member_states(node) == [WAITING]

    leads.append(True)
    sweeper.tick()
    assert flow.member_states(node) == [READY]


def _raising(error: Exception) -> Callable[..., Any]:
    def look(*_args: Any, **_options: Any) -> Any:
        raise error

    return look


def _recorded(promoter: Promoter, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the looks of the next turns, once what is due in a few milliseconds is due."""
    asked: list[Any] = []

    def look(_store: Any, workflows: Any, *, every: bool, pages: Any) -> Look:
        asked.append((list(workflows), every))
        return Look()

    monkeypatch.setattr(promoting, "look", look)
    promoter.tick()
    return asked
