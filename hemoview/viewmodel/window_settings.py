"""What returns when the window opens again: what is shown, operator code, sides. Never the subject."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from hemoview.viewmodel.live.record_view import TREND_GROUPS, TREND_SPANS_S, WAVES, Wish
from hemoview.viewmodel.live.waves import PAPER_SPEEDS_MM_PER_S
from hemoview.viewmodel.sessions.rule_choice import stored_choice
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import next_subject
from recorder.host import platform
from recorder.private_folder import make_private
from recorder.schema import PARAMETERS

_T = TypeVar("_T")


PALETTES = ("standard", "colour-blind")
LANGUAGES = ("", "en", "zh")
"""The system's, English, Simplified Chinese."""
SCALES = (1.0, 1.25, 1.5, 1.75, 2.0)
LOCK_AFTER_MIN = (0, 5, 15, 30)


@dataclass(frozen=True, slots=True)
class Taste:
    """How the window looks and sounds, whatever it shows.

    Args:
        palette: of the colours by parameter, see :data:`PALETTES`.
        chime: whether technical trouble of a recording is heard.
        language: of :data:`LANGUAGES`. ``scale``: of everything, 1 to 2. Both hold from the next opening on.
        lock_after_min: untouched for so long the screen is hidden (safety rule 22); 0 = never.
    """

    palette: str = "standard"
    chime: bool = True
    language: str = ""
    scale: float = 1.0
    lock_after_min: int = 15


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """Of one user on one machine."""

    wish: Wish = field(default_factory=Wish)
    form: StartForm = field(default_factory=StartForm)
    taste: Taste = field(default_factory=Taste)


def load(path: Path) -> WindowSettings:
    """The stored settings; what cannot be used is as on the first start."""
    try:
        value = json.loads(path.read_text())
        wish, form = value["wish"], value["form"]
    except (OSError, ValueError, KeyError, TypeError):
        return WindowSettings()
    if not isinstance(wish, dict) or not isinstance(form, dict):
        return WindowSettings()
    return WindowSettings(_wish(wish), _form(form), _taste(value.get("taste")))


def last_operator(session: Path) -> str:
    """Code of who used the window last, for a session of this home; empty where nothing says so."""
    return load(session.parent.parent / "settings" / "window.json").form.operator


def save(path: Path, settings: WindowSettings) -> None:
    """Store them, without any subject."""
    wish = asdict(settings.wish) | {
        "parameters": sorted(settings.wish.parameters),
        "waves": sorted(settings.wish.waves),
    }
    wish.pop("cleared_at_ns")
    kept: dict[str, Any] = {
        k: v for k, v in asdict(next_subject(settings.form)).items() if isinstance(v, str)
    }
    kept["rules"] = settings.form.rules.to_rules()
    make_private(path.parent)
    content = json.dumps({"wish": wish, "form": kept, "taste": asdict(settings.taste)}, indent=1)
    platform.write_owner_only(path, content.encode())


def _wish(value: dict[str, Any]) -> Wish:
    """Only values this version knows."""
    first = Wish()
    return Wish(
        parameters=frozenset(value.get("parameters", PARAMETERS)) & frozenset(PARAMETERS),
        waves=frozenset(value.get("waves", WAVES)) & frozenset(WAVES),
        trend_group=_known(value.get("trend_group"), tuple(TREND_GROUPS), first.trend_group),
        trend_span_s=_known(value.get("trend_span_s"), TREND_SPANS_S, first.trend_span_s),
        mm_per_s=_known(value.get("mm_per_s"), PAPER_SPEEDS_MM_PER_S, first.mm_per_s),
        pressure_unit=_known(value.get("pressure_unit"), ("mmHg", "kPa"), first.pressure_unit),
    )


def _taste(value: Any) -> Taste:
    """Only values this version knows."""
    first = Taste()
    kept = value if isinstance(value, dict) else {}
    return Taste(
        palette=_known(kept.get("palette"), PALETTES, first.palette),
        chime=_known(kept.get("chime"), (True, False), first.chime),
        language=_known(kept.get("language"), LANGUAGES, first.language),
        scale=_known(kept.get("scale"), SCALES, first.scale),
        lock_after_min=_known(kept.get("lock_after_min"), LOCK_AFTER_MIN, first.lock_after_min),
    )


def _known(value: Any, choices: tuple[_T, ...], otherwise: _T) -> _T:
    return value if value in choices else otherwise


def _form(value: dict[str, Any]) -> StartForm:
    names = {known.name for known in fields(StartForm)}
    kept: dict[str, Any] = {k: v for k, v in value.items() if k in names and isinstance(v, str)}
    return replace(next_subject(StartForm(**kept)), rules=stored_choice(value.get("rules")))
