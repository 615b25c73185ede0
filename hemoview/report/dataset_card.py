"""The card of a dataset: one page with nothing to load from anywhere, the same bytes for the same dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.reference.windows import REASONS, VALID
from hemoview.report.histograms import histogram
from hemoview.report.html import DASH, Cell, bullets, document, figure, heading, number, paragraph, table
from recorder.counted import counted
from recorder.schema import PARAMETER_UNITS, PARAMETERS

REASON_WORDS: Final = {
    "not-aligned": "outside every stretch that both devices are aligned in",
    "no-reference": "the reference said nothing meanwhile",
    "not-measured": "the reference does not measure it",
    "uncalibrated": "before the reference's own calibration (NBPcal, NBPman), or after another finger",
    "recalibration": "within 30 s of a recalibration, a search or another finger",
    "cuff": "within 30 s of a cuff",
    "too-few-beats": "fewer than six valid beats",
    "unsteady": "systolic pressure moved by more than 8 mmHg from the first to the last third",
    "out-of-range": "outside SBP 60–240, DBP 30–150, pulse pressure ≥ 15 mmHg, DBP < MAP < SBP",
    "uncalibrated CO": "no haemodynamic calibration (HDcal) before",
    "gap": "samples of the pulse wave are missing",
    "unconfirmed-subject": "nobody had confirmed that it was still the same person",
    "poor-contact": "the bedside's gate: the sensor is not on skin",
    "clipped": "the bedside's gate: the sensor is at its limit",
    "motion": "the bedside's gate: the wrist moves",
    "poor-signal": "the bedside's gate: no two detectors agree on its beats",
}
USE: Final = (
    "Labels are readings of a reference, not the truth: its own error, named above, comes on top.",
    "Whoever evaluates on this dataset names its version; error = estimate − reference.",
    "Research use only: not for diagnosis, treatment or alarms.",
)


def page(dataset: Dataset) -> str:
    """The whole page."""
    return document(f"Dataset {dataset.name}", _body(dataset))


def _body(dataset: Dataset) -> Iterator[str]:
    if dataset.simulated:
        yield (
            '<div class="simulated">SIMULATED<small>Windows of a physiology model: they show that the pipeline works '
            "and say nothing about people.</small></div>"
        )
    elif "replayed" in dataset.origin:
        yield paragraph("REPLAYED: recordings that were played again through emulated devices.", "note")
    about = dataset.about
    yield heading(f"Dataset {dataset.name}", 1)
    yield paragraph(
        f"{counted(len(dataset), 'window')} of {dataset.window_s:g} s at {dataset.sampling_rate_hz:g} Hz, one every "
        f"{about.get('hop_s', dataset.window_s):g} s; {counted(len(dataset.subjects), 'subject')}, "
        f"{counted(len(set(dataset.session_id.tolist())), 'session')}.",
        "lead",
    )
    yield paragraph(f"Version {dataset.version}", "lead")
    yield heading("Who is in it")
    yield _subjects(dataset)
    yield from _alike(about.get("alike"))
    yield heading("Where it is from")
    yield _sources(about.get("sources", ()))
    yield from _errors(about.get("sources", ()))
    yield heading("What was left out")
    yield _dropped(about.get("dropped", {}), len(dataset))
    yield heading("Labels")
    yield _labels(dataset)
    yield '<div class="plots">'
    yield from _distributions(dataset)
    yield "</div>"
    yield heading("Alignment and calibration")
    yield _quality(dataset)
    yield heading("Consent and licence")
    yield bullets(_consent(about))
    yield heading("Splits")
    yield from _splits(dataset)
    yield heading("How it was built")
    yield _options(about)
    yield heading("Limits")
    yield bullets(USE)


def _subjects(dataset: Dataset) -> str:
    rows = []
    for who in dataset.subjects:
        at = dataset.rows_of([who])
        age, sex, height, weight = dataset.demographics[at[0]].tolist()
        word = {0.0: "female", 1.0: "male"}.get(sex, DASH)
        sessions = len(set(dataset.session_id[at].tolist()))
        rows.append(
            [
                who,
                str(len(at)),
                str(sessions),
                *(number(v, ".0f") if np.isfinite(v) else DASH for v in (age,)),
                word,
            ]
            + [number(v, ".0f") if np.isfinite(v) else DASH for v in (height, weight)]
        )
    head = ["pseudonym", "windows", "sessions", "age, y", "sex", "height, cm", "weight, kg"]
    return table(head, rows)


def _alike(told: Any) -> Iterator[str]:
    if not isinstance(told, Mapping):
        return
    for name, text in (
        ("people", "Who may be one person (same sex, height and weight, age within a year)"),
        ("recordings", "Sessions that hold the same recording"),
    ):
        if groups := told.get(name):
            yield paragraph(
                f"{text}: {'; '.join(' = '.join(g) for g in groups)}. A split keeps them together.", "note"
            )


def _sources(sources: Sequence[Any]) -> str:
    rows: list[list[Cell]] = []
    for s in sources:
        if not isinstance(s, Mapping):
            rows.append([str(s), *[DASH] * 9])
            continue
        held, sets = s["alignment"], s.get("label_sets") or {}
        labels = ", ".join(f"{name} {version[:8]}" for name, version in sets.items()) or DASH
        rows.append(
            [
                str(s["session_id"]),
                str(s["subject_id"]),
                str(s["origin"]),
                number(s["hours"]),
                str(s["windows"]),
                f"{s['pulse']} ← {s['reference']}",
                s["reference_kind"] or "unknown",
                f"version {held['version']}: {held['residual_ms']:.1f} ms, {held['matched_fraction']:.0%} matched, "
                f"{held['drift_ppm']:+.1f} ppm",
                labels,
                (str(s["session_sha256"])[:12], str(s["session_sha256"])),
            ]
        )
    head = [
        "session",
        "subject",
        "origin",
        "hours",
        "windows",
        "streams",
        "reference",
        "alignment",
        "label sets",
    ]
    return table([*head, "hash"], rows, words=True)


def _errors(sources: Sequence[Any]) -> Iterator[str]:
    told = {
        s["reference_error_source"] for s in sources if isinstance(s, Mapping) and s["reference_error_source"]
    }
    for text in sorted(told):
        yield paragraph(f"The reference's own error: {text}.", "note")


def _dropped(dropped: Mapping[str, int], kept: int) -> str:
    total = kept + sum(dropped.values())
    ordered = sorted(dropped.items(), key=lambda each: (-each[1], each[0]))
    rows = [[why, str(n), number(n / total, ".1%"), _why(why)] for why, n in ordered]
    caption = f"Of {total} places of the grid {kept} are in the dataset."
    return table(["reason", "windows", "share", ""], rows, caption=caption, words=True)


def _why(reason: str) -> str:
    if reason.startswith("label: "):
        return "somebody labelled it so"
    return REASON_WORDS.get(reason, "")


def _labels(dataset: Dataset) -> str:
    rows = []
    for k, p in enumerate(PARAMETERS):
        values = dataset.labels[:, k]
        known = values[np.isfinite(values)]
        low, middle, high = np.percentile(known, [5, 50, 95]).tolist() if len(known) else [None] * 3
        spread = float(known.std()) if len(known) else None
        rows.append(
            [
                p,
                PARAMETER_UNITS[p],
                str(len(known)),
                *(number(v, ".1f") for v in (low, middle, high, spread)),
                _reasons(dataset, p),
            ]
        )
    head = ["", "unit", "windows", "5 %", "median", "95 %", "SD", "without a plain label, by reason"]
    return table(head, rows)


def _reasons(dataset: Dataset, parameter: str) -> str:
    column = dataset.extra.get(f"label_valid_reason_{parameter}")
    if column is None:
        return DASH
    counts = Counter(column.tolist())
    counts.pop(VALID, None)
    order = {reason: i for i, reason in enumerate(REASONS)}
    told = sorted(counts.items(), key=lambda each: (order.get(each[0], 99), each[0]))
    return "; ".join(f"{why}: {n}" for why, n in told) or "none"


def _distributions(dataset: Dataset) -> Iterator[str]:
    for k, p in enumerate(PARAMETERS):
        values = dataset.labels[:, k]
        if drawing := histogram(values, PARAMETER_UNITS[p]):
            people = len(
                {w for w, ok in zip(dataset.subject_id.tolist(), np.isfinite(values), strict=True) if ok}
            )
            mark = " — SIMULATED" if dataset.simulated else ""
            windows = counted(int(np.isfinite(values).sum()), "window")
            yield figure(drawing, f"{p}: {windows}, {counted(people, 'subject')}{mark}")


def _quality(dataset: Dataset) -> str:
    columns = {
        "alignment residual, ms": dataset.extra.get("alignment_residual_ms"),
        "since the reference's calibration, min": dataset.reference_calibration_age_s / 60.0,
        "signal quality": dataset.sqi,
        "CVP, mmHg": dataset.cvp_mmhg,
    }
    rows = []
    for name, values in columns.items():
        known = np.empty(0) if values is None else np.asarray(values, np.float64)[np.isfinite(values)]
        cells = np.percentile(known, [0, 50, 95, 100]).tolist() if len(known) else [None] * 4
        rows.append([name, str(len(known)), *(number(v) for v in cells)])
    return table(["", "windows", "least", "median", "95 %", "largest"], rows)


def _consent(about: Mapping[str, Any]) -> list[str]:
    told: Counter[str] = Counter()
    for s in about.get("sources", ()):
        if not isinstance(s, Mapping):
            continue
        consent = s.get("consent")
        told[
            "no consent: simulated or replayed"
            if consent is None
            else f"consent form {consent['version']}: {', '.join(x.replace('_', ' ') for x in consent['scopes'])}"
        ] += 1
    lines = [f"{counted(n, 'session')}: {text}" for text, n in sorted(told.items())]
    licence = about.get("licence")
    return [*lines, f"Licence: {licence}" if licence else "No licence is stated: not for passing on."]


def _splits(dataset: Dataset) -> Iterator[str]:
    if not dataset.splits:
        yield paragraph("None: too few subjects for training, choosing and testing apart.")
        return
    rows = [
        [name, *(str(len(part)) for part in (s.train, s.val, s.test)), s.sha256[:12]]
        for name, s in sorted(dataset.splits.items())
    ]
    yield table(["", "train", "val", "test", "hash"], rows, caption="Subjects by part")


def _options(about: Mapping[str, Any]) -> str:
    said = {True: "yes", False: "no", "": DASH}
    rows = [
        [
            name.replace("_", " "),
            said[value] if isinstance(value, bool | str) and value in said else f"{value}",
        ]
        for name, value in about.get("build", {}).items()
    ]
    return table(["", ""], rows, words=True)
