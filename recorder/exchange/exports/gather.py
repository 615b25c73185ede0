"""A session as exports tell it: subject as corrected, hidden estimates left out, tags with what is no measurement."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

import numpy as np

from recorder.errors import ConfigError
from recorder.exchange.exports.deidentify import Disguise
from recorder.exchange.exports.exported import (
    UNFINISHED,
    Exported,
    Mark,
    Selection,
    Span,
    Tell,
    Track,
    reader,
    slices,
    survey,
)
from recorder.exchange.trends.trend_csv import is_simulated, tag_of
from recorder.schema import Event, StreamInfo
from recorder.session import Session, alignments, hides_estimates
from recorder.session import annotations as label_store
from recorder.session.annotated import LabelFold
from recorder.session.timeline import is_dated

SIMULATED: Final = "SIMULATED / TRAINING: not a person at a bed, never patient data"
_CLAIM: Final = "est. = research estimates with 90 % intervals; not for treatment or alarms"
_QUIET: Final = frozenset(("gap", "era", "marker-undone", "cuff-withdrawn", "control"))
"""Kinds that stand in an export in another way, or are about the windows alone."""
_CLASSES: Final = ((0.8, "good"), (0.5, "fair"), (0.0, "poor"))
"""Least signal quality of each class, highest first."""
BLIND: Final = "a label set: its raters are still blind to each other"
_FAR_S: Final = 15.0
"""Rows of signal quality further apart do not stand for what is between them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the consent says about this export, for the files and the report."""

    note: str
    reason: str = ""


def chosen_streams(session: Session, patterns: Sequence[str] | None) -> list[StreamInfo]:
    """Streams of a selection, in the session's order.

    Raises:
        ConfigError: a pattern matches none.
    """
    infos = list(session.streams.values())
    if patterns is None:
        return infos
    for pattern in patterns:
        if not any(fnmatchcase(info.stream_id, pattern) for info in infos):
            known = ", ".join(sorted(session.streams)) or "none"
            raise ConfigError(f"{session.path.name}: no stream {pattern!r}; it has {known}")
    return [i for i in infos if any(fnmatchcase(i.stream_id, pattern) for pattern in patterns)]


def check_span(session: Session, span: tuple[float, float] | None) -> None:
    """Refuse a span that holds nothing.

    Raises:
        ConfigError: it is empty, or lies outside the session.
    """
    if span is None:
        return
    t0_s, t1_s = span
    if not (math.isfinite(t0_s) and math.isfinite(t1_s) and t1_s > t0_s):
        raise ConfigError(f"span {t0_s:g} to {t1_s:g} s: the end must come after the start")
    if t0_s > session.duration_s or t1_s <= 0:
        raise ConfigError(
            f"span {t0_s:g} to {t1_s:g} s: {session.path.name} lasts {session.duration_s:.1f} s; choose a part of it"
        )


def gather(session: Session, selection: Selection, disguise: Disguise, terms: Terms, tell: Tell) -> Exported:
    """Look at everything that will be written.

    Raises:
        ConfigError: the selection fits nothing.
        ExportStopped: ``tell`` said so.
    """
    check_span(session, selection.span)
    infos = chosen_streams(session, selection.streams)
    hidden = [i for i in infos if i.role == "estimate"] if hides_estimates(session) else []
    simulated = is_simulated(session)
    tracks = []
    for info in infos:
        if info not in hidden:
            track = survey(session, info, selection.span, tell)
            tracks.append(_disguised(track, disguise, tag_of(info, simulated=simulated)))
    spans = [*_gap_spans(tracks, disguise), *_unconfirmed(session, disguise), *_quality(session)]
    label_marks, label_spans, blind, unfinished = _annotations(session, disguise)
    spans = [_cut(s, selection.span) for s in [*spans, *label_spans] if _touches(s, selection.span)]
    marks = [*_marks(session, disguise), *label_marks]
    marks = [m for m in marks if selection.span is None or selection.span[0] <= m.t_s < selection.span[1]]
    marks.sort(key=lambda mark: mark.t_s)
    facts = _facts(session, selection, disguise, terms, tracks)
    facts["left_out"] = [
        *(f"{disguise.stream_id(i.stream_id)}: estimates are hidden in this session" for i in hidden),
        *blind,
    ]
    facts["unfinished"] = unfinished
    return Exported(
        name=_name(session, disguise),
        subject=disguise.subject_code,
        start_wall_ns=session.start_wall_ns + disguise.shift_ns,
        utc_offset_s=0 if disguise.on else session.header.utc_offset_s,
        tracks=tuple(tracks),
        marks=tuple(marks),
        spans=tuple(sorted(spans, key=lambda span: (span.t0_s, span.t1_s))),
        facts=facts,
        warning=SIMULATED if simulated else "",
        read=reader(session, selection.span, tell),
        clock=lambda stream_id: _clock(session, stream_id, selection.span),
        is_dated=is_dated(session.start_wall_ns),
    )


def _clock(session: Session, stream_id: str, span: tuple[float, float] | None) -> np.ndarray[Any, Any]:
    """Raw clock points: number of the first sample of a block, how many, elapsed s of its arrival."""
    points = session.clock_points(stream_id)
    arrivals = np.empty(len(points))
    for era in np.unique(points.era).tolist():
        mine = points.era == era
        first = int(points.t_host_ns[mine][0])
        arrivals[mine] = session.t_s(first, era) + (points.t_host_ns[mine] - first) / 1e9
    low, high = (-np.inf, np.inf) if span is None else span
    inside = (arrivals >= low) & (arrivals < high)
    return np.column_stack([points.sample_no, points.n_samples, arrivals])[inside]


def software() -> str:
    """What writes."""
    try:
        return f"HemoView {importlib.metadata.version('hemoview')}"
    except importlib.metadata.PackageNotFoundError:
        return "HemoView (checkout)"


def _name(session: Session, disguise: Disguise) -> str:
    if not disguise.on:
        return session.path.name
    return f"{disguise.subject_code}_{disguise.hashed('session', session.header.session_id, '')[:6]}"


def _disguised(track: Track, disguise: Disguise, tags: str) -> Track:
    if not disguise.on:
        return replace(track, tags=tags)
    info = track.info
    derived = info.origin == "derived"

    def renamed(name: str) -> str:
        stem = name.removesuffix("_calibrated")
        return name if derived else disguise.name("ch", stem) + name[len(stem) :]

    def unit(text: str) -> str:
        return text if derived else disguise.unit(text)

    channels = tuple(replace(c, name=renamed(c.name), unit=unit(c.unit)) for c in info.channels)
    columns = tuple(replace(c, name=renamed(c.name), unit=unit(c.unit)) for c in track.columns)
    kept = replace(
        info,
        stream_id=disguise.stream_id(info.stream_id),
        device_id=disguise.name("device", info.device_id),
        channels=channels,
        metadata={"reasons": info.metadata["reasons"]} if derived and "reasons" in info.metadata else {},
    )
    return replace(track, info=kept, columns=columns, tags=tags)


def _gap_spans(tracks: Sequence[Track], disguise: Disguise) -> Iterator[Span]:
    for track in tracks:
        for gap in track.gaps:
            detail: dict[str, Any] = {"n_missing": gap.n_missing}
            if gap.detail and not disguise.on:
                detail["detail"] = gap.detail
            cause = disguise.word("cause of a gap", gap.cause) or "other"
            yield Span(gap.t0_s, gap.t1_s, "gap", cause, track.info.stream_id, detail)


def _unconfirmed(session: Session, disguise: Disguise) -> Iterator[Span]:
    for span in session.unconfirmed():
        cause = disguise.word("cause of a doubt", span.cause)
        yield Span(span.t0_s, span.t1_s, "unconfirmed", cause, "", {"answered": span.answered})


def _quality(session: Session) -> Iterator[Span]:
    """Signal quality of the estimates' windows, of hidden ones too: neighbours of one class are one span."""
    for info in session.streams.values():
        names = [c.name for c in info.channels]
        if info.role != "estimate" or "sqi" not in names:
            continue
        times, values = [np.empty(0)], [np.empty(0)]
        for data in slices(session, info.stream_id, None, session.duration_s):
            column = data.values[:, names.index("sqi")]
            good = np.isfinite(column)
            times.append(data.time_s[good])
            values.append(column[good])
        yield from _classes(np.concatenate(times), np.concatenate(values))


def _classes(time_s: np.ndarray[Any, Any], sqi: np.ndarray[Any, Any]) -> Iterator[Span]:
    start = 0
    names = [next((name for least, name in _CLASSES if value >= least), "poor") for value in sqi.tolist()]
    for i in range(1, len(names) + 1):
        ends = i == len(names) or names[i] != names[start] or time_s[i] - time_s[i - 1] > _FAR_S
        if ends:
            mean = float(np.mean(sqi[start:i]))
            until = time_s[i] if i < len(names) and time_s[i] - time_s[i - 1] <= _FAR_S else time_s[i - 1]
            detail = {"sqi": round(mean, 3), "rows": i - start}
            yield Span(float(time_s[start]), float(until), "quality", names[start], "", detail)
            start = i


def _annotations(session: Session, disguise: Disguise) -> tuple[list[Mark], list[Span], list[str], list[str]]:
    """Labels as they stand; sets left out because their raters are still blind to each other; and sets whose only
    rater has not declared them finished. Those are given, for nobody else is blind to them, and each label says so.
    """
    marks: list[Mark] = []
    spans: list[Span] = []
    blind: list[str] = []
    unfinished: list[str] = []
    for name in label_store.sets_of(session.path):
        fold = LabelFold(label_store.read(session.path, name).deeds)
        raters = {a.rater for a in fold.annotations()}
        if len(raters) > 1 and not raters <= fold.finished:
            who = " and ".join(sorted(raters - fold.finished))
            why = f"label set {name}: its raters are still blind to each other, {who} not having finished"
            blind.append(why if not disguise.on else BLIND)
            continue
        if raters - fold.finished:
            unfinished.append("labels" if disguise.on else name)
        for a in fold.annotations():
            label = disguise.label("label of an annotation", a.label)
            detail: dict[str, Any] = {
                "set": "labels" if disguise.on else name,
                "rater": disguise.hashed("rater", a.rater, "R"),
            }
            if a.rater not in fold.finished:
                detail[UNFINISHED] = True
            comment = disguise.text("comment of an annotation", a.comment)
            if comment:
                detail["comment"] = comment
            if a.suggestion is not None:
                told = a.suggestion
                detail["suggestion"] = {"visible": told.visible, "accepted": told.accepted} | (
                    {} if disguise.on else {"source": told.source, "model_sha256": told.model_sha256}
                )
            if a.kind == "instant":
                marks.append(Mark(a.t0_s, "annotation", label, detail))
            else:
                kind = "quality" if a.kind == "quality" else "annotation"
                spans.append(Span(a.t0_s, a.t1_s, kind, label, "", detail))
    return marks, spans, blind, unfinished


def _marks(session: Session, disguise: Disguise) -> Iterator[Mark]:
    events = session.events()
    undone = {e.payload.get("event_id") for e in events if e.kind == "marker-undone"}
    withdrawn = {e.payload.get("event_id") for e in events if e.kind == "cuff-withdrawn"}
    for event in events:
        if event.kind in _QUIET or event.event_id in undone:
            continue
        t_s = session.t_s(event.t_host_ns, event.era)
        detail = disguise.detail(event.kind, event.payload)
        if event.event_id in withdrawn:
            detail["withdrawn"] = True
        yield Mark(t_s, event.kind, _label(event, disguise, withdrawn=event.event_id in withdrawn), detail)


def _label(event: Event, disguise: Disguise, *, withdrawn: bool) -> str:
    payload = event.payload
    if event.kind == "cuff" and {"sbp_mmhg", "dbp_mmhg"} <= payload.keys():
        return f"{payload['sbp_mmhg']:g}/{payload['dbp_mmhg']:g} mmHg" + (", withdrawn" if withdrawn else "")
    label = disguise.label(f"label of a {event.kind}", str(payload.get("label") or payload.get("kind") or ""))
    if not label and payload.get("key"):
        return f"key {payload['key']}"
    return label


def _touches(span: Span, wanted: tuple[float, float] | None) -> bool:
    return wanted is None or (span.t1_s >= wanted[0] and span.t0_s < wanted[1])


def _cut(span: Span, wanted: tuple[float, float] | None) -> Span:
    if wanted is None:
        return span
    return replace(span, t0_s=max(span.t0_s, wanted[0]), t1_s=max(wanted[0], min(span.t1_s, wanted[1])))


def _facts(
    session: Session, selection: Selection, disguise: Disguise, terms: Terms, tracks: Sequence[Track]
) -> dict[str, Any]:
    header = session.header
    person = header.subject
    sealed = session.state != "open"
    facts: dict[str, Any] = {
        "software": software(),
        "session": disguise.hashed("session", header.session_id, "S"),
        "subject": disguise.subject_code,
        "sex": person.sex if person else None,
        "age_y": person.age_y if person else None,
        "height_cm": person.height_cm if person else None,
        "weight_kg": person.weight_kg if person else None,
        "cvp_mmhg": person.cvp_mmhg if person else None,
        "warning": SIMULATED if is_simulated(session) else "",
        "estimates": _CLAIM if any(t.info.role == "estimate" for t in tracks) else "none in this export",
        "snapshot": "" if sealed else "taken while the session was not closed; it may have gone on",
        "consent": terms.note,
        "span_s": list(selection.span) if selection.span else None,
        "duration_s": round(session.duration_s, 6),
        "clock_eras": len(session.eras),
        "speed": header.speed,
        "incomplete": disguise.text("why incomplete", session.incomplete_reason),
        "damaged": [why if not disguise.on else "a damaged file" for why in _damage(session)],
        "sites": None if header.sites is None else disguise.detail("sites", asdict(header.sites)),
        "details": None if header.details is None else disguise.detail("details", header.details.given),
        "devices": [
            {
                "device_id": disguise.name("device", d.device_id),
                "product": disguise.product(d.product),
                "serial": disguise.hashed("serial", d.serial, "H") if d.serial else None,
                "simulated": d.simulated,
            }
            for d in header.devices
        ],
        "corrected": list(session.amended_fields),
        "alignment": _alignment(session, disguise),
    }
    if not disguise.on:
        facts |= {
            "zone": header.zone,
            "utc_offset_s": header.utc_offset_s,
            "operator": header.operator,
            "notes": header.notes,
            "template": header.template.get("name", ""),
            "reason": terms.reason,
        }
    else:
        for where, value in (
            ("operator", header.operator),
            ("notes", header.notes),
            ("station", header.station),
        ):
            disguise.text(where, value)
    return facts


def _alignment(session: Session, disguise: Disguise) -> dict[str, Any] | None:
    """How the clocks of pulse and reference lie to each other, as it stands; None where nobody looked."""
    found = alignments.current(session.path)
    return (
        None if found is None else {"version": found.version, **disguise.detail("alignment", found.content)}
    )


def _damage(session: Session) -> list[str]:
    return [f"{name}: {why}" for name, why in session.damaged]
