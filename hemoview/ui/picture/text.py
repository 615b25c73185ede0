"""Words for Review that need more than an id: reasons, gaps."""

from __future__ import annotations

from typing import Final

from hemoview.ui.words.catalogue import known_ids, label_said, sentence, text, words
from hemoview.viewmodel import formats
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.axis import length_text
from hemoview.viewmodel.review.facts import CuffMark, GapMark
from hemoview.viewmodel.review.marks import Mark
from recorder.schema import CO_CALIBRATED, FINGER_CHANGED, REFERENCE_CALIBRATED
from recorder.schema.rules import ANCHOR_FROM, ANCHORS, RULE

_MARKS: Final = {
    REFERENCE_CALIBRATED: "review.mark.reference-calibrated",
    FINGER_CHANGED: "review.mark.finger-changed",
    CO_CALIBRATED: "review.mark.co-calibrated",
}


def said(message: Message) -> str:
    """The text of a message."""
    return words(Message(message.id, tuple((k, v) for k, v in message.values if k != "advice")))


def reason_text(reason: str) -> str:
    """Why a number is absent; a cause without words of its own is shown as it is stored."""
    known = (f"review.why.{reason}", f"why-{reason}")
    return next((text(m) for m in known if m in known_ids()), cause_text(reason))


def cause_text(cause: str) -> str:
    """The cause of a gap, or why a clock era begins, as people read it; one without words as it is stored."""
    known = f"review.cause.{cause}"
    return text(known) if known in known_ids() else cause.replace("-", " ")


def mark_text(mark: Mark) -> str:
    """What happened, with its note; of a rule of the session that was changed: to what, by whom and why."""
    if mark.kind == "era":
        return cause_text(mark.label)
    if mark.kind != RULE:
        note = sentence(mark.note) if mark.said else mark.note
        return f"{label_text(mark)}  {note}".rstrip()
    rule, _, value = mark.label.partition(":")
    if rule == ANCHOR_FROM and value in ANCHORS:
        return text("review.event-anchor", choice=text(f"anchor-{value}"))
    return text("review.event-unhidden", operator=mark.source, why=mark.note)


def label_text(mark: Mark) -> str:
    """What happened in a word or two; what a person typed stays as it was typed."""
    known = f"review.said.{mark.said}"
    if known in known_ids():
        return text(known, device=mark.source)
    if mark.kind != "marker":
        return mark.label
    return text(_MARKS[mark.label]) if mark.label in _MARKS else label_said(mark.label)


def panel_text(title: str) -> str:
    """What a panel is called; a channel of a device keeps the name it was given."""
    known = f"panel.{title}"
    return text(known) if known in known_ids() else title


def cuff_text(cuff: CuffMark, unit: str) -> str:
    """``120/80 mmHg``: a reading in the unit of the screen."""
    return f"{pressures_text(cuff, unit)} {unit}"


def pressures_text(cuff: CuffMark, unit: str) -> str:
    """``120/80``, without the unit."""
    factor, places = formats.pressure_factor(unit), formats.decimals("SBP", unit)
    return f"{cuff.sbp_mmhg * factor:.{places}f}/{cuff.dbp_mmhg * factor:.{places}f}"


def gap_words(gap: GapMark) -> str:
    """A gap in full: stream, length, cause, count, detail."""
    missing = text("review.gap-missing", n=gap.n_missing) if gap.n_missing is not None else ""
    return text(
        "review.gap-tip",
        stream=gap.stream_id,
        length=length_text(gap.t1_s - gap.t0_s),
        cause=cause_text(gap.cause),
        missing=missing,
        detail=f"\n{gap.detail}" if gap.detail else "",
    )
