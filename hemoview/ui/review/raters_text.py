"""Figures of two raters' agreement, and what each said, in words."""

from __future__ import annotations

from hemoview.labels.annotation import Annotation
from hemoview.labels.raters.agreement_kappa import Kappa
from hemoview.labels.raters.agreement_match import LEAST_MARKS, Matched
from hemoview.labels.raters.raters import Compared
from hemoview.labels.raters.scheme import Scheme
from hemoview.ui.review.label_paint import said_name
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text

_HALF = 0.5


def agreement_lines(compared: Compared) -> list[str]:
    """A line a kind that either rater used, after who changed anything after having seen the other's."""
    found = compared.found
    changed = ((compared.a, compared.informed_a, compared.b), (compared.b, compared.informed_b, compared.a))
    lines = [text("raters.not-blind", rater=a, n=n, other=b) for a, n, b in changed if n]
    if found.quality is not None:
        lines.append(text("raters.kappa-quality", value=kappa_text(found.quality.pooled)))
    if found.spans is not None:
        f1 = found.spans.pooled_f1.get(_HALF)
        value = kappa_text(found.spans.pooled_kappa)
        lines.append(text("raters.kappa-spans", value=value, f1=f1_text(f1)))
    if found.instants is not None:
        within = f"{found.rules.tolerance_s:g}"
        lines.append(text("raters.f1-instants", f1=f1_text(found.instants.pooled), within=within))
    return lines


def kappa_text(kappa: Kappa) -> str:
    """Value and interval; a dash and the reason where there is none."""
    if kappa.value is None:
        why = (
            text("raters.one-word")
            if kappa.n_needed is None
            else _few("steps", kappa.n_cells, kappa.n_needed)
        )
        return text("raters.no-figure", why=why)
    if kappa.ci95 is None:
        return f"{kappa.value:.2f}"
    low, high = (f"{end:.2f}" for end in kappa.ci95)
    return text("raters.interval", value=f"{kappa.value:.2f}", low=low, high=high)


def f1_text(matched: Matched | None) -> str:
    """Value, or a dash and the reason."""
    if matched is not None and matched.f1 is not None:
        return f"{matched.f1:.2f}"
    n = 0 if matched is None else matched.n
    return text("raters.no-figure", why=_few("marks", n, LEAST_MARKS))


def _few(what: str, n: int, needed: int) -> str:
    return text(f"raters.few-{what}", n=n, needed=needed)


def said_text(rater: str, label: Annotation | None, scheme: Scheme) -> str:
    """What a rater said of a place."""
    if label is None:
        return text("raters.said-nothing", rater=rater)
    start = elapsed_text(label.t0_s, 0.1)
    at = start if label.t1_s == label.t0_s else f"{start} – {elapsed_text(label.t1_s, 0.1)}"
    return text("raters.said", rater=rater, label=said_name(label.label, scheme), at=at)
