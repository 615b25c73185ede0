"""What the alignment panel says: state, figures, refusals, versions; ids and values, no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hemoview.dsp.align import LEAST_GAP, LEAST_MATCHED, LEAST_PAIRS, LEAST_S, MOST_RESIDUAL_S
from hemoview.dsp.align_drift import KNOWN_PPM
from hemoview.dsp.time_map import Piece
from hemoview.labels.alignment import REFUSED, Alignment
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.align_deeds import UNLOCKED, Known
from hemoview.viewmodel.review.facts import SessionFacts
from recorder.session.alignments import StoredAlignment


@dataclass(frozen=True, slots=True)
class Version:
    """A line of the history: which version, when (UTC ns), by whom, what it is, and what was done or why."""

    version: int
    wall_ns: int
    who: str
    state: Message
    what: Message


def state_of(known: Known | None, facts: SessionFacts | None, lacking: str) -> tuple[Message, str]:
    """Whether the session is aligned, and the tone to say it in."""
    if lacking:
        return say("align-state-lacking"), "dim"
    if facts is not None and facts.live:
        return say("align-state-live"), "dim"
    if known is None:
        return say("align-state-unknown"), "dim"
    if known.current is None:
        none = say("align-state-none")
        return say("align-state-damaged", file=known.damaged[-1]) if known.damaged else none, "warning"
    return _state_of_version(known.current)


def _state_of_version(current: Alignment) -> tuple[Message, str]:
    if current.locked:
        return say("align-state-locked", version=current.version), "ok"
    state = "align-state-open" if current.refused_because == UNLOCKED else "align-state-refused"
    return say(state, version=current.version), "warning"


def figures(current: Alignment, place: int, nudge_ms: int) -> Message:
    """Offset, drift, residual and matched part of one piece."""
    piece = current.pieces[place]
    return say(
        "align-figures",
        offset=f"{piece.offset_s + nudge_ms / 1000:+.3f}",
        drift=drift_text(piece),
        residual=f"{piece.residual_ms:.0f}",
        matched=f"{100 * piece.matched_fraction:.0f}",
        piece=place + 1,
        pieces=len(current.pieces),
    )


def drift_text(piece: Piece) -> str:
    """A drift with its 95 % bound where that was told, in ppm."""
    error_ppm = piece.drift_error_ppm
    if error_ppm is None:
        return f"{piece.drift_ppm:+.1f}"
    digits = 2 if error_ppm <= KNOWN_PPM else 0
    return f"{piece.drift_ppm:+.{max(digits, 1)}f} ± {error_ppm:.{digits}f}"


def refusal(current: Alignment) -> Message:
    """Why there is no lock."""
    code = current.refused_because
    if code == UNLOCKED:
        return say("align-refused-unlocked", who=current.made_by, why=current.why)
    return say(f"align-refused-{code}") if code in REFUSED else say("align-refused-unknown", code=code)


def grounds(current: Alignment) -> tuple[Message, ...]:
    """What a refusal rests on, and what follows from it; of what is locked only what is out of the ordinary."""
    if current.locked:
        return tuple(_remarks(current.evidence))
    found = [] if current.refused_because == UNLOCKED else evidence_lines(current.evidence)
    return (*found, say("align-barred"))


def evidence_lines(evidence: Mapping[str, Any]) -> list[Message]:
    """What the search found, and what was needed: the beats of both devices, the best shift, its nearest rival."""
    lines = []
    pulse, pressure = evidence.get("pulse"), evidence.get("reference")
    if isinstance(pulse, Mapping) and isinstance(pressure, Mapping):
        counts = {
            f"{device}_{key}": _number(said.get(key))
            for device, said in (("pulse", pulse), ("pressure", pressure))
            for key in ("beats", "usable", "rate_per_min", "varies_ms")
        }
        lines.append(say("align-evidence-beats", **counts))
    if "matched_fraction" in evidence:
        matched, apart = 100 * float(evidence["matched_fraction"]), float(evidence.get("residual_ms", 0.0))
        best = {"offset": f"{float(evidence.get('offset_s', 0.0)):+.3f}", "matched": f"{matched:.0f}"}
        best["pairs"] = _number(evidence.get("pairs"))
        needed = {
            "least_pairs": LEAST_PAIRS,
            "least": round(100 * LEAST_MATCHED),
            "most": round(1000 * MOST_RESIDUAL_S),
        }
        lines.append(say("align-evidence-best", **best, residual=f"{apart:.0f}", **needed))
        if "fits_s" in evidence:
            fits = _number(evidence["fits_s"])
            lines.append(say("align-evidence-length", fits=fits, least=round(LEAST_S)))
        rival = evidence.get("runner_up")
        if isinstance(rival, Mapping) and "offset_s" in rival:
            worse, other = rival.get("worse_by_nats_per_beat"), f"{float(rival['offset_s']):+.3f}"
            gap = f"{worse:+.2f}" if isinstance(worse, int | float) else "–"
            lines.append(say("align-evidence-rival", other=other, gap=gap, least=LEAST_GAP))
    return lines


def _remarks(evidence: Mapping[str, Any]) -> list[Message]:
    """A clock that was set wrong, and what taps on both sensors say."""
    hours, lag_ms = evidence.get("clock_set_wrongly_h"), evidence.get("lag_ms")
    found = []
    if isinstance(hours, int | float) and hours:
        found.append(say("align-clock-wrong", hours=f"{hours:+g}"))
    if isinstance(lag_ms, int | float):
        found.append(say("align-taps", ms=f"{lag_ms:+.0f}"))
    return found


def _number(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) else "–"


def versions(history: Sequence[StoredAlignment]) -> tuple[Version, ...]:
    """Every version, oldest first."""
    return tuple(Version(v.version, v.wall_ns, v.made_by, _state(v), _what(v)) for v in history)


def _state(stored: StoredAlignment) -> Message:
    if not stored.content:
        return say("align-version-none")
    if stored.content.get("locked"):
        return say("align-version-locked")
    by_hand = stored.content.get("refused_because") == UNLOCKED
    return say("align-version-open" if by_hand else "align-version-refused")


def _what(stored: StoredAlignment) -> Message:
    if stored.restores is not None:
        return (
            say("align-what-undone", version=stored.restores) if stored.restores else say("align-what-none")
        )
    if stored.why:
        return say("align-what-why", why=stored.why)
    code = str(stored.content.get("refused_because") or "")
    return say(f"align-refused-short-{code}") if code in REFUSED else say("align-what-found")
