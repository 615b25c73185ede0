"""A page as PDF: every piece is on some sheet, pictures too; the same page gives the same bytes."""

import base64
import re

import pytest

from hemoview.report import html
from hemoview.report.pdf import pdf_of
from recorder.errors import ConfigError

DOT = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301"
        "0100c9fe92ef0000000049454e44ae426082"
    )
).decode()


def page(*more: str) -> str:
    rows = [[f"row {n}", "−1.5", "a long sentence about why there is none " * 4] for n in range(60)]
    return html.document(
        "Title",
        [
            '<div class="simulated">SIMULATED<small>of nobody</small></div>',
            html.heading("Heading", 1),
            html.paragraph("Beats µ – ≥ 3 & <more>", "lead"),
            html.bullets(["one", "two"]),
            html.table(["", "MAE", "why"], rows, caption="Error", words=True),
            *more,
        ],
    )


def sheets(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def test_a_long_page_goes_over_several_sheets_and_is_the_same_every_time() -> None:
    figure = html.figure(f'<img alt="dot" src="data:image/png;base64,{DOT}">', "a dot")
    made = pdf_of(page(figure, figure, figure), title="Title")
    assert made.startswith(b"%PDF-") and sheets(made) >= 3
    assert made.count(b"/Subtype /Image") >= 1
    assert pdf_of(page(figure, figure, figure), title="Title") == made


def test_drawings_that_are_no_pictures_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="made as pictures"):
        pdf_of(page("<svg></svg>"), title="Title")
    for source in ("https://example.org/x.png", "data:image/png;base64,###"):
        with pytest.raises(ConfigError, match="PNG"):
            pdf_of(page(html.figure(f'<img src="{source}">', "x")), title="Title")


def test_a_table_without_rows_and_an_empty_page() -> None:
    assert sheets(pdf_of(html.document("Title", [html.table(["a", "b"], [])]), title="Title")) == 1
    assert sheets(pdf_of(html.document("Title", []), title="Title")) == 1
