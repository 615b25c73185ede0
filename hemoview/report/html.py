"""The few pieces of HTML a report is made of. Text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

DASH: Final = "—"

STYLE: Final = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
  padding: 1.5rem; max-width: 74rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem;
  border-bottom: 1px solid #bbb; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p.lead { margin: .2rem 0; color: #444; }
td { white-space: nowrap; } td.text { white-space: normal; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #444; padding-bottom: .2rem; }
th, td { border: 1px solid #ccc; padding: .2rem .5rem; text-align: right; vertical-align: top; }
th { background: #f2f2f2; font-weight: 600; } th[scope=row], td.text { text-align: left; }
td.text { max-width: 46rem; }
.wide { overflow-x: auto; }
.simulated { border: 3px solid #8a1c00; color: #8a1c00; font-size: 2rem; font-weight: 800; letter-spacing: .3em;
  text-align: center; padding: .4rem; margin: 0 0 1rem; }
.simulated small { display: block; font-size: .9rem; font-weight: 400; letter-spacing: 0; }
.note { border-left: 4px solid #8a6d00; background: #fdf8e6; padding: .4rem .8rem; margin: .6rem 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(27rem, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid #ddd; padding: .4rem; break-inside: avoid; }
figure svg { width: 100%; height: auto; } figcaption { font-size: 12.5px; color: #333; }
footer { margin-top: 2rem; border-top: 1px solid #bbb; padding-top: .5rem; color: #444; font-size: 13px; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } h2 { break-after: avoid; }
  .plots { grid-template-columns: 1fr 1fr; } .wide { overflow: visible; } table { font-size: 9px; } }
"""


def document(title: str, body: Iterable[str], *, language: str = "en", style: str = "") -> str:
    """A whole page; ``style`` is added to :data:`STYLE`."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; ``kind`` names its look."""
    return f"<p{_kind(kind)}>{escape(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """A list of lines."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def figure(svg: str, caption: str) -> str:
    """A drawing with what it shows."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


Cell = str | tuple[str, str]
"""What stands in a cell, or that with what is shown of it on hovering."""


def table(
    head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "", *, words: bool = False
) -> str:
    """A table whose first column names the row; ``words``: the other cells are text, not numbers."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{_row(cells, words)}</tr>" for cells in rows)
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    return f'<div class="wide"><table>{said}{top}<tbody>{body}</tbody></table></div>'


def _row(cells: Sequence[Cell], words: bool) -> str:
    first, *rest = cells
    kind = ' class="text"' if words else ""
    out = f'<th scope="row">{_said(first)[0]}</th>'
    for cell in rest:
        text, why = _said(cell)
        out += f"<td{kind}{why}>{text}</td>"
    return out


def _said(cell: Cell) -> tuple[str, str]:
    text, why = cell if isinstance(cell, tuple) else (cell, "")
    return escape(text), f' title="{escape(why, quote=True)}"' if why else ""


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def number(value: object, form: str = ".2f") -> str:
    """A number as text, a dash where there is none. A count that is a mean over repeats is rounded."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if form == "d":
            value = round(value)
        return format(value, form).replace("-", "−")
    return DASH


def span(value: object, form: str = ".2f") -> str:
    """An interval as text."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return f"{number(value[0], form)} to {number(value[1], form)}"
    return DASH
