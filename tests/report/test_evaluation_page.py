"""The page stands alone, says the same twice, and says what its figures are of."""

from __future__ import annotations

import re
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "estimate"))

from known_people import follows, people

from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics.figures import Judged
from hemoview.estimate.metrics.rows import plan
from hemoview.report import evaluation_page, html


def judged_of(k: int = 2, **more: Any) -> tuple[dict[str, Any], Judged]:
    rows = people(14, n=12, **more)
    raw, schedule = follows(rows), plan(rows, k)
    moved = metrics_cross.shifted(raw, metrics_cross.offsets(rows, raw, schedule))
    judged = metrics.judge(rows, metrics_cross.conformal(rows, moved, schedule), k=k)
    figures = metrics.evaluate(judged) | {
        "model": "tiny <1>",
        "dataset": "known",
        "dataset_version": "hv1:00",
    }
    figures["protocol"]["leakage"] = "nobody knows"
    return figures, judged


@pytest.fixture(scope="module")
def page() -> str:
    return evaluation_page.page(*judged_of())


class Reader(HTMLParser):
    """Balanced tags, every id once, every reference inside the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "hr", "img"):
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(attrs)

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "src", "xlink:href"):
                self.refers.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_the_page_is_whole_and_loads_nothing(page: str) -> None:
    found = read(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert all(r.startswith(("#", "data:image/png;base64,")) for r in found.refers)
    assert {r[1:] for r in found.refers if r.startswith("#")} <= set(found.ids)
    assert "<script" not in page and "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#{i}" for i in found.ids}
    assert "tiny &lt;1&gt;" in page and "tiny <1>" not in page


def test_the_page_says_what_its_figures_are_of(page: str) -> None:
    figures, _ = judged_of()
    for words in (
        "calibrated on the first 2 windows",
        "finger cuff",
        "nobody knows",
        "numerically",
        "Standards for blood pressure",
        "Limits",
        "not for diagnosis",
        "calibration points held, shrunk",
        "an oracle: it knows the answers",
        "waves shuffled inside each subject",
        f"{figures['parameters']['SBP']['mae']:.2f}",
        f"{figures['parameters']['SBP']['bland_altman']['sd_within']:.2f}",
    ):
        assert words in page, words
    assert "No figures: no labelled window to be scored" in page  # CO and its like
    assert "SIMULATED" not in page


def test_paper_says_why_a_figure_is_a_dash_and_the_screen_when_asked() -> None:
    figures, judged = judged_of()
    screen, paper = (evaluation_page.page(figures, judged, as_pictures=printed) for printed in (False, True))
    assert "on hovering" in screen and "on hovering" not in paper
    why = figures["parameters"]["CO"]["why"]["mae"]
    assert f"CO, CI, SV, SI, SVR, SVRI: {why}" in paper and "Why a figure is a dash" not in screen


def test_drawings_of_every_parameter_are_there_and_the_same_twice(page: str) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (pip install 'hemoview[learn]')")
    assert page.count("<svg") == 3 * 4
    assert page == evaluation_page.page(*judged_of())


def test_simulated_people_are_named_in_every_drawing_and_on_top() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (pip install 'hemoview[learn]')")
    page = evaluation_page.page(*judged_of(k=0, origin="simulated"))
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) == 12 and all("SIMULATED" in drawing for drawing in drawings)
    assert page.index("SIMULATED") < page.index("<h1>")


def test_large_clouds_are_pixels_and_the_page_stays_light() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (pip install 'hemoview[learn]')")
    from hemoview.report import plots  # noqa: PLC0415

    rng = np.random.default_rng(0)
    label = rng.normal(120, 10, 20_000)
    code = np.repeat(np.arange(100), 200)
    svg = plots.drawn(
        lambda axes: plots.scatter(axes, label, label + 1, code, what="SBP, mmHg"),
        simulated=False,
        name="a",
        title="b",
    )
    assert "data:image/png" in svg and len(svg) < 400_000


def test_numbers_as_a_person_writes_them() -> None:
    assert html.number(-1.234) == "−1.23" and html.number(None) == "—" and html.number(True) == "—"
    assert html.span((-1.0, 2.0), ".1f") == "−1.0 to 2.0" and html.span(None) == "—"
    assert '<td title="because &quot;x&quot;">—</td>' in html.table(["", "a"], [["r", ("—", 'because "x"')]])


def test_widths_that_leave_a_fifth_empty_are_drawn_without_a_warning() -> None:
    from hemoview.report.plots import drawn, uncertainty  # noqa: PLC0415

    width = np.array([10.0, 10.1, 10.2, 40.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(
            lambda axes: uncertainty(axes, width / 4, width, np.arange(4), unit="mmHg"),
            simulated=False,
            name="width",
            title="width",
        )
