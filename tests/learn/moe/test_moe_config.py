"""What a mixture may be made of. Needs no torch."""

import json

import numpy as np
import pytest

from hemoview.learn.moe.config import PARAMETERS, LabelScale, ModelConfig
from recorder.errors import ConfigError


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"k": 5, "num_experts": 4}, "k = 5"),
        ({"k": 0}, "k = 0"),
        ({"num_experts": 0}, "num_experts = 0"),
        ({"hidden_channels": 30}, "hidden_channels = 30"),
        ({"noise_type": "pink"}, "pink"),
        ({"expert_type": "vit"}, "vit"),
        ({"gates": "all"}, "gates"),
        ({"selection": "any"}, "selection"),
        ({"outputs": "ten"}, "outputs"),
        ({"dropout": 1.0}, "dropout"),
        ({"n_blocks": 0}, "n_blocks"),
        ({"k": 2.5}, "k = 2.5"),
        ({"num_experts": True}, "num_experts"),
        ({"use_msfgm": 1}, "use_msfgm"),
    ],
)
def test_what_makes_no_model_is_refused_by_name(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ModelConfig(**wrong)  # type: ignore[arg-type]


def test_a_configuration_survives_its_file() -> None:
    config = ModelConfig(num_experts=7, k=7, outputs="unconstrained", noise_type="beta", noisy_gating=True)
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    with pytest.raises(ConfigError, match="depth"):
        ModelConfig.from_json({**config.to_json(), "depth": 3})


def test_parameters_of_a_group_share_a_gate() -> None:
    assert ModelConfig().gate_of_parameter == (0, 0, 0, 1)
    ten = ModelConfig(outputs="unconstrained").gate_of_parameter
    assert dict(zip(PARAMETERS, ten, strict=True)) == {
        "SBP": 0, "MAP": 0, "DBP": 0, "CO": 1, "CI": 1, "SV": 1, "SI": 1, "HR": 2, "SVR": 3, "SVRI": 3,
    }  # fmt: skip
    assert ModelConfig(outputs="unconstrained", gates="task").gate_of_parameter == tuple(range(10))


def test_label_statistics_leave_out_what_is_missing() -> None:
    labels = np.full((4, 10), np.nan, dtype=np.float32)
    labels[:, 0], labels[:, 1], labels[:, 2] = (120, 130, 110, 140), (90, 95, 85, np.nan), (70, 75, 65, 60)
    scale = LabelScale.from_labels(labels)
    assert scale.mean[:3] == pytest.approx((125.0, 90.0, 67.5))
    assert scale.sd[0] == pytest.approx(np.std([120, 130, 110, 140]))
    assert scale.fraction == pytest.approx((20 + 20 + 20) / (50 + 55 + 45))
    assert scale.mean[3:] == LabelScale().mean[3:] and scale.sd[3:] == LabelScale().sd[3:]
    assert LabelScale.from_json(json.loads(json.dumps(scale.to_json()))) == scale


def test_label_statistics_without_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="10"):
        LabelScale.from_labels(np.zeros((5, 4)))
    swapped = np.full((3, 10), np.nan)
    swapped[:, 0], swapped[:, 2] = 70, 120
    with pytest.raises(ConfigError, match="label columns"):
        LabelScale.from_labels(swapped)
    with pytest.raises(ConfigError, match="sd"):
        LabelScale(sd=(1.0,) * 9)


def test_a_constant_label_keeps_a_usable_deviation() -> None:
    labels = np.full((3, 10), np.nan)
    labels[:, 6] = 80.0
    scale = LabelScale.from_labels(labels)
    assert scale.mean[6] == 80.0 and scale.sd[6] == LabelScale().sd[6]
