"""The six noise families of a noisy gate, each with the distribution that belongs to it.

A family here is a way to draw noisy logits (:func:`disturbed`) and the probability that such a draw exceeds a
threshold (:func:`chance_above`); the two must match or the load of an expert is no probability. All have mean zero,
and ``scale`` is the standard deviation of the noise, except where a family says how its own deviation follows from it:

======================  ==================================================  =====================================
family                  noise                                               the published code instead
======================  ==================================================  =====================================
gaussian                s·N(0, 1)                                           the same
uniform                 s·U(−√3, √3)                                        s·U(0, 1): raised every logit by s/2
beta                    s·√8·(Beta(½, ½) − ½)                               s·Beta(½, ½): raised it by s/2
speckle                 s·(\\|z\\| + 0.01)·N(0, 1)                            s·z·N(0, 1): none at all at z = 0
poisson                 Pois(λ) − λ with λ = s·softplus(z)                  λ = s·z: undefined below z = 0
salt_and_pepper         ±s/√0.1, each for 5 % of logits, else 0             z ← 1 or 0: not about z, ignores s
======================  ==================================================  =====================================
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

SALTED: Final = 0.05
"""Part of the logits that go up, and part that goes down."""
_SALT: Final = 1 / math.sqrt(2 * SALTED)
_ROOT_2: Final = math.sqrt(2.0)
_ROOT_3: Final = math.sqrt(3.0)
_SPECKLE_FLOOR: Final = 0.01
_LEAST_DEVIATION: Final = 1e-4


def disturbed(logits: Tensor, scale: Tensor, family: str) -> Tensor:
    """Logits with fresh noise, drawn from torch's global generator.

    Args:
        logits: any shape.
        scale: positive, the same shape.
        family: one of ``config.NOISE_TYPES``.
    """
    if family == "poisson":
        rate = _rate(logits, scale).detach()
        return logits + (torch.poisson(rate) - rate)
    return logits + deviation(logits, scale, family) * _standard(logits, family)


def chance_above(logits: Tensor, scale: Tensor, threshold: Tensor, family: str) -> Tensor:
    """P(:func:`disturbed` > threshold), elementwise.

    Exact for every family. Poisson and salt-and-pepper have steps for a distribution function; their value is exact
    and their gradient that of a Gaussian with the same deviation.
    """
    spread = deviation(logits, scale, family)
    z = (logits - threshold) / spread
    gaussian = 0.5 * (1 + torch.erf(z / _ROOT_2))
    if family in {"gaussian", "speckle"}:
        return gaussian
    if family == "uniform":
        return (0.5 + z / (2 * _ROOT_3)).clamp(0, 1)
    if family == "beta":  # arcsine law on ±√2; asin has no gradient at the ends
        return 0.5 + torch.asin((z / _ROOT_2).clamp(-1 + 1e-6, 1 - 1e-6)) / math.pi
    with torch.no_grad():
        exact = (
            _poisson_above(threshold - logits, _rate(logits, scale))
            if family == "poisson"
            else _salt_above(z)
        )
    return gaussian + (exact - gaussian).detach()


def deviation(logits: Tensor, scale: Tensor, family: str) -> Tensor:
    """Standard deviation of the noise on each logit."""
    if family == "speckle":
        scale = scale * (logits.abs() + _SPECKLE_FLOOR)
    elif family == "poisson":
        scale = _rate(logits, scale).sqrt()
    return scale.clamp_min(_LEAST_DEVIATION)


def _standard(like: Tensor, family: str) -> Tensor:
    """Noise of mean 0 and deviation 1."""
    if family in {"gaussian", "speckle"}:
        return torch.randn_like(like)
    u = torch.rand_like(like)
    if family == "uniform":
        return (2 * u - 1) * _ROOT_3
    if family == "beta":  # the inverse of the arcsine law's distribution function
        return torch.sin(math.pi * (u - 0.5)) * _ROOT_2
    return _SALT * ((u < SALTED).to(like.dtype) - (u > 1 - SALTED).to(like.dtype))


def _rate(logits: Tensor, scale: Tensor) -> Tensor:
    """Positive for any logit, and close to the published s·z where that was defined and large."""
    return scale * functional.softplus(logits) + _LEAST_DEVIATION**2


def _poisson_above(step: Tensor, rate: Tensor) -> Tensor:
    """P(Pois(λ) − λ > step) = P(Pois(λ) ≥ n) with n = ⌊step + λ⌋ + 1, the regularised lower gamma function."""
    n = torch.floor(step + rate) + 1
    return torch.where(n <= 0, torch.ones_like(n), torch.special.gammainc(n.clamp_min(1), rate))


def _salt_above(z: Tensor) -> Tensor:
    """P(noise > −z) in units of its deviation."""
    return SALTED * (z > -_SALT) + (1 - 2 * SALTED) * (z > 0) + SALTED * (z > _SALT)
