"""The mixture: same answers sparse, dense, written plainly and in ONNX. Needs torch (the learn extra)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install 'hemoview[learn]')")

from hemoview.learn.moe.complexity import count_macs, count_params  # noqa: E402
from hemoview.learn.moe.config import PARAMETERS, LabelScale, ModelConfig  # noqa: E402
from hemoview.learn.moe.lanes import Dense, Sparse  # noqa: E402
from hemoview.learn.moe.layers import HybridAttention, Temporal, attention_groups  # noqa: E402
from hemoview.learn.moe.model import Deployed, LSM2oE, Output  # noqa: E402
from hemoview.learn.moe.naive import NaiveDense, loop_attention  # noqa: E402
from hemoview.learn.moe.onnx_graph import graph_bytes  # noqa: E402

pytestmark = pytest.mark.learn

TINY = {"num_experts": 5, "hidden_channels": 16, "k": 2, "n_blocks": 1}
KINDS = [
    {},
    {"use_msfgm": True},
    {"expert_type": "msfgm"},
    {"selection": "gate", "noisy_gating": True, "noise_type": "poisson"},
    {"outputs": "unconstrained", "gates": "task", "selection": "gate", "demographics": True},
    {"num_experts": 1, "k": 1},
    {"num_experts": 3, "k": 3, "hidden_channels": 12, "use_msfgm": True, "noisy_gating": True},
    {"hidden_channels": 4, "expert_type": "msfgm"},
]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _model(seed: int = 0, scale: LabelScale | None = None, **options: object) -> LSM2oE:
    """Untrained, but for last layers, so that the answers differ between windows."""
    torch.manual_seed(seed)
    model = LSM2oE(ModelConfig(**{**TINY, **options}), scale)  # type: ignore[arg-type]
    torch.nn.init.normal_(model.towers.last, 0.0, 0.5)
    torch.nn.init.normal_(model.gates.clean.weight, 0.0, 0.2)
    for module in model.modules():
        if isinstance(module, HybridAttention):
            torch.nn.init.normal_(module.weight)
    return model


def _waves(n: int, n_samples: int = 320, seed: int = 0) -> "torch.Tensor":
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 1, n_samples)).astype(np.float32))


def _people(n: int) -> "torch.Tensor":
    people = torch.tensor([30.0, 1.0, 180.0, 80.0]).repeat(n, 1)
    people[::2, 1] = float("nan")
    return people


def _apart(model: LSM2oE, a: Output, b: Output) -> float:
    """Largest difference in label deviations."""
    pairs = ((a.mean, b.mean), (a.q05, b.q05), (a.q95, b.q95))
    return max(float(((x - y) / model.units.sd).detach().abs().max()) for x, y in pairs)


@pytest.mark.parametrize("options", KINDS)
def test_sparse_dense_and_plain_loops_give_the_same_answers_and_gradients(options: dict[str, object]) -> None:
    model = _model(**options).eval()
    naive = NaiveDense(model).eval()
    gradients, answers = [], []
    for dispatch, which in (("sparse", model), ("dense", model), ("sparse", naive)):
        model.dispatch = dispatch  # type: ignore[assignment]
        model.zero_grad()
        out = which(_waves(9), _people(9))
        level = (out.mean - model.units.mean) / model.units.sd
        width = (out.q95 - out.q05) / model.units.sd
        (level.square().mean() + width.mean() + out.log_scale.mean()).backward()
        gradients.append(_gradients(model, naive if which is naive else None))
        answers.append(out)
    assert float(answers[0].mean.detach().std(dim=0).max()) > 0.01, (
        "all windows alike; the test would show nothing"
    )
    for other in (1, 2):
        assert _apart(model, answers[0], answers[other]) < 1e-5
        assert (answers[0].features - answers[other].features).abs().max() < 1e-5
        assert gradients[0].keys() == gradients[other].keys()
        for name, grad in gradients[0].items():
            torch.testing.assert_close(gradients[other][name], grad, rtol=1e-3, atol=1e-5, msg=name)


def _gradients(model: LSM2oE, naive: NaiveDense | None) -> dict[str, "torch.Tensor"]:
    """By name; an expert's from the plain mixture, whose experts are apart, if there is one."""
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    for name, _ in model.experts.named_parameters() if naive else ():
        each = [dict(expert.named_parameters())[name].grad for expert in naive.each]
        found[f"experts.{name}"] = torch.cat(each)
    return found


@pytest.mark.parametrize("width", [4, 12, 36, 64, 100])
def test_attention_is_the_published_loop(width: int) -> None:
    torch.manual_seed(0)
    layer = HybridAttention(3, width)
    torch.nn.init.normal_(layer.weight)
    assert width % (2 * layer.n_groups) == 0
    x = torch.randn(6, width, 11)
    shuffled = x.unflatten(1, (layer.n_groups, -1)).transpose(1, 2).flatten(1, 2).transpose(1, 2)
    lanes = Sparse(
        torch.tensor([0, 0, 1, 2, 2, 2]), torch.arange(6), torch.tensor([2, 3, 6], dtype=torch.int32)
    )
    skip = torch.randn(6, 11, width)
    found = (layer(shuffled.contiguous(), lanes, skip) - skip).transpose(1, 2)
    for i, expert in enumerate(lanes.expert.tolist()):
        # What stays of the published module is its input order; ours starts from the order it ends in.
        told = loop_attention(x[i : i + 1], layer.weight[expert])
        torch.testing.assert_close(found[i : i + 1], told, rtol=1e-4, atol=1e-5)


def test_widths_get_the_most_groups_that_fit() -> None:
    assert {h: attention_groups(h) for h in (4, 32, 48, 64, 96, 100, 128)} == {
        4: 2, 32: 16, 48: 24, 64: 32, 96: 24, 100: 25, 128: 32,
    }  # fmt: skip


@pytest.mark.parametrize("layer", [Temporal(3, 8), HybridAttention(3, 8)])
def test_gradients_written_by_hand_are_right(layer: "torch.nn.Module") -> None:
    lanes = Sparse(torch.tensor([0, 2, 2]), torch.arange(3), torch.tensor([1, 1, 3], dtype=torch.int32))
    exact = layer.double()
    torch.nn.init.normal_(exact.weight)
    x = torch.randn(3, 5, 8, dtype=torch.float64, requires_grad=True)

    skips = isinstance(layer, HybridAttention)
    skip = (torch.randn(3, 5, 8, dtype=torch.float64, requires_grad=True),) if skips else ()

    def run(x: "torch.Tensor", weight: "torch.Tensor", *skip: "torch.Tensor") -> "torch.Tensor":
        return torch.func.functional_call(exact, {"weight": weight}, (x, lanes, *skip))

    assert torch.autograd.gradcheck(run, (x, exact.weight.detach().requires_grad_(), *skip))


def test_a_grouped_product_with_an_expert_nobody_chose() -> None:
    chosen = torch.zeros(4, 1, 3, dtype=torch.bool)
    chosen[:, 0, 0] = chosen[1, 0, 2] = True
    lanes, x, weight = Sparse.of(chosen), torch.randn(4, 7, 6), torch.randn(3, 6, 5, requires_grad=True)
    out = lanes.matmul(lanes.gather(x), weight)
    told = torch.cat((x @ weight[0], x[1:2] @ weight[2]))
    torch.testing.assert_close(out, told)
    out.mean().backward()  # an expanded gradient
    assert weight.grad is not None and (weight.grad[1] == 0).all() and (weight.grad[2] != 0).all()


def test_dense_lanes_broadcast() -> None:
    x, weight = torch.randn(4, 7, 6), torch.randn(3, 6, 5)
    dense = Dense(3)
    torch.testing.assert_close(
        dense.matmul(dense.gather(x), weight), torch.einsum("bti,eio->ebto", x, weight)
    )


@pytest.mark.parametrize("strength", [1.0, 1e3])
@pytest.mark.parametrize("outputs", ["physiology", "unconstrained"])
def test_order_of_pressures_and_quantiles_whatever_the_weights(outputs: str, strength: float) -> None:
    model = _model(outputs=outputs).eval()
    torch.nn.init.normal_(model.towers.last, 0.0, strength)
    with torch.no_grad():
        out = model(_waves(50))
    assert (out.q05 < out.mean).all() and (out.mean < out.q95).all()
    if outputs == "physiology":
        sbp, middle, dbp, stroke = out.mean.T
        assert (dbp < middle).all() and (middle < sbp).all() and (stroke >= 0).all()


def test_an_untrained_mixture_says_the_label_mean_and_spread() -> None:
    labels = np.random.default_rng(0).normal(size=(50, 10)) * 5 + [130, 95, 75, 60, 5, 3, 70, 40, 1200, 2000]
    scale = LabelScale.from_labels(labels)
    for outputs in ("physiology", "unconstrained"):
        model = LSM2oE(ModelConfig(**TINY, outputs=outputs), scale).eval()  # type: ignore[arg-type]
        out = model(_waves(3))
        places = [PARAMETERS.index(name) for name in model.parameters_out]
        sd = np.array(scale.sd)[places]
        mean = out.mean.detach().numpy()
        assert np.abs(mean - np.array(scale.mean)[places]).max() < 0.02
        assert np.allclose((out.q95 - out.mean).detach(), 1.645 * sd, rtol=1e-2)
        assert (out.log_scale == 0).all()


def test_answers_do_not_depend_on_the_rest_of_the_batch() -> None:
    model, waves = _model(use_msfgm=True).eval(), _waves(8)
    alone = torch.cat([model(waves[i : i + 1]).mean for i in range(8)])
    torch.testing.assert_close(model(waves).mean, alone, rtol=1e-5, atol=1e-3)


def test_gates_do_not_care_where_a_beat_starts() -> None:
    model, t_s = _model().eval(), torch.arange(640) / 64
    waves = (
        torch.stack([torch.sin(2 * np.pi * 1.25 * (t_s - shift)) for shift in (0.0, 0.2, 0.5)])[:, None] * 1.4
    )
    p = model(waves.float()).routing.probability
    other = model(waves.float()[:, :, :416]).routing.probability
    assert (p - p[:1]).abs().max() < 0.02
    assert (p - other).abs().max() < 0.04


@pytest.mark.parametrize("n_samples", [134, 320, 467, 640])
def test_any_length_trains_and_every_parameter_gets_a_gradient(n_samples: int) -> None:
    model = _model(use_msfgm=True, noisy_gating=True, demographics=True).train()
    out = model(_waves(32, n_samples), _people(32))
    loss = out.mean.mean() + out.q05.mean() + out.q95.mean() + out.log_scale.mean()
    (loss + out.routing.balance + out.routing.z).backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not missing
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_flat_window_gives_numbers() -> None:
    out = _model().eval()(torch.zeros(2, 1, 320))
    assert torch.isfinite(out.mean).all()


def test_unknown_demographics_are_unknown_however_they_are_said() -> None:
    model, waves = _model(demographics=True).eval(), _waves(4)
    nothing = model(waves, torch.full((4, 4), float("nan"))).mean
    assert torch.equal(model(waves).mean, nothing)
    assert not torch.equal(model(waves, _people(4)).mean, nothing)
    assert torch.isfinite(model(waves, _people(4)).mean).all()


@pytest.mark.parametrize(
    ("waves", "people"),
    [((2, 320), None), ((2, 3, 320), None), ((2, 1, 100), None), ((2, 1, 700), None), ((2, 1, 320), (3, 4))],
)
def test_wrong_shapes_are_refused(waves: tuple[int, ...], people: tuple[int, ...] | None) -> None:
    with pytest.raises(ValueError, match="give \\("):
        _model()(torch.zeros(waves), None if people is None else torch.zeros(people))


def _trained(seed: int) -> "torch.Tensor":
    model = _model(seed, noisy_gating=True, use_msfgm=True).train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    torch.manual_seed(seed)
    for i in range(3):
        optimiser.zero_grad()
        out = model(_waves(12, seed=i))
        ((out.mean - 100) / model.units.sd).square().mean().backward()
        optimiser.step()
    return model.eval()(_waves(5)).mean


def test_the_same_seed_trains_to_the_same_bits() -> None:
    assert torch.equal(_trained(1), _trained(1))
    assert not torch.equal(_trained(1), _trained(2))


@pytest.mark.parametrize("options", [{}, {"use_msfgm": True, "noisy_gating": True}, {"expert_type": "msfgm"}])
def test_a_rate_that_moves_the_label_is_found(options: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    rate_hz = rng.uniform(0.9, 1.8, 256)
    angle = 2 * np.pi * (rate_hz[:, None] * np.arange(320) / 64 + rng.random((256, 1)))
    ppg = torch.from_numpy((np.sqrt(2) * np.sin(angle)).astype(np.float32))[:, None]
    told = torch.from_numpy((10 * (rate_hz - 1.35) / 0.45).astype(np.float32))[:, None]
    torch.manual_seed(0)
    model = LSM2oE(ModelConfig(**{**TINY, **options}, dropout=0.0)).train()  # type: ignore[arg-type]
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(80):
        rows = slice(64 * (step % 3), 64 * (step % 3 + 1))
        optimiser.zero_grad()
        out = model(ppg[rows])
        error = (out.mean - model.units.mean - told[rows]) / model.units.sd
        (error.square().mean() + 0.01 * out.routing.balance + 1e-3 * out.routing.z).backward()
        optimiser.step()
    with torch.no_grad():
        out = model.eval()(ppg[192:])
    for column in range(4):
        assert np.corrcoef(out.mean[:, column], told[192:, 0])[0, 1] > 0.9
    assert (out.routing.chosen.any(dim=1).sum(dim=0) > 0).sum() >= 3, "most experts are never asked"


def test_activation_memory_grows_with_pairs_not_with_experts() -> None:
    def kept(**options: object) -> int:
        model, total = _model(**options).train(), 0

        def pack(tensor: "torch.Tensor") -> "torch.Tensor":
            nonlocal total
            if not isinstance(tensor, torch.nn.Parameter):
                total += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            model(_waves(32))
        return total

    few, many = kept(num_experts=4, k=2), kept(num_experts=16, k=2)
    assert many < 1.1 * few
    assert kept(num_experts=16, k=4) > 1.5 * many


def test_complexity_counts_what_is_there() -> None:
    model = _model(use_msfgm=True, hidden_channels=16)
    macs = count_macs(model, 640)
    blocks = sum(p.numel() for n, p in model.experts[0].named_parameters() if n.split(".")[-1] == "weight")
    attention = model.experts[0].second.attention.weight.numel()
    gains = 0
    assert macs.expert == 80 * (blocks - attention - gains) // 5
    assert macs.dense - macs.as_run == 3 * macs.expert
    assert count_params(model) == sum(p.numel() for p in model.parameters())
    half = count_macs(model, 320)
    assert half.bottom * 2 == macs.bottom and half.expert * 2 == macs.expert


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., "tuple[LSM2oE, Path]"]:
    def export(**options: object) -> tuple[LSM2oE, Path]:
        model = _model(**options).eval()
        path = tmp_path_factory.mktemp("graph") / "model.onnx"
        inputs = {"ppg": torch.zeros(2, 1, 480)}
        if model.demographics is not None:
            inputs["demographics"] = torch.full((2, 4), float("nan"))
        path.write_bytes(graph_bytes(Deployed(model), inputs, ("mean", "q05", "q95", "log_scale")))
        model.dispatch = "sparse"
        return model, path

    return export


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "options", [{"use_msfgm": True, "noisy_gating": True}, {"demographics": True, "outputs": "unconstrained"}]
)
def test_torch_and_onnx_agree_on_fresh_windows(
    exported: Callable[..., "tuple[LSM2oE, Path]"], options
) -> None:  # type: ignore[no-untyped-def]
    onnxruntime = pytest.importorskip("onnxruntime")
    model, path = exported(**options)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (1, 7):
        for seconds in (5.0, 7.3, 10.0):
            ppg = _waves(batch, round(64 * seconds), seed=batch)
            feed = {"ppg": ppg.numpy()}
            if model.demographics is not None:
                feed["demographics"] = _people(batch).numpy()
            with torch.no_grad():
                out = model(ppg, _people(batch))
            found = session.run(["mean", "q05", "q95", "log_scale"], feed)
            for told, got in zip((out.mean, out.q05, out.q95), found, strict=False):
                assert np.abs((told.numpy() - got) / model.units.sd.numpy()).max() < 1e-4
            assert np.abs(out.log_scale.numpy() - found[3]).max() < 1e-4
    assert model.dispatch == "sparse"
