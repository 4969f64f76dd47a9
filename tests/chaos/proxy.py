"""A TCP proxy in front of a server, for what happens to networks.

pass       what comes is handed on
refuse     nobody listens, and what was connected is cut
blackhole  connections stand and nothing arrives; what was sent meanwhile arrives late
freeze     old connections stand for ever, new ones work: a router forgot them
delay      every piece is late by so many seconds
lose       the request reaches the server, its answer does not reach the client
"""

import asyncio
import random
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_PIECE = 65_536


class Mode(Enum):
    PASS = "pass"
    REFUSE = "refuse"
    BLACKHOLE = "blackhole"


@dataclass
class Loss:
    """Which answers get lost: those to requests that contain one of `marks`, in `share`."""

    marks: tuple[bytes, ...]
    share: float
    count: int = 0


class Proxy:
    """Listens on a port of 127.0.0.1 and hands on to `target`, a (host, port) or a unix socket.

    Lives in a thread of its own; its methods may be called from any other.
    """

    def __init__(self, target: tuple[str, int] | Path, *, seed: int = 0) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._links: set[_Link] = set()
        # Not asyncio's server: what that accepts while it closes is never closed (Python 3.11).
        self._listener: socket.socket | None = None
        self.port = 0
        self.flowing = asyncio.Event()
        self.delay = 0.0
        self.loss: Loss | None = None
        self._last_words: tuple[bytes, ...] = ()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._do(self._switch(Mode.PASS))

    def switch(self, mode: Mode) -> None:
        """Change what happens from now on, to old connections too."""
        self._do(self._switch(mode))

    def lose_answers(self, *marks: bytes, share: float = 1.0) -> Loss:
        """Lose answers to requests with such a mark; what is returned counts them."""
        self.loss = Loss(marks, share)
        return self.loss

    def lose_none(self) -> None:
        self.loss = None

    def blackhole_after(self, *marks: bytes) -> None:
        """Hand on the next request with such a mark, and then nothing more to either side."""
        self._last_words = marks

    def note(self, request: bytes) -> None:
        """Take note of a request that was handed on."""
        if any(mark in request for mark in self._last_words):
            self._last_words = ()
            self.flowing.clear()

    def aim(self, target: tuple[str, int] | Path) -> None:
        """Hand on to another server from now on; what was connected is cut."""
        self._target = target
        self.cut()

    def freeze_links(self) -> None:
        """Let nothing pass any more on the connections that there are."""
        for link in list(self._links):
            link.is_frozen = True

    def cut(self) -> int:
        """Cut all connections once; return how many there were."""
        return self._do(self._cut())

    def close(self) -> None:
        self._do(self._switch(Mode.REFUSE))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _switch(self, mode: Mode) -> None:
        if mode is Mode.BLACKHOLE:
            self.flowing.clear()
        else:
            self.flowing.set()
        if mode is Mode.REFUSE and self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            await self._cut()
        elif mode is not Mode.REFUSE and self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
            self._listener.setblocking(False)
            self.port = self._listener.getsockname()[1]
            self._loop.add_reader(self._listener, self._accept, self._listener)

    async def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            link.cut()
        await asyncio.gather(*(link.ended.wait() for link in links))
        return len(links)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _address = listener.accept()
        except OSError:
            return  # it is gone already
        link = _Link(self, client)
        self._links.add(link)
        link.task = asyncio.ensure_future(link.run(self._target))
        link.task.add_done_callback(lambda _task: self._links.discard(link))

    def is_to_be_lost(self, request: bytes) -> Loss | None:
        """Return the loss that strikes the answer to this request, if one does."""
        loss = self.loss
        if loss is None or not any(mark in request for mark in loss.marks):
            return None
        return loss if self._random.random() < loss.share else None


class _Link:
    """One connection of a client and its twin to the server."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._near: asyncio.StreamWriter | None = None
        self._far: asyncio.StreamWriter | None = None
        self._is_cut = False
        self._losing: Loss | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self.task: asyncio.Task[None] | None = None  # kept here, since a loop does not keep it
        self.is_frozen = False
        self.ended = asyncio.Event()

    async def run(self, target: tuple[str, int] | Path) -> None:
        try:
            reader, self._near = await asyncio.open_connection(sock=self._client)
            await self._proxy.flowing.wait()
            if self._is_cut:
                return
            if isinstance(target, Path):
                far_reader, self._far = await asyncio.open_unix_connection(str(target))
            else:
                far_reader, self._far = await asyncio.open_connection(*target)
            self._pumps = [
                asyncio.ensure_future(self._requests(reader, self._far)),
                asyncio.ensure_future(self._answers(far_reader, self._near)),
            ]
            await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            self.cut()
            await asyncio.gather(*self._pumps, return_exceptions=True)
            self.ended.set()

    def cut(self) -> None:
        self._is_cut = True
        for writer in (self._near, self._far):
            if writer is not None:
                writer.transport.abort()
        for pump in self._pumps:
            pump.cancel()

    async def _requests(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        while piece := await near.read(_PIECE):
            await self._hold_up()
            self._losing = self._losing or self._proxy.is_to_be_lost(piece)
            far.write(piece)
            await far.drain()
            self._proxy.note(piece)

    async def _answers(self, far: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while piece := await far.read(_PIECE):
            await self._hold_up()
            if self._losing is not None:
                # The server has answered, so it has done what it was asked.
                self._losing.count += 1
                return
            near.write(piece)
            await near.drain()

    async def _hold_up(self) -> None:
        if self._proxy.delay:
            await asyncio.sleep(self._proxy.delay)
        await self._proxy.flowing.wait()
        if self.is_frozen:
            await asyncio.Event().wait()
