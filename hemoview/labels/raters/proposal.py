"""What a detector or the model proposes for labelling: shown beside the labels, never one of them until accepted."""

from __future__ import annotations

from dataclasses import dataclass

from recorder.schema.labelling import AnnotationKind


@dataclass(frozen=True, slots=True)
class Proposal:
    """A suggestion.

    Args:
        proposal_id: the same for the same proposal of the same source: what was decided about it is found by it.
        kind, t0_s, t1_s, label: as an annotation would have them.
        source: name of the detector or model.
        model_sha256: of the model, empty for a detector.
        uncertainty: 0 (sure) to 1 (cannot tell): the most uncertain are asked about first.
    """

    proposal_id: str
    kind: AnnotationKind
    t0_s: float
    t1_s: float
    label: str
    source: str
    model_sha256: str = ""
    uncertainty: float = 0.0
