"""The heads in training, and the image-text pairs they are trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
POOLED = 1280
"""Features of the last map, which the ImageNet classifier sees; those of earlier blocks follow."""
EARLY_RIDGE = 0.3


class Head(nn.Module):
    """A linear map after a fixed whitening; one matrix after training."""

    def __init__(self, whitening: torch.Tensor, directions: torch.Tensor, *, bias: bool) -> None:
        super().__init__()
        self.whitening = whitening
        self.directions = nn.Parameter(directions.clone())
        zeros = torch.zeros(directions.shape[1])
        self.bias = nn.Parameter(zeros, requires_grad=bias)
        self.fold()

    def fold(self) -> None:
        """Multiply both maps, once for all batches of a step."""
        self.weight = self.whitening @ self.directions

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Unit rows."""
        return normalize(features @ self.weight + self.bias, dim=1)

    def dropped(self, features: torch.Tensor) -> torch.Tensor:
        """Unit rows under dropout."""
        rows: torch.Tensor = self(dropout(features, DROPPED))
        return rows


@dataclass(frozen=True)
class Domain:
    """Photographs, or drawings: the scale of their features.

    Args:
        mean: (f,) of the features.
        scale: (f,) standard deviations.
        early: (POOLED, f - POOLED) what early blocks show, by ridge regression on the pooled.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    early: torch.Tensor

    @classmethod
    def of(cls, images: torch.Tensor) -> Domain:
        """From (n, f) features."""
        mean, scale = images.mean(0), images.std(0) + 1e-3
        x = (images - mean) / scale
        pooled, early = x[:, :POOLED], x[:, POOLED:]
        moments = pooled.T @ pooled / len(x)
        ridge = EARLY_RIDGE * moments.trace() / POOLED * torch.eye(POOLED)
        return cls(mean, scale, torch.linalg.solve(moments + ridge, pooled.T @ early / len(x)))

    def standardized(self, images: torch.Tensor) -> torch.Tensor:
        """Features with mean 0 and standard deviation 1."""
        return (images - self.mean) / self.scale

    def completed(self, pooled: torch.Tensor) -> torch.Tensor:
        """(n, f) features of pseudo-images, of which only the pooled part is given."""
        return torch.cat([pooled, pooled @ self.early], dim=1)


class Pairs:
    """Captioned images as standardized features, with mixup of whole pairs."""

    def __init__(self, source: Captioned, domain: Domain) -> None:
        self.domain = domain
        self.images = domain.standardized(source.images)
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

    def some(self, n: int) -> Pair:
        """`mixed` of a random choice."""
        return self.mixed(torch.randperm(len(self))[:n])


class Classes:
    """The image tower's ImageNet classifier, the names of its classes, and those of groups."""

    def __init__(
        self, names: torch.Tensor, groups: torch.Tensor, members: Mapping[str, Sequence[int]]
    ) -> None:
        from core.encoders import starter_modules

        self.classifier, self.offset = starter_modules.classifier()
        # A class's own row, scaled to standard deviations: a pseudo-image of that class.
        rows = self.classifier / self.classifier.norm(dim=1, keepdim=True)
        self.rows = rows * rows.shape[1] ** 0.5
        self.names, self.groups = names, groups
        self.members = [torch.tensor(members[word]) for word in members]
        belongs = torch.zeros(len(members), len(names), dtype=torch.bool)
        for row, of in zip(belongs, self.members, strict=True):
            row[of] = True
        self.belongs = belongs

    def pseudo_images(self, classes: torch.Tensor, domain: Domain) -> torch.Tensor:
        """Pseudo-images of classes at random lengths."""
        steps = torch.tensor(STEPS)[torch.randint(len(STEPS), (len(classes), 1))]
        return domain.completed(steps * self.rows[classes])

    def named(self, n: int, domain: Domain) -> Pair:
        """Pseudo-images of n classes and their names in one of several prompts."""
        classes = torch.randperm(len(self.names))[:n]
        return self.pseudo_images(classes, domain), _any_prompt(self.names[classes])

    def grouped(self, domain: Domain) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """A pseudo-image of a member of each group, the groups' words, and which others fit."""
        classes = torch.stack([of[torch.randint(len(of), ())] for of in self.members])
        fits = self.belongs[:, classes].T  # (image, group)
        return self.pseudo_images(classes, domain), _any_prompt(self.groups), fits

    def judged(self, images: torch.Tensor, domain: Domain) -> Pair:
        """The features clamped to what pooled activations can be, and the classifier's softmax."""
        raw = (images * domain.scale + domain.mean)[:, :POOLED].clamp(min=0)
        pooled = (raw - domain.mean[:POOLED]) / domain.scale[:POOLED]
        target = (raw @ self.classifier.T + self.offset).softmax(1)
        return torch.cat([pooled, images[:, POOLED:]], dim=1), target

    def any_names(self) -> torch.Tensor:
        """Every class's name, each in a random prompt."""
        return _any_prompt(self.names)


def _any_prompt(texts: torch.Tensor) -> torch.Tensor:
    """(n, t) one of each row's prompts, (n, prompts, t)."""
    return texts[torch.arange(len(texts)), torch.randint(texts.shape[1], (len(texts),))]
