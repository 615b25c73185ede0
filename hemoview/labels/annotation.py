"""Labels of a session: lines of its store → annotations as they stand, by rater and span, with the version of the set.

The fold itself lies in the core (:mod:`recorder.session.annotated`), so that exports see what Review shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from recorder.schema.labelling import (
    ANNOTATION_KINDS,
    AnnotationKind,
    Deed,
    Suggested,
)
from recorder.session import annotations as store
from recorder.session.annotated import Annotation, LabelFold, order_of

__all__ = [
    "ANNOTATION_KINDS",
    "Annotation",
    "AnnotationKind",
    "Deed",
    "LabelFold",
    "Suggested",
    "labels_of",
    "order_of",
    "touching",
    "versions_of",
]


def labels_of(folder: Path, name: str = store.DEFAULT_SET) -> LabelFold:
    """A label set of a session as it stands; empty where there is none.

    Raises:
        ConfigError: no name for a label set.
        StorageError: it cannot be read.
    """
    return LabelFold(store.read(folder, name).deeds)


def versions_of(folder: Path) -> dict[str, str]:
    """Label set → version, of every set of a session; sets without a label are left out."""
    folds = {name: labels_of(folder, name) for name in store.sets_of(folder)}
    return {name: fold.version() for name, fold in folds.items() if fold.annotations()}


def touching(
    annotations: Iterable[Annotation],
    t0_s: float,
    t1_s: float,
    *,
    kinds: Sequence[AnnotationKind] = ANNOTATION_KINDS,
) -> tuple[Annotation, ...]:
    """Annotations of these kinds that have a moment in common with a span; instants at its ends too."""
    return tuple(a for a in annotations if a.kind in kinds and a.t0_s <= t1_s and a.t1_s >= t0_s)
