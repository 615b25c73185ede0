"""The alignment panel without a window: versions on disk, beats and a search with a known answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hemoview.dsp.time_map import Piece
from hemoview.labels import alignment as labels
from hemoview.labels.alignment import Alignment
from hemoview.viewmodel.review.align import AlignModel, AlignView
from hemoview.viewmodel.review.align_deeds import Beats, Known, StoredDeeds, Tell

PIECES = (Piece(0.0, 290.0, 2.0, 20.0, 9.0, 0.94, 300), Piece(310.0, 600.0, 2.5, 20.0, 11.0, 0.9, 280))
PULSE_S = np.arange(1.0, 600.0, 0.8)


class Beaten(StoredDeeds):
    """Real versions on disk; beats that are known, and a search with a known answer."""

    def __init__(self, answer: Alignment) -> None:
        super().__init__()
        self.answer = answer
        self.reads = 0
        self.hold = False

    def beats(self, path: Path, tell: Tell) -> Beats:
        self.reads += 1
        while self.hold:
            tell(0.5)
            time.sleep(0.005)
        pressure = np.concatenate([p.to_reference(PULSE_S) for p in PIECES])
        inside = [(pressure >= p.t0_s) & (pressure <= p.t1_s) for p in PIECES]
        return Beats(PULSE_S, np.sort(pressure[np.logical_or(*inside)]), ((100.0, 110.0),), ((295.0, 305.0),))

    def align(self, path: Path, who: str, tell: Tell) -> Known:
        tell(0.3)
        labels.store(path, self.answer, made_by=who, software="test", wall_ns=1)
        return self.known(path)


FOUND = Alignment(0, True, PIECES, "beats")
REFUSAL = Alignment(0, False, (), "beats", {}, "not-the-same-heart")


def settle(
    model: AlignModel, until: Callable[[AlignView], bool] = lambda view: view.job is None
) -> AlignView:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        model.drain()
        view = model.view(50.0)
        if until(view) and (view.job is None or view.job.kind == "beats"):
            return view
        time.sleep(0.002)
    raise AssertionError(f"never settled: {model.view(50.0)}")


def aligned(model: AlignModel) -> AlignView:
    model.align("OP1")
    return settle(model, lambda view: bool(view.history))
