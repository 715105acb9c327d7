"""The heads in training, and the pairs of pictures and texts they are shown."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import dropout, normalize

from tests.bench.starter.pictures import Captioned

Pair = tuple[torch.Tensor, torch.Tensor]
DROPPED = 0.5
"""Share of the picture features that is left out at random while training."""
MIXING = 0.3
"""Shape of the Beta distribution that says how far two pairs are blended."""
STEPS = (0.5, 1.0, 2.0)
"""How far along its classifier row a class's pseudo-picture lies."""


class Head(nn.Module):
    """A linear map behind a fixed whitening; one matrix once it is trained."""

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
        """Unit rows of what is left when some features are missing."""
        rows: torch.Tensor = self(dropout(features, DROPPED))
        return rows

    def weight(self) -> torch.Tensor:
        """(d, f): both maps in one."""
        return (self.whitening @ self.directions.detach()).T


class Pairs:
    """Captioned pictures as standardised features, mixed so that picture and text stay together."""

    def __init__(self, source: Captioned, mean: torch.Tensor, scale: torch.Tensor) -> None:
        self.images = (source.images - mean) / scale
        captions = max(len(t) for t in source.texts)
        # Fewer captions than the longest list: they come round again.
        rounds = [t[torch.arange(captions) % len(t)] for t in source.texts]
        self.texts = torch.stack(rounds)

    def __len__(self) -> int:
        return len(self.images)

    def mixed(self, rows: torch.Tensor) -> Pair:
        """Two views of a picture blended, its captions averaged, then pairs blended with others."""
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
    """What the image tower knows from ImageNet: its classifier, and the names of the classes."""

    def __init__(self, names: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> None:
        from core.encoders import starter_modules

        self.classifier, self.offset = starter_modules.classifier()
        # Along a class's own row, in steps of standard deviations: a picture of that class.
        rows = self.classifier / self.classifier.norm(dim=1, keepdim=True)
        self.pictures = rows * rows.shape[1] ** 0.5
        self.names, self.mean, self.scale = names, mean, scale

    def named(self, n: int) -> Pair:
        """Pseudo-pictures of n classes and their names in one of several wordings."""
        classes = torch.randperm(len(self.names))[:n]
        steps = torch.tensor(STEPS)[torch.randint(len(STEPS), (n, 1))]
        return steps * self.pictures[classes], self.any_names()[classes]

    def judged(self, images: torch.Tensor) -> Pair:
        """The same features as far as pooled activations can be so, and the classifier's view."""
        raw = (images * self.scale + self.mean).clamp(min=0)
        return (raw - self.mean) / self.scale, (raw @ self.classifier.T + self.offset).softmax(1)

    def any_names(self) -> torch.Tensor:
        """Every class's name, each in a random wording."""
        wording = torch.randint(self.names.shape[1], (len(self.names),))
        return self.names[torch.arange(len(self.names)), wording]
