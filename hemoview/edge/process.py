"""``hemoview edge``: follows one station for ever and gives back estimates and beats. If it dies, raw streams go on."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hemoview.edge.follower import Follower
from hemoview.edge.knowledge import Options
from hemoview.edge.models import load_model
from recorder.errors import RecorderError
from recorder.host import lock, logs
from recorder.host.client import StationClient
from recorder.schema.rules import ANCHORS

LOCK_PATIENCE_S: Final = 3.0
"""One that was told to stop may still be ending."""
BACK_OFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
IN_ORDER_S: Final = 0.3
"""Time to end in order once told to: a wake-up and a call that is answered."""
HAND_BACK_S: Final = 10.0
"""With a recorder still there an end may wait so long for the rows under way to be taken."""

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop. Exit code 0; 2 for wrong usage.

    Raises:
        StationLocked: another edge process follows the station already.
    """
    args = _parser().parse_args(argv)
    lock.hold_edge(args.station, args.home, patience_s=LOCK_PATIENCE_S)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_end_anyway, args=(args.station, args.home, stop), daemon=True).start()
    logs.begin(f"edge-{args.station}", args.home)
    run(args.station, args.home, Options(args.anchor_from, args.show_simulated), stop, model=args.model)
    return 0


def _end_anyway(station: str, home: Path | None, stop: threading.Event) -> None:
    """Ends the process in the midst of a call that nobody will answer; it keeps nothing that could be lost."""
    await_end(station, home, stop)
    logging.shutdown()
    os._exit(0)


def await_end(station: str, home: Path | None, stop: threading.Event) -> None:
    """Until ``stop`` is set, an end in order had its time, and no recorder is left that could take rows."""
    stop.wait()
    deadline = time.monotonic() + HAND_BACK_S
    time.sleep(IN_ORDER_S)
    while lock.is_held(station, home) and time.monotonic() < deadline:
        time.sleep(0.1)


ALONE_S = 300.0
"""Real seconds without a recorder after which the process ends."""


def run(
    station: str, home: Path | None, options: Options, stop: threading.Event, *, model: str | None = None
) -> None:
    """Attach, follow, attach again when the recorder was restarted; until ``stop`` is set, or nobody needs it.

    A recorder that comes back starts its edge process anew, so one that is left alone for long ends.
    """
    loaded = load_model(model)
    with StationClient(station, home, name=f"edge-{station}") as client:
        follower = Follower(client, loaded, options)
        failures, alone_since_s = 0, None
        while not stop.is_set():
            try:
                follower.attach()
                failures, alone_since_s = 0, None
                follower.follow(stop)
            except RecorderError as error:
                log.warning("station %s: %s", station, error)
                alone_since_s = alone_since_s or time.monotonic()
                if time.monotonic() - alone_since_s > ALONE_S:
                    return
                stop.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1
            finally:
                follower.detach()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hemoview edge",
        description="Estimates and beats of one station, from its live streams; one a second.",
        epilog="example: hemoview edge --station bed-3",
    )
    parser.add_argument("--station", required=True, help="station to follow")
    parser.add_argument("--home", type=Path, help="where stations are; the user's place if left out")
    parser.add_argument(
        "--model", metavar="NAME", help="model bundle to use; the newest installed if left out"
    )
    parser.add_argument(
        "--anchor-from",
        choices=ANCHORS,
        default="cuff",
        help="what personalises in a session that does not say: cuff readings (default), the calibrated arterial wave "
        "every 5 min, or both",
    )
    parser.add_argument(
        "--show-simulated",
        action="store_true",
        help="in a session that does not say, also give parameters learned from simulation alone, tagged SIM",
    )
    return parser
