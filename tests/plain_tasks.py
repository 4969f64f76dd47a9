"""Tasks of a third party, who knows Django's API and nothing of djtasks."""

from typing import Any

from djtasks.compat import IN_DJANGO, TaskContext

if IN_DJANGO:
    from django.tasks import task
else:
    from django_tasks import task


@task
def double(number: int) -> int:
    return 2 * number


@task(priority=5, queue_name="mail")
def echo(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@task(takes_context=True)
def tells_its_attempt(context: TaskContext, name: str) -> Any:
    return [name, context.attempt, context.task_result.id, context.task_result.status]


@task
async def double_async(number: int) -> int:
    return 2 * number


@task
def fails() -> None:
    raise KeyError("no such thing")
