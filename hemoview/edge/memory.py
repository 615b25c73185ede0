"""What a restarted edge process has to know of the session it finds running: what the model said around each cuff."""

from __future__ import annotations

import logging
from pathlib import Path

from hemoview.dsp.windows import WINDOW_S
from hemoview.edge.offline import prepared, push
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.stored import replayed
from hemoview.estimate.personalise import AFTER_S, BEFORE_S
from hemoview.estimate.runner import Runner
from recorder import session as sessions
from recorder.errors import SessionError

log = logging.getLogger(__name__)

_SETTLE_S = 2.0


def recall(folder: Path, pipeline: Pipeline, runner: Runner | None) -> None:
    """Compute again, from what is on disk, the windows around the readings that still wait for their estimate.

    A session that cannot be read costs the personalisation, not the estimates: the readings stay unused, which the
    screens show by the missing age.
    """
    waiting = [a for a in pipeline.anchoring.personal.anchors if not a.usable]
    if not waiting or runner is None:
        return
    try:
        with sessions.open(folder) as session:
            for anchor in waiting:
                at_s = (anchor.wall_ns - session.start_wall_ns) / 1e9
                begin_s = max(0.0, at_s - BEFORE_S - WINDOW_S - _SETTLE_S)
                twin = prepared(session, runner, pipeline.options)
                for item in replayed(session, pipeline.sources, begin_s, at_s + AFTER_S + _SETTLE_S):
                    push(twin, item)
                pipeline.anchoring.learn_from(twin.anchoring)
    except SessionError as error:
        log.warning("anchors of the session that is going on are not used: %s", error)
