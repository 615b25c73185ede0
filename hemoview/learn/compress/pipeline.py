"""The whole chain: teacher → pruned → slimmed → distilled → one ONNX graph in the form that serves best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.learn import export
from hemoview.learn.batches import Part
from hemoview.learn.compress import distil, qat, quantise, stages
from hemoview.learn.compress.defaults import FORMS, TARGET_SPARSITY
from hemoview.learn.compress.prune import expert_usage, keep_experts
from hemoview.learn.compress.slim import MOST_MACS, importance, keep_channels, shape_for
from hemoview.learn.compress.stages import Stage
from hemoview.learn.loop import predict
from hemoview.learn.moe.complexity import count_macs, count_params
from hemoview.learn.moe.model import SAMPLES_MAX, LSM2oE
from hemoview.learn.run_config import RunConfig
from recorder.errors import ConfigError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Tell = Callable[[str], None]

MOST_BYTES: Final = 500_000
MOST_OFF_SD: Final = 0.02
"""Mean distance to the fp32 student that a form may have, in label deviations: 0.24 mmHg where SBP spreads by 12."""
UNUSED: Final = 0.01
"""An expert with less than this share of the gates' weight counts as not used."""
_SLOWER: Final = 1.1
_CALIBRATION_WINDOWS: Final = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """How to compress.

    Args:
        target_sparsity: share of the teacher's parameters to remove.
        recipe: of the distillation.
        form: one of :data:`FORMS`, or ``auto``.
        most_macs, most_bytes: of the student.
        qat_passes: of fine-tuning where int8 costs more than :data:`MOST_OFF_SD`; 0 = none.
    """

    target_sparsity: float = TARGET_SPARSITY
    recipe: distil.Recipe = field(default_factory=distil.Recipe)
    form: str = "auto"
    most_macs: int = MOST_MACS
    most_bytes: int = MOST_BYTES
    qat_passes: int = 2

    def __post_init__(self) -> None:
        if self.form not in ("auto", *FORMS):
            raise ConfigError(
                f"compression: form {self.form!r} unknown; give auto or one of {', '.join(FORMS)}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """After both cuts, before anything is learned.

    Args:
        pruned, slimmed: mixtures with the teacher's own weights.
        usage: ``(E,)`` of the teacher's experts on training rows.
    """

    pruned: LSM2oE
    slimmed: LSM2oE
    usage: F64


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """What comes out.

    Args:
        student, teacher: torch, fp32; the teacher after what it learned from the student.
        model: bytes of the chosen ONNX graph; ``form``: which; ``why``: in words.
        golden: inputs and the chosen graph's own answers.
        stages: the table. ``log``: a line a pass of the distillation.
        usage: of the teacher's experts.
    """

    student: LSM2oE
    teacher: LSM2oE
    model: bytes
    form: str
    why: str
    golden: Mapping[str, F32]
    stages: list[Stage]
    log: list[dict[str, Any]]
    usage: F64


def cut_down(teacher: LSM2oE, parts: Sequence[Part], run: RunConfig, settings: Settings) -> Cut:
    """Prune and slim a teacher to the sparsity asked for. What is known of the person goes too: the bedside's model
    is asked with the wave alone.

    Raises:
        ConfigError: the sparsity is outside 0 to 1 or out of reach.
    """
    usage = expert_usage(teacher, parts)
    used = int((usage >= UNUSED).sum())
    shape = shape_for(
        teacher.config, settings.target_sparsity, most_macs=settings.most_macs, used_experts=used
    )
    pruned = keep_experts(teacher, usage, shape.n_experts)
    slimmed = keep_channels(pruned, importance(pruned, parts, run), shape.width, demographics=False)
    return Cut(pruned, slimmed, usage)


def student_of(
    teacher: LSM2oE,
    parts: Sequence[Part],
    validation: Part | None,
    *,
    run: RunConfig,
    settings: Settings | None = None,
    device: str = "cpu",
    on_pass: distil.OnPass | None = None,
) -> distil.Distilled:
    """Prune, slim and distil, without export: what one fold of a cross-validation needs."""
    settings = settings or Settings()
    slimmed = cut_down(teacher, parts, run, settings).slimmed
    return distil.distil(
        slimmed,
        teacher,
        parts,
        validation,
        run=run,
        recipe=settings.recipe,
        device=device,
        on_pass=on_pass,
    )


def compress(
    teacher: LSM2oE,
    parts: Sequence[Part],
    validation: Part | None,
    judged: Part,
    *,
    run: RunConfig,
    settings: Settings | None = None,
    device: str = "cpu",
    tell: Tell = lambda _: None,
    finish: Callable[[LSM2oE], LSM2oE] = lambda student: student,
) -> Compressed:
    """Everything, measured after each stage.

    Args:
        teacher: not changed.
        parts: training rows.
        validation: chooses the distillation's pass and the form; None: training rows choose the form.
        judged: rows the table's errors are of; they choose nothing.
        run: the teacher's, for batches, loss and seed.
        settings: how.
        device: for the distillation.
        tell: hears what is being done.
        finish: what else is done to the distilled student, of the same shape, before it is exported.

    Raises:
        ConfigError: the sparsity is out of reach, a loss is not finite, or no form is small and exact enough.
    """
    settings = settings or Settings()
    table = _Table(teacher, judged)
    tell("measuring the teacher")
    table.add("teacher", teacher, knows=True)
    tell("pruning and slimming")
    cut = cut_down(teacher, parts, run, settings)
    table.add("pruned", cut.pruned, knows=True)
    tell("distilling")
    made = distil.distil(
        cut.slimmed,
        teacher,
        parts,
        validation,
        run=run,
        recipe=settings.recipe,
        device=device,
        on_pass=lambda number, of, line: tell(
            f"distilling, pass {number} of {of}, validation {line['score']}"
        ),
    )
    return _written(
        replace(made, student=finish(made.student)),
        cut,
        table,
        parts,
        validation,
        run=run,
        settings=settings,
        tell=tell,
    )


def _written(
    made: distil.Distilled,
    cut: Cut,
    table: _Table,
    parts: Sequence[Part],
    validation: Part | None,
    *,
    run: RunConfig,
    settings: Settings,
    tell: Tell,
) -> Compressed:
    """The student in the form that serves best."""
    tell("exporting and quantising")
    network = export.AtBedside(made.student)
    fp32 = export.model_bytes(network)
    table.add("slimmed", cut.slimmed, model_file=fp32, note="size and time are those of the distilled one")
    table.add("distilled", made.student, model_file=fp32)
    chooser = parts[0] if validation is None else validation
    forms = _forms(fp32, network, parts, chooser, made.student, run=run, settings=settings)
    for form in forms:
        table.add_form(form, made.student)
    chosen, why = choose(forms, settings)
    cases = export.golden(network, chooser.views[0], run.seed)
    golden = quantise.golden(chosen.model, cases) if chosen.form != "fp32" else cases
    return Compressed(
        made.student,
        made.teacher,
        chosen.model,
        chosen.form,
        why,
        golden,
        table.rows,
        made.log,
        cut.usage,
    )


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write the student.

    Args:
        name: of the row; ``form``: one of :data:`FORMS`.
        model: ONNX bytes.
        off_sd: mean distance to the fp32 student by parameter, in label deviations, on the rows that choose.
        p50_ms, p99_ms: of a 10-s window.
    """

    name: str
    form: str
    model: bytes
    off_sd: Mapping[str, float]
    p50_ms: float
    p99_ms: float

    @property
    def worst_sd(self) -> float:
        """Of the parameter that suffers most."""
        return max(self.off_sd.values())


def choose(forms: Sequence[Form], settings: Settings) -> tuple[Form, str]:
    """The form that is shipped, and why: exact and small enough first, then small at no cost in time.

    Raises:
        ConfigError: none is.
    """
    if settings.form != "auto":
        return [f for f in forms if f.form == settings.form][-1], "asked for"
    fit = [f for f in forms if f.worst_sd <= MOST_OFF_SD and len(f.model) <= settings.most_bytes]
    if not fit:
        figures = "; ".join(f"{f.name} {len(f.model)} bytes, {f.worst_sd:.3f} SD off fp32" for f in forms)
        raise ConfigError(
            f"compression: no form has at most {settings.most_bytes} bytes and {MOST_OFF_SD} label SD of distance to "
            f"fp32 ({figures}); give a higher --target_sparsity"
        )
    fastest = min(f.p50_ms for f in fit)
    quick = [f for f in fit if f.p50_ms <= _SLOWER * fastest]
    best = min(quick, key=lambda f: len(f.model))
    others = ", ".join(_in_words(f, settings) for f in forms if f is not best)
    return best, f"{_in_words(best, settings)}: the smallest of those within 10 % of the fastest; {others}"


def _in_words(form: Form, settings: Settings) -> str:
    reasons = [f"{len(form.model) / 1e3:.0f} kB", f"{form.p50_ms:.2f} ms", f"{form.worst_sd:.4f} SD off fp32"]
    if form.worst_sd > MOST_OFF_SD:
        reasons.append("not exact enough")
    if len(form.model) > settings.most_bytes:
        reasons.append("too large")
    return f"{form.name} ({', '.join(reasons)})"


def _forms(
    fp32: bytes,
    network: export.AtBedside,
    parts: Sequence[Part],
    chooser: Part,
    student: LSM2oE,
    *,
    run: RunConfig,
    settings: Settings,
) -> list[Form]:
    windows = _windows(parts, run.seed)
    rows = chooser.views[0]
    wanted = quantise.answers(fp32, rows)["mean"]
    names = student.parameters_out
    unit = np.asarray(student.units.sd.numpy())

    def form(name: str, kind: str, model: bytes) -> Form:
        off = np.abs(quantise.answers(model, rows)["mean"] - wanted).mean(axis=0) / unit
        return Form(name, kind, model, dict(zip(names, off.tolist(), strict=True)), *stages.times_ms(model))

    made = [
        form("fp32", "fp32", fp32),
        form("int8 weights", "int8-weights", quantise.int8_weights(fp32)),
        form("int8", "int8", quantise.static_int8(fp32, windows)),
    ]
    if made[-1].worst_sd > MOST_OFF_SD and settings.qat_passes:
        tuned = export.model_bytes(qat.fine_tuned(network, parts, run, settings.qat_passes))
        made.append(form("int8, fine-tuned", "int8", quantise.static_int8(tuned, windows)))
    return made


def _windows(parts: Sequence[Part], seed: int) -> F32:
    """Training windows that set the ranges of int8, of every set alike, cut to the shortest of them."""
    rng = np.random.default_rng(seed)
    each = max(1, _CALIBRATION_WINDOWS // len(parts))
    n_time = min(p.views[0].shape[1] for p in parts)
    chosen = [p.views[0][np.sort(rng.permutation(len(p))[:each]), :n_time] for p in parts]
    return np.ascontiguousarray(np.concatenate(chosen), dtype=np.float32)


class _Table:
    """Rows as they come, errors on the same rows."""

    def __init__(self, teacher: LSM2oE, judged: Part) -> None:
        self.judged, self.scale, self.names = judged, teacher.scale, teacher.parameters_out
        self.of_mean = stages.baseline(judged, teacher.scale, self.names)
        self.rows: list[Stage] = []

    def add(
        self,
        name: str,
        model: LSM2oE,
        *,
        model_file: bytes | None = None,
        knows: bool = False,
        note: str = "",
    ) -> None:
        """A torch stage; ``knows``: it is told of the person what the rows say."""
        file = model_file or export.model_bytes(export.AtBedside(model))
        known = self.judged.demographics if knows else None
        self._row(name, model, file, predict(model, self.judged.views[0], known)[0], note=note)

    def add_form(self, form: Form, student: LSM2oE) -> None:
        """A way to write the student; the fp32 one has its row already."""
        if form.form == "fp32":
            return
        mean = quantise.answers(form.model, self.judged.views[0])["mean"].astype(np.float64)
        self._row(form.name, student, form.model, mean, times=(form.p50_ms, form.p99_ms))
        self.rows[-1] = replace(self.rows[-1], off_fp32_sd=round(form.worst_sd, 5))

    def _row(
        self,
        name: str,
        model: LSM2oE,
        file: bytes,
        mean: F64,
        *,
        times: tuple[float, float] | None = None,
        note: str = "",
    ) -> None:
        mae = stages.errors(mean, self.judged, self.names)
        self.rows.append(
            Stage(
                name,
                count_params(model),
                count_macs(model, SAMPLES_MAX).dense,
                len(file),
                *(times or stages.times_ms(file)),
                mae,
                stages.skill(mae, self.of_mean),
                note=note,
            )
        )
