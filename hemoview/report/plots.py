"""Drawings of an evaluation, as SVG text to be put into a page. The same figures give the same bytes.

matplotlib without pyplot: no state, no window, no display.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from html import escape
from itertools import pairwise
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from hemoview.estimate.metrics.figures import Judged
from hemoview.estimate.metrics.subjects import F64, Codes, subject_means
from recorder.counted import counted
from recorder.schema import PARAMETER_UNITS, PARAMETERS

SIZE_INCH: Final = (5.4, 3.9)
MOST_VECTOR_POINTS: Final = 1500
"""Clouds of more points are drawn as pixels, or the page grows to many megabytes."""
STYLE: Final[Mapping[str, Any]] = {
    "svg.hashsalt": "hemoview",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
}
INK, BAND, WARN = "#333333", "#9c9c9c", "#8a1c00"

Draw = Callable[[Any], None]


def drawn(
    draw: Draw,
    *,
    simulated: bool,
    name: str,
    title: str,
    as_picture: bool = False,
    size_inch: tuple[float, float] = SIZE_INCH,
    mark: str = "SIMULATED",
) -> str:
    """One drawing as SVG, or as a picture of dots inside the page.

    Args:
        draw: puts it on the axes.
        simulated: every drawing of simulated people says so, large.
        name: put before every id inside, unique on the page.
        title: for those who listen to the page.
        size_inch: width and height.
        mark: what every such drawing says.
    """
    title = escape(title, quote=True)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=size_inch, layout="constrained", dpi=200 if as_picture else 100)
        axes = figure.add_subplot()
        draw(axes)
        if simulated:
            figure.text(
                *(0.5, 0.52, mark),
                size=min(40.0, 9.0 * size_inch[1]), weight="bold", color=WARN, alpha=0.28,
                rotation=18, ha="center", va="center",
            )  # fmt: skip
        if as_picture:
            dots = io.BytesIO()
            FigureCanvasAgg(figure).print_png(dots, metadata={"Software": None})
            return f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(dots.getvalue()).decode()}">'
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue(), name, title)


def _inline(svg: str, name: str, title: str) -> str:
    """Without the XML head, ids made unique on the page, and a title."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    head, rest = svg.split(">", 1)
    return f'{head} role="img" aria-label="{title}">{rest}'


def parameter_plots(
    judged: Judged, parameter: str, figures: Mapping[str, Any], *, as_pictures: bool = False
) -> list[tuple[str, str]]:
    """(drawing, caption) of everything drawn of one parameter; empty where no value was given."""
    column, given = PARAMETERS.index(parameter), judged.given(parameter)
    if not given.any():
        return []
    label, estimate = judged.rows.labels[given, column], judged.predictions.mean[given, column]
    low, high = judged.predictions.q05[given, column], judged.predictions.q95[given, column]
    code, unit = judged.rows.code[given], PARAMETER_UNITS[parameter]
    simulated = judged.rows.simulated
    people, windows = counted(len(np.unique(code)), "subject"), counted(len(code), "window")
    of = f"{'SIMULATED. ' if simulated else ''}{people}, {windows}"
    plots: list[tuple[str, Draw, str]] = [
        (
            "scatter",
            lambda axes: scatter(axes, label, estimate, code, what=f"{parameter}, {unit}"),
            f"{of}. Estimate against reference, one colour a subject; line of identity.",
        ),
        (
            "agreement",
            lambda axes: agreement(axes, label, estimate, code, found=figures["bland_altman"], unit=unit),
            f"{of}. Bland–Altman for repeated measures: bias and limits from variance components, shaded 95 % "
            "bootstrap intervals by subject; dotted: pooled limits, too narrow or too wide where subjects differ.",
        ),
    ]
    if np.isfinite(low).all() and np.isfinite(high).all():
        inside = ((label >= low) & (label <= high)).astype(np.float64)
        plots += [
            (
                "uncertainty",
                lambda axes: uncertainty(axes, np.abs(estimate - label), high - low, code, unit=unit),
                f"{of}. Size of the error against the width of the 90 % interval; below the line the error is less "
                "than half the width. Bars: medians of fifths of the widths.",
            ),
            (
                "coverage",
                lambda axes: coverage(axes, code, inside),
                f"{of}. Share of each subject's windows whose reference lies in the 90 % interval, lowest first.",
            ),
        ]
    return [
        (
            drawn(
                draw,
                simulated=simulated,
                name=f"{parameter}-{name}",
                title=f"{parameter}: {name}",
                as_picture=as_pictures,
            ),
            caption,
        )
        for name, draw, caption in plots
    ]


def colours(code: Codes, by: F64) -> F64:
    """A shade for every row: subjects in the order of their mean ``by``."""
    rank = np.argsort(np.argsort(subject_means(code, by), kind="stable"), kind="stable")
    place = np.searchsorted(np.unique(code), code)
    return np.asarray(rank[place] / max(len(rank) - 1, 1))


def _cloud(axes: Any, x: F64, y: F64, shade: F64) -> None:
    axes.scatter(
        *(x, y),
        c=shade, cmap="viridis", vmin=0, vmax=1.05, s=9, alpha=0.75, linewidths=0,
        rasterized=len(x) > MOST_VECTOR_POINTS,
    )  # fmt: skip


def scatter(axes: Any, label: F64, estimate: F64, code: Codes, *, what: str) -> None:
    """Estimate against reference on equal axes."""
    _cloud(axes, label, estimate, colours(code, label))
    low, high = float(min(label.min(), estimate.min())), float(max(label.max(), estimate.max()))
    pad = 0.04 * (high - low or 1.0)
    ends = (low - pad, high + pad)
    axes.plot(ends, ends, color=INK, linewidth=0.9)
    axes.set(xlim=ends, ylim=ends, xlabel=f"reference {what}", ylabel=f"estimate {what}")


def agreement(
    axes: Any, label: F64, estimate: F64, code: Codes, *, found: Mapping[str, Any], unit: str
) -> None:
    """Error against the average of both, with bias and limits of repeated measures."""
    average = (label + estimate) / 2
    _cloud(axes, average, estimate - label, colours(code, label))
    axes.set(xlabel=f"average of estimate and reference, {unit}", ylabel=f"estimate − reference, {unit}")
    if "limits" not in found:
        axes.set_title(found.get("why", ""), fontsize=8)
        return
    lines = [
        (found["bias"], found["bias_ci95"], "-"),
        (found["limits"][0], found["lower_limit_ci95"], "--"),
        (found["limits"][1], found["upper_limit_ci95"], "--"),
    ]
    for height, spread, style in lines:
        axes.axhline(height, color=INK, linewidth=1.0, linestyle=style)
        if spread is not None and None not in spread:
            axes.axhspan(*spread, color=BAND, alpha=0.25, linewidth=0)
        axes.annotate(
            f"{height:.1f}", (1, height), xycoords=("axes fraction", "data"), ha="right", va="bottom", size=8
        )
    for height in found["limits_pooled"]:
        axes.axhline(height, color=INK, linewidth=0.8, linestyle=":")


def uncertainty(axes: Any, size: F64, width: F64, code: Codes, *, unit: str) -> None:
    """Size of the error against interval width, with the median in fifths of the widths."""
    _cloud(axes, width, size, colours(code, width))
    end = float(width.max())
    axes.plot((0, end), (0, end / 2), color=INK, linewidth=0.9)
    edges = np.quantile(width, np.linspace(0, 1, 6))
    if edges[-1] > edges[0]:
        for low, high in pairwise(edges.tolist()):
            fifth = (width >= low) & (width <= high)
            if fifth.any():  # between two widths of a handful of windows there may be none
                axes.hlines(float(np.median(size[fifth])), low, high, color=WARN, linewidth=2.0)
    axes.set(xlabel=f"width of the 90 % interval, {unit}", ylabel=f"|error|, {unit}", ylim=(0, None))


def coverage(axes: Any, code: Codes, inside: F64) -> None:
    """Coverage of each subject, lowest first, against the 90 % it should have on average."""
    each = np.sort(subject_means(code, inside))
    place = np.arange(1, len(each) + 1)
    if len(each) <= 60:
        axes.bar(place, each, color="#3b6e8f", width=0.8)
    else:
        axes.step(place, each, color="#3b6e8f", where="mid")
    axes.axhline(0.9, color=INK, linewidth=1.0, linestyle="--")
    axes.axhline(float(each.mean()), color=WARN, linewidth=1.0)
    axes.annotate(f"mean {each.mean():.0%}", (place[0], float(each.mean())), color=WARN, va="bottom", size=8)
    axes.set(xlabel="subjects, lowest first", ylabel="part inside the interval", ylim=(0, 1.02))
