"""The frozen state of the Record screen: what is drawn, word for word by id. Two equal states draw the same picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.live.guide import GuideView
from hemoview.viewmodel.live.ranges import RangeRule
from hemoview.viewmodel.live.service import SyncLine
from hemoview.viewmodel.messages import Message
from recorder.schema import PARAMETERS

Level = Literal["danger", "warn", "info"]
WAVES = ("ppg", "optical", "pleth", "abp", "acc", "eda", "temp")
TREND_GROUPS = {"pressure": ("SBP", "DBP"), "MAP": ("MAP",), "HR": ("HR",), "flow": ("CO",), "SVR": ("SVR",)}
TREND_SPANS_S = (300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator chose to look at. It can never change what is stored (safety rule 20).

    Args:
        parameters: the ten check boxes.
        waves: lanes shown.
        trend_group, trend_span_s: what the trend shows, and how much of it.
        mm_per_s: paper speed.
        pressure_unit: ``mmHg`` or ``kPa``.
        cleared_at_ns: the picture shows nothing older (Clear view); 0 = everything.
    """

    parameters: frozenset[str] = frozenset(PARAMETERS)
    waves: frozenset[str] = frozenset(WAVES)
    trend_group: str = "pressure"
    trend_span_s: int = 300
    mm_per_s: float = 25.0
    pressure_unit: str = "mmHg"
    cleared_at_ns: int = 0


@dataclass(frozen=True, slots=True)
class HeaderView:
    """The line on top: who, what, how long, how much room.

    ``amended``: what was written about the subject was corrected since Start. ``next_subject``: a session of this
    station has just been closed, so that Start is for another person. ``sync``: None where no service is set.
    """

    subject: Message
    template: str
    recording: bool
    elapsed: str
    disk: Message
    disk_level: str
    battery: Message | None
    battery_level: str
    control: Message | None
    can_start: bool
    can_stop: bool
    amended: Message | None = None
    next_subject: bool = False
    sync: SyncLine | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """One wave lane. Shown value = ring value · gain + offset, in ``unit``."""

    key: str
    title: Message
    unit: str
    colours: tuple[str, ...]
    stream_id: str
    channels: tuple[int, ...]
    rate_hz: float
    rule: RangeRule
    weight: float = 1.0
    gain: float = 1.0
    offset: float = 0.0
    muted: bool = False
    note: Message | None = None
    sqi: float | None = None
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One number. ``text`` is ``—`` where ``reason`` says why there is none; an estimate never lacks its interval."""

    text: str
    interval: str = ""
    reason: Message | None = None
    tag: str = ""
    muted: bool = False


@dataclass(frozen=True, slots=True)
class NumericRow:
    """A parameter: estimate, and the reference beside it where there is one. ``claim``: who stands behind it."""

    parameter: str
    unit: str
    colour: str
    estimate: Cell
    reference: Cell | None
    claim: Message | None = None


@dataclass(frozen=True, slots=True)
class EstimateChoice:
    """What an operator in control may change about the estimates of the open session.

    ``anchor_from`` is what personalises now, empty where the session does not say; ``hidden``: nobody sees them.
    """

    anchor_from: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class NumericsView:
    """The right column: rows in the contract's order, ages, the last cuff reading, the footer of the card.

    ``asks_calibration``: nobody has confirmed one yet; ``calibrated_again``: one is, and a later one can be told.
    """

    rows: tuple[NumericRow, ...]
    reference_note: Message | None
    estimate_note: Message | None
    cuff: Message | None
    footer: Message
    asks_calibration: bool = False
    calibrated_again: bool = False
    scale_note: Message | None = None
    asks_scale: bool = False
    hidden_note: Message | None = None
    choice_note: Message | None = None
    estimate_choice: EstimateChoice | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrendSeries:
    """One parameter: estimate with its 90 % band, reference dots. Arrays ``(n,)``; NaN breaks a line."""

    parameter: str
    t_s: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    dots_t_s: NDArray[np.float64]
    dots: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrendMark:
    """Something that happened: a marker, or a cuff reading with its values."""

    t_s: float
    label: str
    kind: Literal["marker", "cuff"]
    high: float | None = None
    low: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrendView:
    """The trend, on elapsed seconds. Equal ``revision``: nothing worth a new picture has changed.

    ``doubted``: when estimates could use a cuff reading that was withdrawn later (safety rule 9).
    """

    span_s: tuple[float, float]
    unit: str
    series: tuple[TrendSeries, ...]
    hatched: tuple[tuple[float, float], ...]
    marks: tuple[TrendMark, ...]
    doubted: tuple[tuple[float, float], ...] = ()
    muted_reference: bool = False
    note: Message | None = None
    revision: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthItem:
    """One stream: what arrived and what is on disk, apart. ``leads``: a pulse wave, told where room is little."""

    stream_id: str
    title: Message
    state: str
    rate: Message
    counts: Message
    lost: Message
    level: str
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """A full-width line. ``action`` is the id of a button's verb, or empty."""

    key: str
    level: Level
    message: Message
    action: str = ""


@dataclass(frozen=True, slots=True)
class RecordView:
    """The whole Record screen."""

    header: HeaderView
    watermark: Message | None
    lanes: tuple[Lane, ...]
    mm_per_s: float
    numerics: NumericsView
    trend: TrendView
    health: tuple[HealthItem, ...]
    banners: tuple[Banner, ...]
    can_mark: bool
    can_undo: bool
    markers: tuple[str, ...] = field(default=())
    guide: GuideView = field(default_factory=GuideView)
