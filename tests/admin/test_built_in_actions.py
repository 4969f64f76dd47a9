"""The admin's faces of the table of actions: each action has one, and they agree."""

import pytest

from djtasks.admin import TaskRecordAdmin
from djtasks.admin.built_in_actions import BUILT_IN
from djtasks.operations import ACTIONS

# What is done to many only, and why.
NOT_TO_ONE = {"delete": "discard deletes a single task, whatever its state"}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_a_face_that_agrees_with_the_table(name: str) -> None:
    action = ACTIONS[name]
    faces = [face for face in TaskRecordAdmin.task_actions if face.operation == name]

    assert any(face.many for face in faces)
    assert any(face.one for face in faces) != (name in NOT_TO_ONE)
    for face in faces:
        assert face.permission == f"djtasks.{action.permission}"
        assert face.states == action.states
        assert face.is_destroying == action.deletes
        assert face.label
        assert not face.one or (face.effect and face.one.handler)
        assert not face.many or face.many.effect


@pytest.mark.parametrize("face", BUILT_IN, ids=lambda face: face.name)
def test_a_form_asks_for_what_its_action_takes(face: object) -> None:
    assert face in TaskRecordAdmin.task_actions
    many = face.many  # type: ignore[attr-defined]
    fields = set(many.form(None, queues=["default"]).fields) - {"reason"}  # for the log

    assert fields <= ACTIONS[face.operation].options  # type: ignore[attr-defined]
    assert ACTIONS[face.operation].needed <= fields  # type: ignore[attr-defined]
