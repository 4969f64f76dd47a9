"""Tasks of the workflows in tests."""

from datetime import date
from decimal import Decimal
from typing import Any

from djtasks import task
from djtasks.context import Context


@task
def names(count: int) -> list[str]:
    return ["x" * (number + 1) for number in range(count)]


@task
def length(text: str, *, more: int = 0) -> int:
    return len(text) + more


@task
def total(numbers: list[int], start: int = 0) -> int:
    return sum(numbers, start)


@task
async def total_async(numbers: list[int], *, start: int = 0) -> int:
    return sum(numbers, start)


@task
def report(*values: Any, **named: Any) -> list[Any]:
    return [list(values), named]


@task
def fail(message: str = "no") -> None:
    raise LookupError(message)


@task
def texts(count: int) -> list[str]:
    return [f"{number}.5" for number in range(count)]


@task
def price(text: str) -> Decimal:
    return Decimal(text)


@task
def sum_of(prices: list[Decimal], day: date, extra: Decimal = Decimal(0)) -> Decimal:
    return sum(prices, extra) + day.day


@task
def dated(price: Decimal, *, day: date) -> str:
    return f"{price} {day:%d.%m.%Y}"


@task(encrypted=("card",))
def charge(card: str, amount: Decimal) -> str:
    return f"{card} {amount + 1}"


@task(unique="the only one")
def only_one() -> None: ...


@task(takes_context=True)
def split(context: Context, count: int, fails: bool = False) -> int:
    """Add `count` members and a sum of them; fail the first attempt behind that, if asked."""
    assert context.workflow is not None
    parts = context.workflow.map(length, [("x" * number,) for number in range(count)])
    context.workflow.add(total.bind(parts.results), name="sum")
    if fails and context.attempt == 1:
        raise LookupError("after it has added its nodes")
    return count


@task(takes_context=True)
async def split_async(context: Context, count: int) -> list[Any]:
    assert context.workflow is not None
    parts = await context.workflow.amap(length, [("x" * number,) for number in range(count)])
    await context.workflow.aadd(total.bind(parts.results), name="sum")
    return [await context.workflow.aresults("names"), len(await context.workflow.afailures())]


@task(takes_context=True)
def tell(context: Context) -> list[list[Any]]:
    assert context.workflow is not None
    return [[one.node, one.place, one.message] for one in context.workflow.failures()]


@task(takes_context=True)
def is_member(context: Context) -> bool:
    return context.workflow is not None


@task
def ends(*, well: bool) -> bool:
    if not well:
        raise LookupError("it was to fail")
    return well
