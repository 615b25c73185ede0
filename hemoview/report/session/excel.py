"""The tables of a hemodynamic report as an Excel book; the same facts give the same bytes.

Cells are typed: text stays text, whatever it begins with. Every sheet carries watermark and footer, on the screen above
its table and on paper at top and bottom.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

from hemoview.report.session.facts import Facts
from hemoview.report.session.tables import Cell, Table, head_lines, tables_of
from hemoview.report.session.text import Text
from hemoview.report.session.words import Language
from recorder.errors import ConfigError

ZIP_DATE: Final = (2000, 1, 1, 0, 0, 0)
WIDEST: Final = 46
MOST_PRINTED: Final = 240
"""Letters of a printed header or footer; 255 is the limit of Excel, codes included."""
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML has no place for."""
WARN, QUIET = "8A1C00", "444444"


def xlsx_of(facts: Facts, language: Language = "en") -> bytes:
    """Every table a sheet of one book.

    Raises:
        ConfigError: openpyxl is not installed.
    """
    try:
        import openpyxl  # noqa: PLC0415 -- 0.2 s, only when a book is made
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed, an Excel file needs it: pip install 'hemoview[app]'"
        ) from error
    book = openpyxl.Workbook()
    book.remove(book.active)
    started = datetime.fromtimestamp(facts.session.start_wall_ns // 1_000_000_000, UTC).replace(tzinfo=None)
    book.properties.creator, book.properties.created = facts.software, started
    lines, text = head_lines(facts, language), Text(facts, language)
    for table in tables_of(facts):
        sheet = book.create_sheet(table.name)
        top = _head(sheet, lines, marked=bool(text.watermark))
        _body(sheet, table, top)
        _paper(sheet, text, top)
    out = io.BytesIO()
    book.save(out)
    return _same_bytes(out.getvalue(), started if text.dated else None)


def _head(sheet: Any, lines: tuple[str, ...], *, marked: bool) -> int:
    """What stands above the table; the row the table begins in."""
    from openpyxl.styles import Font  # noqa: PLC0415

    for n, line in enumerate(lines, 1):
        warns = marked and n == 1
        _put(sheet.cell(n, 1), line).font = Font(bold=warns, color=WARN if warns else QUIET)
    return len(lines) + 2


def _body(sheet: Any, table: Table, top: int) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    for column, name in enumerate(table.head, 1):
        head = _put(sheet.cell(top, column), name)
        head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        widest = max([len(str(row[column - 1])) for row in table.rows] + [len(name) // 2, 8])
        sheet.column_dimensions[get_column_letter(column)].width = min(widest, WIDEST) + 2
    for r, row in enumerate(table.rows, top + 1):
        for column, cell in enumerate(row, 1):
            _put(sheet.cell(r, column), cell)


def _paper(sheet: Any, text: Text, top: int) -> None:
    """How it is printed: the head of the table, watermark and footer on every page."""
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    sheet.oddHeader.center.text = _printed(text.watermark)
    sheet.oddFooter.left.text = _printed(text.footer)
    sheet.oddFooter.right.text = "&P / &N"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    sheet.print_title_rows = f"{top}:{top}"


def _put(cell: Any, value: Cell) -> Any:
    if isinstance(value, str):
        cell.value = _ILLEGAL.sub("\ufffd", value)
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    else:
        cell.value = value
    return cell


def _printed(text: str) -> str | None:
    """Codes of a printed header begin with &."""
    return text[:MOST_PRINTED].replace("&", "&&") or None


def _same_bytes(book: bytes, started: datetime | None) -> bytes:
    """The book packed again without the moment it was saved at; of an undated session (None) without any moment."""
    stamp = None if started is None else f"{started.isoformat()}Z".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _stamped(content, stamp)
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()


def _stamped(core: bytes, stamp: bytes | None) -> bytes:
    if stamp is None:
        return re.sub(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>", b"", core)
    return re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", lambda m: m.group(1) + stamp, core)
