"""One session → its labelled windows. A pure job: it depends on the session folder and the options, on nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.labels import alignment as alignments
from hemoview.labels.alignment import Alignment
from hemoview.labels.datasets import build_windows, label_marks
from hemoview.labels.datasets.build_options import BuildOptions, Job, Part
from hemoview.labels.reference.session import SessionReference, read_reference
from hemoview.labels.reference.windows import LabelRules, WindowLabels, label_windows
from hemoview.labels.signals.session_signals import motion_stream, pulse_stream
from recorder import session as sessions
from recorder.acquire.phase_clock import ENDED, STARTED
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS, StreamInfo
from recorder.session import Session
from recorder.session.identity import session_hash

F64 = NDArray[np.float64]
Texts = NDArray[np.str_]

UNCONFIRMED: Final = "unconfirmed-subject"
_SBP: Final = 0


def build_part(job: Job) -> Part:
    """Windows of a session, labelled; what is left out is counted by reason.

    Raises:
        SessionError, StorageError: the session cannot be read.
        ConfigError: it has no pulse wave, no reference or no locked alignment; names it.
    """
    options = job.options
    with sessions.open(Path(job.folder)) as session:
        pulse, held = pulse_stream(session), alignments.current(session.path)
        if pulse is None or held is None or not held.locked:
            raise ConfigError(
                f"{session.path.name}: no pulse wave or no locked alignment; run hemoview align"
            )
        reference = read_reference(session, options.reference_kind)
        windows = build_windows.windows_of(session, pulse, options.window_s, options.hop_s)
        marks = label_marks.read_marks(session, options.label_set)
        span_s = np.column_stack([windows.t0_s, windows.t0_s + options.window_s])
        placed_s = alignments.to_reference_time(held, span_s)
        rules = LabelRules(options.keep_uncalibrated_co)
        labels = label_marks.corrected(
            label_windows(reference.beats, placed_s, reference.facts, rules), span_s, marks
        )
        fault, sqi = _judge(session, windows, labels, span_s, marks)
        kept = np.flatnonzero(fault == "")
        columns = _columns(
            session, pulse, held, reference, _Rows(windows.t0_s, span_s, placed_s, labels, sqi)
        )
        dropped = Counter(fault[fault != ""].tolist())
        dropped[build_windows.GAP] += windows.n_broken
        counts = {name: n for name, n in sorted(dropped.items()) if n}
        return Part(
            float(pulse.nominal_rate_hz or 1.0),
            windows.samples[kept],
            labels.values[kept].astype(np.float32),
            {name: column[kept] for name, column in columns.items()},
            counts,
            {
                **_source(session, pulse, held, reference, options),
                "reference_calibration_age_s": _range(labels.calibration_age_s[kept]),
                "suggested_exclusions": marks.suggested,
                "windows": len(kept),
                "dropped": counts,
                "labels": _label_counts(labels.reasons[kept]),
            },
            pulse_hours(session, pulse),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is known of every window."""

    t0_s: F64
    span_s: F64
    placed_s: F64
    labels: WindowLabels
    sqi: F64


def _judge(
    session: Session,
    windows: build_windows.Windows,
    labels: WindowLabels,
    span_s: F64,
    marks: label_marks.Marks,
) -> tuple[Texts, F64]:
    """``(n,)`` why each window is left out (empty = it is in), and its quality. The gate, which costs most, comes last:
    it is not asked about a window that has no label.
    """
    fault = np.full(len(windows), "", dtype="<U64")
    sqi = np.full(len(windows), np.nan)
    unlabelled = ~labels.labelled
    fault[unlabelled] = labels.reasons[unlabelled, _SBP]
    marks.exclude(span_s, fault)
    for span in session.unconfirmed():
        fault[(span_s[:, 0] < span.t1_s) & (span_s[:, 1] > span.t0_s)] = UNCONFIRMED
    pulse = pulse_stream(session)
    assert pulse is not None  # looked for by the caller
    motion = build_windows.motion_of(session, motion_stream(session))
    for i in np.flatnonzero(fault == "").tolist():
        moved_g = motion.rms_g(*span_s[i].tolist()) if motion is not None else None
        fault[i], sqi[i] = build_windows.judged(windows.samples[i], pulse.nominal_rate_hz or 1.0, moved_g)
    return fault, sqi


# ---- columns of meta.parquet


def _columns(
    session: Session, pulse: StreamInfo, held: Alignment, reference: SessionReference, rows: _Rows
) -> dict[str, NDArray[Any]]:
    """Every column of the contract, in its order."""
    n, header = len(rows.t0_s), session.header
    subject, sites = header.subject, header.sites
    assert subject is not None  # refused before
    end_s = rows.span_s[:, 1]
    cvp = rows.labels.cvp_mmhg
    if subject.cvp_mmhg is not None:
        cvp = np.where(np.isfinite(cvp), cvp, subject.cvp_mmhg)
    sex = {"female": 0.0, "male": 1.0}.get(subject.sex, np.nan)
    same = reference.stream_id.partition(".")[0] == pulse.device_id
    reference_side = "" if sites is None or same else sites.finger_cuff_side

    def word(text: str) -> Texts:
        return np.array(["" if text == "unknown" else text] * n, dtype=np.str_)

    def number(value: float | None) -> F64:
        return np.full(n, np.nan if value is None else float(value))

    return {
        "subject_id": word(subject.pseudonym),
        "session_id": word(header.session_id),
        "t0_s": rows.t0_s,
        "sqi": rows.sqi,
        **{f"label_valid_reason_{p}": rows.labels.reasons[:, k] for k, p in enumerate(PARAMETERS)},
        "reference_calibration_age_s": rows.labels.calibration_age_s,
        "personalisation_age_s": _personalisation_age_s(session, end_s),
        "adc_calibration_id": _adc(reference, rows.placed_s[:, 0]),
        "reference_kind": word(reference.facts.kind),
        "reference_site": word(reference_site(reference.facts.kind)),
        "reference_side": word(reference_side),
        "ppg_site": word(ppg_site(pulse)),
        "ppg_side": word(sites.wristband_side if sites is not None and ppg_site(pulse) == "wrist" else ""),
        "cuff_side": word("" if sites is None else sites.arm_cuff_side),
        "alignment_residual_ms": alignments.residual_ms_at(held, rows.placed_s[:, 0]),
        "phase": _phases(session, rows.t0_s),
        "origin": word(origin_of(session, pulse)),
        "age_y": number(subject.age_y),
        "sex": number(sex),
        "height_cm": number(subject.height_cm),
        "weight_kg": number(subject.weight_kg),
        "cvp_mmhg": cvp,
    }


def ppg_site(pulse: StreamInfo) -> str:
    """Where the pulse wave is from: a wristband's is known, others say it in their stream or not at all."""
    return pulse.metadata.get("site") or ("wrist" if pulse.device_id.startswith("e4") else "")


def reference_site(kind: str) -> str:
    """Where a reference of a kind measures."""
    return "finger" if "finger" in kind else "artery" if kind == "arterial-line" else ""


def origin_of(session: Session, pulse: StreamInfo) -> str:
    """``recorded``, ``replayed`` or ``simulated``; the least real of the pulse wave and the header counts."""
    if pulse.origin in ("replayed", "simulated"):
        return pulse.origin
    others = {info.origin for info in session.streams.values()}
    if session.header.simulated or others & {"simulated"}:
        return "simulated"
    return "replayed" if "replayed" in others else "recorded"


def _personalisation_age_s(session: Session, end_s: F64) -> F64:
    """Of the estimate that the bedside had when each window ended; NaN = none, or not personal."""
    info = next((i for i in session.streams.values() if i.role == "estimate"), None)
    names = [c.name for c in info.channels] if info is not None else []
    if info is None or "personalisation_age_s" not in names:
        return np.full(len(end_s), np.nan)
    data = session.read(info.stream_id)
    if not len(data):
        return np.full(len(end_s), np.nan)
    at = np.searchsorted(data.time_s, end_s + 0.5, "right") - 1
    near = (at >= 0) & (np.abs(data.time_s[np.maximum(at, 0)] - end_s) <= 1.5)
    age_s = data.values[np.maximum(at, 0), names.index("personalisation_age_s")]
    return np.asarray(np.where(near, age_s, np.nan))


def _adc(reference: SessionReference, t_s: F64) -> Texts:
    """Id of the volt → mmHg line that held, empty where the wave is in mmHg."""
    ids = np.full(len(t_s), "", dtype="<U80")
    with np.errstate(invalid="ignore"):
        for from_s, name in reference.adc:
            ids[t_s >= from_s] = name
    return ids


def _phases(session: Session, t0_s: F64) -> Texts:
    """Name of the protocol's phase each window begins in."""
    names = np.full(len(t0_s), "", dtype="<U80")
    for event in session.events():
        if event.kind in (STARTED, ENDED):
            name = str(event.payload.get("name", "")) if event.kind == STARTED else ""
            names[t0_s >= session.t_s(event.t_host_ns, event.era)] = name
    return names


# ---- provenance


def _source(
    session: Session, pulse: StreamInfo, held: Alignment, reference: SessionReference, options: BuildOptions
) -> dict[str, Any]:
    """Where the windows are from, to be looked up again: plain JSON, the same for the same session."""
    header, error = session.header, reference.facts.error
    sets = {
        name: session.labels(name).version() for name in label_marks.sets_read(session, options.label_set)
    }
    return {
        "session_id": header.session_id,
        "subject_id": header.subject.pseudonym if header.subject else "",
        "session_sha256": session_hash(session.path),
        "origin": origin_of(session, pulse),
        "hours": round(pulse_hours(session, pulse), 4),
        "pulse": pulse.stream_id,
        "reference": reference.stream_id,
        "reference_kind": reference.facts.kind,
        "reference_error_mmhg": list(error.sd_mmhg) if error else None,
        "reference_error_source": error.source if error else None,
        "alignment": {
            "version": held.version,
            "method": held.method,
            "residual_ms": round(held.residual_ms, 3),
            "matched_fraction": round(held.matched_fraction, 4),
            "drift_ppm": round(held.drift_ppm, 3),
        },
        "label_sets": sets,
        "imported_sha256": imported_sha256(session),
        "consent": _consent(session),
    }


def pulse_hours(session: Session, pulse: StreamInfo) -> float:
    """How much pulse wave there is: a session of two clocks an hour apart is an hour longer than anything in it."""
    rate_hz = pulse.nominal_rate_hz
    return session.rows(pulse.stream_id) / rate_hz / 3600.0 if rate_hz else 0.0


def imported_sha256(session: Session) -> list[str]:
    """Hashes of the foreign files a session was made of."""
    told = (e.payload.get("sha256") for e in session.events("import"))
    flat = (each for one in told for each in (one.values() if isinstance(one, dict) else [one]))
    return sorted({str(each) for each in flat if each})


def _consent(session: Session) -> dict[str, Any] | None:
    consent = session.header.consent
    if consent is None:
        return None
    scopes = [use for use in ("record", "upload", "reuse_for_training", "feedback") if getattr(consent, use)]
    return {"version": consent.version, "scopes": scopes}


def _label_counts(reasons: Texts) -> dict[str, dict[str, int]]:
    return {p: dict(sorted(Counter(reasons[:, k].tolist()).items())) for k, p in enumerate(PARAMETERS)}


def _range(values: F64 | Sequence[float]) -> list[float] | None:
    known = np.asarray(values)[np.isfinite(values)]
    return [round(float(known.min()), 1), round(float(known.max()), 1)] if len(known) else None
