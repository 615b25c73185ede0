"""The tables of an evaluation's report: what each figure of the evaluation reads like beside the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hemoview.report.html import Cell, number, paragraph, span, table
from recorder.schema import PARAMETER_UNITS, PARAMETERS

BASELINES: Final = (
    ("mean", "mean of the training subjects"),
    ("hr_ridge", "ridge on the counted heart rate"),
    ("demographics_ridge", "ridge on age, sex, height, weight"),
    ("demographics_hr_ridge", "the same and heart rate"),
    ("time_trend", "what is known otherwise, and time alone"),
    ("hold", "calibration points held"),
    ("shrunk_hold", "calibration points held, shrunk"),
    ("subject_mean_oracle", "subject's own mean (an oracle: it knows the answers)"),
)


def overview(figures: Mapping[str, Any]) -> str:
    """Two tables that fit a sheet: errors beside the baseline, and intervals."""
    best = "shrunk_hold" if figures["protocol"]["calibration_points"] else "mean"
    head = ["", "unit", "subjects", "windows", "MAE", "95 % CI", "ME", "SD", "within-subject r"]
    head += [f"MAE of {best.replace('_', ' ')}", "gain", "95 % CI", "MAE, wave shuffled"]
    errors, intervals = [], []
    for parameter in PARAMETERS:
        one = figures["parameters"][parameter]
        row: list[Cell] = [parameter, PARAMETER_UNITS[parameter]]
        row += [_cell(one, name, "d") for name in ("n_subjects", "n_windows")]
        row += [_cell(one, name) for name in ("mae", "ci95", "me", "sd", "r_within", f"baseline_{best}_mae")]
        gain = f"gain_over_{best}"
        errors.append([*row, *(_cell(one, name) for name in (gain, f"{gain}_ci95", "control_permuted_mae"))])
        parts = ("coverage_90", "coverage_90_ci95", "coverage_90_p10_subject", "coverage_90_worst_subject")
        shares = [_cell(one, name, ".1%") for name in (*parts, "abstained_fraction")]
        widths = [_cell(one, name) for name in ("width_90", f"width_90_conformal_{best}")]
        intervals.append([parameter, PARAMETER_UNITS[parameter], *shares[:4], *widths, shares[4]])
    second = [
        "",
        "unit",
        "90 % interval covers",
        "95 % CI",
        "10th-percentile subject",
        "worst subject",
        "width",
    ]
    second += [f"width of a conformalised {best.replace('_', ' ')}", "abstained"]
    return table(head, errors, caption="Error") + table(second, intervals, caption="Intervals")


def _cell(one: Mapping[str, Any], name: str, form: str = ".2f") -> Cell:
    """A figure, or a dash that says why on hovering."""
    value = one.get(name)
    return (
        span(value, form) if isinstance(value, list) else number(value, form),
        one.get("why", {}).get(name, ""),
    )


def errors_of(one: Mapping[str, Any]) -> str:
    """Errors, every subject alike and pooled."""
    names = ["mae", "me", "sd", "rmse", "mape", "r2", "cpe5", "cpe10", "cpe15"]
    head = [
        "",
        "MAE",
        "ME",
        "SD",
        "RMSE",
        "MAPE %",
        "R²",
        "% within 5",
        "% within 10",
        "% within 15",
        "within-subject r",
    ]
    ours = [number(one[n]) for n in names]
    pooled = [number(one.get(f"{n}_pooled")) for n in names]
    oracle = one.get("oracle_r2")
    beside = f"; the simulator's own pulse wave can tell R² {number(oracle)}" if oracle is not None else ""
    rows = [["subjects alike", *ours, number(one["r_within"])], ["pooled", *pooled, ""]]
    return table(head, rows, caption=f"Error{beside}")


def against_baselines(one: Mapping[str, Any]) -> str:
    """Errors beside those of the baselines, on the same rows."""
    rows: list[Sequence[Cell]] = [["this model", number(one["mae"]), _skill(one)]]
    for name, text in BASELINES:
        key = f"baseline_{name}_mae"
        rows.append([text, (number(one.get(key)), one["why"].get(key, "")), ""])
    shuffled = (
        f"gain {number(one.get('control_permuted_gain'))} ({span(one.get('control_permuted_gain_ci95'))})"
    )
    rows.append(
        ["control: waves shuffled inside each subject", number(one.get("control_permuted_mae")), shuffled]
    )
    best = "shrunk_hold" if one.get("gain_over_shrunk_hold") is not None else "mean"
    caption = (
        f"MAE on the same rows. Gain over {best.replace('_', ' ')}: {number(one.get(f'gain_over_{best}'))} "
        f"({span(one.get(f'gain_over_{best}_ci95'))}, paired bootstrap); subjects made worse: "
        f"{number(one.get(f'gain_over_{best}_subjects_made_worse'), '.0%')}"
    )
    return table(["", "MAE", ""], rows, caption=caption)


def _skill(one: Mapping[str, Any]) -> str:
    return f"skill against the mean {number(one.get('skill'))} ({span(one.get('skill_ci95'))})"


def where_moved(one: Mapping[str, Any]) -> str:
    """Errors where the reference moved from what it was calibrated at."""
    return table(
        ["", "MAE", "of shrunk hold", "of hold", "gain (95 % CI)", "windows", "subjects"],
        [
            [
                f"reference moved ≥ {one['moved_mmhg']:g} mmHg",
                *(
                    number(one[n])
                    for n in ("moved_mae", "moved_baseline_shrunk_hold_mae", "moved_baseline_hold_mae")
                ),
                f"{number(one['moved_gain_over_shrunk_hold'])} ({span(one['moved_gain_over_shrunk_hold_ci95'])})",
                number(one["n_windows_moved"], "d"),
                number(one["n_subjects_moved"], "d"),
            ]
        ],
    )


def intervals_of(one: Mapping[str, Any]) -> str:
    """How often the intervals hold, and how wide they are."""
    names = ("coverage_90", "coverage_90_ci95", "coverage_90_p10_subject", "coverage_90_worst_subject")

    def line(suffix: str) -> list[str]:
        values = [one.get(f"{n}{suffix}") for n in names]
        return [
            *(span(v, ".1%") if isinstance(v, list) else number(v, ".1%") for v in values),
            number(one.get(f"width_90{suffix}")),
        ]

    constant = next((one[n] for n in one if n.startswith("width_90_conformal_")), None)
    rows = [["as shown", *line("")], ["without abstention", *line("_before_abstention")]]
    rows.append(["a conformalised constant", *[""] * 4, number(constant)])
    head = ["", "mean by subject", "95 % CI", "10th-percentile subject", "worst subject", "width"]
    worst = one.get("coverage_90_worst_subject_n")
    return table(head, rows, caption=f"90 % intervals (worst subject: {number(worst, 'd')} windows)")


def repeated_measures(one: Mapping[str, Any]) -> Iterator[str]:
    """Agreement over repeated measures, and how changes are followed."""
    found = one["bland_altman"]
    if "why" in found:  # of one subject there are no limits; how its changes are followed can be told
        yield paragraph(f"Limits of agreement: {found['why']}.")
        yield table(["", "", "95 % CI by subject"], [_trending(one["trending"])], caption="Trending")
        return
    rows = [
        ["bias", number(found["bias"]), span(found["bias_ci95"])],
        ["lower limit", number(found["limits"][0]), span(found["lower_limit_ci95"])],
        ["upper limit", number(found["limits"][1]), span(found["upper_limit_ci95"])],
        ["SD within / between subjects", f"{number(found['sd_within'])} / {number(found['sd_between'])}", ""],
        [
            "slope of a proportional bias",
            number(found["proportional_bias_slope"]),
            span(found["proportional_bias_slope_ci95"]),
        ],
        ["percentage error (1.96·SD / mean), %", number(one.get("percentage_error"), ".1f"), ""],
        _trending(one["trending"]),
    ]
    yield table(["", "", "95 % CI by subject"], rows, caption="Agreement, repeated measures; trending")


def _trending(found: Mapping[str, Any]) -> list[str]:
    said = (
        f"changes in the same direction, % of {found['n_changes']} ({found['n_changes_excluded']} below "
        f"{number(found['exclusion_zone'])} left out)"
    )
    return [said, number(found["concordance"], ".1f"), span(found["concordance_ci95"], ".1f")]


def standards_of(standards: Mapping[str, Any]) -> Iterator[str]:
    """Beside the figures that standards for blood pressure name."""
    yield paragraph(
        "Numerical comparison on three windows of each subject chosen beforehand. Every unmet condition is listed; "
        "while one is unmet nothing is passed."
    )
    names = {
        "iso_81060_2": "ISO 81060-2",
        "bhs": "BHS",
        "ieee_1708": "IEEE 1708",
        "iso_81060_3": "ISO 81060-3",
    }
    rows = []
    for parameter, judged in standards.items():
        for key, found in judged.items():
            rows.append(
                [
                    f"{parameter}: {names[key]}",
                    found["verdict"],
                    _detail(found),
                    "; ".join(found.get("unmet", [])) or found.get("why", ""),
                ]
            )
    yield table(["", "", "figures", "unmet"], rows, words=True)


def _detail(found: Mapping[str, Any]) -> str:
    if "criterion_1" in found:
        one, two = found["criterion_1"], found["criterion_2"]
        return (
            f"criterion 1 {one['verdict']}: ME {number(one['me'])}, SD {number(one['sd'])} (5, 8); criterion 2 "
            f"{two['verdict']}: SD of subjects {number(two['sd_of_subject_means'])} (at most {number(two['limit'])})"
        )
    if "limits" not in found:
        return ""
    figures = found.get("within_5_10_15_percent")
    said = "/".join(number(v, ".1f") for v in figures) + " %" if figures else f"MAD {number(found['mad'])}"
    return (
        said + "; " + "; ".join(f"limits of class {name}: {text}" for name, text in found["limits"].items())
    )


def groups_of(family: str, groups: Any) -> str:
    """A few figures of every group of a family."""
    if isinstance(groups, str):
        return paragraph(f"{family}: {groups}.")
    rows: list[Sequence[Cell]] = []
    for name, found in groups.items():
        if isinstance(found, str):
            rows.append([name, found, *[""] * 6])
            continue
        for parameter, one in found.items():
            if isinstance(one, str):
                rows.append([name, parameter, one, *[""] * 5])
                continue
            rows.append(
                [
                    name,
                    parameter,
                    *(number(one[n], "d") for n in ("n_subjects", "n_windows")),
                    *(number(one[n]) for n in ("mae", "me")),
                    *(number(one[n], ".1%") for n in ("coverage_90", "abstained_fraction")),
                ]
            )
    head = [family, "", "subjects", "windows", "MAE", "ME", "covers 90 %", "abstained"]
    return table(head, rows)


def residuals_of(found: Mapping[str, Any]) -> str:
    """How far the ten numbers contradict each other."""
    rows = []
    for name in ("CO", "CI", "SI", "SVR", "SVRI"):
        ours, theirs = found["estimate"][name], found["reference"][name]
        rows.append(
            [name, *(number(v, ".2g") for v in (ours["largest"], theirs["largest"])), number(ours["n"], "d")]
        )
    order = found["estimate"]["order"]
    wrong = f"{order['violations']} of {order['n']} windows"
    caption = f"Largest relative residual. DBP < MAP < SBP does not hold in {wrong}."
    return table(["", "of the estimates", "of the references", "windows"], rows, caption=caption)
