"""``python -m recorder.devices.sim CONFIG.json``: one virtual bedside until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from recorder.clock import Clock
from recorder.devices.sim.bedside import Bedside
from recorder.devices.sim.config import load
from recorder.errors import RecorderError


def main(argv: list[str] | None = None) -> int:
    """Run the emulators; 0 after SIGTERM or Ctrl-C, 1 if they cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m recorder.devices.sim",
        description="Virtual bedside: emulators that speak the real wire protocols.",
        epilog="example: python -m recorder.devices.sim bedside.json",
    )
    parser.add_argument("config", type=Path, help="JSON file, see resources/docs/decisions/0006")
    options = parser.parse_args(argv)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    try:
        config = load(options.config)
        bedside = Bedside(config, Clock.from_environment(), requests)
    except RecorderError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: bedside.stop())
    if sys.stdin is not None and not sys.stdin.closed:
        at_end = bedside.stop if config.tied else None
        threading.Thread(target=_listen, args=(requests, at_end), daemon=True).start()
    bedside.run()
    return 0


def _listen(requests: queue.SimpleQueue[str], at_end: Callable[[], None] | None) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in sys.stdin:
            requests.put(line)
    if at_end is not None:
        at_end()


if __name__ == "__main__":
    raise SystemExit(main())
