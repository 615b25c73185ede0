"""How it looks: dark, colour by parameter, sizes that are read at a metre and touched with gloves."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from recorder.host import places

CHINESE_FAMILIES: Final = ("Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei")
FAMILIES: Final = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans", *CHINESE_FAMILIES)
MM_PER_INCH: Final = 25.4
TOUCH_MM: Final = 12.0
"""Touch targets are at least this large (safety rule 9)."""

BACKGROUND: Final = "#0a0e13"
PANEL: Final = "#10161e"
RAISED: Final = "#1a222d"
LINE: Final = "#26313f"
GRID: Final = "#18212b"
TEXT: Final = "#e8edf2"
QUIET: Final = "#8d9aaa"
FAINT: Final = "#566373"

_STANDARD: Final = {
    "ppg": "#57d977",
    "hr": "#57d977",
    "abp": "#ff5a52",
    "reference": "#ff5a52",
    "pressure": "#4fc3f7",
    "estimate": "#4fc3f7",
    "cuff": "#ffab9f",
    "flow": "#ffc247",
    "resistance": "#b48cff",
    "acc-x": "#c3ced9",
    "acc-y": "#8fa3b8",
    "acc-z": "#62788f",
    "eda": "#e6d3a8",
    "temp": "#9fd0d6",
    "marker": "#d9dde2",
    "ok": "#57d977",
    "warn": "#ffc247",
    "danger": "#ff5a52",
    "info": "#7fb4e0",
    "simulated": "#e6a23c",
    "muted": "#7c8794",
    "text": TEXT,
    "quiet": QUIET,
}
_COLOUR_BLIND: Final = {
    # Okabe & Ito 2008, the set that deuteranopes, protanopes and tritanopes tell apart.
    **_STANDARD,
    "ppg": "#f0e442",
    "hr": "#f0e442",
    "abp": "#e8743b",
    "reference": "#e8743b",
    "danger": "#e8743b",
    "pressure": "#56b4e9",
    "estimate": "#56b4e9",
    "flow": "#e69f00",
    "resistance": "#cc79a7",
    "ok": "#56b4e9",
}
PALETTES: Final = {"standard": _STANDARD, "colour-blind": _COLOUR_BLIND}
_active = dict(_STANDARD)


def use_palette(name: str) -> None:
    """Choose the colours by parameter: ``standard`` or ``colour-blind``."""
    _active.update(PALETTES[name])


def colour(role: str, alpha: float = 1.0) -> QColor:
    """Colour of a parameter or state; ``alpha`` 0–1."""
    chosen = QColor(colour_name(role))
    if alpha != 1.0:
        chosen.setAlphaF(alpha)
    return chosen


def colour_name(role: str) -> str:
    """``#rrggbb`` of a parameter or state in the palette that is in use."""
    return _active.get(role, TEXT)


def font(pixels: int, *, bold: bool = False) -> QFont:
    """The sans-serif of the screen at a size in pixels, digits of one width where the font has them."""
    chosen = QFont()
    chosen.setFamilies(list(FAMILIES))
    chosen.setPixelSize(pixels)
    chosen.setBold(bold)
    return chosen


def px_per_mm() -> float:
    """Of the primary screen; 96 dpi where it does not tell."""
    screen = QGuiApplication.primaryScreen()
    dpi = screen.physicalDotsPerInch() if screen is not None else 96.0
    return (dpi if 40.0 <= dpi <= 600.0 else 96.0) / MM_PER_INCH


def touch_px() -> int:
    """Least height and width of whatever is touched."""
    return round(TOUCH_MM * px_per_mm())


def apply(app: QApplication) -> None:
    """Dark palette, font and style sheet for every window of ``app``."""
    app.setStyle("Fusion")
    app.setFont(font(14))
    app.setPalette(_palette())
    app.setStyleSheet(_sheet(touch_px()))


def _palette() -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: BACKGROUND,
        QPalette.ColorRole.WindowText: TEXT,
        QPalette.ColorRole.Base: PANEL,
        QPalette.ColorRole.AlternateBase: RAISED,
        QPalette.ColorRole.Text: TEXT,
        QPalette.ColorRole.Button: RAISED,
        QPalette.ColorRole.ButtonText: TEXT,
        QPalette.ColorRole.ToolTipBase: RAISED,
        QPalette.ColorRole.ToolTipText: TEXT,
        QPalette.ColorRole.PlaceholderText: FAINT,
        QPalette.ColorRole.Highlight: "#2b6ea3",
        QPalette.ColorRole.HighlightedText: "#ffffff",
    }
    for role, value in roles.items():
        palette.setColor(role, QColor(value))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(FAINT))
    return palette


def _sheet(touch: int) -> str:
    tick = (places.resources_dir() / "icons" / "tick.svg").as_posix()
    return f"""
    QMainWindow, QDialog {{ background: {BACKGROUND}; }}
    QPushButton, QToolButton {{
        background: {RAISED}; border: 1px solid {LINE}; border-radius: 6px;
        min-height: {touch - 2}px; padding: 0 12px;
    }}
    QPushButton:hover, QToolButton:hover {{ border-color: {FAINT}; }}
    QPushButton:pressed, QToolButton:pressed, QPushButton:checked {{ background: #24405a; border-color: #3d6d98; }}
    QPushButton:focus, QToolButton:focus {{ border: 1px solid #5aa0d8; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {FAINT}; background: {PANEL}; border-color: {GRID}; }}
    QPushButton#start {{ background: #1c5a34; border-color: #2f8a52; font-weight: bold; }}
    QPushButton#start:disabled {{ background: {PANEL}; border-color: {GRID}; }}
    QPushButton#stop {{ background: #7a1f1c; border-color: #b8403b; font-weight: bold; }}
    QPushButton#stop:disabled {{ background: {PANEL}; border-color: {GRID}; }}
    QPushButton#tab {{ background: transparent; border: none; border-bottom: 3px solid transparent;
        border-radius: 0; color: {QUIET}; font-size: 15px; }}
    QPushButton#tab:checked {{ color: {TEXT}; border-bottom-color: #5aa0d8; }}
    QPushButton#marker {{ padding: 0 6px; font-size: 13px; text-align: left; }}
    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateEdit {{
        background: {PANEL}; border: 1px solid {LINE}; border-radius: 5px;
        min-height: {touch - 10}px; padding: 2px 8px; selection-background-color: #2b6ea3;
    }}
    QPlainTextEdit {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 5px; padding: 2px 6px; }}
    QPlainTextEdit:focus, QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{
        border-color: #5aa0d8; }}
    QComboBox {{ combobox-popup: 0; }}
    QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE}; }}
    QComboBox QAbstractItemView::item {{ min-height: {touch}px; padding: 0 8px; }}
    QMenu::item {{ padding: {(touch - 20) // 2}px 18px; }}
    QMenu::item:selected {{ background: #2b6ea3; }}
    QMenu::item:disabled {{ color: {FAINT}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {LINE}; }}
    QTabBar::tab {{ background: transparent; color: {QUIET}; min-height: {touch - 6}px; padding: 0 12px;
        border: none; border-bottom: 3px solid transparent; }}
    QTabBar::tab:selected {{ color: {TEXT}; border-bottom-color: #5aa0d8; }}
    QTabBar::tab:focus {{ border: 1px solid #5aa0d8; }}
    QTabBar::tab:hover {{ color: {TEXT}; }}
    QCheckBox, QRadioButton {{ min-height: {touch}px; spacing: 10px; }}
    QCheckBox::indicator, QRadioButton::indicator, QTableView::indicator, QListView::indicator {{
        width: 22px; height: 22px; border: 1px solid {FAINT}; border-radius: 4px; background: {PANEL}; }}
    QRadioButton::indicator {{ border-radius: 11px; }}
    QRadioButton::indicator:checked {{ border-color: #5aa0d8; background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5,
        fx: 0.5, fy: 0.5, stop: 0 {TEXT}, stop: 0.42 {TEXT}, stop: 0.5 #2b6ea3, stop: 1 #2b6ea3); }}
    QCheckBox:focus, QRadioButton:focus {{ color: #8cc4f0; }}
    QListView::indicator {{ width: 16px; height: 16px; }}  /* as high as a line of a list */
    QListView::indicator:disabled {{ border-color: {LINE}; }}
    QCheckBox::indicator:checked, QTableView::indicator:checked, QListView::indicator:checked {{
        background: #2b6ea3; border-color: #5aa0d8; image: url("{tick}"); }}
    QFrame#panel {{ background: {PANEL}; border: 1px solid {GRID}; border-radius: 6px; }}
    QFrame#header {{ background: {PANEL}; border-bottom: 1px solid {LINE}; }}
    QFrame#banner-danger {{ background: #6d1512; }}
    QFrame#banner-warn {{ background: #5c4410; }}
    QFrame#banner-info {{ background: #17364f; }}
    QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
    QScrollBar:vertical {{ background: {PANEL}; width: 14px; }}
    QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 6px; min-height: 30px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
    """
