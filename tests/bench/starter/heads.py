"""The heads in training, and the image-text pairs they are trained on."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import dropout, normalize

from tests.bench.starter.features import Captioned

Pair = tuple[torch.Tensor, torch.Tensor]
DROPPED = 0.5
"""Dropout rate of the image features in training."""
MIXING = 0.3
"""Shape of the Beta distribution of the mixup weight."""
STEPS = (0.5, 1.0, 2.0)
"""Lengths of a class's pseudo-image along its classifier row."""


class Head(nn.Module):
    """A linear map after a fixed whitening; one matrix after training."""

    def __init__(self, whitening: torch.Tensor, directions: torch.Tensor, *, bias: bool) -> None:
        super().__init__()
        self.whitening = whitening
        self.directions = nn.Parameter(directions.clone())
        zeros = torch.zeros(directions.shape[1])
        self.bias = nn.Parameter(zeros, requires_grad=bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Unit rows."""
        return normalize(features @ self.whitening @ self.directions + self.bias, dim=1)

    def dropped(self, features: torch.Tensor) -> torch.Tensor:
        """Unit rows under dropout."""
        rows: torch.Tensor = self(dropout(features, DROPPED))
        return rows

    def weight(self) -> torch.Tensor:
        """(d, f): the product of both maps."""
        return (self.whitening @ self.directions.detach()).T


class Pairs:
    """Captioned images as standardized features, with mixup of whole pairs."""

    def __init__(self, source: Captioned, mean: torch.Tensor, scale: torch.Tensor) -> None:
        self.images = (source.images - mean) / scale
        captions = max(len(t) for t in source.texts)
        # Shorter caption lists repeat, so that all have one length.
        rounds = [t[torch.arange(captions) % len(t)] for t in source.texts]
        self.texts = torch.stack(rounds)

    def __len__(self) -> int:
        return len(self.images)

    def mixed(self, rows: torch.Tensor) -> Pair:
        """Two views of an image interpolated, its captions averaged, then mixup between pairs."""
        n, views, captions = len(rows), self.images.shape[1], self.texts.shape[1]
        first, second = torch.randint(views, (2, n))
        share = torch.rand(n, 1)
        images = share * self.images[rows, first] + (1 - share) * self.images[rows, second]
        weights = torch.distributions.Dirichlet(torch.ones(captions)).sample((n,))
        texts = torch.einsum("nc,nct->nt", weights, self.texts[rows])
        amount = torch.distributions.Beta(MIXING, MIXING).sample((n, 1))
        other = torch.randperm(n)
        return (
            amount * images + (1 - amount) * images[other],
            amount * texts + (1 - amount) * texts[other],
        )


class Classes:
    """The image tower's ImageNet classifier, and the names of its classes."""

    def __init__(self, names: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> None:
        from core.encoders import starter_modules

        self.classifier, self.offset = starter_modules.classifier()
        # A class's own row, scaled to standard deviations: a pseudo-image of that class.
        rows = self.classifier / self.classifier.norm(dim=1, keepdim=True)
        self.pseudo_images = rows * rows.shape[1] ** 0.5
        self.names, self.mean, self.scale = names, mean, scale

    def named(self, n: int) -> Pair:
        """Pseudo-images of n classes and their names in one of several prompts."""
        classes = torch.randperm(len(self.names))[:n]
        steps = torch.tensor(STEPS)[torch.randint(len(STEPS), (n, 1))]
        return steps * self.pseudo_images[classes], self.any_names()[classes]

    def judged(self, images: torch.Tensor) -> Pair:
        """The features clamped to what pooled activations can be, and the classifier's softmax."""
        raw = (images * self.scale + self.mean).clamp(min=0)
        return (raw - self.mean) / self.scale, (raw @ self.classifier.T + self.offset).softmax(1)

    def any_names(self) -> torch.Tensor:
        """Every class's name, each in a random prompt."""
        prompt = torch.randint(self.names.shape[1], (len(self.names),))
        return self.names[torch.arange(len(self.names)), prompt]
