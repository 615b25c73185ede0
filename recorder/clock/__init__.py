"""Time: the host clock, its eras, and what can be fitted from raw clock points."""

from recorder.clock.clock import CLOCK_ENV, Clock, ClockEra, begin_era, boot_id
from recorder.clock.fit import RunPoints, Timebase, fit_device, fit_timebase
from recorder.clock.live import LiveTimebase

__all__ = [
    "CLOCK_ENV",
    "Clock",
    "ClockEra",
    "LiveTimebase",
    "RunPoints",
    "Timebase",
    "begin_era",
    "boot_id",
    "fit_device",
    "fit_timebase",
]
