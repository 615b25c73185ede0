"""torch = ONNX = golden on fresh windows, and what int8 costs. Needs torch (the learn extra)."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install 'hemoview[learn]')")

import onnx  # noqa: E402

from hemoview.estimate import bundle  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset  # noqa: E402
from hemoview.learn import export, prepare  # noqa: E402
from hemoview.learn.batches import Drawing, Part  # noqa: E402
from hemoview.learn.compress import pipeline, qat, quantise  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402
from hemoview.learn.moe.model import LSM2oE  # noqa: E402
from hemoview.learn.run_config import RunConfig  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402

pytestmark = [pytest.mark.learn, pytest.mark.timeout(600)]

KINDS: list[dict[str, Any]] = [
    {},
    {"use_msfgm": True, "demographics": True, "outputs": "unconstrained", "hidden_channels": 12},
]


def _model(**more: Any) -> LSM2oE:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model: LSM2oE = LSM2oE(
        ModelConfig(**{"num_experts": 3, "hidden_channels": 16, "k": 2, "n_blocks": 1, **more})
    )
    with torch.no_grad():
        model.towers.last.normal_(0.0, 0.3)
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.normal_(0.0, 0.2)
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand_like(value))
        model.bottom.norm.bias.normal_(0.0, 0.2)
    model.eval()
    return model


def _waves(n: int, seconds: float, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, round(64 * seconds))).astype(np.float32)


@pytest.fixture(scope="module", params=KINDS, ids=["separable", "msfgm"])
def network(request: pytest.FixtureRequest) -> tuple[LSM2oE, bytes]:
    model = _model(**request.param)
    return model, export.model_bytes(export.AtBedside(model))


@pytest.fixture(scope="module")
def small() -> tuple[LSM2oE, bytes]:
    model = _model(n_blocks=2)
    return model, export.model_bytes(export.AtBedside(model))


@pytest.fixture(scope="module")
def rows(people: Dataset) -> Part:
    return prepare.part_of(people, people.subjects)


def _off(model: bytes, other: bytes, windows: NDArray[np.float32], sd: NDArray[np.float32]) -> float:
    """Mean distance of the means in label deviations, of the parameter that suffers most."""
    one, two = (quantise.answers(m, windows)["mean"] for m in (model, other))
    return float((np.abs(one - two).mean(axis=0) / sd).max())


def test_torch_onnx_and_golden_agree_on_fresh_windows(network: tuple[LSM2oE, bytes]) -> None:
    model, file = network
    for batch in (1, 7, 64):
        for seconds in (5.0, 7.3, 10.0):
            ppg = _waves(batch, seconds, seed=batch)
            with torch.no_grad():
                out = model(torch.from_numpy(ppg[:, None]))  # sparse, norms not folded, person unknown
            said = quantise.answers(file, ppg)
            for name in bundle.OUTPUTS:
                torch.testing.assert_close(
                    torch.from_numpy(said[name]), getattr(out, name), rtol=1e-4, atol=1e-4, msg=name
                )
    cases = export.golden(export.AtBedside(model), _waves(9, 10.0, seed=3), seed=1)
    assert sorted(key for key in cases if key.endswith("_ppg")) == [f"{i}_ppg" for i in range(6)]
    again = quantise.golden(file, cases)
    for key, value in cases.items():
        assert np.max(np.abs(again[key] - value) / (1 + np.abs(value))) <= bundle.GOLDEN_TOLERANCE, key


def test_the_graph_has_one_input_three_outputs_and_no_trace_of_the_machine(
    network: tuple[LSM2oE, bytes],
) -> None:
    graph = onnx.load_from_string(network[1]).graph
    assert [i.name for i in graph.input] == ["ppg"]
    assert [o.name for o in graph.output] == ["mean", "q05", "q95"]
    assert not [n for n in graph.node if n.op_type == "BatchNormalization"]
    for blob in (network[1], quantise.int8_weights(network[1])):
        assert b"/work" not in blob and b"site-packages" not in blob and b".py" not in blob


def test_the_exported_copy_leaves_the_model_alone() -> None:
    model = _model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export.AtBedside(model)
    assert model.dispatch == "sparse"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_int8_weights_are_much_smaller_and_hardly_different(small: tuple[LSM2oE, bytes], rows: Part) -> None:
    model, file = small
    stored = quantise.int8_weights(file)
    weights = sum(v.numel() for n, v in model.named_parameters() if v.numel() >= 256)
    assert len(file) - len(stored) > 2 * weights
    assert 0 < _off(stored, file, rows.views[0], model.units.sd.numpy()) < 0.05
    assert quantise.int8_weights(file) == stored


def test_int8_arithmetic_stays_near_and_rounds_weights_and_activations(
    small: tuple[LSM2oE, bytes], rows: Part
) -> None:
    model, file = small
    made = quantise.static_int8(file, rows.views[0][:48])
    kinds = [node.op_type for node in onnx.load_from_string(made).graph.node]
    assert kinds.count("QuantizeLinear") >= 10
    assert kinds.count("DequantizeLinear") > kinds.count("QuantizeLinear")
    assert 0 < _off(made, file, rows.views[0][48:], model.units.sd.numpy()) < 0.2
    ppg = _waves(5, 7.3, seed=8)
    golden = quantise.golden(made, {"0_ppg": ppg[:, None]})
    np.testing.assert_allclose(golden["0_mean"], quantise.answers(made, ppg)["mean"], atol=1e-3)


@pytest.mark.parametrize(("shape", "keep"), [((6, 3, 5), (0,)), ((4, 7, 5), (-3, -1)), ((7, 5), (-3, -1))])
def test_rounding_is_within_half_a_step_of_each_channel(
    shape: tuple[int, ...], keep: tuple[int, ...]
) -> None:
    weight = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    weight[..., 0] = 0
    stored, scale = quantise.rounded(weight, keep)
    assert stored.dtype == np.int8 and np.abs(stored).max() == 127
    assert (np.abs(stored * scale - weight) <= 0.5001 * scale).all()
    assert scale.shape == tuple(n if i - len(shape) in keep or i in keep else 1 for i, n in enumerate(shape))


def test_fine_tuning_brings_int8_nearer_to_fp32(small: tuple[LSM2oE, bytes], rows: Part) -> None:
    model, file = small
    run = RunConfig(model=model.config, drawing=Drawing(batch_size=16, cut=False))
    network = export.AtBedside(model)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tuned = qat.fine_tuned(network, [rows], run, passes=6)
    assert all(torch.equal(v, before[n]) for n, v in network.state_dict().items())
    weight = tuned.network.model.experts[0].point.weight.detach()
    scale = weight.abs().amax(dim=1, keepdim=True) / 64
    assert torch.allclose(weight / scale, torch.round(weight / scale), atol=1e-3)
    windows, sd = rows.views[0], model.units.sd.numpy()
    rounded = quantise.static_int8(file, windows)
    learned = quantise.static_int8(export.model_bytes(tuned), windows)
    assert _off(learned, file, windows, sd) < _off(rounded, file, windows, sd)


def _form(form: str, size: int, off: float, ms: float) -> pipeline.Form:
    return pipeline.Form(form, form, bytes(size), {"SBP": off, "MAP": off / 2}, ms, ms)


def test_the_form_is_exact_enough_then_quick_then_small() -> None:
    settings = pipeline.Settings(most_bytes=500)
    fp32, stored = _form("fp32", 400, 0.0, 1.0), _form("int8-weights", 150, 0.004, 1.05)
    assert pipeline.choose([fp32, stored], settings)[0] is stored
    assert pipeline.choose([fp32, _form("int8-weights", 150, 0.03, 1.0)], settings)[0] is fp32
    assert pipeline.choose([fp32, _form("int8", 150, 0.004, 1.5)], settings)[0] is fp32
    assert pipeline.choose([_form("fp32", 600, 0.0, 1.0), stored], settings)[0] is stored
    forced, why = pipeline.choose([fp32, stored], pipeline.Settings(form="fp32"))
    assert (forced, why) == (fp32, "asked for")


def test_no_form_that_fits_is_a_refusal_with_figures() -> None:
    forms = [_form("fp32", 600, 0.0, 1.0), _form("int8", 150, 0.3, 1.0)]
    with pytest.raises(ConfigError, match=r"fp32 600 bytes.*0\.300 SD.*higher --target_sparsity"):
        pipeline.choose(forms, pipeline.Settings(most_bytes=500))
