"""The alignment panel of Review: what is known, what is asked for, resolved into one frozen view. Knows no toolkit.

Every change is a new version with who and why; samples are never rewritten. A refusal is an answer, shown with its
reason and evidence, never an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.time_map import Piece, to_pulse
from hemoview.labels.alignment import Alignment
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.align_beats import BeatsPicture, ResidualPicture, beats_around, residuals
from hemoview.viewmodel.review.align_deeds import Beats, Deed, Deeds, Known
from hemoview.viewmodel.review.align_words import Version, figures, grounds, refusal, state_of, versions
from hemoview.viewmodel.review.align_work import AlignWork, Begun, Ended, Kind
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.shift import TimeShift, placed_span, reference_streams

Floats = NDArray[np.float64]
Action = Literal["align", "cancel", "nudge", "lock", "unlock", "undo", "aligned"]

NUDGES_MS: Final = (1, 10, 100)


@dataclass(frozen=True, slots=True)
class JobView:
    """What is being worked at, and how far it is, 0 to 1."""

    kind: Kind
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class AlignView:
    """The whole panel.

    Args:
        shown: the panel is open.
        state: whether the session is aligned, in words; ``tone`` of it: ``ok``, ``warn`` or ``dim``.
        figures: offset, drift, residual and matched part at the cursor, or why nothing is locked; None before.
        refusal: what a refusal rests on, and what follows from it.
        placed: where the beats of the pressure are drawn.
        note: what the last deed came to, or what is missing for it.
        job: what is under way.
        can: what may be asked for now.
        nudge_ms: moved by hand and not kept yet.
        beats, residuals: the pictures; None until the beats are read, then ``waiting`` says why.
        aligned: the picture shows the reference on the pulse's time axis.
    """

    shown: bool
    state: Message
    tone: str
    figures: Message | None
    refusal: tuple[Message, ...]
    placed: Message
    note: Message | None
    job: JobView | None
    can: frozenset[Action]
    nudge_ms: int
    beats: BeatsPicture | None
    residuals: ResidualPicture | None
    waiting: Message | None
    history: tuple[Version, ...]
    aligned: bool


class AlignModel:
    """Holds what is known of the alignment of one session.

    Args:
        deeds: what can be done with a session folder.
        notify: called from the working thread when :meth:`drain` has something to take.
    """

    def __init__(self, deeds: Deeds, notify: Callable[[], None]) -> None:
        self._deeds = deeds
        self._work = AlignWork(deeds, notify)
        self._generation = 0
        self._facts: SessionFacts | None = None
        self._shown = False
        self._placed_s: Floats | None = None
        self._residuals: ResidualPicture | None = None
        self._around: BeatsPicture | None = None
        self._forget()

    def _forget(self) -> None:
        self._known: Known | None = None
        self._beats: Beats | None = None
        self._asked_beats = False
        self._job: JobView | None = None
        self._note: Message | None = None
        self._nudge_ms, self._nudged_by = 0, ""
        self._aligned = False
        self._shift: tuple[object, TimeShift] | None = None
        self._moved()

    # what the page tells

    def use(self, facts: SessionFacts | None) -> None:
        """The session that is open now; another one ends what was under way."""
        before, self._facts = self._facts, facts
        if facts is before:
            return
        if facts is None or before is None or before.path != facts.path:
            if before is not None:
                self._keep_nudge_of(before.path)
            self._generation = self._work.session()
            self._forget()
            if facts is not None:
                self._job = JobView("look", 0.0)
                self._work.look(Path(facts.path))
        self._residuals = None

    def toggle(self) -> None:
        """Open or close the panel. When it opens, beats are read unless they are here, and the versions once more: a
        command line may have aligned since.
        """
        self._shown = not self._shown
        self._asked_beats = self._beats is not None
        if self._shown and self._known is not None and self._job is None and self._facts is not None:
            self._job = JobView("look", 0.0)
            self._work.look(Path(self._facts.path))
        self._read_beats()

    def drain(self) -> bool:
        """Take what the thread reported; True if the view changed."""
        changed = False
        for report in self._work.drain():
            if report.generation != self._generation:
                continue
            changed = True
            if isinstance(report, Begun):
                self._job = JobView(report.kind, report.share)
            else:
                self._take(report)
        return changed

    def _take(self, ended: Ended) -> None:
        self._job = None
        self._beats = ended.beats or self._beats
        self._note = ended.note
        if ended.known is not None:
            self._known = ended.known
            self._aligned = self._aligned and self._locked() is not None
        if ended.kind in ("keep", "align"):
            self._nudge_ms = 0
        self._moved()
        if ended.kind != "beats":
            self._read_beats()

    def _read_beats(self) -> None:
        wanted = self._shown and self._facts is not None and self._known is not None and not self._facts.live
        if wanted and not self._asked_beats and self._job is None and not self._lacking():
            assert self._facts is not None
            self._asked_beats = True
            self._job = JobView("beats", 0.0)
            self._work.beats(Path(self._facts.path))

    def _moved(self) -> None:
        """Beats stand elsewhere now."""
        self._placed_s = self._residuals = self._around = None

    # what the user asks for

    def align(self, who: str) -> None:
        """Compute an alignment from the beats; its progress follows."""
        if "align" in self._can() and self._facts is not None and self._signed(who):
            self._nudge_ms, self._note = 0, None
            self._moved()
            self._job = JobView("align", 0.0)
            self._work.align(Path(self._facts.path), who.strip())

    def cancel(self) -> None:
        """Give up what is under way."""
        self._work.cancel()

    def nudge(self, by_ms: int, who: str) -> None:
        """Move the pressure by hand, later where positive; shown at once, kept by :meth:`keep_nudge`."""
        if "nudge" in self._can() and self._signed(who):
            self._nudge_ms, self._nudged_by = self._nudge_ms + by_ms, who.strip()
            self._note = None
            self._moved()

    def keep_nudge(self) -> None:
        """Make one version of what was moved by hand since the last."""
        if self._facts is not None:
            self._keep_nudge_of(self._facts.path)

    def _keep_nudge_of(self, path: str) -> None:
        if self._nudge_ms and self._job is None:
            self._keep(path, self._deeds.nudge(self._nudge_ms, self._nudged_by))

    def lock(self, who: str, why: str) -> None:
        """Believe again what was unlocked by hand: datasets may use it."""
        self._sign("lock", who, why, self._deeds.lock)

    def unlock(self, who: str, why: str) -> None:
        """No longer believe it: barred from datasets until it is locked again."""
        self._sign("unlock", who, why, self._deeds.unlock)

    def _sign(self, action: Action, who: str, why: str, deed: Callable[[str, str], Deed]) -> None:
        if action not in self._can() or self._facts is None or not self._signed(who):
            return
        if not why.strip():
            self._note = say(f"align-why-{action}")
            return
        self.keep_nudge()
        self._keep(self._facts.path, deed(who.strip(), why.strip()))

    def _signed(self, who: str) -> bool:
        if who.strip():
            return True
        self._note = say("align-who")
        return False

    def undo(self, who: str) -> None:
        """Back to the version before, as a version of its own; of a nudge not kept yet: forget it."""
        if "undo" not in self._can() or self._facts is None:
            return
        if self._nudge_ms:
            self._nudge_ms = 0
            self._moved()
        elif self._signed(who):
            self._keep(self._facts.path, self._deeds.undo(who.strip()))

    def _keep(self, path: str, deed: Deed) -> None:
        self._job, self._note = JobView("keep", 0.0), None
        self._work.keep(Path(path), deed)

    def show_aligned(self) -> None:
        """The reference on the pulse's time axis, or as it is stored again."""
        if "aligned" in self._can():
            self._aligned = not self._aligned

    def close(self) -> None:
        """End the thread; a nudge not kept yet is kept."""
        if self._facts is not None:
            self._keep_nudge_of(self._facts.path)
        self._work.close()

    # what the page shows

    @property
    def shift(self) -> TimeShift | None:
        """How the picture draws the reference's streams; None: as stored."""
        current, facts = self._locked(), self._facts
        if not self._aligned or current is None or facts is None:
            return None
        key = (current.version, self._nudge_ms, facts.streams)
        if self._shift is None or self._shift[0] != key:
            self._shift = (
                key,
                TimeShift(current.version, reference_streams(facts.streams), self._pieces(current)),
            )
        return self._shift[1]

    def view(self, cursor_s: float) -> AlignView:
        """The panel now."""
        known, locked, lacking = self._known, self._locked(), self._lacking()
        current = known.current if known is not None else None
        state, tone = state_of(known, self._facts, lacking)
        return AlignView(
            shown=self._shown,
            state=state,
            tone=tone,
            figures=self._said(current, cursor_s),
            refusal=() if current is None else grounds(current),
            placed=say("align-placed-stored")
            if locked is None
            else say("align-placed", version=locked.version),
            note=self._note or self._nudged(),
            job=self._job if self._job is not None and self._job.kind != "look" else None,
            can=self._can(),
            nudge_ms=self._nudge_ms,
            beats=self._beats_at(cursor_s),
            residuals=self._residuals_now(),
            waiting=self._waiting(lacking),
            history=versions(known.history) if known is not None else (),
            aligned=self._aligned,
        )

    def _said(self, current: Alignment | None, cursor_s: float) -> Message | None:
        if current is None:
            return None
        if not current.locked:
            return refusal(current)
        return figures(current, self._piece(current, cursor_s), self._nudge_ms)

    def _nudged(self) -> Message | None:
        return say("align-nudged", ms=f"{self._nudge_ms:+d}".replace("-", "−")) if self._nudge_ms else None

    def _locked(self) -> Alignment | None:
        current = self._known.current if self._known is not None else None
        return current if current is not None and current.locked else None

    def _spans(self, locked: Alignment) -> list[tuple[float, float]]:
        """Where each piece lies on the pulse's time axis."""
        ends = [p.to_pulse(np.array([p.t0_s, p.t1_s])) for p in self._pieces(locked)]
        return [(float(t0_s), float(t1_s)) for t0_s, t1_s in ends]

    def _pieces(self, locked: Alignment) -> tuple[Piece, ...]:
        """What holds, moved by hand as far as it was."""
        by_s = self._nudge_ms / 1000
        return tuple(replace(p, offset_s=p.offset_s + by_s) for p in locked.pieces)

    def _piece(self, locked: Alignment, cursor_s: float) -> int:
        """Which piece the figures are of: that under the cursor, else the longest."""
        spans = self._spans(locked)
        inside = [i for i, (t0_s, t1_s) in enumerate(spans) if t0_s <= cursor_s <= t1_s]
        return inside[0] if inside else max(range(len(spans)), key=lambda i: spans[i][1] - spans[i][0])

    def _can(self) -> frozenset[Action]:
        known, facts = self._known, self._facts
        if self._job is not None:
            return frozenset(("cancel",) if self._job.kind in ("align", "beats") else ())
        if known is None or facts is None or facts.live or self._lacking():
            return frozenset()
        can: set[Action] = {"align"}
        if self._locked() is not None:
            can |= {"aligned", "nudge", "unlock"}
        elif known.lockable is not None:
            can.add("lock")
        if self._nudge_ms or known.current is not None:
            can.add("undo")
        return frozenset(can)

    def _lacking(self) -> str:
        """``pulse`` or ``pressure`` where the session has no such wave, else empty."""
        roles = (
            {s.role for s in self._facts.streams if s.kind == "waveform"}
            if self._facts
            else {"ppg", "abp_wave"}
        )
        return "pulse" if "ppg" not in roles else "" if "abp_wave" in roles else "pressure"

    def _waiting(self, lacking: str) -> Message | None:
        if lacking:
            return say(f"align-no-{lacking}")
        if self._beats is not None:
            return None
        if self._facts is not None and self._facts.live:
            return say("align-state-live")
        return say("align-reading" if self._job is not None else "align-not-read")

    def _on_pulse_axis(self, beats: Beats) -> Floats:
        """Beats of the pressure where the alignment puts them; as stored where there is none."""
        if self._placed_s is None:
            locked, at_s = self._locked(), beats.pressure_s
            if locked is not None:
                at_s = to_pulse(self._pieces(locked), at_s)
                at_s = np.sort(at_s[np.isfinite(at_s)])
            self._placed_s = at_s
        return self._placed_s

    def _beats_at(self, cursor_s: float) -> BeatsPicture | None:
        if self._beats is None or not self._shown:
            return None
        if self._around is None or self._around.cursor_s != cursor_s:
            self._around = beats_around(self._beats.pulse_s, self._on_pulse_axis(self._beats), cursor_s)
        return self._around

    def _residuals_now(self) -> ResidualPicture | None:
        facts, locked = self._facts, self._locked()
        if self._beats is None or not self._shown or facts is None:
            return None
        if self._residuals is None:
            spans = self._spans(locked) if locked is not None else []
            pressure_gaps = self._beats.pressure_gaps
            if locked is not None:
                pressure_gaps = tuple(placed_span(self._pieces(locked), *gap) for gap in pressure_gaps)
            self._residuals = residuals(
                self._beats.pulse_s,
                self._on_pulse_axis(self._beats),
                gaps=(*self._beats.pulse_gaps, *pressure_gaps),
                breaks_s=[(before[1] + after[0]) / 2 for before, after in pairwise(spans)],
                duration_s=facts.duration_s,
            )
        return self._residuals
