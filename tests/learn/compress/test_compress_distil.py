"""Student and teacher learning from each other. Needs torch (the learn extra)."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview.labels.datasets.dataset import Dataset  # noqa: E402
from hemoview.learn import prepare  # noqa: E402
from hemoview.learn.batches import Drawing, Part  # noqa: E402
from hemoview.learn.checkpoint import RunFacts  # noqa: E402
from hemoview.learn.compress.distil import Recipe, distil, reverse_loss  # noqa: E402
from hemoview.learn.loop import predict, score_of, train  # noqa: E402
from hemoview.learn.losses import Target  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402
from hemoview.learn.moe.model import LSM2oE  # noqa: E402
from hemoview.learn.run_config import RunConfig  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402

pytestmark = pytest.mark.learn

CONFIG = ModelConfig(num_experts=3, hidden_channels=16, k=2, n_blocks=1)
RUN = RunConfig(model=CONFIG, drawing=Drawing(batch_size=16), passes=12, patience=0)


@pytest.fixture(scope="module")
def rows(people: Dataset) -> Part:
    return prepare.part_of(people, people.subjects)


@pytest.fixture(scope="module")
def teacher(rows: Part) -> Any:
    torch.set_num_threads(1)
    return train([rows], None, RunFacts(RUN, prepare.scale_of([rows])))


def _student(teacher: Any) -> Any:
    torch.manual_seed(5)
    return LSM2oE(ModelConfig(num_experts=2, hidden_channels=8, k=2, n_blocks=1), teacher.scale).eval()


def _target(label: list[list[float]]) -> Target:
    value = torch.tensor(label)
    return Target(
        torch.nan_to_num(value),
        torch.isfinite(value),
        torch.arange(len(label)),
        torch.tensor([2.0, 4.0]),
        torch.zeros(2),
    )


def test_the_teacher_moves_only_where_the_student_is_better_on_a_label() -> None:
    taught = torch.tensor([[10.0, 20.0], [10.0, 20.0]], requires_grad=True)
    said = torch.tensor([[12.0, 28.0], [12.0, 28.0]], requires_grad=True)
    # Labels: student better; teacher better; unknown; exactly between (a tie moves nobody).
    loss, better = reverse_loss(taught, said, _target([[13.0, 18.0], [float("nan"), 24.0]]))
    loss.backward()
    assert loss.item() == pytest.approx(((10 - 12) / 2.0) ** 2 / 4)
    assert better == pytest.approx(1 / 3)
    assert taught.grad is not None and said.grad is None
    np.testing.assert_allclose(taught.grad.numpy(), [[2 * (10 - 12) / 4 / 4, 0.0], [0.0, 0.0]])


def test_a_worse_student_never_pulls_the_teacher_to_zero() -> None:
    taught = torch.tensor([[100.0, 80.0]], requires_grad=True)
    loss, better = reverse_loss(taught, torch.tensor([[50.0, 10.0]]), _target([[101.0, 82.0]]))
    loss.backward()
    assert (loss.item(), better) == (0.0, 0.0)
    assert taught.grad is not None and not taught.grad.any()


def _distance(one: Any, other: Any, rows: Part) -> float:
    sd = one.units.sd.numpy()
    return float(np.mean(np.abs(predict(one, rows.views[0])[0] - predict(other, rows.views[0])[0]) / sd))


def test_a_student_comes_nearer_to_its_teacher_and_both_stay_as_they_were_given(
    teacher: Any, rows: Part
) -> None:
    student = _student(teacher)
    before = [{n: v.clone() for n, v in m.state_dict().items()} for m in (teacher, student)]
    made = distil(student, teacher, [rows], None, run=RUN, recipe=Recipe(passes=15, lr=5e-3))
    assert _distance(made.student, teacher, rows) < 0.6 * _distance(student, teacher, rows)
    for model, was in zip((teacher, student), before, strict=True):
        assert all(torch.equal(v, was[n]) for n, v in model.state_dict().items())
    assert [line["pass"] for line in made.log] == list(range(1, 16))


def test_the_teacher_learns_too_but_its_batch_statistics_stay(teacher: Any, rows: Part) -> None:
    made = distil(_student(teacher), teacher, [rows], None, run=RUN, recipe=Recipe(passes=2))
    was, now = teacher.state_dict(), made.teacher.state_dict()
    assert any(line["reverse"] > 0 for line in made.log)
    assert any((was[n] != now[n]).any() for n, _ in teacher.named_parameters())
    assert all(torch.equal(was[n], now[n]) for n in was if "running_" in n)
    alone = distil(
        _student(teacher), teacher, [rows], None, run=RUN, recipe=Recipe(passes=2, both_ways=False)
    )
    assert all(torch.equal(was[n], v) for n, v in alone.teacher.state_dict().items())


def test_the_same_seed_gives_the_same_student(teacher: Any, rows: Part) -> None:
    one, again = (
        distil(_student(teacher), teacher, [rows], rows, run=RUN, recipe=Recipe(passes=2)) for _ in range(2)
    )
    assert all(torch.equal(v, again.student.state_dict()[n]) for n, v in one.student.state_dict().items())
    assert one.log == again.log and one.log[0]["score"] is not None


def test_windows_without_a_label_teach_what_the_teacher_says(teacher: Any, rows: Part) -> None:
    nothing = Part(rows.views, np.full_like(rows.labels, np.nan), rows.subject_no, rows.demographics)
    student = _student(teacher)
    made = distil(student, teacher, [nothing], None, run=RUN, recipe=Recipe(passes=15, lr=5e-3))
    assert _distance(made.student, teacher, rows) < 0.6 * _distance(student, teacher, rows)
    assert all(line["reverse"] == 0 for line in made.log)


def test_the_pass_with_the_best_validation_is_kept(teacher: Any, rows: Part) -> None:
    made = distil(_student(teacher), teacher, [rows], rows, run=RUN, recipe=Recipe(passes=4, lr=5e-3))
    estimate = predict(made.student, rows.views[0])[0]
    score = score_of(estimate, rows, teacher.scale, teacher.parameters_out)
    assert score == pytest.approx(min(line["score"] for line in made.log), abs=1e-4)


def test_other_outputs_are_refused(teacher: Any, rows: Part) -> None:
    other = LSM2oE(ModelConfig(num_experts=2, hidden_channels=8, k=2, outputs="unconstrained"))
    with pytest.raises(ConfigError, match="do not predict the same"):
        distil(other, teacher, [rows], None, run=RUN)
