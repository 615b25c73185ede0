"""The facts of a hemodynamic report: everything its page, print and tables say, frozen, as JSON and with a hash.

Pages are made of these alone, so that the same facts give the same report here and in a service. Numbers are rounded
as they are shown (:data:`DIGITS`): what a sentence may state can be compared digit by digit. A session whose estimates
are hidden has facts without a single estimate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from recorder.errors import ConfigError
from recorder.schema import PARAMETER_UNITS

KIND: Final = "hemoview-session-report"
LISTED: Final = ", "
"""Between the members of what facts hold as one text."""
SCHEMA: Final = 1
"""Version of what stands in the JSON; facts of a newer one are refused."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "pressure": ("SBP", "MAP", "DBP"),
    "heart": ("HR",),
    "flow": ("CO", "CI", "SV", "SI"),
    "resistance": ("SVR", "SVRI"),
    "fluid": ("PPV", "SVV"),
}
WATERMARKS: Final = {"simulated": "SIMULATED / TRAINING", "replayed": "REPLAYED / TRAINING"}
UNITS: Final[Mapping[str, str]] = {**PARAMETER_UNITS, "PPV": "%", "SVV": "%"}
DIGITS: Final[Mapping[str, int]] = {"CO": 2, "CI": 2, "SVR": 0, "SVRI": 0}
"""Digits after the point; one where nothing is said."""
SLOT_S: Final = 10
"""Every statistic is one of medians of so many seconds, as in Trends."""
TABLE_S: Final = 600


def rounded(parameter: str, value: float) -> float:
    """A value with the digits it is shown with."""
    return round(float(value), DIGITS.get(parameter, 1))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a recorded stream is here. ``covered``: share of the samples its nominal rate would have given over
    the session, None for irregular rows; ``longest_gap_s``: 0 without a gap.
    """

    stream_id: str
    role: str
    device: str
    rows: int
    covered: float | None
    gaps: int
    longest_gap_s: float


@dataclass(frozen=True, slots=True)
class GapFact:
    """A stretch of one stream without samples, and why; elapsed seconds."""

    stream_id: str
    t0_s: float
    t1_s: float
    cause: str
    n_missing: int | None


@dataclass(frozen=True, slots=True)
class MarkerFact:
    """A mark a person made; elapsed seconds."""

    t_s: float
    label: str
    source: str


@dataclass(frozen=True, slots=True)
class CuffFact:
    """A cuff reading, when it was measured and when it was withdrawn, if it was; elapsed seconds."""

    t_s: float
    sbp_mmhg: float
    dbp_mmhg: float
    map_mmhg: float | None
    arm: str
    posture: str
    withdrawn_s: float | None


@dataclass(frozen=True, slots=True)
class Ages:
    """The three ages of safety rule 8, at the end of the session; None: never.

    Args:
        reference_calibrations_s: when somebody confirmed that the monitor had calibrated itself, elapsed seconds.
        calibrates_itself: the reference needs that at all; an arterial line does not.
        reference_s: since the last of them, unless the finger was changed since.
        personalisation_s: since the last point the last estimate used.
        adc_calibrated_ns: date of the accepted volt → mmHg line, UTC ns since 1970; ``adc_s``: its age at the start.
        adc_method: how it was found.
    """

    reference_calibrations_s: tuple[float, ...]
    calibrates_itself: bool
    reference_s: float | None
    personalisation_s: float | None
    adc_calibrated_ns: int | None
    adc_s: float | None
    adc_method: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One source of one parameter over the session, by medians of :data:`SLOT_S`.

    Args:
        valid: share of the session's slots that have a value, 0–1.
        n: slots with a value.
        width: median width of the 90 % interval; None where none is claimed.
        simulated: learned from simulation alone, shown only by the template's wish (tag SIM).
        why: reasons of abstention and the share of rows that gave each, the most frequent first.
    """

    valid: float
    n: int
    mean: float | None
    median: float | None
    lowest: float | None
    highest: float | None
    width: float | None = None
    simulated: bool = False
    why: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """Estimate beside reference: differences (estimate − reference) of slots that have both.

    Args:
        n: slots.
        bias, sd, low, high: mean, standard deviation and 95 % limits of agreement of this one session.
        inside: share whose reference lies in the 90 % interval, None without intervals.
        told: share in which the estimate had been personalised by this very reference.
    """

    n: int
    bias: float
    sd: float
    low: float
    high: float
    inside: float | None
    told: float


@dataclass(frozen=True, slots=True)
class ParameterFact:
    """One parameter; ``estimate`` or ``reference`` None: there is no such source."""

    parameter: str
    unit: str
    estimate: Summary | None
    reference: Summary | None
    agreement: Agreement | None


@dataclass(frozen=True, slots=True)
class Row:
    """Ten minutes of one parameter.

    Args:
        estimate, low, high: medians of what was shown.
        n: estimates behind them; ``abstained``: share of rows without one, None where there were no rows.
        why: the most frequent reason of those.
        withdrawn: the estimates could use a cuff reading that was withdrawn later (safety rule 9).
    """

    t0_s: float
    parameter: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    abstained: float | None
    why: str
    simulated: bool
    withdrawn: bool
    reference: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """How long a source was outside the template's own range. A description of the span, never an alarm.

    Args:
        source: ``estimate`` or ``reference``.
        side: ``above`` or ``below``; ``within``: no slot was outside.
        limit: the end of the range that was passed; of ``within`` the lower one.
        seconds: slots of :data:`SLOT_S` outside (inside, of ``within``); ``of_s``: slots with a value.
        spells: unbroken runs; ``longest_s``: of the longest.
    """

    parameter: str
    source: str
    side: str
    low: float
    high: float
    seconds: float
    of_s: float
    spells: int
    longest_s: float


@dataclass(frozen=True, slots=True)
class Trend:
    """Both sources of one parameter as they are drawn, medians of ``Facts.trend_step_s``; None = nothing there."""

    parameter: str
    estimate: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    reference: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What the model behind the estimates may claim (safety rule 6), as :class:`recorder.schema.claims.Claim`.

    ``known`` False: the session names a model whose card is not here.
    """

    model: str
    known: bool
    kinds: str
    site: str
    n: str
    unchecked: str


@dataclass(frozen=True, slots=True)
class SessionFact:
    """Which session, of whom, and how whole it is."""

    session_id: str
    pseudonym: str
    sex: str
    age_y: int | None
    height_cm: float | None
    weight_kg: float | None
    template: str
    start_wall_ns: int
    utc_offset_s: int
    zone: str
    duration_s: float
    state: str
    incomplete: str
    simulated: bool
    replayed: bool
    speed: float
    estimates_hidden: bool
    corrected: tuple[str, ...]
    devices: tuple[str, ...]
    unconfirmed_s: float
    cvp_assumed: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a report says."""

    session: SessionFact
    coverage: tuple[Coverage, ...]
    gaps: tuple[GapFact, ...]
    markers: tuple[MarkerFact, ...]
    cuffs: tuple[CuffFact, ...]
    ages: Ages
    reference_kind: str
    learned: Learned | None
    parameters: tuple[ParameterFact, ...]
    table: tuple[Row, ...]
    ranges: tuple[tuple[str, float, float], ...]
    findings: tuple[Finding, ...]
    trend_step_s: int
    trends: tuple[Trend, ...]
    software: str

    def parameter(self, name: str) -> ParameterFact | None:
        """The facts of one parameter; None: the session has nothing of it."""
        return next((p for p in self.parameters if p.parameter == name), None)


def to_json(facts: Facts) -> dict[str, Any]:
    """Plain JSON values, with kind and schema number."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(facts)))
    return {"kind": KIND, "schema": SCHEMA, **plain}


def text_of(facts: Facts) -> str:
    """``facts.json``: the same facts give the same bytes."""
    return json.dumps(to_json(facts), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def sha256_of(facts: Facts) -> str:
    """What a report was made of, in 64 hexadecimal digits."""
    return hashlib.sha256(text_of(facts).encode()).hexdigest()


def from_json(value: Mapping[str, Any]) -> Facts:
    """Inverse of :func:`to_json`.

    Raises:
        ConfigError: these are no such facts, or those of a newer HemoView.
    """
    if value.get("kind") != KIND:
        raise ConfigError("these are no facts of a hemodynamic report")
    if not isinstance(value.get("schema"), int) or value["schema"] > SCHEMA:
        raise ConfigError(
            f"facts of schema {value.get('schema')}; this HemoView reads up to {SCHEMA}. Update HemoView"
        )
    try:
        made: Facts = _made(Facts, value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"facts of a hemodynamic report are not whole: {error}") from error
    return made


def _made(kind: Any, value: Any) -> Any:
    """A value of an annotated type from its JSON."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{f.name: _made(hints[f.name], value[f.name]) for f in fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is UnionType:
        return None if value is None else _made(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if inner[-1] is Ellipsis:
            return tuple(_made(inner[0], each) for each in value)
        return tuple(_made(one, each) for one, each in zip(inner, value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
