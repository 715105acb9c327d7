"""The initialization: regularized canonical correlation of images and texts, in closed form.

A few hundred captioned images and 1,280 features call for strong regularization towards directions
of high variance. Canonical correlation does that in one step, and reaches a better caption recall
than gradient steps from a random initialization.

Source: Hotelling, Relations between two sets of variates, Biometrika 28 (1936); the ridge after
Vinod, Canonical ridge and econometrics of joint production, Journal of Econometrics 4 (1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Source:
    """Images (n, f), their captions (n, c, t), and the weight of this source."""

    images: torch.Tensor
    texts: torch.Tensor
    weight: float


@dataclass(frozen=True)
class Start:
    """Whitening of both sides and the leading d directions, strongest first."""

    whiten_images: torch.Tensor
    whiten_texts: torch.Tensor
    images: torch.Tensor
    texts: torch.Tensor


def correlate(sources: list[Source], d: int, image_ridge: float, text_ridge: float) -> Start:
    """Directions in which images and texts vary together over all sources.

    Each source is centered on its own, so that no direction separates the sources; texts keep
    their mean in their own moments, as the text head has no bias to subtract it.

    Args:
        sources: Standardized image features with raw text features.
        d: Number of directions.
        image_ridge: Added to the variance of every image direction, in units of their mean.
        text_ridge: The same for texts.
    """
    images = [s.images - s.images.mean(0) for s in sources]
    texts = [s.texts.flatten(0, 1) for s in sources]
    averages = [s.texts.mean(1) for s in sources]
    weights = [s.weight for s in sources]
    whiten_images = _inverse_root(_moments(weights, images, images), image_ridge)
    whiten_texts = _inverse_root(_moments(weights, texts, texts), text_ridge)
    shared = _moments(weights, images, averages)
    left, strength, right = torch.linalg.svd(
        whiten_images @ shared @ whiten_texts, full_matrices=False
    )
    root = strength[:d].sqrt()
    return Start(whiten_images, whiten_texts, left[:, :d] * root, right[:d].T * root)


def _moments(
    weights: list[float], left: list[torch.Tensor], right: list[torch.Tensor]
) -> torch.Tensor:
    """The weighted sum of each source's mean products."""
    products = [w * a.T @ b / len(a) for w, a, b in zip(weights, left, right, strict=True)]
    return torch.stack(products).sum(0)


def _inverse_root(moments: torch.Tensor, ridge: float) -> torch.Tensor:
    """(moments + ridge * mean eigenvalue * I)^(-1/2)."""
    values, vectors = torch.linalg.eigh(moments)
    return vectors @ ((values + ridge * values.mean()) ** -0.5).diag() @ vectors.T
