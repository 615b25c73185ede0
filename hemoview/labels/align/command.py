"""``hemoview align``: align the two devices of a session by the beats both felt, nudge it, undo it."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, Final

from hemoview.dsp.align_drift import KNOWN_PPM
from hemoview.labels import alignment as alignments_value
from hemoview.labels.align.session import align_session
from hemoview.labels.alignment import REFUSED, Alignment
from recorder import __version__, session
from recorder.clock import Clock
from recorder.errors import ConfigError
from recorder.host.console import progress
from recorder.session import alignments

SOFTWARE = f"hemoview {__version__}"
NEXT: Final = {
    "no-pulse": "import the wristband's files into it (hemoview import --join SESSION)",
    "no-reference": "import the monitor's files into it (hemoview import --join SESSION)",
    "too-few-beats": "two minutes of good beats in both at once are needed",
    "unsure": "it is short or noisy; leave it out",
    "not-the-same-heart": "look for the right files",
}
"""Code of a refusal -> what can be done; the others say it themselves."""
RUNNING: Final = "it has not ended; align it again when it has, or after recorder recover"


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do it and say what holds now."""
    folder: Path = args.session
    if args.show:
        session.open(folder).close()
        return _outcome(folder, alignments_value.current(folder), as_json=args.json)
    by = args.operator or "hemoview"
    now_ns = Clock.from_environment().wall_ns()
    if args.undo:
        alignments.undo(folder, made_by=by, software=SOFTWARE, wall_ns=now_ns, why=args.why)
        return _outcome(folder, alignments_value.current(folder), as_json=args.json, undone=True)
    now = None
    if args.nudge_ms is not None:
        if not args.why.strip():
            raise ConfigError("a nudge needs --why: the reason stays with the alignment")
        now = alignments_value.current(folder)
        if now is None:
            raise ConfigError(
                f"{folder.name}: is not aligned, there is nothing to nudge; run hemoview align first"
            )
        found = alignments_value.nudged(now, args.nudge_ms)
    else:
        found = _computed(folder)
    stored = alignments_value.store(
        folder, found, made_by=by, software=SOFTWARE, wall_ns=now_ns, why=args.why.strip(), upon=now
    )
    return _outcome(folder, stored, as_json=args.json)


def _computed(folder: Path) -> Alignment:
    with session.open(folder) as opened, progress("aligning", 4.0) as tell:
        steps = ("beats of the pulse", "beats of the pressure", "taps", "shifts")
        return align_session(opened, lambda what, part: tell(steps.index(what) + part, what))


def _runs(folder: Path) -> bool:
    with session.open(folder) as opened:
        return opened.state == "open"


def _outcome(folder: Path, found: Alignment | None, *, as_json: bool, undone: bool = False) -> dict[str, Any]:
    if found is None:
        if undone:
            return {"locked": False, "version": None, "message": f"{folder.name}: is not aligned any more"}
        return {"ok": False, "locked": False, "version": None, "message": f"{folder.name}: is not aligned"}
    message = sentence(folder.name, found, RUNNING if _runs(folder) else "")
    if not found.locked:
        sys.stderr.write(f"hemoview align: {message}\n")
    if not as_json:
        return {"ok": found.locked, "version": found.version, "message": message}
    return {
        "ok": found.locked,
        "locked": found.locked,
        "version": found.version,
        "offset_s": _number(found.offset_s, 4),
        "drift_ppm": _number(found.drift_ppm, 3),
        "drift_error_ppm": _number(found.drift_error_ppm, 3),
        "drift_within_1_ppm": found.drift_error_ppm <= KNOWN_PPM if found.locked else None,
        "residual_ms": _number(found.residual_ms, 2),
        "matched_fraction": _number(found.matched_fraction, 4),
        "method": found.method,
        "pieces": len(found.pieces),
        "refused_because": found.refused_because or None,
        "message": message,
        "evidence": found.evidence,
    }


def sentence(name: str, found: Alignment, then: str = "") -> str:
    """What holds, as somebody would say it, and what to do: ``then``, else what helps against the refusal."""
    if not found.locked:
        code = found.refused_because
        return f"{name}: {REFUSED.get(code, code)}{_after(then or NEXT.get(code, ''))}"
    n = len(found.pieces)
    hours = found.evidence.get("clock_set_wrongly_h")
    clock = f" (a clock {abs(hours):g} h off)" if hours else ""
    return (
        f"{name}: locked in {n} piece{'s' if n > 1 else ''}; the pulse is {found.offset_s:+.3f} s from the reference"
        f"{clock}, drift {drift_in_words(found)}, residual {found.residual_ms:.0f} ms, "
        f"{found.matched_fraction:.0%} of the beats matched{_after(then)}"
    )


def _after(then: str) -> str:
    return f"; {then}" if then else ""


def drift_in_words(found: Alignment) -> str:
    """A drift with its bound, and whose: where beats alone speak, they cannot tell the clock from the pulse's way."""
    error_ppm = found.drift_error_ppm
    if not math.isfinite(error_ppm):
        return f"{found.drift_ppm:+.1f} ppm"
    if error_ppm <= KNOWN_PPM:
        return f"{found.drift_ppm:+.2f} ± {error_ppm:.2f} ppm"
    return (
        f"{found.drift_ppm:+.1f} ± {math.ceil(error_ppm):d} ppm (not known to 1 ppm: beats cannot tell a clock from a "
        "pulse that slowly arrives earlier or later)"
    )


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
