"""The shipped student, from people and a simulated cohort to a bundle, top to bottom.

``python -m hemoview.learn.ship --people DIR --cohort DIR --wrists DIR --out DIR``. People (a dataset folder) teach
pressures, wrists lend their noise, the cohort teaches stroke volume on features it cannot change. First repeated
cross-validation by subject: in every fold a teacher is trained and compressed as the shipped one, and both estimate
people they never saw. These give every figure, the card's intervals and its shrinkage. Then the same again with
everybody, and the bundle.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics.rows import predictions_of
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.folder import read_dataset
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import alike_groups, refuse_leaks
from hemoview.learn import export, hearings, loop, prepare, ship_card, teaching, views
from hemoview.learn.batches import Drawing, Part
from hemoview.learn.checkpoint import RunFacts
from hemoview.learn.compress import bundle_folder, card, distil
from hemoview.learn.compress.pipeline import Compressed, Settings, compress, student_of
from hemoview.learn.hearings import Hearing
from hemoview.learn.moe.config import ModelConfig
from hemoview.learn.moe.model import LSM2oE
from hemoview.learn.run_config import RunConfig, Weights
from hemoview.learn.ship_figures import (
    CALIBRATION_POINTS,
    Folded,
    card_tables,
    judged,
    judged_at,
    keep,
    quality_figures,
    simulated_figures,
)
from hemoview.learn.teaching import Sources, Teaching
from hemoview.report import judging
from recorder.errors import ConfigError, RecorderError
from recorder.schema import PARAMETERS, PRESSURES

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]
STROKE: Final = frozenset(
    {"towers.hidden", "towers.hidden_bias", "towers.last", "towers.last_bias", "gates.clean.weight"}
)
"""What stroke volume may change. Rows of other tasks in these have no label in its training, hence no gradient."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the shipped bundle; chosen on the cross-validation it is reported with (LOG.md).

    Args:
        teacher: training of pressures. Most of the loss is on changes inside a subject: decision 0011.
        stroke: training of stroke volume, everything else as it is.
        settings: of the compression.
        wrist_views: how often a window is also seen as a wristband might have seen it.
        arterial_share: of a batch, beside 1 for people, for recordings with an arterial line; 0 = none.
        pretraining: on short windows, before; None = none.
        quality_snr_db, hearings: ratios of pulse to wrist noise, and how often everybody is heard so, for the tables by
            quality.
        cold_share: of the distance from the training mean, what an estimate without calibration keeps: people's levels
            differ more than their waves tell, and strangers turn out nearer to the mean than the network says.
        n_folds, deals: of the cross-validations.
    """

    teacher: RunConfig = field(
        default_factory=lambda: RunConfig(
            model=ModelConfig(
                num_experts=4,
                hidden_channels=64,
                k=2,
                n_blocks=1,
                use_msfgm=True,
                noisy_gating=True,
                noise_type="gaussian",
                dropout=0.2,
            ),
            drawing=Drawing(batch_size=72, windows_a_subject=12, flip=0.03),
            weights=Weights(level=0.15, level_share=(0.0, 0.5, 0.5, 1.0)),
            passes=16,
            lr=3e-3,
            weight_decay=0.05,
            patience=0,
            seed=1,
        )
    )
    stroke: RunConfig = field(
        default_factory=lambda: RunConfig(
            weights=Weights(balance=0.0, router_z=0.0), passes=4, weight_decay=0.0, patience=0, seed=1
        )
    )
    settings: Settings = field(
        default_factory=lambda: Settings(target_sparsity=0.6, recipe=distil.Recipe(passes=12, lr=2e-3))
    )
    wrist_views: int = 2
    arterial_share: float = 0.0
    pretraining: RunConfig | None = None
    quality_snr_db: tuple[float, ...] = (24.0, 18.0, 12.0, 6.0, 0.0)
    hearings: int = 3
    cold_share: float = 0.5
    n_folds: int = 6
    deals: tuple[int, ...] = (0, 1, 2, 3)

    @property
    def how(self) -> Teaching:
        """The training of pressures."""
        return Teaching(self.teacher, self.wrist_views, self.arterial_share, self.pretraining)


def run(sources: Sources, cohort: Dataset, recipe: Recipe, out: Path) -> dict[str, Any]:
    """Cross-validate, train on everybody, compress, and write the bundle with its report.

    Returns:
        ``{student: {k: figures}, teacher: {k: figures}, quality, simulated, stages}``.

    Raises:
        ConfigError: windows shared between subjects, or a bundle that does not verify.
    """
    torch.set_num_threads(1)
    people = sources.people
    heard = heard_of(sources, recipe)
    rows = heard[0].rows
    deals = []
    for seed in recipe.deals:
        log.info("cross-validation %d of %d", seed + 1, len(recipe.deals))
        deals.append(cross_validate(sources, recipe, seed, heard))
    share = recipe.cold_share
    keep(out / "out-of-fold.npz", rows, deals)
    figures = {who: judged(rows, [deal[who] for deal in deals], share) for who in ("student", "teacher")}
    tables = {who: card_tables(heard, [deal[who] for deal in deals], share) for who in figures}
    quality = quality_figures(heard, [deal["student"] for deal in deals], share)

    split = cohort.split("default")
    networks = taught_by_everybody(sources, cohort, recipe)
    start = ship_card.ColdStart(share, label_means(people, people.subjects))
    simulated = {}
    for who, network in networks.items():
        simulated[who] = simulated_figures(network.student, cohort, split)
        facts = ship_card.facts(
            sources,
            cohort,
            network,
            name=ship_card.NAMES[who],
            split=split,
            tables=tables[who],
            metrics={f"k{k}": figures[who][k]["parameters"] for k in CALIBRATION_POINTS},
            simulated=simulated[who],
            recipe=to_json(recipe),
            cold_start=start,
        )
        folder = out / f"{facts.name}-{facts.version}"
        bundle_folder.write_bundle(folder, network.model, card.card_of(network, facts), network.golden)
    report = {
        **figures,
        "quality": quality,
        "simulated": simulated,
        "stages": [asdict(s) for s in networks["student"].stages],
    }
    (out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    for k in CALIBRATION_POINTS:
        of_first = judged_at(rows, deals[0]["student"], k, share)
        write_page(of_first, figures["student"][k], out / f"report-k{k}")
    return report


def taught_by_everybody(sources: Sources, cohort: Dataset, recipe: Recipe) -> dict[str, Compressed]:
    """The student that is shipped, and the teacher as it is."""
    people = sources.people
    log.info("training on all %d subjects", len(people.subjects))
    parts = teaching.parts_of(sources, people.subjects, recipe.how)
    part = parts[0]
    teacher = teaching.train(parts, recipe.how, sources.short)
    volumes = volumes_of(cohort, cohort.split("default").train)
    made = compress(
        teacher,
        parts,
        None,
        part,
        run=recipe.teacher,
        settings=recipe.settings,
        finish=lambda student: with_stroke(student, volumes, recipe),
    )
    as_is = uncompressed(with_stroke(teacher, volumes, recipe), part, recipe)
    return {"student": made, "teacher": as_is}


def heard_of(sources: Sources, recipe: Recipe) -> list[Hearing]:
    """The people as recorded, and with noise where there is some."""
    people, noise = sources.people, sources.noise[1]
    out = [hearings.as_recorded(people)]
    if noise is not None:
        out += [
            hearings.with_noise(people, noise, recipe.quality_snr_db, seed) for seed in range(recipe.hearings)
        ]
    return out


def cross_validate(
    sources: Sources, recipe: Recipe, seed: int, heard: Sequence[Hearing]
) -> dict[str, Folded]:
    """Estimate every row of every hearing by a student, and by a teacher, that never saw its subject."""
    people = sources.people
    shape = (len(heard), 3, len(people), len(PARAMETERS))
    found = {who: np.full(shape, np.nan) for who in ("student", "teacher")}
    prior = np.full(shape[2:], np.nan)
    for number, test in enumerate(dealt(people, recipe.n_folds, seed)):
        train = tuple(s for s in people.subjects if s not in test)
        refuse_leaks(people, Split(f"fold {number}", train, (), test))
        rows = people.rows_of(test)
        prior[rows] = label_means(people, train)
        parts = teaching.parts_of(sources, train, recipe.how)
        teacher = teaching.train(parts, recipe.how, sources.short)
        made = student_of(teacher, parts, None, run=recipe.teacher, settings=recipe.settings)
        for who, model in (("teacher", teacher), ("student", made.student)):
            for place, one in enumerate(heard):
                outputs = loop.predict(model, one.waves[rows])
                for column, name in enumerate(PRESSURES):
                    found[who][place][:, rows, PARAMETERS.index(name)] = outputs[:, :, column]
        log.info("fold %d of %d", number + 1, recipe.n_folds)
    return {
        who: Folded(
            predictions_of(*outputs[0]), prior, tuple(predictions_of(*noisy) for noisy in outputs[1:])
        )
        for who, outputs in found.items()
    }


def dealt(people: Dataset, n_folds: int, seed: int) -> list[tuple[str, ...]]:
    """Subjects in folds by a seeded shuffle; who may be one person stays together.

    Raises:
        ConfigError: fewer people than folds.
    """
    groups = alike_groups(people)
    if len(groups) < n_folds:
        raise ConfigError(f"{people.name}: {len(groups)} people cannot be dealt into {n_folds} folds")
    order = np.random.default_rng(seed).permutation(len(groups))
    return [tuple(s for i in order[k::n_folds] for s in groups[i]) for k in range(n_folds)]


def label_means(people: Dataset, subjects: Sequence[str]) -> F64:
    """``(10,)`` label means, subjects weighing alike; NaN where there is no label."""
    labels = people.labels.astype(np.float64)
    return _known_mean(np.array([_known_mean(labels[people.subject_id == s]) for s in subjects]))


def _known_mean(values: F64) -> F64:
    known = np.isfinite(values)
    n = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.nan))


def volumes_of(cohort: Dataset, subjects: Sequence[str]) -> Part:
    """Simulated windows that know stroke volume and nothing else."""
    part = prepare.part_of(cohort, subjects)
    labels = np.full_like(part.labels, np.nan)
    labels[:, PARAMETERS.index("SV")] = part.labels[:, PARAMETERS.index("SV")]
    return replace(part, labels=labels)


def with_stroke(student: LSM2oE, volumes: Part, recipe: Recipe) -> LSM2oE:
    """Teach stroke volume to a student without touching a pressure; its unit becomes the cohort's."""
    place = PARAMETERS.index("SV")
    of_cohort, own = prepare.scale_of([volumes]), student.scale
    scale = replace(
        own,
        mean=(*own.mean[:place], of_cohort.mean[place], *own.mean[place + 1 :]),
        sd=(*own.sd[:place], of_cohort.sd[place], *own.sd[place + 1 :]),
    )
    facts = RunFacts(run=replace(recipe.stroke, model=student.config), scale=scale)
    return loop.train([volumes], None, facts, start=student, only=STROKE)


def uncompressed(teacher: LSM2oE, part: Part, recipe: Recipe) -> Compressed:
    """The teacher as a bundle holds it: fp32, every expert computed, nothing taken away."""
    network = export.AtBedside(teacher)
    return Compressed(
        teacher,
        teacher,
        export.model_bytes(network),
        "fp32",
        "the teacher is shipped as it is",
        export.golden(network, part.views[0], recipe.teacher.seed),
        [],
        [],
        np.empty(0),
    )


def write_page(of_first: metrics.Judged, figures: Mapping[str, Any], folder: Path) -> None:
    """The HTML report of one number of calibration points; plots are of the first cross-validation."""
    about = {
        "model": f"{ship_card.NAMES['student']}-{ship_card.VERSION}, cross-validated",
        "dataset": ship_card.PEOPLE,
        "dataset_version": "",
        "simulated": False,
    }
    judging.write(folder, {**figures, **about, "report": "report.html"}, of_first)


def to_json(recipe: Recipe) -> dict[str, Any]:
    """Plain JSON values of everything that decides the bundle."""
    settings, distilling = recipe.settings, recipe.settings.recipe
    return {
        "teacher": recipe.teacher.to_json(),
        "stroke": recipe.stroke.to_json(),
        "settings": {name: getattr(settings, name) for name in settings.__slots__ if name != "recipe"},
        "distillation": {name: getattr(distilling, name) for name in distilling.__slots__},
        "wrist_views": recipe.wrist_views,
        "wrist_snr_db": list(views.SNR_DB),
        "arterial_share": recipe.arterial_share,
        "pretraining": None if recipe.pretraining is None else recipe.pretraining.to_json(),
        "quality_snr_db": list(recipe.quality_snr_db),
        "hearings": recipe.hearings,
        "cold_share": recipe.cold_share,
        "n_folds": recipe.n_folds,
        "deals": list(recipe.deals),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hemoview.learn.ship", description=__doc__)
    parser.add_argument("--people", type=Path, required=True, help="dataset folder that teaches pressures")
    parser.add_argument(
        "--cohort", type=Path, required=True, help="dataset folder of hemoview dataset simulate"
    )
    parser.add_argument(
        "--wrists", type=Path, required=True, help="dataset folder of E4 waves, which lend their noise"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for bundle and reports")
    options = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)  # of the exporter's hundreds of lines nobody wants to know
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        sources = Sources(read_dataset(options.people), read_dataset(options.wrists))
        run(sources, read_dataset(options.cohort), Recipe(), options.out)
    except (RecorderError, OSError) as error:
        print(f"ship: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
