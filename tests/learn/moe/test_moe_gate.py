"""Gates: the noise is what its distribution says, and load counts windows. Needs torch (the learn extra)."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview.learn.moe.config import NOISE_TYPES  # noqa: E402
from hemoview.learn.moe.gate import Gates, spread  # noqa: E402
from hemoview.learn.moe.noise import chance_above, deviation, disturbed  # noqa: E402

pytestmark = pytest.mark.learn

DRAWS = 40_000


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def _draws(logit: float, scale: float, family: str) -> "torch.Tensor":
    return disturbed(torch.full((DRAWS,), logit), torch.full((DRAWS,), scale), family)


@pytest.mark.parametrize("family", NOISE_TYPES)
@pytest.mark.parametrize("logit", [-3.0, 0.0, 0.7])
def test_noise_has_mean_zero_and_the_deviation_it_claims(family: str, logit: float) -> None:
    noise = _draws(logit, 0.8, family) - logit
    claimed = float(deviation(torch.tensor(logit), torch.tensor(0.8), family))
    assert torch.isfinite(noise).all()
    assert abs(float(noise.mean())) < 5 * claimed / math.sqrt(DRAWS)
    assert float(noise.std()) == pytest.approx(claimed, rel=0.05)


@pytest.mark.parametrize(
    "family", [f for f in NOISE_TYPES if f != "poisson"]
)  # a count has a long upper tail
def test_noise_is_symmetric(family: str) -> None:
    noise = _draws(0.7, 0.8, family) - 0.7
    for size in (0.1, 0.4, 0.9):
        above, below = float((noise > size).float().mean()), float((noise < -size).float().mean())
        assert above == pytest.approx(below, abs=0.012)


@pytest.mark.parametrize("family", NOISE_TYPES)
@pytest.mark.parametrize("logit", [-2.0, 0.05, 1.5])
def test_the_distribution_belongs_to_the_noise(family: str, logit: float) -> None:
    noisy = _draws(logit, 0.9, family)
    for threshold in (-3.05, -1.03, 0.013, 0.52, 1.77, 3.9):
        told = chance_above(torch.tensor(logit), torch.tensor(0.9), torch.tensor(threshold), family)
        assert float(told) == pytest.approx(float((noisy > threshold).float().mean()), abs=0.012)


def _gates(family: str | None, *, k: int = 3, n_experts: int = 8, agree: bool = False) -> Gates:
    gates = Gates(12, 2, n_experts, k, family, agree=agree)
    torch.nn.init.normal_(gates.clean.weight, 0.0, 0.3)
    if gates.scale is not None:
        torch.nn.init.normal_(gates.scale.weight, 0.0, 0.2)
    return gates.train()


@pytest.mark.parametrize("agree", [False, True])
@pytest.mark.parametrize("family", NOISE_TYPES)
def test_load_is_the_chance_of_being_selected(family: str, agree: bool) -> None:
    gates, windows, repeats = _gates(family, agree=agree), torch.randn(16, 12), 400
    with torch.no_grad():
        each = [gates(windows) for _ in range(repeats)]
    counted = torch.stack([r.chosen.float().sum(dim=0) for r in each]).mean(dim=0)
    told = torch.stack([r.load for r in each]).mean(dim=0)
    assert told.sum(dim=1).tolist() == pytest.approx([16 * 3] * 2, rel=0.02)
    # Count: binomial over windows and repeats; 4.5 deviations.
    assert torch.allclose(told, counted, atol=4.5 * math.sqrt(16 / 4 / repeats))


@pytest.mark.parametrize("family", NOISE_TYPES)
def test_load_of_one_batch_is_close_to_windows_times_k_and_teaches_the_gate(family: str) -> None:
    gates = _gates(family)
    routing = gates(torch.randn(256, 12))
    assert routing.load.sum(dim=1).tolist() == pytest.approx([256 * 3] * 2, rel=0.1)
    assert (routing.load >= 0).all() and (routing.load <= 256).all()
    spread(routing.load).sum().backward()
    assert float(gates.clean.weight.grad.abs().sum()) > 0
    assert torch.isfinite(gates.clean.weight.grad).all()


@pytest.mark.parametrize("agree", [False, True])
@pytest.mark.parametrize(("k", "n_experts"), [(3, 8), (8, 8), (1, 1), (1, 8)])
def test_each_gate_weighs_k_experts_to_one(k: int, n_experts: int, agree: bool) -> None:
    for family in (None, "gaussian"):
        routing = _gates(family, k=k, n_experts=n_experts, agree=agree)(torch.randn(20, 12))
        assert (routing.chosen.sum(dim=2) == k).all()
        assert ((routing.gates > 0) == routing.chosen).all()
        assert torch.allclose(routing.gates.sum(dim=2), torch.ones(20, 2))
        assert torch.isfinite(routing.balance)
        if k == n_experts or family is None:
            assert (routing.load.sum(dim=1) == 20 * k).all()


def test_gates_that_agree_choose_alike_and_weigh_apart() -> None:
    routing = _gates("uniform", agree=True)(torch.randn(20, 12))
    assert (routing.chosen[:, 0] == routing.chosen[:, 1]).all()
    assert not torch.allclose(routing.gates[:, 0], routing.gates[:, 1], atol=0.01)
    apart = _gates("uniform", agree=False)(torch.randn(20, 12))
    assert (apart.chosen[:, 0] != apart.chosen[:, 1]).any()


def test_no_noise_in_evaluation() -> None:
    gates, windows = _gates("gaussian"), torch.randn(20, 12)
    assert not torch.equal(gates(windows).gates, gates(windows).gates)
    gates.eval()
    assert torch.equal(gates(windows).gates, gates(windows).gates)


def test_balance_falls_when_experts_are_used_alike() -> None:
    even, uneven = torch.full((1, 4), 5.0), torch.tensor([[20.0, 0.0, 0.0, 0.0]])
    assert float(spread(even)) == 0.0
    assert float(spread(uneven)) == pytest.approx(4.0)


def test_a_fresh_gate_does_not_send_every_window_to_the_same_experts() -> None:
    gates = Gates(12, 1, 16, 3, None, agree=True).eval()
    used = gates(torch.randn(200, 12)).chosen.any(dim=0)
    assert int(used.sum()) >= 14
