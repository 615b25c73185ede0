"""Time: the host clock, its eras, and what can be fitted from raw clock points."""

from recorder.clock.clock import CLOCK_ENV, Clock, ClockEra, begin_era, boot_id

__all__ = ["CLOCK_ENV", "Clock", "ClockEra", "begin_era", "boot_id"]
