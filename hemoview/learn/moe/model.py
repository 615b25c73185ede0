"""LSM²oE: pulse wave → ten parameters' means and quantiles, through a sparse mixture of experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.moe import demographics as people
from hemoview.learn.moe.bottom import SharedBottom, pooled
from hemoview.learn.moe.config import LabelScale, ModelConfig
from hemoview.learn.moe.gate import Gates, Routing
from hemoview.learn.moe.heads import PhysicalUnits, Towers
from hemoview.learn.moe.lanes import Dense, Lanes, Sparse
from hemoview.learn.moe.layers import Msfgm, ResidualBlock

SAMPLES_MIN: Final = 134
"""2.1 s at 64 Hz, for pre-training; the bedside gives 5 to 10 s."""
SAMPLES_MAX: Final = 640


@dataclass(frozen=True, slots=True)
class Output:
    """Answers for B windows and P parameters.

    Args:
        mean, q05, q95: ``(B, P)`` physical units; q05 < mean < q95.
        log_scale: ``(B, P)`` log deviation of the error, in label deviations.
        features: ``(B, D)`` the gates' mixtures, averaged; for distillation.
        routing: what the gates decided.
    """

    mean: Tensor
    q05: Tensor
    q95: Tensor
    log_scale: Tensor
    features: Tensor
    routing: Routing


class LSM2oE(nn.Module):  # type: ignore[misc]
    """Shared bottom → experts on its feature map → a gate per task group → a tower per task.

    ``dispatch`` is ``sparse`` (each chosen window–expert pair once, memory by pairs) or ``dense`` (every pair, static
    shapes, for export); the answers are the same.

    Args:
        config: shape.
        scale: label statistics of the training rows.
    """

    def __init__(self, config: ModelConfig, scale: LabelScale | None = None) -> None:
        super().__init__()
        self.config = config
        self.scale = scale or LabelScale()
        self.dispatch: Literal["sparse", "dense"] = "sparse"
        width, n_features = config.hidden_channels, 2 * config.hidden_channels
        self.bottom = SharedBottom(width, use_msfgm=config.use_msfgm)
        self.demographics = people.Demographics() if config.demographics else None
        extra = people.N_FEATURES if config.demographics else 0
        gate_of = config.gate_of_parameter
        noise = config.noise_type if config.noisy_gating else None
        self.gates = Gates(
            n_features + extra,
            max(gate_of) + 1,
            config.num_experts,
            config.k,
            noise,
            agree=config.selection == "window",
        )
        self.experts = nn.ModuleList(_expert_blocks(config))
        self.towers = Towers(len(gate_of), n_features + extra, max(16, width // 2), config.dropout)
        self.units = PhysicalUnits(config, self.scale)
        self.register_buffer("gate_of", torch.tensor(gate_of), persistent=False)

    @property
    def parameters_out(self) -> tuple[str, ...]:
        """Names of the outputs' columns."""
        return self.config.parameters_out

    def forward(self, ppg: Tensor, demographics: Tensor | None = None) -> Output:
        """Estimate.

        Args:
            ppg: ``(B, 1, time)`` float32, 64 Hz, from ``dsp.preprocess``; 134 to 640 samples.
            demographics: ``(B, 4)`` age_y, sex (0 female, 1 male), height_cm, weight_kg, NaN = unknown; None = all
                unknown. Not looked at by a model configured without.

        Raises:
            ValueError: another shape.
        """
        _refuse(ppg, demographics)
        shared = self.bottom(ppg, static=self.dispatch == "dense")
        summary = functional.layer_norm(pooled(shared), (2 * self.config.hidden_channels,))
        person = self._person(ppg, demographics)
        routing: Routing = self.gates(summary if person is None else torch.cat((summary, person), dim=1))
        mixed = self._mixed(shared, routing)
        read = mixed.index_select(1, self.gate_of)
        if person is not None:
            read = torch.cat((read, person.unsqueeze(1).expand(-1, read.shape[1], -1)), dim=2)
        mean, q05, q95, log_scale = self.units(self.towers(read))
        return Output(mean, q05, q95, log_scale, mixed.mean(dim=1), routing)

    def _mixed(self, shared: Tensor, routing: Routing) -> Tensor:
        """Shared map ``(B, time, H)`` → each gate's mixture of pooled expert outputs ``(B, G, 2H)``."""
        lanes: Sparse | Dense = (
            Sparse.of(routing.chosen) if self.dispatch == "sparse" else Dense(self.config.num_experts)
        )
        return lanes.mix(pooled(self._run_experts(lanes.gather(shared), lanes)), routing.gates)

    def _run_experts(self, x: Tensor, lanes: Lanes) -> Tensor:
        for block in self.experts:
            x = block(x, lanes)
        return x

    def _person(self, ppg: Tensor, demographics: Tensor | None) -> Tensor | None:
        if self.demographics is None:
            return None
        if demographics is None:
            demographics = torch.full((ppg.shape[0], 4), float("nan"), device=ppg.device, dtype=ppg.dtype)
        features: Tensor = self.demographics(demographics)
        return features


class Deployed(nn.Module):  # type: ignore[misc]
    """A mixture as an ONNX graph sees it: tensors in, ``(mean, q05, q95, log_scale)`` out, dense and in evaluation."""

    def __init__(self, model: LSM2oE) -> None:
        super().__init__()
        self.model = model
        model.dispatch = "dense"
        self.eval()

    def forward(
        self, ppg: Tensor, demographics: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As :meth:`LSM2oE.forward`."""
        out = self.model(ppg, demographics)
        return out.mean, out.q05, out.q95, out.log_scale


def _expert_blocks(config: ModelConfig) -> list[nn.Module]:
    n, width = config.num_experts, config.hidden_channels
    if config.expert_type == "msfgm":
        return [Msfgm(n, width) for _ in range(config.n_blocks + 1)]
    return [ResidualBlock(n, width, use_msfgm=config.use_msfgm) for _ in range(config.n_blocks)]


def _refuse(ppg: Tensor, demographics: Tensor | None) -> None:
    if torch.compiler.is_exporting():
        return
    if ppg.ndim != 3 or ppg.shape[1] != 1 or not SAMPLES_MIN <= ppg.shape[2] <= SAMPLES_MAX:
        raise ValueError(
            f"ppg of shape {tuple(ppg.shape)}; give (windows, 1, samples) with {SAMPLES_MIN} to {SAMPLES_MAX} "
            "samples at 64 Hz"
        )
    if demographics is not None and demographics.shape != (ppg.shape[0], len(people.FIELDS)):
        raise ValueError(
            f"demographics of shape {tuple(demographics.shape)}; give ({ppg.shape[0]}, {len(people.FIELDS)}): "
            + ", ".join(people.FIELDS)
        )
