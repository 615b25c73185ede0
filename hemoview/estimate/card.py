"""The model card: what a bundle says about itself, checked field by field before anything is believed.

Who reads it: the edge process (which parameters, which intervals), the window's footer (what may be claimed), people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hemoview.estimate.card_checks import NUMBER, check, is_kind, wrong
from hemoview.estimate.stretch import StretchTable, parse_tables
from recorder.schema import PARAMETER_UNITS, PARAMETERS

CARD_FORMAT: Final = 1

MIN_CALIBRATION_SUBJECTS: Final = 9
"""Fewer calibration subjects have no finite 90 % quantile (methods.md §D.4), so no interval is claimed (safety 7)."""

_FIELDS: Final[tuple[tuple[str, Any], ...]] = (
    ("format", int),
    ("name", str),
    ("version", str),
    ("parameters", list),
    ("sampling_rate_hz", NUMBER),
    ("window_s_min", NUMBER),
    ("window_s_max", NUMBER),
    ("preprocessing", dict),
    ("preprocessing.version", str),
    ("inputs", list),
    ("outputs", list),
    ("per_parameter", dict),
    ("conformal", dict),
    ("personalisation", dict),
    ("personalisation.kappa", dict),
    ("personalisation.expiry_s", NUMBER),
    ("training_range", dict),
    ("training_sets", list),
    ("training_hash", str),
    ("split_hash", str),
    ("metrics", dict),
    ("devices_in_training", list),
    ("devices_not_in_training", list),
    ("attribution", list),
    ("intended_use", str),
    ("limits", list),
    ("size_bytes", int),
    ("macs", int),
    ("params", int),
)


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """Where one parameter was learned from (safety 7).

    Args:
        unit: its unit, the one of :data:`recorder.schema.PARAMETER_UNITS`.
        reference_kind: what it was learned from, e.g. ``Finapres finger cuff``; ``simulated`` if from no person.
        sensor_site: where the sensor sat, e.g. ``finger``.
        n_real_subjects: people whose reference trained it; 0 = learned from simulation alone.
        n_calibration_subjects: people behind its conformal tables.
    """

    unit: str
    reference_kind: str
    sensor_site: str
    n_real_subjects: int
    n_calibration_subjects: int

    @property
    def is_real(self) -> bool:
        """Learned from people; otherwise a value may only be shown tagged SIM."""
        return self.n_real_subjects > 0

    @property
    def interval_allowed(self) -> bool:
        """Enough people for a 90 % interval to mean anything."""
        return self.is_real and self.n_calibration_subjects >= MIN_CALIBRATION_SUBJECTS


@dataclass(frozen=True, slots=True)
class Conformal:
    """One correction: the 90 % interval is ``[q05 − q90, q95 + q90]``, after any personal offset.

    Args:
        q90: in the parameter's unit; may be negative (the model's own quantiles were too wide).
        n_subjects: people it was computed from.
        age_s_max: holds up to this personalisation age; None for the cold start.
        sqi_min: holds from this signal quality on; 0 = for every quality not better served by another row.
    """

    q90: float
    n_subjects: int
    age_s_max: float | None = None
    sqi_min: float = 0.0


@dataclass(frozen=True, slots=True)
class ConformalTable:
    """Corrections of one parameter: cold start, and by personalisation age, youngest first; both also by signal
    quality where the training filled that in.

    Args:
        cold: without personalisation, for any quality.
        personalised: by age, in each age class by quality, lowest first.
        cold_by_quality: as ``cold`` for better windows, lowest quality first.
    """

    cold: Conformal | None
    personalised: tuple[Conformal, ...] = ()
    cold_by_quality: tuple[Conformal, ...] = ()

    def at_age(self, age_s: float | None, sqi: float = 0.0) -> Conformal | None:
        """The correction for a personalisation of this age and a window of this quality; a quality that is not told
        counts as the lowest. None = not covered, fall back to :meth:`at_cold`.
        """
        if age_s is None:
            return self.at_cold(sqi)
        ages = (c.age_s_max for c in self.personalised)
        age_class = next((a for a in ages if a is not None and age_s <= a), None)
        return _of_quality([c for c in self.personalised if c.age_s_max == age_class], sqi)

    def at_cold(self, sqi: float = 0.0) -> Conformal | None:
        """The correction without personalisation for a window of this quality."""
        return _of_quality([c for c in (self.cold, *self.cold_by_quality) if c is not None], sqi)

    @property
    def rows(self) -> tuple[Conformal, ...]:
        """Every correction there is."""
        return tuple(c for c in (self.cold, *self.cold_by_quality, *self.personalised) if c is not None)


def _of_quality(rows: Sequence[Conformal], sqi: float) -> Conformal | None:
    """The last of the rows, lowest quality first, that a window of this quality reaches."""
    return next((row for row in reversed(rows) if sqi >= row.sqi_min), None)


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What is shown of an estimate before any calibration: ``mean + share · (estimate − mean)``. People's levels differ
    more than their waves tell. One share for all pressures keeps their order.

    Args:
        share: above 0, at most 1.
        mean: of the training subjects, by parameter in its unit; a parameter without one is shown as it is.
    """

    share: float = 1.0
    mean: Mapping[str, float] = field(default_factory=dict)

    def shift(self, parameter: str, estimate: float) -> float:
        """What to add to an estimate and its quantiles."""
        return (self.share - 1.0) * (estimate - self.mean.get(parameter, estimate))


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A checked model card. ``raw`` is the whole JSON object, for people and reports.

    ``personal_kappa`` is the shrinkage of personalisation: with n calibration points the offset is
    ``n / (n + κ) · mean(reference − estimate)``, κ = within-subject over between-subject variance of the
    residual, from the training subjects. ``derived``: what makes intervals of flow, resistance and heart rate as wide
    as they must be, by quantity; empty in cards of before.
    """

    name: str
    version: str
    parameters: tuple[str, ...]
    sampling_rate_hz: float
    window_s_min: float
    window_s_max: float
    preprocessing_version: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    per_parameter: Mapping[str, ParameterFacts]
    conformal: Mapping[str, ConformalTable]
    training_range: Mapping[str, tuple[float, float]]
    personal_kappa: Mapping[str, float]
    personal_expiry_s: float
    devices_in_training: tuple[str, ...]
    devices_not_in_training: tuple[str, ...]
    size_bytes: int
    macs: int
    params: int
    raw: Mapping[str, Any]
    cold_start: ColdStart = ColdStart()
    derived: Mapping[str, StretchTable] = field(default_factory=dict)


def parse_card(value: Any, who: str) -> Card:
    """A card from its JSON object.

    Args:
        value: what ``card.json`` held.
        who: named in errors, e.g. ``bundle lsm2oe-student-0.2.1``.

    Raises:
        ConfigError: naming the first field that is missing or wrong.
    """
    if not isinstance(value, dict):
        raise wrong(who, "the whole file", "must be a JSON object")
    for path, kind in _FIELDS:
        check(value, path, kind, who)
    if value["format"] != CARD_FORMAT:
        raise wrong(who, "format", f"is {value['format']}, this HemoView reads {CARD_FORMAT}")
    parameters = _parameters(value, who)
    if not 0 < value["window_s_min"] <= value["window_s_max"]:
        raise wrong(who, "window_s_min", "must be above 0 and not above window_s_max")
    kappa = value["personalisation"]["kappa"]
    return Card(
        name=value["name"],
        version=value["version"],
        parameters=parameters,
        sampling_rate_hz=float(value["sampling_rate_hz"]),
        window_s_min=float(value["window_s_min"]),
        window_s_max=float(value["window_s_max"]),
        preprocessing_version=value["preprocessing"]["version"],
        inputs=_names(value, "inputs", who, least=1),
        outputs=_names(value, "outputs", who, least=1),
        per_parameter={p: _facts(value, p, who) for p in parameters},
        conformal={p: _table(value["conformal"].get(p), p, who) for p in parameters},
        training_range={p: _range(value, p, who) for p in parameters},
        personal_kappa={p: float(check(kappa, p, NUMBER, who)) for p in parameters if p in kappa},
        personal_expiry_s=float(value["personalisation"]["expiry_s"]),
        devices_in_training=_names(value, "devices_in_training", who),
        devices_not_in_training=_names(value, "devices_not_in_training", who),
        size_bytes=value["size_bytes"],
        macs=value["macs"],
        params=value["params"],
        raw=value,
        cold_start=_cold_start(value, parameters, who),
        derived=parse_tables(value, parameters, who),
    )


def _cold_start(value: Mapping[str, Any], parameters: Sequence[str], who: str) -> ColdStart:
    """Cards without one show an estimate as it is."""
    if "cold_start" not in value:
        return ColdStart()
    share = float(check(value, "cold_start.share", NUMBER, who))
    means = check(value, "cold_start.mean", dict, who)
    if not 0 < share <= 1:
        raise wrong(who, "cold_start.share", "must be above 0 and at most 1")
    if strangers := [p for p in means if p not in parameters]:
        raise wrong(
            who, "cold_start.mean", f"names {', '.join(map(str, strangers))}, which are not estimated"
        )
    return ColdStart(share, {p: float(check(means, p, NUMBER, who, "cold_start.mean")) for p in means})


def _parameters(value: Mapping[str, Any], who: str) -> tuple[str, ...]:
    names = tuple(value["parameters"])
    unknown = [name for name in names if name not in PARAMETERS]
    if not names or unknown or len(set(names)) != len(names):
        raise wrong(who, "parameters", f"{list(names)} must be different ones of {', '.join(PARAMETERS)}")
    return names


def _names(value: Mapping[str, Any], field: str, who: str, least: int = 0) -> tuple[str, ...]:
    names = value[field]
    if len(names) < least or not all(isinstance(name, str) for name in names):
        raise wrong(who, field, f"must be a list of names, at least {least}")
    return tuple(names)


def _facts(value: Mapping[str, Any], parameter: str, who: str) -> ParameterFacts:
    at = f"per_parameter.{parameter}"
    check(value, at, dict, who)
    facts = ParameterFacts(
        unit=check(value, f"{at}.unit", str, who),
        reference_kind=check(value, f"{at}.reference_kind", str, who),
        sensor_site=check(value, f"{at}.sensor_site", str, who),
        n_real_subjects=check(value, f"{at}.n_real_subjects", int, who),
        n_calibration_subjects=check(value, f"{at}.n_calibration_subjects", int, who),
    )
    if facts.unit != PARAMETER_UNITS[parameter]:
        raise wrong(who, f"{at}.unit", f"is {facts.unit!r}, must be {PARAMETER_UNITS[parameter]!r}")
    return facts


def _table(value: Any, parameter: str, who: str) -> ConformalTable:
    at = f"conformal.{parameter}"
    if value is None:
        return ConformalTable(cold=None)
    if not isinstance(value, dict):
        raise wrong(who, at, "must be an object or null")
    rows = _cells(value, "personalised", at, who)
    keys = [(row.age_s_max, row.sqi_min) for row in rows]
    if any(age is None for age, _ in keys) or keys != sorted(set(keys)):
        raise wrong(who, f"{at}.personalised", "needs age_s_max in every row, rising, and sqi_min within it")
    if {age for age, _ in keys} != {age for age, sqi_min in keys if sqi_min == 0.0}:
        raise wrong(who, f"{at}.personalised", "needs a row for any quality (no sqi_min) for every age_s_max")
    return ConformalTable(_cold(value.get("cold"), f"{at}.cold", who), rows, _better_cold(value, at, who))


def _cold(value: Any, at: str, who: str) -> Conformal | None:
    cell = None if value is None else _cell(value, at, who)
    if cell is not None and cell.sqi_min != 0.0:
        raise wrong(who, f"{at}.sqi_min", "must be left out: this row is for any quality")
    return cell


def _better_cold(value: Mapping[str, Any], at: str, who: str) -> tuple[Conformal, ...]:
    """Cold rows of better windows; they build on the one for any quality."""
    rows = _cells(value, "cold_by_quality", at, who)
    least = [0.0, *(row.sqi_min for row in rows)]
    if rows and (value.get("cold") is None or least != sorted(set(least))):
        raise wrong(who, f"{at}.cold_by_quality", "needs cold, and sqi_min above 0 in every row, rising")
    return rows


def _cells(value: Mapping[str, Any], field: str, at: str, who: str) -> tuple[Conformal, ...]:
    listed = value.get(field, [])
    if not isinstance(listed, list):
        raise wrong(who, f"{at}.{field}", "must be a list")
    return tuple(_cell(row, f"{at}.{field}[{i}]", who) for i, row in enumerate(listed))


def _cell(value: Any, at: str, who: str) -> Conformal:
    if not isinstance(value, dict):
        raise wrong(who, at, "must be an object")
    age, sqi_min = value.get("age_s_max"), value.get("sqi_min")
    if sqi_min is not None and not 0 <= check(value, "sqi_min", NUMBER, who, at) <= 1:
        raise wrong(who, f"{at}.sqi_min", "must be 0 to 1")
    return Conformal(
        q90=float(check(value, "q90", NUMBER, who, at)),
        n_subjects=check(value, "n_subjects", int, who, at),
        age_s_max=None if age is None else float(check(value, "age_s_max", NUMBER, who, at)),
        sqi_min=0.0 if sqi_min is None else float(sqi_min),
    )


def _range(value: Mapping[str, Any], parameter: str, who: str) -> tuple[float, float]:
    pair = value["training_range"].get(parameter)
    if not (
        isinstance(pair, list)
        and len(pair) == 2
        and all(is_kind(v, NUMBER) for v in pair)
        and pair[0] < pair[1]
    ):
        raise wrong(who, f"training_range.{parameter}", "must be [low, high]")
    return float(pair[0]), float(pair[1])
