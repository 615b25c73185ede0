"""A bedside as the bus would tell it, made of formulas: no process, no window, a clock that is set by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hemoview.viewmodel.live.model import LiveModel
from recorder.schema import (
    PARAMETERS,
    Calibration,
    Channel,
    DiskStatus,
    Event,
    LinkStatus,
    SampleBlock,
    SessionStatus,
    StationStatus,
    StreamInfo,
    StreamStatus,
)

NS = 1_000_000_000
WALL = 1_795_000_000 * NS
TRACKED_COLUMNS = ("SBP_tracked", "MAP_tracked", "DBP_tracked", "personalised_by")
REASONS = ["motion", "poor-contact", "no-real-reference", "needs-height-weight", "starting"]


@dataclass
class HandClock:
    """Stands still until it is set."""

    now_ns: int = 1_000 * NS
    speed: float = 1.0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return WALL + self.now_ns


def wave(stream_id: str, role: str, rate_hz: float, *names: str, **kw: Any) -> StreamInfo:
    channels = tuple(Channel(n, kw.get("unit", "1"), kw.get("scale", 1.0)) for n in names or (role,))
    dtype = kw.get("dtype", "int32")
    return StreamInfo(
        stream_id,
        stream_id.split(".", maxsplit=1)[0],
        "waveform",
        channels,
        dtype,
        rate_hz,
        role,
        origin="simulated",
    )


def estimate_info() -> StreamInfo:
    names = [f"{p}{end}" for p in PARAMETERS for end in ("", "_lo", "_hi", "_why")]
    channels = tuple(
        Channel(n, "1") for n in [*names, "sqi", "personalisation_age_s", "infer_ms", *TRACKED_COLUMNS]
    )
    metadata = {"reasons": json.dumps(REASONS), "model": "student"}
    return StreamInfo(
        "edge.est", "edge", "numeric", channels, "float32", None, "estimate", False, "derived", metadata
    )


def beats_info() -> StreamInfo:
    names = ("sbp_mmhg", "map_mmhg", "dbp_mmhg", "hr_per_min", "quality")
    channels = tuple(Channel(n, "1") for n in names)
    return StreamInfo(
        "edge.beats_abp", "edge", "numeric", channels, "float32", None, "beats", origin="derived"
    )


INFOS = (
    wave("e4.bvp", "ppg", 64.0, dtype="decimal"),
    wave("adc.wave", "abp_wave", 100.0, "abp", unit="V", scale=1e-3),
    wave("e4.acc", "acc", 32.0, "x", "y", "z", unit="g", scale=1 / 64, dtype="int16"),
    wave("e4.eda", "eda", 4.0, unit="µS", dtype="decimal"),
    wave("e4.temp", "temp", 4.0, unit="°C", dtype="decimal"),
    estimate_info(),
    beats_info(),
    StreamInfo(
        "edge.heart",
        "edge",
        "numeric",
        (Channel("verdict", "1"),),
        "float32",
        None,
        "shared-heart",
        origin="derived",
        metadata={"first": "e4.bvp", "second": "adc.wave"},
    ),
)
ESTIMATE_COLUMNS = len(estimate_info().channels)
CALIBRATION = Calibration("c1", "adc.wave", "abp", 100.0, 0.0, "two-point", WALL)
CARD = {
    "per_parameter": {
        p: {
            "reference_kind": "Finapres",
            "sensor_site": "finger",
            "n_real_subjects": 39,
            "n_calibration_subjects": n,
        }
        for p, n in {"SBP": 12, "MAP": 12, "DBP": 12, "HR": 12}.items()
    },
    "devices_in_training": ["Finapres"],
}


def pulse(t_s: np.ndarray) -> np.ndarray:
    """Something like a pulse, 0 to 1, 70 a minute."""
    phase = (t_s * 70 / 60) % 1.0
    systole = np.exp(-(((phase - 0.18) / 0.09) ** 2))
    return np.asarray(systole + 0.35 * np.exp(-(((phase - 0.48) / 0.10) ** 2)) + 0.1 * np.exp(-phase * 2))


@dataclass
class SyntheticBedside:
    """Feeds a LiveModel second by second."""

    clock: HandClock = field(default_factory=HandClock)
    recording: bool = True
    silent: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    calibrations: tuple[Calibration, ...] = (CALIBRATION,)
    links: tuple[LinkStatus, ...] = (
        LinkStatus("e4", "streaming", "Empatica E4", "9ff167", simulated=True, battery=0.8),
        LinkStatus("adc", "streaming", "Serial ADC, CNAP wave out", simulated=True),
    )
    sent: dict[str, int] = field(default_factory=dict)
    speaking: bool = True
    status_changes: dict[str, Any] = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=lambda: {"name": "Rest 10 min"})
    tracked: float = 0.0
    personalised_by: float = 1.0
    personalised_s: float = 130.0

    def __post_init__(self) -> None:
        self.model = LiveModel(self.clock, client="window")  # type: ignore[arg-type]
        self.model.card = CARD
        self.start_ns = self.clock.now_ns
        self.tell()

    def tell(self) -> None:
        """Answer describe and events."""
        subject = {"pseudonym": "P-014", "cvp_mmhg": None}
        header = {"session_id": "s1", "subject": subject, "template": self.template}
        self.model.described(
            {
                "streams": [info.to_json() for info in INFOS],
                "devices": [
                    {"device_id": "e4", "product": "Empatica E4", "simulated": True},
                    {"device_id": "adc", "product": "CNAP 500", "simulated": True},
                ],
                "calibrations": [c.to_json() for c in self.calibrations],
                "header": header,
            }
        )
        answers = [e.to_json() for e in self.events]
        self.model.events_told({"events": answers, "event_no": len(answers)})

    def run(self, seconds: float, step_s: float = 0.1) -> None:
        """Let time pass; blocks, rows and status arrive as they would."""
        for _ in range(round(seconds / step_s)):
            before = self.clock.now_ns
            self.clock.now_ns += round(step_s * NS)
            messages: list[Any] = [b for b in self._blocks() if b.stream_id not in self.silent]
            if self.speaking and self.clock.now_ns // (NS // 2) != before // (NS // 2):
                messages.append(self.status())
            if self.clock.now_ns // NS != before // NS:
                messages += [b for b in self._rows() if b.stream_id not in self.silent]
            self.model.take(messages)
        if self.speaking:
            self.model.take([self.status()])
        if self.model.wants_describe or self.model.wants_events:
            self.tell()

    def status(self) -> StationStatus:
        """What the recorder would say."""
        streams = tuple(
            StreamStatus(
                info.stream_id,
                "streaming",
                received=self.sent.get(info.stream_id, 0),
                on_disk=max(0, self.sent.get(info.stream_id, 0) - 40),
                effective_rate_hz=info.nominal_rate_hz or 1.0,
                latency_ms=12.0,
            )
            for info in INFOS
        )
        session = SessionStatus("none")
        if self.recording:
            session = SessionStatus(
                "open",
                "s1",
                "/s",
                {"pseudonym": "P-014"},
                self.start_ns,
                WALL + self.start_ns,
                simulated=True,
            )
        base = StationStatus(
            "bed-1",
            0,
            self.clock.now_ns,
            self.clock.wall_ns(),
            1.0,
            1,
            session,
            DiskStatus("/sessions", 40_000_000_000, 41.0),
            self.links,
            streams,
            controller="window",
            event_no=len(self.events),
        )
        return replace(base, **self.status_changes)

    def _blocks(self) -> list[SampleBlock]:
        return [b for info in INFOS if info.kind == "waveform" and (b := self._block(info)) is not None]

    def _block(self, info: StreamInfo) -> SampleBlock | None:
        assert info.nominal_rate_hz is not None
        due = int((self.clock.now_ns - self.start_ns) / NS * info.nominal_rate_hz)
        first = self.sent.get(info.stream_id, 0)
        if due <= first:
            return None
        self.sent[info.stream_id] = due
        t_s = np.arange(first, due) / info.nominal_rate_hz
        return SampleBlock(info.stream_id, first, _raw(info, t_s), self.clock.now_ns - 5_000_000)

    def _rows(self) -> list[SampleBlock]:
        t_s = (self.clock.now_ns - self.start_ns) / NS
        sbp, dbp = 122 + 6 * np.sin(t_s / 40), 76 + 4 * np.sin(t_s / 40)
        values = {"SBP": sbp, "MAP": (sbp + 2 * dbp) / 3, "DBP": dbp, "HR": 71 + 2 * np.sin(t_s / 15)}
        cells = []
        for p in PARAMETERS:
            v = values.get(p)
            cells += [v, v - 8, v + 9, 0] if v is not None else [np.nan, np.nan, np.nan, 3]
        told = [0.86, self.personalised_s, 1.8, *[self.tracked] * 3, self.personalised_by]
        row = np.array([[*cells, *told]], np.float32)
        beat = np.array([[sbp + 2, (sbp + 2 * dbp) / 3 + 2, dbp + 1, values["HR"], 0.9]], np.float32)
        now = np.array([self.clock.now_ns], np.int64)
        blocks = []
        for stream_id, rows in (("edge.est", row), ("edge.beats_abp", beat)):
            n = self.sent.get(stream_id, 0)
            self.sent[stream_id] = n + 1
            blocks.append(SampleBlock(stream_id, n, rows, self.clock.now_ns, row_t_host_ns=now))
        return blocks


def _raw(info: StreamInfo, t_s: np.ndarray) -> np.ndarray:
    """Raw samples in the stream's own dtype."""
    if info.role == "abp_wave":
        return np.rint((76 + 46 * pulse(t_s)) / 100 * 1000).astype(np.int32)[:, None]
    if info.role == "acc":
        xyz = np.stack([0.1 * np.sin(t_s), 0.05 * np.cos(3 * t_s), 1 + 0.02 * np.sin(9 * t_s)], axis=1)
        return np.rint(xyz * 64).astype(np.int16)
    values = {
        "ppg": pulse(t_s) * 100,
        "eda": 0.4 + 0.05 * np.sin(t_s / 3),
        "temp": 33.1 + 0.1 * np.sin(t_s / 9),
    }[info.role]
    mantissa = np.rint(values * 100).astype(np.int64)
    columns: np.ndarray = np.stack([mantissa, np.full_like(mantissa, 2)], axis=1)
    return columns


def event(kind: str, at_ns: int, /, **payload: Any) -> Event:
    """A stored event."""
    return Event(f"{kind}-{at_ns}-{len(payload)}", kind, at_ns, WALL + at_ns, 0, payload)
