"""What a restarted edge process has to know of the session it finds running: what the model said around each cuff, and
what the reference taught where it personalises.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from hemoview.dsp.windows import WINDOW_S
from hemoview.edge.offline import prepared, push
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.stored import replayed
from hemoview.estimate.personalise import AFTER_S, BEFORE_S
from hemoview.estimate.runner import Runner
from recorder import session as sessions
from recorder.errors import SessionError
from recorder.session import Session

log = logging.getLogger(__name__)

FOLLOWED_S = 600.0
"""So much of the past is followed again, from the card's own intervals on. 120 comparisons find again what an interval
needs to be wider; one that had become narrower by then is wider than before the restart, and narrows again.
"""
_SETTLE_S = 2.0


def recall(folder: Path, pipeline: Pipeline, runner: Runner | None) -> None:
    """Compute again, from what is on disk, the windows around the readings that still wait for their estimate, and
    the last minutes of a reference that is followed.

    A session that cannot be read costs the personalisation, not the estimates: the readings stay unused, which the
    screens show by the missing age.
    """
    if runner is None or not pipeline.remembers:
        return
    try:
        with sessions.open(folder) as session:
            _around_readings(session, pipeline, runner)
            if pipeline.anchoring.follows_reference:
                since_s = max(0.0, session.duration_s - FOLLOWED_S)
                twin = _again(session, pipeline, runner, since_s, np.inf)
                pipeline.anchoring.go_on_from(twin.anchoring)
                pipeline.heart = twin.heart
    except SessionError as error:
        log.warning("anchors of the session that is going on are not used: %s", error)


def _around_readings(session: Session, pipeline: Pipeline, runner: Runner) -> None:
    for anchor in pipeline.anchoring.anchors:
        if not anchor.usable:
            at_s = (anchor.wall_ns - session.start_wall_ns) / 1e9
            begin_s = max(0.0, at_s - BEFORE_S - WINDOW_S - _SETTLE_S)
            twin = _again(session, pipeline, runner, begin_s, at_s + AFTER_S + _SETTLE_S)
            pipeline.anchoring.learn_from(twin.anchoring)


def _again(session: Session, pipeline: Pipeline, runner: Runner, t0_s: float, t1_s: float) -> Pipeline:
    """A pipeline of the same choices that has lived through ``[t0_s, t1_s]`` of the session."""
    twin = prepared(session, runner, pipeline.options)
    for item in replayed(session, pipeline.sources, t0_s, t1_s):
        push(twin, item)
    return twin
