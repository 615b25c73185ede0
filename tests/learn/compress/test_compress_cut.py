"""Pruning and slimming: every tensor is cut the same way, and the right parts go. Needs torch (the learn extra)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview.labels.datasets.dataset import Dataset  # noqa: E402
from hemoview.learn import prepare  # noqa: E402
from hemoview.learn.batches import Drawing, Part  # noqa: E402
from hemoview.learn.compress import axes, slim  # noqa: E402
from hemoview.learn.compress.prune import expert_usage, keep_experts, smaller  # noqa: E402
from hemoview.learn.moe.complexity import count_macs, count_params  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402
from hemoview.learn.moe.model import LSM2oE  # noqa: E402
from hemoview.learn.run_config import RunConfig  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402

pytestmark = pytest.mark.learn

KINDS: list[dict[str, Any]] = [
    {},
    {"use_msfgm": True},
    {"expert_type": "msfgm", "noisy_gating": True},
    {"outputs": "unconstrained", "gates": "task", "selection": "gate", "demographics": True},
]


def _model(seed: int = 0, **more: Any) -> LSM2oE:
    torch.manual_seed(seed)
    config = ModelConfig(**{"num_experts": 5, "hidden_channels": 16, "k": 2, **more})
    model: LSM2oE = LSM2oE(config).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(
                0.2 * torch.randn_like(value)
            )  # norms, offsets and towers start alike: make them differ
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value.copy_(1 + torch.rand_like(value))
    return model


def _windows(n: int = 6, seed: int = 1) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 1, 400)).astype(np.float32))


def _part(people: Dataset) -> Part:
    return prepare.part_of(people, people.subjects)


@pytest.mark.parametrize("kind", KINDS)
def test_channels_in_another_order_give_the_same_answers(kind: dict[str, Any]) -> None:
    """Every set of channels is shuffled wherever it is read or written; one axis forgotten and answers change."""
    model, ppg = _model(**kind), _windows()
    plan = axes.plan_of(model)
    lanes = {s.key: s.lanes for of in plan.axes.values() for axis in of.values() for s in axis}
    rng = torch.Generator().manual_seed(3)
    shuffled = {
        key: torch.stack([torch.randperm(size, generator=rng) for _ in range(lanes[key])])
        if lanes[key]
        else torch.randperm(size, generator=rng)
        for key, size in plan.sizes.items()
        if key not in {"person"} and not (key == "expert" and any(lanes.values()))
    }
    person = torch.tensor([[40.0, 1.0, 180.0, 80.0]]).expand(6, 4)
    other = smaller(model, model.config, shuffled)
    with torch.no_grad():
        mine, same = model(ppg, person), other(ppg, person)
    assert any((a != b).any() for a, b in zip(model.parameters(), other.parameters(), strict=True))
    torch.testing.assert_close(same.mean, mine.mean, rtol=1e-4, atol=2e-3)
    torch.testing.assert_close(same.q95, mine.q95, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS[:3])  # ten gates that choose for themselves leave no expert out
def test_experts_nobody_chooses_can_go_without_any_change(kind: dict[str, Any], people: Dataset) -> None:
    part = _part(people)
    for seed in range(20):
        model = _model(seed, **kind)
        usage = expert_usage(model, [part])
        if usage.min() == 0:
            break
    assert usage.min() == 0
    assert usage.sum() == pytest.approx(1)
    used = int((usage > 0).sum())
    pruned = keep_experts(model, usage, max(used, 2))
    assert pruned.config.num_experts == max(used, 2)
    assert count_params(pruned) < count_params(model)
    ppg = torch.from_numpy(part.views[0][:20, None])
    with torch.no_grad():
        torch.testing.assert_close(pruned(ppg).mean, model(ppg).mean, rtol=1e-5, atol=1e-3)


def test_the_most_used_experts_stay() -> None:
    model = _model()
    usage = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
    pruned = keep_experts(model, usage, 3)
    kept = model.experts[0].point.weight[[1, 3, 4]]
    assert torch.equal(pruned.experts[0].point.weight, kept)
    rows = model.gates.clean.weight.unflatten(0, model.gates.shape)[:, [1, 3, 4]]
    assert torch.equal(pruned.gates.clean.weight.unflatten(0, pruned.gates.shape), rows)
    with pytest.raises(ConfigError, match="1 experts cannot be kept of 5"):
        keep_experts(model, usage, 1)


def test_channels_that_do_nothing_go_first(people: Dataset) -> None:
    model = _model()
    dead = torch.tensor([2, 7, 8, 13])
    with torch.no_grad():
        for expert in range(5):
            block = model.experts[1]
            block.norm.gain[expert, 0, dead] = 0
            block.norm.shift[expert, 0, dead] = 0
            block.point.weight[expert][:, dead] = 0
            block.second.temporal.weight[expert][:, dead] = 0
            block.second.point.weight[expert][dead] = 0
    run = RunConfig(model=model.config, drawing=Drawing(batch_size=16))
    matters = slim.importance(model, [_part(people)], run, n_batches=4)
    inner = matters["inner of experts.1"]
    chosen_some = inner.sum(dim=1) > 0
    assert chosen_some.sum() >= 2
    assert (inner[chosen_some][:, dead] == 0).all()
    slimmed = slim.keep_channels(model, matters, 12)
    assert slimmed.config.hidden_channels == 12
    others = torch.tensor([c for c in range(16) if c not in dead.tolist()])
    expert = int(chosen_some.nonzero()[0])
    stream = torch.sort(torch.argsort(matters["stream"], descending=True, stable=True)[:12]).values
    wanted = model.experts[1].point.weight[expert][stream][:, others]
    assert torch.equal(slimmed.experts[1].point.weight[expert], wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slim_mixture_is_smaller_and_keeps_physiology(kind: dict[str, Any], people: Dataset) -> None:
    model = _model(**kind)
    run = RunConfig(model=model.config, drawing=Drawing(batch_size=16))
    slimmed = slim.keep_channels(
        model, slim.importance(model, [_part(people)], run, 2), 8, demographics=False
    )
    assert slimmed.config == replace(model.config, hidden_channels=8, demographics=False)
    assert count_params(slimmed) < 0.6 * count_params(model)
    with torch.no_grad():
        out = slimmed(_windows())
    assert torch.isfinite(out.mean).all()
    if slimmed.config.outputs == "physiology":
        assert (out.mean[:, 2] < out.mean[:, 1]).all() and (out.mean[:, 1] < out.mean[:, 0]).all()


@pytest.mark.parametrize("target", [0.0, 0.5, 0.8, 0.95])
def test_the_sparsity_asked_for_is_reached_and_not_overdone(target: float) -> None:
    config = ModelConfig(num_experts=8, hidden_channels=64, k=2)
    shape = slim.shape_for(config, target)
    made = slim.blank(replace(config, num_experts=shape.n_experts, hidden_channels=shape.width))
    gone = 1 - count_params(made) / count_params(slim.blank(config))
    assert gone == pytest.approx(shape.sparsity)
    assert target <= gone < target + 0.12
    assert config.k <= shape.n_experts <= 8


def test_the_defaults_come_within_the_targets_of_the_edge() -> None:
    config = ModelConfig()
    shape = slim.shape_for(config, 0.8)
    made = slim.blank(replace(config, num_experts=shape.n_experts, hidden_channels=shape.width))
    assert count_params(made) <= 300_000
    assert count_macs(made, 640).dense <= 20_000_000


def test_experts_nobody_uses_leave_room_for_width() -> None:
    config = ModelConfig(num_experts=8, hidden_channels=64, k=2)
    assert slim.shape_for(config, 0.8, used_experts=2).width > slim.shape_for(config, 0.8).width


@pytest.mark.parametrize("target", [-0.1, 1.0, 1.5, float("nan")])
def test_no_share_at_all_is_refused(target: float) -> None:
    with pytest.raises(ConfigError, match="outside 0 to 1"):
        slim.shape_for(ModelConfig(), target)


def test_a_sparsity_out_of_reach_says_what_can_be_had() -> None:
    with pytest.raises(ConfigError, match=r"cannot be reached: with k = 2 experts of 4 channels 0\.\d+"):
        slim.shape_for(ModelConfig(num_experts=2, hidden_channels=16, k=2), 0.999)
