"""What happened before this window joined: estimates and beats of a running session, read from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hemoview.viewmodel.live.facts import NS
from hemoview.viewmodel.live.model import NUMERIC_KEPT_ROWS
from hemoview.viewmodel.live.rings import RingSlice
from recorder import session as sessions  # before the window opens: loaded beside it, it held the pictures up

ROLES = ("estimate", "beats")
HISTORY_S = 3600.0
"""The longest span the trend shows."""


def read(folder: Path, start_ns: int, now_ns: int) -> dict[str, RingSlice]:
    """Numeric rows of the last hour by stream id, on host time.

    Args:
        folder: of the running session.
        start_ns, now_ns: host time at which the session began, and now.

    Raises:
        SessionError: the folder cannot be read.
    """
    since_s = (now_ns - start_ns) / NS - HISTORY_S
    found = {}
    with sessions.open(folder) as session:
        for stream_id, info in session.streams.items():
            if info.role not in ROLES or info.kind != "numeric":
                continue
            rows = session.read(stream_id, max(0.0, since_s), None)
            t_ns = start_ns + np.rint(rows.time_s * NS).astype(np.int64)
            kept = slice(-NUMERIC_KEPT_ROWS, None)
            found[stream_id] = RingSlice(
                rows.sample_no[kept], t_ns[kept], rows.values[kept].astype(np.float32)
            )
    return found
