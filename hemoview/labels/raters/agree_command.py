"""``hemoview labels``: how far two raters of a session agree, and which models they saw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hemoview.labels.annotation import LabelFold, labels_of
from hemoview.labels.raters.agreement import BLOCK_S, Rules
from hemoview.labels.raters.agreement_kappa import TOO_FEW, Kappa
from hemoview.labels.raters.agreement_match import LEAST_MARKS, Matched
from hemoview.labels.raters.raters import Compared, compare, models_visible, raters_with_labels
from recorder.counted import counted
from recorder.errors import ConfigError
from recorder.session.stored import read_stored


def run_agree(args: argparse.Namespace) -> dict[str, Any]:
    """Compare two raters; for a person a line a figure, for a program all of it.

    Raises:
        SessionError: no session there.
        ConfigError: a rater without labels, one who has not finished, or nothing in common.
    """
    folder: Path = args.session
    read_stored(folder)  # says by name what is no session
    fold = labels_of(folder, args.set)
    where = f"{folder.name}, label set {args.set}"
    rules = Rules(step_s=args.step_s, block_s=max(BLOCK_S, args.step_s), tolerance_s=args.tolerance_s)
    if not args.unfinished:
        _check_finished(fold, args.a, args.b, where)
    found = compare(fold, args.a, args.b, where, rules)
    if not args.json:
        return {"agreement": in_words(found, fold.finished)}
    return {
        "session": str(folder),
        "set": args.set,
        "set_version": fold.version(),
        "finished": {rater: rater in fold.finished for rater in (args.a, args.b)},
        "models_visible": models_visible(fold, [*fold.annotations(args.a), *fold.annotations(args.b)]),
        **found.to_dict(),
    }


def _check_finished(fold: LabelFold, a: str, b: str, where: str) -> None:
    """As in the window: nothing of one rater's labels is told before both have finished; else neither is blind."""
    both = {a, b}
    unfinished = sorted(both - fold.finished)
    if len(both) == 2 and unfinished and both <= {*raters_with_labels(fold), *fold.finished}:
        have = "has" if len(unfinished) == 1 else "have"
        raise ConfigError(
            f"{where}: {' and '.join(unfinished)} {have} not finished, so nothing is compared: the figures would tell "
            "one rater what the other labels. In Review, on the Raters tab, press “My labels are finished”; or give "
            "--unfinished if you rate none of it"
        )


def in_words(compared: Compared, finished: frozenset[str]) -> list[str]:
    """A line a figure; a dash and the reason where there is too little."""
    found = compared.found
    changed = ((compared.a, compared.informed_a, compared.b), (compared.b, compared.informed_b, compared.a))
    hours = sum(t1 - t0 for t0, t1 in found.looked) / 3600.0
    lines = [
        f"{rater}: {counted(n, 'label')}, {'finished' if rater in finished else 'not declared finished'}"
        for rater, n in ((compared.a, compared.n_a), (compared.b, compared.n_b))
    ]
    lines += [f"not blind: {a} changed {n} after {b}'s labels were open to {a}" for a, n, b in changed if n]
    lines.append(f"compared over {hours:.2f} h that both looked at, step {found.rules.step_s:g} s")
    if found.quality is not None:
        lines += [_kappa(f"quality {name}", kappa) for name, kappa in found.quality.by_label.items()]
        weighted = {"all": found.quality.pooled, "by rank (linear)": found.quality.linear}
        weighted["by rank (quadratic)"] = found.quality.quadratic
        lines += [_kappa(f"quality {name}", kappa) for name, kappa in weighted.items() if kappa is not None]
    if found.spans is not None:
        for name, kappa in [*found.spans.kappa.items(), ("all", found.spans.pooled_kappa)]:
            by_iou = found.spans.f1.get(name, found.spans.pooled_f1)
            f1 = ", ".join(f"{_f1(m)} at {least:g}" for least, m in by_iou.items())
            lines.append(f"{_kappa(f'span {name}', kappa)}; F1 {f1} overlap")
    if found.instants is not None:
        within = f"within {found.rules.tolerance_s:g} s"
        pairs = [*found.instants.f1.items(), ("all", found.instants.pooled)]
        lines += [f"instant {name}: F1 {_f1(matched)} {within}" for name, matched in pairs]
    return lines


def _kappa(name: str, kappa: Kappa) -> str:
    if kappa.value is None:
        few = f": {counted(kappa.n_cells, 'step')} that both rated, {kappa.n_needed} needed"
        return f"{name}: kappa – ({kappa.why}{few if kappa.n_needed is not None else ''})"
    ends = f" ({kappa.ci95[0]:.2f} to {kappa.ci95[1]:.2f})" if kappa.ci95 is not None else ""
    return f"{name}: kappa {kappa.value:.2f}{ends}"


def _f1(matched: Matched) -> str:
    if matched.f1 is not None:
        return f"{matched.f1:.2f}"
    return f"– ({TOO_FEW}: {counted(matched.n, 'mark')} of both together, {LEAST_MARKS} needed)"
