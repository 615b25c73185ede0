"""The Record screen as a value, of a bedside that runs."""

from __future__ import annotations

from typing import Any

from synthetic_bedside import SyntheticBedside, event

from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Banner, RecordView, Wish


def calibrated_bed() -> SyntheticBedside:
    """Six seconds on, its reference calibrated at the start."""
    made = SyntheticBedside()
    made.events = [event("marker", made.start_ns, label="reference calibrated")]
    made.run(6.0)
    return made


def view_of(bed: SyntheticBedside, **wish: Any) -> RecordView:
    return resolve(Wish(**wish), bed.model.facts())


def banner(view: RecordView, key: str) -> Banner | None:
    return next((b for b in view.banners if b.key == key), None)
