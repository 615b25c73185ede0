"""What a session's own arrivals say about the clocks of its pulse and its reference."""

from __future__ import annotations

import math
from typing import Final

from hemoview.dsp.align_drift import SharedClock
from hemoview.labels.signals import session_signals
from recorder.errors import SessionError
from recorder.schema import StreamInfo
from recorder.session import Session

FILE: Final = "file"
"""Transport of a device whose samples came out of a file: its points were computed, nobody stamped an arrival."""
_AFTER_S: Final = 10.0
"""The last stretch reaches this far beyond the last arrival: a piece may end a little later."""


def shared_clocks(session: Session) -> tuple[SharedClock, ...]:
    """Stretches in which this host stamped every packet of both devices; none of what was imported.

    The times of the session are those of the host already (:meth:`Session.timebase`): between the devices no drift is
    left but the error of both fits.
    """
    pulse, pressure = session_signals.pulse_stream(session), session_signals.pressure_stream(session)
    if pulse is None or pressure is None:
        return ()
    of_files = {d.device_id for d in session.header.devices if d.transport == FILE}
    if of_files & {pulse.device_id, pressure.device_id}:
        return ()
    begins = [session.t_s(era.monotonic_ns, era.number) for era in session.eras]
    ends = [*begins[1:], session.duration_s + _AFTER_S]
    found = []
    for era, begin_s, end_s in zip(session.eras, begins, ends, strict=True):
        error_ppm = _error_ppm(session, era.number, pulse, pressure)
        if error_ppm is not None:
            found.append(SharedClock(begin_s, end_s, error_ppm))
    return tuple(found)


def _error_ppm(session: Session, era: int, pulse: StreamInfo, pressure: StreamInfo) -> float | None:
    """95 % bound of the difference of both rates; 0 where one crystal times both; None without points of one."""
    if pulse.device_id == pressure.device_id:
        return 0.0
    try:
        both = [session.timebase(info.stream_id, era).drift_error_ppm for info in (pulse, pressure)]
    except SessionError:
        return None
    error_ppm = math.hypot(*both)
    return error_ppm if math.isfinite(error_ppm) else None
