"""What a station brings sessions to a service with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from recorder.clock import Clock
from recorder.host import places
from recorder.session.software import software_versions
from recorder.sync.client import ServiceClient
from recorder.sync.identity import Identity
from recorder.sync.outbox import Outbox
from recorder.sync.turn import Gear
from recorder.sync.vault import Vault

_MBIT_BYTES: Final = 1_000_000 / 8


@contextmanager
def gear_of(
    me: Identity, home: Path | None, limit_mbit: float | None = None, stop: threading.Event | None = None
) -> Iterator[Gear]:
    """What every session's turn with one service needs."""
    folder, clock, stop = places.sync_dir(home), Clock.from_environment(), stop or threading.Event()
    rate = limit_mbit * _MBIT_BYTES if limit_mbit else None
    software = {name: text[:120] for name, text in software_versions().items()}
    with Outbox(folder) as outbox, ServiceClient(me, bytes_per_s=rate, stop=stop) as service:
        vault = Vault(folder / "keys")
        yield Gear(service, outbox, vault, lambda: clock.wall_ns() // 1000, software, stop=stop)
