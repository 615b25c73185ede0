"""Time: the host clock, its eras, and what can be fitted from raw clock points."""

from recorder.clock.clock import CLOCK_ENV, Clock, ClockEra, begin_era, boot_id
from recorder.clock.fit import Timebase, fit_timebase
from recorder.clock.live import LiveTimebase

__all__ = [
    "CLOCK_ENV",
    "Clock",
    "ClockEra",
    "LiveTimebase",
    "Timebase",
    "begin_era",
    "boot_id",
    "fit_timebase",
]
