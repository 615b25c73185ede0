"""Which colour of the theme stands for what in Review: never the same hue for an estimate and a reference."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtGui import QColor, QFont, QPen

from hemoview.ui.parts import theme

_FIXED: Final = {
    "ground": theme.BACKGROUND,
    "panel": theme.PANEL,
    "raised": theme.RAISED,
    "line": theme.LINE,
    "grid": theme.GRID,
    "text": theme.TEXT,
    "dim": theme.QUIET,
    "faint": theme.FAINT,
    "cursor": "#ffe27a",
    "event": "#6b7a89",
    "reason": "#5b6b7a",
    "tag": "#c792ea",
    "reference.MAP": "#ff8b6e",
    "reference.DBP": "#e0707f",
    "estimate.MAP": "#6f9dff",
    "estimate.DBP": "#37d0c4",
    "heart.device": "#8fae97",
    "quality": "#9fb3c8",
    "step": "#8fd3c8",
    "horizon.up": "#f0c24b",
    "horizon.down": "#8fa8ff",
}
_ROLES: Final = {
    "era": "info",
    "gap": "simulated",
    "sim": "simulated",
    "error": "danger",
    "warning": "warn",
    "reference.SBP": "reference",
    "heart.reference": "hr",
    "acc.0": "acc-x",
    "acc.1": "acc-y",
    "acc.2": "acc-z",
    "grey": "muted",
}


def colour(key: str) -> QColor:
    """The colour of a meaning; ``estimate.X`` falls back to its family. One object for all, as of :func:`faded` and
    :func:`pen`: a frame asks for a hundred, so nobody changes it.
    """
    return _ink(_name(key))


def faded(key: str, alpha: int) -> QColor:
    """That colour, see-through: ``alpha`` 0–255."""
    return _ink(_name(key), alpha)


def pen(key: str, alpha: int = 255) -> QPen:
    """A plain line of that colour, a pixel wide."""
    return _pen(_name(key), alpha)


def _name(key: str) -> str:
    """``#rrggbb`` in the palette that is in use."""
    return _FIXED.get(key) or theme.colour_name(_role(key))


@cache
def _role(key: str) -> str:
    return _ROLES.get(key) or key.split(".", maxsplit=1)[0]


@cache
def _ink(name: str, alpha: int = 255) -> QColor:
    ink = QColor(name)
    ink.setAlpha(alpha)
    return ink


@cache
def _pen(name: str, alpha: int) -> QPen:
    return QPen(_ink(name, alpha), 1)


@cache
def font(pixels: int, *, bold: bool = False) -> QFont:
    """The theme's font, made once for each size: a paint asks for dozens."""
    return theme.font(pixels, bold=bold)
