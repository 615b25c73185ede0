"""Labelling without a window: a rater at work, what is shown to him and what is on disk."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from hemoview.labels.annotation import labels_of
from hemoview.labels.raters.book import LabelBook
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.label import LabelModel
from hemoview.viewmodel.review.label_state import LabelView

LENGTH_S = 125.0


def facts_for(folder: Path, **more: object) -> SessionFacts:
    blank: dict[str, object] = dict.fromkeys((f.name for f in fields(SessionFacts) if f.init), ())
    blank |= {
        "path": str(folder), "session_id": "s", "pseudonym": "P", "operator": "", "start_wall_ns": 0,
        "zone": "UTC", "utc_offset_s": 0, "duration_s": LENGTH_S, "state": "sealed", "simulated": False,
        "speed": 1.0, "estimates_hidden": False, "edition": 0, "incomplete": "", "card": {}, "ranges": {},
    }  # fmt: skip
    return SessionFacts(**(blank | more))  # type: ignore[arg-type]


def opened(folder: Path, rater: str = "AB", name: str = "labels") -> LabelModel:
    model = LabelModel()
    model.open(facts_for(folder))
    model.take(LabelBook(folder, name))
    model.use_rater(rater)
    if not model.on:
        model.switch()
    return model


def view(model: LabelModel, cursor_s: float = 0.0) -> LabelView:
    return model.view(cursor_s)


def said(model: LabelModel) -> list[tuple[str, str, float, float]]:
    return [(a.kind, a.label, a.t0_s, a.t1_s) for a in view(model).annotations]


def note(model: LabelModel) -> str:
    shown = view(model).note
    return shown.id if shown else ""


def on_disk(folder: Path) -> list[tuple[str, str, float, float]]:
    return [(a.kind, a.label, a.t0_s, a.t1_s) for a in labels_of(folder).annotations()]
