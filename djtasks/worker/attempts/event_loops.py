"""End an event loop in a process that goes on without it."""

import asyncio

from asgiref.sync import sync_to_async
from django.db import connections

_PATIENCE_SECONDS = 1.0


def end(loop: asyncio.AbstractEventLoop, *, has_connections: bool) -> None:
    """Cancel what is left on a stopped loop, wait a second for it, and close the loop.

    `has_connections`: the thread that its coroutines share for blocking calls has some to close.
    """
    try:
        loop.run_until_complete(_cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        if has_connections:
            loop.run_until_complete(sync_to_async(connections.close_all)())
    finally:
        loop.close()


async def _cancel_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_PATIENCE_SECONDS)
