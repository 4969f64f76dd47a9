"""What the benchmarks run on the event loop; apart, since a worker that knows tasks of both
kinds fetches no more than both of its pools have room for."""

import asyncio

from djtasks import task


@task
async def nap(number: int) -> int:
    await asyncio.sleep(0.05)
    return number


@task
async def add(a: int, b: int) -> int:
    return a + b
