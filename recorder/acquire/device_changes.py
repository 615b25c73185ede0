"""What may change in a station's devices while a session is open: late devices join, recorded ones stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from recorder.devices.contract import DeviceConfig
from recorder.errors import SessionError
from recorder.schema import StreamInfo, StreamStatus


def recorded_devices(statuses: Iterable[StreamStatus], streams: Mapping[str, StreamInfo]) -> frozenset[str]:
    """Devices of which the open session holds a sample."""
    return frozenset(
        streams[s.stream_id].device_id for s in statuses if s.received and s.stream_id in streams
    )


def check_change(
    now: Sequence[DeviceConfig], wanted: Sequence[DeviceConfig], recorded: frozenset[str]
) -> None:
    """Refuse other settings of a device that is being recorded: the session's header would tell of another device.

    Late ones join (safety rule 18); one that is taken out leaves its samples and an honest gap.

    Raises:
        SessionError: names them all.
    """
    stay = {device.device_id for device in wanted}
    changed = sorted(d.device_id for d in now if d not in wanted and d.device_id in recorded & stay)
    if changed:
        names = ", ".join(changed)
        raise SessionError(
            f"{names}: is being recorded and stays as it is until Stop; press Stop first, or add another device"
        )
