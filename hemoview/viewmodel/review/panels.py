"""Which panels a session offers, in the order of the eye: waves, pressure, rate, then everything else.

Streams are recognised by role and channel name, never by device: a new device shows without a change here.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Literal

from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.reference_streams import monitor_name, parameters_of, reference_column
from recorder.schema import PARAMETER_UNITS, PARAMETERS, PRESSURES, StreamInfo
from recorder.schema.claims import interval_claimed

Style = Literal["wave", "steps", "dots", "band"]
"""``wave``: regular samples. ``steps``: rows joined while they follow each other. ``dots``: a dot a row.
``band``: an estimate with its interval."""

_SINGLES = tuple(p for p in PARAMETERS if p not in PRESSURES)
_WAVES = {"ppg": "ppg", "abp_wave": "reference", "acc": "acc", "eda": "eda", "temp": "temp"}
_TITLES = {"ppg": "PPG", "abp_wave": "CNAP", "acc": "Motion", "eda": "EDA", "temp": "TEMP", "hr": "HR"}
_FOREIGN = ("monitor", "wfdb", "edf")
"""Devices of imported files that do not say what measured their pressure: often an arterial line, and then no CNAP."""
_SHOWN_ROLES = ("ppg", "abp_wave", "acc")
_KNOWN_ROLES = (*_WAVES, "estimate", "hr")


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of a panel: a channel of a stream and how it is drawn.

    Args:
        name: short name for legend and numerics, e.g. ``SBP`` or ``x``.
        column: channel index in the stream.
        colour: key into the screen's palette.
        low, high, why: channel indices of an estimate's interval and of its reason, ``band`` only.
    """

    name: str
    stream_id: str
    column: int
    style: Style
    colour: str
    low: int | None = None
    high: int | None = None
    why: int | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A strip of the picture. ``shown`` is the choice a session opens with, ``weight`` its share of the height.

    ``volts`` names the calibration a pressure wave needs before its unit may read mmHg.
    """

    panel_id: str
    title: str
    unit: str
    traces: tuple[Trace, ...]
    shown: bool = True
    weight: float = 1.0
    cuffs: bool = False
    volts: bool = False
    stream_ids: tuple[str, ...] = field(init=False, compare=False)
    """The streams it reads, each once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stream_ids", tuple(dict.fromkeys(trace.stream_id for trace in self.traces)))


def panels_of(facts: SessionFacts) -> tuple[Panel, ...]:
    """Every panel this session can show, in drawing order."""
    found = [*_waves(facts), *_parameters(facts), *_rest(facts)]
    return tuple(found)


def _waves(facts: SessionFacts) -> Iterator[Panel]:
    for role, colour in _WAVES.items():
        for stream in facts.streams:
            if stream.role == role:
                yield from _wave_panels(stream, role, colour, facts)


def _wave_panels(stream: StreamInfo, role: str, colour: str, facts: SessionFacts) -> Iterator[Panel]:
    """Axes of one sensor share a panel; other channels of a pressure stream get their own, not shown."""
    if role != "abp_wave":
        traces = tuple(
            Trace(
                c.name, stream.stream_id, i, "wave", colour if len(stream.channels) == 1 else f"{colour}.{i}"
            )
            for i, c in enumerate(stream.channels)
        )
        yield Panel(
            stream.stream_id,
            _TITLES[role],
            _unit(stream, 0),
            traces,
            shown=role in _SHOWN_ROLES,
            weight=_weight(role),
        )
        return
    calibrated = {(c.stream_id, c.channel) for c in facts.calibrations}
    for i, channel in enumerate(stream.channels):
        known = (stream.stream_id, channel.name) in calibrated
        uncalibrated = i == 0 and not known and channel.unit == "V"
        yield Panel(
            f"{stream.stream_id}.{channel.name}",
            _pressure_title(stream) if i == 0 else channel.name,
            "mmHg" if known else _unit(stream, i),
            (Trace(channel.name, stream.stream_id, i, "wave", "grey" if uncalibrated or i else colour),),
            shown=i == 0,
            weight=1.2,
            volts=uncalibrated,
        )


def _pressure_title(stream: StreamInfo) -> str:
    return "ABP" if stream.device_id in _FOREIGN else _TITLES["abp_wave"]


def _weight(role: str) -> float:
    return {"ppg": 1.2, "acc": 0.8}.get(role, 0.7)


def _parameters(facts: SessionFacts) -> Iterator[Panel]:
    pressure = tuple(t for name in PRESSURES for t in _parameter_traces(facts, name))
    if pressure or facts.cuffs:
        yield Panel("pressure", "BP", "mmHg", pressure, weight=2.4, cuffs=True)
    for name in _SINGLES:
        traces = tuple(_parameter_traces(facts, name))
        if name == "HR":
            traces += tuple(
                Trace(s.device_id, s.stream_id, 0, "steps", "heart.device")
                for s in facts.streams
                if s.role == "hr"
            )
        if traces:
            yield Panel(f"parameter.{name}", name, PARAMETER_UNITS[name], traces, shown=name == "HR")


def _parameter_traces(facts: SessionFacts, name: str) -> Iterator[Trace]:
    for stream in facts.streams:
        columns = {channel.name: i for i, channel in enumerate(stream.channels)}
        column = reference_column(stream, name)
        if column is not None:
            colour = "heart.reference" if name == "HR" else f"reference.{name}"
            yield Trace(name, stream.stream_id, column, "dots", colour)
        shown = not facts.estimates_hidden and interval_claimed(facts.card, name)
        if stream.role == "estimate" and name in columns and shown:
            yield Trace(
                name,
                stream.stream_id,
                columns[name],
                "band",
                f"estimate.{name}",
                columns.get(f"{name}_lo"),
                columns.get(f"{name}_hi"),
                columns.get(f"{name}_why"),
            )


def _rest(facts: SessionFacts) -> Iterator[Panel]:
    """Quality of the estimate, then whatever no rule above knows; offered, not shown."""
    for stream in facts.streams:
        if stream.role == "estimate":
            for i, channel in enumerate(stream.channels):
                if channel.name in ("sqi", "infer_ms", "personalisation_age_s"):
                    trace = Trace(channel.name, stream.stream_id, i, "steps", "quality")
                    title = channel.name.removesuffix("_s").removesuffix("_ms").replace("_", " ")
                    yield Panel(
                        f"quality.{channel.name}", title, _unit(stream, i), (trace,), shown=False, weight=0.6
                    )
        elif stream.role not in _KNOWN_ROLES and (stream.role != "beats" or not parameters_of(stream)):
            shown = {reference_column(stream, parameter) for parameter in parameters_of(stream)}
            yield from _plain(stream, shown)


def _plain(stream: StreamInfo, shown: Container[int | None] = ()) -> Iterator[Panel]:
    """A panel for each channel that no other panel shows."""
    style: Style = "wave" if stream.kind == "waveform" else "dots"
    for i, channel in enumerate(stream.channels):
        if i in shown:
            continue
        trace = Trace(channel.name, stream.stream_id, i, style, "grey")
        name = stream.stream_id if len(stream.channels) == 1 else f"{stream.stream_id} {channel.name}"
        name = monitor_name(channel.name) if stream.role == "reference" else name
        yield Panel(
            f"{stream.stream_id}.{channel.name}", name, _unit(stream, i), (trace,), shown=False, weight=0.7
        )


def _unit(stream: StreamInfo, column: int) -> str:
    unit = stream.channels[column].unit
    return "" if unit == "1" else unit
