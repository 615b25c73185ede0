"""Frozen value types: what a stream, a block, a marker, a gap is. An invalid one cannot be made.

No I/O, no clock, no asyncio in this room.
"""

from recorder.schema.blocks import ClockPoint, Gap, SampleBlock
from recorder.schema.calibration import Calibration
from recorder.schema.check_character import CHECK_SCHEMES, CheckScheme, carries_check, check_character
from recorder.schema.events import (
    ARM_MOVED,
    BEARING,
    CO_CALIBRATED,
    CONFIRMED,
    CUFF_INFLATES,
    CUFF_INFLATION,
    FINGER_CHANGED,
    REFERENCE_CALIBRATED,
    SKIN_CHECKED,
    UNCONFIRMED,
    Amendment,
    CuffReading,
    Event,
    Marker,
)
from recorder.schema.status import (
    DiskStatus,
    LinkState,
    LinkStatus,
    SessionStatus,
    StationStatus,
    StreamState,
    StreamStatus,
)
from recorder.schema.streams import Channel, DeviceInfo, StreamInfo, StreamKind
from recorder.schema.subject import (
    PERFUSIONS,
    RHYTHMS,
    USES,
    Consent,
    Details,
    Sites,
    Subject,
    Use,
    body_surface_m2,
)
from recorder.schema.units import PARAMETER_UNITS, PARAMETERS, PRESSURES

__all__ = [
    "ARM_MOVED",
    "BEARING",
    "CHECK_SCHEMES",
    "CONFIRMED",
    "CO_CALIBRATED",
    "CUFF_INFLATES",
    "CUFF_INFLATION",
    "FINGER_CHANGED",
    "PARAMETERS",
    "PARAMETER_UNITS",
    "PERFUSIONS",
    "PRESSURES",
    "REFERENCE_CALIBRATED",
    "RHYTHMS",
    "SKIN_CHECKED",
    "UNCONFIRMED",
    "USES",
    "Amendment",
    "Calibration",
    "Channel",
    "CheckScheme",
    "ClockPoint",
    "Consent",
    "CuffReading",
    "Details",
    "DeviceInfo",
    "DiskStatus",
    "Event",
    "Gap",
    "LinkState",
    "LinkStatus",
    "Marker",
    "SampleBlock",
    "SessionStatus",
    "Sites",
    "StationStatus",
    "StreamInfo",
    "StreamKind",
    "StreamState",
    "StreamStatus",
    "Subject",
    "Use",
    "body_surface_m2",
    "carries_check",
    "check_character",
]
