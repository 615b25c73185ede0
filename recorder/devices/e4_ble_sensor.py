"""One sensor of an E4 over Bluetooth: packets → numbered blocks; gaps by the packets' counter, once it is believed.

That the trailing bits count packets is reverse-engineered. So the counter must first earn belief (steps of one), a
counter that steps otherwise is told and then ignored, and a rate off by more than 5 % is told as well.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.contract import DriverEvent
from recorder.devices.frame_count import FrameMark
from recorder.protocols import e4_ble
from recorder.protocols.e4_ble import E4Packet, Layout
from recorder.schema import Gap, SampleBlock, StreamInfo

BELIEVED_STEPS: Final = 3
STEPS_KEPT: Final = 16
AHEAD_S: Final = 10.0
"""Packets counted as lost cannot exceed what fits into the time that passed by more: a host that was busy for a while
reads late what a band sent on time."""
ONE_ROUND: Final = 0.75
"""After so much of a counter's round without a packet nobody can tell whether it went round once more."""
SURE_MODULO: Final = 65536
"""Over a new connection only a counter this long can be recognised as the same count."""
AGREE_S: Final = 4.0
AGREE_PACKETS: Final = 4.0
AGREE_SHARE: Final = 0.005
"""How far counter and time may differ: a busy computer stamps late; a counter not believed yet gets fewer packets."""
RATE_SPAN_S: Final = 30.0
RATE_TOLERANCE: Final = 0.05


@dataclass(slots=True)
class Sensor:
    """Numbering of one stream.

    Args:
        info: the stream.
        layout: of its packets.
    """

    info: StreamInfo
    layout: Layout
    characteristic: int
    next_no: int = 0
    relinked: bool = False
    rate_hz: float | None = None
    """Measured over the newest full span, packets a second."""
    _last: FrameMark | None = None
    _lost_here: int = 0
    _steps: deque[bool] = field(default_factory=lambda: deque(maxlen=STEPS_KEPT))
    _span: tuple[int, int] | None = None

    def relink(self) -> None:
        """A new connection; numbering goes on, belief in the counter too."""
        self.relinked = self._last is not None
        self._span, self.rate_hz = None, None

    @property
    def is_believed(self) -> bool:
        """The counter has counted packets lately."""
        good = sum(self._steps)
        return good >= BELIEVED_STEPS and 2 * good >= len(self._steps)

    @property
    def is_refuted(self) -> bool:
        """The counter has had its chance and steps otherwise."""
        return len(self._steps) == STEPS_KEPT and not self.is_believed

    @property
    def rate_is_off(self) -> bool:
        """The last span was not at the expected packet rate."""
        expected = self.layout.packets_per_s
        return self.rate_hz is not None and abs(self.rate_hz / expected - 1) > RATE_TOLERANCE

    def take(self, packet: E4Packet, t: int, n_lost: int) -> tuple[int, list[DriverEvent]]:
        """A packet arrived.

        Args:
            n_lost: values this computer itself has lost so far, on all characteristics.

        Returns:
            Packets missing before it as far as known, and the events.
        """
        mark = FrameMark(packet.counter, None, t)
        gap, missing = self._gap(mark, overrun=n_lost > self._lost_here)
        events: list[DriverEvent] = [] if gap is None else [gap]
        self.next_no += missing * self.layout.n
        block = SampleBlock(self.info.stream_id, self.next_no, self._values(packet), t)
        self.next_no = block.next_sample_no
        self._count_rate(t, missing + 1, unknown=gap is not None and gap.n_missing is None)
        self._last, self.relinked, self._lost_here = mark, False, n_lost
        return missing, [*events, block]

    def _values(self, packet: E4Packet) -> NDArray[Any]:
        if self.characteristic == e4_ble.EDA:
            return e4_ble.conductance_us(packet.values)
        return packet.values.astype(np.int32 if self.characteristic == e4_ble.TEMP else np.int16)

    def _gap(self, mark: FrameMark, *, overrun: bool) -> tuple[Gap | None, int]:
        last = self._last
        if last is None:
            return None, 0
        if self.relinked:
            missing = self._missing_over_links(last, mark)
            return self._make_gap(last, mark, missing, "link-lost"), missing or 0
        step = (mark.counter - last.counter) % self.layout.modulo
        self._steps.append(step == 1)
        if step == 1 and not self._may_have_gone_round(last, mark):
            return None, 0
        if not self.is_believed:
            if self.is_refuted:
                return None, 0
            return self._make_gap(last, mark, None, "counter-jump", "the counter is not confirmed yet"), 0
        missing = self._missing(last, mark, step)
        cause = "counter-reset" if missing is None else "overrun" if overrun else "counter-jump"
        return self._make_gap(last, mark, missing, cause), missing or 0

    def _make_gap(
        self, last: FrameMark, mark: FrameMark, packets: int | None, cause: str, detail: str = ""
    ) -> Gap:
        samples = None if packets is None else packets * self.layout.n
        since = min(last.t_host_ns, mark.t_host_ns)
        return Gap(self.info.stream_id, self.next_no, samples, since, mark.t_host_ns, cause, detail=detail)

    def _missing(self, last: FrameMark, mark: FrameMark, step: int) -> int | None:
        """Packets lost within a link; None where the counter must have begun anew or may have gone round."""
        passed = self._packets_between(last, mark)
        possible = step > 0 and step - 1 <= passed + AHEAD_S * self.layout.packets_per_s
        return step - 1 if possible and not self._may_have_gone_round(last, mark) else None

    def _may_have_gone_round(self, last: FrameMark, mark: FrameMark) -> bool:
        return self._packets_between(last, mark) > ONE_ROUND * self.layout.modulo

    def _packets_between(self, last: FrameMark, mark: FrameMark) -> float:
        return (mark.t_host_ns - last.t_host_ns) * 1e-9 * self.layout.packets_per_s

    def _missing_over_links(self, last: FrameMark, mark: FrameMark) -> int | None:
        """A long counter that agrees with the time that passed is the same count: by chance that is 1 in 1500."""
        if self.is_refuted or self.layout.modulo < SURE_MODULO:
            return None
        modulo, passed = self.layout.modulo, self._packets_between(last, mark) - 1
        counted = (mark.counter - last.counter - 1) % modulo
        missing = counted + modulo * max(0, round((passed - counted) / modulo))
        slack = AGREE_S * self.layout.packets_per_s
        slack = (slack if self.is_believed else min(slack, AGREE_PACKETS)) + AGREE_SHARE * max(0.0, passed)
        return missing if abs(missing - passed) <= slack else None

    def _count_rate(self, t: int, packets: int, *, unknown: bool) -> None:
        """From arrival to arrival, so that the packets' size does not matter; a gap of unknown size begins anew."""
        if self._span is None or unknown:
            self._span = (t, 0)
            return
        since, n = self._span[0], self._span[1] + packets
        seconds = (t - since) * 1e-9
        if seconds < RATE_SPAN_S:
            self._span = (since, n)
            return
        self.rate_hz, self._span = n / seconds, (t, 0)


def sensors(infos: dict[int, StreamInfo]) -> dict[int, Sensor]:
    """One for each characteristic."""
    return {uuid: Sensor(info, e4_ble.LAYOUTS[uuid], uuid) for uuid, info in infos.items()}
