"""Where training starts: regularised canonical correlation of pictures and texts, in closed form.

With a few hundred captioned pictures and 1,280 features, what is learned must lean on directions
in which pictures really differ. Canonical correlation with strong regularisation does that in one
step, and is better on captions than any amount of gradient steps from a random start.

Source: Hotelling, Relations between two sets of variates, Biometrika 28 (1936); the ridge after
Vinod, Canonical ridge and econometrics of joint production, Journal of Econometrics 4 (1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Source:
    """Pictures (n, f) and the captions of each (n, c, t), and how much they count."""

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
    """Directions in which pictures and texts vary together over all sources.

    Each source is centred on its own, so that no direction is spent on telling sources apart;
    texts keep their mean in their own moments, as the text head has no bias to take it out.

    Args:
        sources: Standardised picture features with raw text features.
        d: Number of directions to keep.
        image_ridge: Added to the variance of every picture direction, in units of their mean.
        text_ridge: The same for texts.
    """
    pictures = [s.images - s.images.mean(0) for s in sources]
    texts = [s.texts.flatten(0, 1) for s in sources]
    averages = [s.texts.mean(1) for s in sources]
    weights = [s.weight for s in sources]
    whiten_images = _inverse_root(_moments(weights, pictures, pictures), image_ridge)
    whiten_texts = _inverse_root(_moments(weights, texts, texts), text_ridge)
    shared = _moments(weights, pictures, averages)
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
    """(moments + ridge * their mean)^(-1/2): takes out scale where there is any, and no more."""
    values, vectors = torch.linalg.eigh(moments)
    return vectors @ ((values + ridge * values.mean()) ** -0.5).diag() @ vectors.T
