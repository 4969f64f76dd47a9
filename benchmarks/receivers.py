"""Receivers of a task's signals, for a worker that imports this module."""

from typing import Any

from djtasks.compat import task_finished, task_started

heard = {"started": 0, "finished": 0}


def _hear_start(**_news: Any) -> None:
    heard["started"] += 1


def _hear_end(**_news: Any) -> None:
    heard["finished"] += 1


task_started.connect(_hear_start)
task_finished.connect(_hear_end)
