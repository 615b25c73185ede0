"""The report of an evaluation: one page with nothing to load from anywhere, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from hemoview.estimate.metrics.figures import Judged
from hemoview.report import evaluation_tables as tables
from hemoview.report.html import DASH, bullets, document, figure, heading, paragraph, table
from recorder.schema import PARAMETER_UNITS, PARAMETERS

LIMITS: Final = (
    "Agreement with the reference named above, not accuracy: the reference has errors of its own, which add to these.",
    "90 % intervals hold on average over subjects like these, not for every subject: see the tenth-percentile and the "
    "worst subject.",
    "Standards are compared with numerically. None is passed here, and no grade is given.",
    "Research use only: not for diagnosis, treatment or alarms.",
)


def page(figures: Mapping[str, Any], judged: Judged, *, as_pictures: bool = False) -> str:
    """The whole page.

    Args:
        figures: of :func:`hemoview.estimate.metrics.figures.evaluate`, with ``model``, ``dataset_version`` and whatever
            else the caller knows in ``protocol``.
        judged: what they were made of, for the drawings.
        as_pictures: drawings made of dots, for :func:`hemoview.report.pdf.pdf_of`.
    """
    title = title_of(figures)
    return document(title, _body(title, figures, judged, as_pictures=as_pictures))


def title_of(figures: Mapping[str, Any]) -> str:
    """Of the page."""
    return f"Evaluation of {figures.get('model', 'a model')} on {figures.get('dataset', 'a dataset')}"


def _body(title: str, figures: Mapping[str, Any], judged: Judged, *, as_pictures: bool) -> Iterator[str]:
    if figures["simulated"]:
        yield (
            '<div class="simulated">SIMULATED<small>Figures of people from a physiology model: they show that the '
            "pipeline works and say nothing about people.</small></div>"
        )
    yield heading(title, 1)
    yield paragraph(_of_what(figures), "lead")
    leakage = figures["protocol"].get("leakage")
    if leakage:
        yield paragraph(f"Held back? {leakage}.", "note")
    yield heading("At a glance")
    yield tables.overview(figures)
    if as_pictures:  # paper cannot be hovered over
        yield from _dashes(figures["parameters"])
    yield heading("How the figures came about")
    yield _facts(_of_which(figures) | figures["protocol"])
    for parameter in PARAMETERS:
        yield from _parameter(parameter, figures["parameters"][parameter], judged, as_pictures=as_pictures)
    yield heading("Standards for blood pressure")
    yield from tables.standards_of(figures["standards"])
    yield heading("Subgroups")
    yield paragraph("Fewer than five subjects read “too few”.", "lead")
    for family, groups in figures["subgroups"].items():
        yield tables.groups_of(family.replace("_", " "), groups)
    yield heading("By kind of reference")
    yield tables.groups_of("kind of reference", figures["by_reference_kind"])
    yield heading("Do the ten numbers agree with each other?")
    yield tables.residuals_of(figures["identity_residuals"])
    yield heading("Limits")
    yield bullets([*LIMITS, *figures.get("model_facts", {}).get("limits", ())])
    yield (
        "<footer>"
        + paragraph(
            "; ".join(f"{name} {value}" for name, value in _of_which(figures).items())
            + ". error = estimate − reference."
            + ("" if as_pictures else " A dash shows why on hovering.")
        )
        + "</footer>"
    )


def _of_which(figures: Mapping[str, Any]) -> dict[str, str]:
    """What was judged on what, by the hash of either."""
    found = {
        "model": figures.get("model"),
        "model SHA-256": figures.get("model_facts", {}).get("sha256"),
        "dataset version": figures.get("dataset_version"),
    }
    return {name: str(value or DASH) for name, value in found.items()}


def _dashes(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Why there are dashes, a line a reason."""
    whose: dict[str, list[str]] = {}
    for parameter, one in parameters.items():
        for why in dict.fromkeys(one.get("why", {}).values()):
            whose.setdefault(why, []).append(parameter)
    if whose:
        yield paragraph("Why a figure is a dash:")
        yield bullets([f"{', '.join(names)}: {why}" for why, names in whose.items()])


def _of_what(figures: Mapping[str, Any]) -> str:
    protocol = figures["protocol"]
    k = protocol["calibration_points"]
    first = "first window" if k == 1 else f"first {k} windows"
    mode = f"calibrated on the {first} of each subject" if k else "without calibration"
    kinds = ", ".join(kind or "unknown reference" for kind in protocol["reference_kinds"])
    return (
        f"Windows scored: {protocol['n_windows_scored']} of {protocol['window_s']:g} s; subjects: "
        f"{protocol['n_subjects']}; {mode}. Reference: {kinds}. Headline figures weigh every subject once."
    )


def _facts(protocol: Mapping[str, Any]) -> str:
    return table(
        ["", ""], [[name.replace("_", " "), _words(value)] for name, value in protocol.items()], words=True
    )


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(str(v) or "unknown" for v in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return DASH if value is None else str(value)


def _parameter(parameter: str, one: Mapping[str, Any], judged: Judged, *, as_pictures: bool) -> Iterator[str]:
    unit = PARAMETER_UNITS[parameter]
    yield heading(f"{parameter}, {unit}" + (" — SIMULATED" if judged.rows.simulated else ""))
    if one["mae"] is None:
        yield paragraph(f"No figures: {one['why'].get('mae', 'unknown')}.")
        return
    yield tables.errors_of(one)
    yield tables.against_baselines(one)
    if one.get("moved_mae") is not None:
        yield tables.where_moved(one)
    yield tables.intervals_of(one)
    yield from tables.repeated_measures(one)
    if one.get("by_rhythm"):
        yield tables.groups_of(
            "rhythm", {name: {parameter: found} for name, found in one["by_rhythm"].items()}
        )
    drawings = _drawings(judged, parameter, one, as_pictures=as_pictures)
    yield '<div class="plots">'
    for svg, caption in drawings:
        yield figure(svg, caption) if svg else paragraph(caption, "note")
    yield "</div>"


def _drawings(
    judged: Judged, parameter: str, one: Mapping[str, Any], *, as_pictures: bool
) -> Sequence[tuple[str, str]]:
    if find_spec("matplotlib") is None:
        return (
            [("", "Drawings need matplotlib: pip install 'hemoview[app]'.")]
            if parameter == PARAMETERS[0]
            else []
        )
    from hemoview.report import plots  # noqa: PLC0415 – absent where only the bedside is installed

    return plots.parameter_plots(judged, parameter, one, as_pictures=as_pictures)
