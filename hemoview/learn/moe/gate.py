"""One noisy top-k gate per task group, and what its choices cost the balance of the experts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.moe.noise import chance_above, disturbed

_FIRST_WEIGHT_SD = 0.01
_LEAST_SCALE = 0.01


@dataclass(frozen=True, slots=True)
class Routing:
    """What the gates decided for one batch; B windows, G gates, E experts.

    Args:
        importance: ``(G, E)`` sum of gate values over the batch.
        load: ``(G, E)`` expected number of windows under fresh noise; sums to B·k over experts. Without noise: counts.
        balance: CV²(importance) + CV²(load), mean over gates; unweighted.
        z: mean squared log-sum-exp of the clean logits, which keeps them small.
        probability: ``(B, G, E)`` softmax of the clean logits over all experts.
        gates: ``(B, G, E)`` weights of the chosen experts, summing to 1; zero elsewhere.
        chosen: ``(B, G, E)`` bool, k true in each gate.
    """

    importance: Tensor
    load: Tensor
    balance: Tensor
    z: Tensor
    probability: Tensor
    gates: Tensor
    chosen: Tensor


class Gates(nn.Module):  # type: ignore[misc]
    """Reads features that depend on neither beat phase nor window length, so routing cannot either.

    Args:
        n_in: features.
        n_gates, n_experts, k: G, E, and experts that are chosen.
        noise_type: family of the training noise; None for none.
        agree: the gates choose the same k experts, by the mean of their logits, and differ in the weights.
    """

    def __init__(
        self, n_in: int, n_gates: int, n_experts: int, k: int, noise_type: str | None, *, agree: bool
    ) -> None:
        super().__init__()
        self.shape = (n_gates, n_experts)
        self.k = k
        noise_type = (
            noise_type if k < n_experts else None
        )  # nothing to explore, and a scale nothing would train
        self.noise_type = noise_type
        self.agree = agree
        self.clean = nn.Linear(n_in, n_gates * n_experts, bias=False)
        nn.init.normal_(
            self.clean.weight, 0.0, _FIRST_WEIGHT_SD
        )  # at zero all experts tie and the same k win
        n_votes = 1 if agree else n_gates
        self.scale = nn.Linear(n_in, n_votes * n_experts, bias=False) if noise_type else None
        if self.scale is not None:
            nn.init.zeros_(self.scale.weight)

    def forward(self, features: Tensor) -> Routing:
        """``(B, n_in)`` → routing."""
        logits = self.clean(features).unflatten(1, self.shape)
        votes = logits.mean(dim=1, keepdim=True) if self.agree else logits
        scale = None
        noisy = votes
        if self.training and self.noise_type and self.scale is not None:
            scale = functional.softplus(self.scale(features)).unflatten(1, (-1, self.shape[1])) + _LEAST_SCALE
            noisy = disturbed(votes, scale, self.noise_type)
        top = noisy.topk(self.k, dim=2).indices
        chosen = torch.zeros_like(noisy).scatter(2, top, 1.0) > 0
        load = self._load(votes, noisy, scale, chosen).expand(self.shape)
        heard = logits + (noisy - votes)
        gates = torch.softmax(heard.masked_fill(~chosen, float("-inf")), dim=2)
        importance = gates.sum(dim=0)
        balance = (spread(importance) + spread(load)).mean()
        z = torch.logsumexp(logits, dim=2).square().mean()
        return Routing(
            importance, load, balance, z, torch.softmax(logits, dim=2), gates, chosen.expand_as(gates)
        )

    def _load(self, votes: Tensor, noisy: Tensor, scale: Tensor | None, chosen: Tensor) -> Tensor:
        if scale is None or self.noise_type is None or self.k == self.shape[1]:
            return chosen.to(votes.dtype).sum(dim=0)
        # An expert is selected under fresh noise if it beats the k-th best of the others as they are.
        best = noisy.topk(self.k + 1, dim=2).values
        to_beat = torch.where(chosen, best[..., self.k :], best[..., self.k - 1 : self.k])
        return chance_above(votes, scale, to_beat, self.noise_type).sum(dim=0)


def spread(per_expert: Tensor) -> Tensor:
    """Squared coefficient of variation over experts, ``(G, E)`` → ``(G,)``; 0 for a single expert."""
    if per_expert.shape[1] == 1:
        return torch.zeros_like(per_expert[:, 0])
    return per_expert.var(dim=1) / (per_expert.mean(dim=1).square() + 1e-10)
