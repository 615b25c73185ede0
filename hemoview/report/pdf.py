"""A report page as PDF: the pieces of :mod:`hemoview.report.html`, and nothing else, set on sheets.

Written by fpdf2 in plain Python, so that it works at a bedside and in a service alike. Drawings must be pictures
(``<img src="data:image/png;base64,…">``): :func:`hemoview.report.plots.drawn` makes them so on demand.
"""

from __future__ import annotations

import base64
import binascii
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError

MARGIN_MM: Final = 12.0
SIZES_PT: Final = {"h1": 16.0, "h2": 12.5, "h3": 10.5, "p": 9.0, "table": 6.6, "caption": 7.5}
INK, QUIET, WARN, RULE = (26, 26, 26), (80, 80, 80), (138, 28, 0), (200, 200, 200)
LINE: Final = 1.35
"""Line height over letter height."""
PICTURES_A_ROW: Final = 2
BLANK_MM: Final = 7.5
"""Height of a line that is written by hand."""
KEPT_MM: Final = 62.0
"""Room under a heading of the look ``kept``, that what a person writes stands on one sheet."""
KEPT_WHOLE: Final = 20
"""Rows of the longest table that is not split over two sheets."""
_BLOCKS: Final = frozenset({"h1", "h2", "h3", "p", "li", "caption", "figcaption", "th", "td", "small"})
_IGNORED: Final = frozenset({"style", "title", "script", "head"})
_PNG: Final = "data:image/png;base64,"


@dataclass(slots=True)
class _Table:
    caption: str = ""
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    words: bool = False


@dataclass(slots=True)
class _Piece:
    """``kind``: h1, h2, h3, p, lead, note, blank, li, simulated, table, figure. ``look``: the class it has."""

    kind: str
    text: str = ""
    table: _Table | None = None
    picture: bytes = b""
    look: str = ""


class _Reader(HTMLParser):
    """Pieces of a page in their order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[_Piece] = []
        self._open: list[tuple[str, str]] = []
        self._text: list[str] = []
        self._table: _Table | None = None
        self._row: list[str] | None = None
        self._picture = b""
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in ("meta", "br", "link"):
            return
        if tag == "img":
            self._picture = _picture(said.get("src") or "")
            return
        if tag == "svg":
            raise ConfigError("a page with inline drawings cannot be set as PDF; have them made as pictures")
        self._open.append((tag, said.get("class") or ""))
        if tag == "table":
            self._table = _Table()
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._row = []
        elif tag == "td" and self._table is not None and said.get("class") == "text":
            self._table.words = True
            self._text = []
        elif tag in _BLOCKS or (tag == "div" and said.get("class") == "simulated"):
            if tag == "small":
                self._end_text("simulated")
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1][0] != tag:
            self._open.pop()
        kind = self._open.pop()[1] if self._open else ""
        if tag in ("td", "th") and self._row is not None:
            self._row.append(self._taken())
        elif tag == "tr" and self._table is not None and self._row is not None:
            if self._in_head:
                self._table.head = self._row
            else:
                self._table.rows.append(self._row)
            self._row = None
        elif tag == "thead":
            self._in_head = False
        elif tag == "caption" and self._table is not None:
            self._table.caption = self._taken()
        elif tag == "table" and self._table is not None:
            self.pieces.append(_Piece("table", table=self._table))
            self._table = None
        elif tag == "figcaption":
            look = next((kind for tag, kind in self._open if tag == "figure"), "")
            self.pieces.append(_Piece("figure", self._taken(), picture=self._picture, look=look))
            self._picture = b""
        elif tag == "div" and kind == "simulated":
            self._end_text("simulated")
        elif kind == "blank":
            self.pieces.append(_Piece("blank"))
        elif tag in ("h1", "h2", "h3", "p", "li", "small"):
            self._end_text(kind if kind in ("lead", "note") else "p" if tag == "small" else tag, kind)

    def handle_data(self, data: str) -> None:
        if not any(tag in _IGNORED for tag, _ in self._open):
            self._text.append(data)

    def _taken(self) -> str:
        text, self._text = " ".join("".join(self._text).split()), []
        return text

    def _end_text(self, kind: str, look: str = "") -> None:
        if text := self._taken():
            self.pieces.append(_Piece(kind, text, look=look))


def _picture(source: str) -> bytes:
    if not source.startswith(_PNG):
        raise ConfigError("a picture of the page is not inside it as PNG; it cannot be set as PDF")
    try:
        return base64.b64decode(source[len(_PNG) :], validate=True)
    except binascii.Error as error:
        raise ConfigError("a picture of the page is no PNG; it cannot be set as PDF") from error


@dataclass(frozen=True, slots=True)
class Sheets:
    """What every sheet is like.

    Args:
        portrait: upright, not across.
        mark: laid across every sheet, large and pale; empty = nothing.
        foot: at the bottom of every sheet, beside its number; empty = the title.
        letters: further font files, for what DejaVu has not.
    """

    portrait: bool = False
    mark: str = ""
    foot: str = ""
    letters: tuple[Path, ...] = ()


ACROSS: Final = Sheets()


def pdf_of(page: str, *, title: str, made: datetime | None = None, sheets: Sheets = ACROSS) -> bytes:
    """The page as PDF, A4, numbered sheets.

    Args:
        page: as :func:`hemoview.report.html.document` makes it, drawings as pictures.
        title: of the document.
        sheets: what every sheet is like.
        made: its date; None = none is written, and the same page gives the same bytes.

    Raises:
        ConfigError: a drawing is no picture, or fpdf2 or matplotlib (whose letters are used) are not installed.
    """
    reader = _Reader()
    reader.feed(page)
    sheet = _sheet(title, sheets)
    sheet.set_creation_date(made or datetime(2000, 1, 1, tzinfo=UTC))
    pieces = reader.pieces
    at = 0
    while at < len(pieces):
        if pieces[at].kind == "figure":
            like = (pieces[at].kind, pieces[at].look)
            end = next(
                (n for n in range(at, len(pieces)) if (pieces[n].kind, pieces[n].look) != like), len(pieces)
            )
            _figures(sheet, pieces[at:end])
            at = end
            continue
        if pieces[at].kind in ("h2", "h3") and sheet.will_page_break(_room_for(sheet, pieces[at:])):
            sheet.add_page()
        _set(sheet, pieces[at])
        at += 1
    return bytes(sheet.output())


def _sheet(title: str, sheets: Sheets) -> Any:
    try:
        import matplotlib as mpl  # noqa: PLC0415 – slow to load, and absent where only the recorder is installed
        from fpdf import FPDF  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed, a PDF needs it: pip install 'hemoview[app]'"
        ) from error

    class Sheet(FPDF):
        def header(self) -> None:
            if not sheets.mark:
                return
            self.set_font("DejaVu", "B", 44)
            self.set_text_color(*WARN)
            width = self.get_string_width(sheets.mark)
            with self.local_context(fill_opacity=0.10), self.rotation(35, self.w / 2, self.h / 2):
                self.text((self.w - width) / 2, self.h / 2, sheets.mark)

        def footer(self) -> None:
            self.set_y(-MARGIN_MM - 1)
            _letters(self, 6.0)
            self.set_text_color(*QUIET)
            self.multi_cell(self.w - 2 * MARGIN_MM - 22, 2.8, sheets.foot or title, align="L")
            self.set_xy(-MARGIN_MM - 20, -MARGIN_MM - 1)
            self.cell(20, 2.8, f"{self.page_no()} / {{nb}}", align="R")

    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # tells of tables it leaves out
    letters = Path(mpl.get_data_path()) / "fonts" / "ttf"
    sheet = Sheet(orientation="P" if sheets.portrait else "L", unit="mm", format="A4")
    sheet.add_font("DejaVu", "", str(letters / "DejaVuSans.ttf"))
    sheet.add_font("DejaVu", "B", str(letters / "DejaVuSans-Bold.ttf"))
    for n, path in enumerate(sheets.letters):
        sheet.add_font(f"Other{n}", "", str(path))
    if sheets.letters:
        sheet.set_fallback_fonts([f"Other{n}" for n in range(len(sheets.letters))], exact_match=False)
    sheet.set_title(title)
    sheet.set_margin(MARGIN_MM)
    sheet.set_auto_page_break(auto=True, margin=MARGIN_MM + 3)
    sheet.add_page()
    return sheet


def _letters(sheet: Any, size_pt: float, *, bold: bool = False) -> None:
    """The font of what follows. A space is set at once: fpdf2 2.8 loses size and font of a text that begins with
    letters of a fallback font, where nothing was set in its own before.
    """
    sheet.set_font("DejaVu", "B" if bold else "", size_pt)
    sheet.text(0, 0, " ")


def _room_for(sheet: Any, pieces: Sequence[_Piece]) -> float:
    """Height, in mm, of a heading with what must not be torn from it: the lines under it and what they are about."""
    if pieces[0].look == "kept":
        return KEPT_MM
    height = 10.0
    for piece in pieces[1:]:
        if piece.kind == "table" and piece.table is not None:
            rows = len(piece.table.rows) + 2
            return height + _line_mm() * (rows if rows <= KEPT_WHOLE else 6)
        if piece.kind == "figure":
            return height + _figure_mm(piece, _width_mm(sheet))
        height += 9.0
        if piece.kind not in ("lead", "note"):
            break
    return max(height, 28.0)


def _line_mm() -> float:
    """Height of a row of a table."""
    return SIZES_PT["table"] * LINE * 0.3528 + 0.8


def _width_mm(sheet: Any) -> float:
    return float(sheet.w - sheet.l_margin - sheet.r_margin)


def _set(sheet: Any, piece: _Piece) -> None:
    if piece.kind == "table" and piece.table is not None:
        _table(sheet, piece.table)
        return
    if piece.kind == "simulated":
        sheet.set_draw_color(*WARN)
        _text(sheet, piece.text, 16.0, WARN, bold=True, border=1, align="C")
        return
    if piece.kind in ("h1", "h2", "h3"):
        size = SIZES_PT[piece.kind]
        sheet.ln(2.0 if sheet.get_y() > MARGIN_MM + 1 else 0.0)
        _text(sheet, piece.text, size, INK, bold=True)
        if piece.kind == "h2":
            sheet.set_draw_color(*RULE)
            sheet.line(sheet.l_margin, sheet.get_y(), sheet.w - sheet.r_margin, sheet.get_y())
            sheet.ln(1.0)
        return
    if piece.kind == "blank":
        sheet.ln(BLANK_MM)
        sheet.set_draw_color(*RULE)
        sheet.line(sheet.l_margin, sheet.get_y(), sheet.w - sheet.r_margin, sheet.get_y())
        return
    text = f"•  {piece.text}" if piece.kind == "li" else piece.text
    _text(
        sheet,
        text,
        SIZES_PT["p"],
        QUIET if piece.kind == "lead" else INK,
        border="L" if piece.kind == "note" else 0,
    )


def _text(
    sheet: Any,
    text: str,
    size_pt: float,
    colour: Sequence[int],
    *,
    bold: bool = False,
    border: Any = 0,
    align: str = "L",
) -> None:
    _letters(sheet, size_pt, bold=bold)
    sheet.set_text_color(*colour)
    sheet.multi_cell(
        0,
        size_pt * LINE * 0.3528,
        text,
        border=border,
        align=align,
        new_x="LMARGIN",
        new_y="NEXT",
        padding=(0.4, 1),
    )


def _table(sheet: Any, table: _Table) -> None:
    rows = ([table.head] if any(table.head) else []) + table.rows
    if not rows:
        return
    line_mm = SIZES_PT["table"] * LINE * 0.3528
    if len(rows) <= KEPT_WHOLE and sheet.will_page_break(_line_mm() * (len(rows) + 1.5)):
        sheet.add_page()
    if table.caption:
        sheet.ln(1.0)
        _text(sheet, table.caption, SIZES_PT["caption"], QUIET)
    _letters(sheet, SIZES_PT["table"], bold=True)
    sheet.set_text_color(*INK)
    sheet.set_draw_color(*RULE)
    widths = _widths(sheet, rows)
    numeric = [not table.words and _numbers(rows, n) for n in range(1, len(widths))]
    _letters(sheet, SIZES_PT["table"])
    with sheet.table(
        col_widths=widths,
        width=sum(widths),
        align="L",
        text_align=("LEFT", *("RIGHT" if right else "LEFT" for right in numeric)),
        first_row_as_headings=bool(any(table.head)),
        line_height=line_mm,
        padding=(0.3, 0.8),
    ) as grid:
        for row in rows:
            grid.row(row)
    sheet.ln(2.0)


def _widths(sheet: Any, rows: Sequence[Sequence[str]]) -> list[float]:
    """As wide as its longest text, the widest cut down until the table fits the sheet."""
    wanted = [max(sheet.get_string_width(row[n]) for row in rows) + 3.0 for n in range(len(rows[0]))]
    room = sheet.w - sheet.l_margin - sheet.r_margin
    while sum(wanted) > room:
        widest = max(wanted)
        over = sum(wanted) - room
        second = max((w for w in wanted if w < widest), default=0.0)
        n = wanted.count(widest)
        cut = min(over / n, max(widest - second, 0.5))
        wanted = [w - cut if w == widest else w for w in wanted]
    return wanted


def _numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Mostly short entries: figures rather than sentences."""
    return max(len(row[column]) for row in rows[1:] or rows) <= 24


def _figures(sheet: Any, pieces: Sequence[_Piece]) -> None:
    """Two beside each other, each with its caption; a broad one takes the width of the sheet."""
    broad = pieces[0].look == "broad"
    a_row, gap = (1, 0.0) if broad else (PICTURES_A_ROW, 6.0)
    room = (_width_mm(sheet) - gap) / a_row
    for first in range(0, len(pieces), a_row):
        row = pieces[first : first + a_row]
        if sheet.will_page_break(max(_figure_mm(piece, _width_mm(sheet)) for piece in row)):
            sheet.add_page()
        top, ends = sheet.get_y(), []
        for n, piece in enumerate(row):
            left = sheet.l_margin + n * (room + gap)
            placed = sheet.image(io.BytesIO(piece.picture), x=left, y=top, w=room)
            sheet.set_xy(left, top + placed.rendered_height + 0.5)
            _letters(sheet, SIZES_PT["caption"])
            sheet.set_text_color(*QUIET)
            sheet.multi_cell(room, SIZES_PT["caption"] * LINE * 0.3528, piece.text, align="L")
            ends.append(sheet.get_y())
        sheet.set_xy(sheet.l_margin, max(ends) + 2.0)


def _figure_mm(piece: _Piece, width_mm: float) -> float:
    """Height with its caption; the size of a PNG stands in its first chunk (PNG 3rd edition, 11.2.1)."""
    wide, high = (int.from_bytes(piece.picture[at : at + 4], "big") for at in (16, 20))
    room, caption = (width_mm, 5.0) if piece.look == "broad" else ((width_mm - 6.0) / PICTURES_A_ROW, 16.0)
    return room * high / max(wide, 1) + caption
