"""An air with peripherals on a loop of its own, for tests that live in other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from recorder.devices.sim.ble_air import Air, Offer, Peripheral

T = TypeVar("T")


class AirRig:
    """Peripherals and the port of their air; ``do`` runs something on the loop they live on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, air: Air, port: int) -> None:
        self._loop, self.air = loop, air
        self.port = port
        self.radio = f"virtual:127.0.0.1:{port}"
        self.written: list[tuple[int, bytes]] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def add(self, name: str, address: str, offer: Offer) -> Peripheral:
        return self.do(self._add(name, address, offer))

    async def _add(self, name: str, address: str, offer: Offer) -> Peripheral:
        made = Peripheral(self.air, name, address, offer, lambda c, data: self.written.append((c, data)))
        await made.start()
        return made


@contextmanager
def air_rig() -> Iterator[AirRig]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="test-air", daemon=True)
    thread.start()

    async def begin() -> tuple[Air, int]:
        air = Air()
        return air, await air.serve()

    air, port = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield AirRig(loop, air, port)
    finally:
        asyncio.run_coroutine_threadsafe(air.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(asyncio.sleep(0.05))  # what hung up is cleared away
        loop.close()
